"""Single sign-on on both databases: what proves nothing, and is kept in bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from scim_connector.login.gate import NotAdmitted
from scim_connector.login.sso import CannotSignIn
from scim_connector.login.throttle import ANSWERS
from scim_connector.login.tickets import LIVES
from scim_connector.rules.access import OUTWARD
from tests.login.single import CLIENT, KIM, NOW, STRANGER, Single, asked, at
from tests.tokens import issuer
from tests.tokens.issuer import OTHER_KEY, jwk, signed
from tests.tokens.test_tokens_assertions import raw

# ---------------------------------------------------------------- what proves nothing


def _hmac_with_the_public_key(claims: dict[str, Any]) -> str:
    """Signed with what everybody can read, in the hope that it is taken for a secret."""
    header = {"alg": "HS256", "kid": "one", "typ": "JWT"}
    public = json.dumps(jwk(issuer.RSA_KEY, "one")).encode()
    return raw(header, claims, sha256(public).digest())


FORGED: dict[str, tuple[Callable[[dict[str, Any]], str], str]] = {
    "of another audience": (
        lambda said: signed({**said, "aud": "another client"}),
        "It is meant for 'another client', not for 'the-gate'.",
    ),
    "for several, one of them authorized": (
        lambda said: signed({**said, "aud": [CLIENT, "x"], "azp": "x"}),
        "Its authorized party (azp) is 'x', not us.",
    ),
    "of another issuer": (
        lambda said: signed({**said, "iss": "https://evil.example"}),
        "Its issuer is 'https://evil.example'",
    ),
    "of another sign-in": (
        lambda said: signed({**said, "nonce": "of another"}),
        "Its nonce is not the one of this sign-in.",
    ),
    "without a nonce": (
        lambda said: signed({k: v for k, v in said.items() if k != "nonce"}),
        "Its nonce is not the one of this sign-in.",
    ),
    "signed by another": (
        lambda said: signed(said, key=OTHER_KEY),
        "Its signature is not that of the issuer's key.",
    ),
    "unsigned": (
        lambda said: raw({"alg": "none"}, said, b""),
        "It is signed with 'none', not with RS256.",
    ),
    "signed with the public key": (
        _hmac_with_the_public_key,
        "It is signed with 'HS256', not with RS256.",
    ),
    "expired": (
        lambda said: signed({**said, "exp": NOW // 1_000_000 - 60}),
        "It ended 60 seconds ago.",
    ),
    "an access token": (
        lambda said: signed(said, typ="at+jwt"),
        "It is a token of another type: 'at+jwt'.",
    ),
    "without the claim": (
        lambda said: signed({k: v for k, v in said.items() if k != "oid"}),
        "The ID token has no claim 'oid'.",
    ),
    "with a claim that is no text": (
        lambda said: signed({**said, "oid": [KIM]}),
        "The ID token has no claim 'oid'.",
    ),
    "no token": (lambda _: "rubbish", "It is no signed JWT of three parts."),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_id_token_opens_nothing(single: Single, name: str) -> None:
    """T58 to T64, from the answer of the provider to the reason in the log."""
    forge, why = FORGED[name]
    single.add(KIM)
    begun = single.begin()
    single.openid.grant = {"id_token": forge(single.claims(begun, KIM))}

    with pytest.raises(NotAdmitted, match=OUTWARD):
        single.finish(begun)

    assert single.held() == [1, 0, 0]
    refusal = single.refusals()[0]
    assert refusal["reason"] == "token_invalid"
    assert why in refusal["why"]


@pytest.mark.parametrize(
    ("status", "grant", "why"),
    [
        (400, {"error": "invalid_grant"}, "it answered 400 invalid_grant"),
        (200, {"access_token": "x"}, "its answer holds no ID token"),
        (200, {"id_token": 5}, "its answer holds no ID token"),
        (302, {}, "it answered 302"),
        (500, {"error": ["x"]}, "it answered 500"),
    ],
)
def test_a_provider_that_gives_no_token_is_quoted(
    single: Single, status: int, grant: dict[str, Any], why: str
) -> None:
    """The code was used, or was none: the log says what the provider said."""
    begun = single.begin()
    single.openid.granting, single.openid.grant = status, grant

    with pytest.raises(NotAdmitted, match=OUTWARD):
        single.finish(begun)

    assert why in single.refusals()[0]["why"]


def test_the_code_of_another_attempt_opens_nothing(single: Single) -> None:
    """A browser with two sign-ins under way cannot mix them: the nonce tells (T64)."""
    single.add(KIM)
    mine, other = single.begin(), single.begin()
    single.openid.grant = {"id_token": signed(single.claims(other, KIM))}

    with pytest.raises(NotAdmitted):
        single.finish(mine)

    assert "Its nonce is not" in single.refusals()[0]["why"]
    with pytest.raises(CannotSignIn, match="belongs to another sign-in"):
        single.finish(mine, state=asked(other)["state"])


# ---------------------------------------------------------------------------- tickets


@pytest.mark.parametrize(("later", "good"), [(LIVES - 1, True), (LIVES, False)])
def test_a_ticket_is_good_for_ten_minutes(
    single: Single, later: int, *, good: bool
) -> None:
    """To the last microsecond, and not after it."""
    single.add(KIM)
    begun = single.begin()
    single.openid.grant = {"id_token": signed(single.claims(begun, KIM))}

    if good:
        assert single.finish(begun, at(now=NOW + later))
    else:
        with pytest.raises(CannotSignIn, match="That took too long"):
            single.finish(begun, at(now=NOW + later))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-8] + "AAAAAAAA",
        lambda text: ("A" if text[0] != "A" else "B") + text[1:],
        lambda text: text * 40,
        lambda _: "é" * 80,
    ],
)
def test_a_ticket_that_was_touched_is_none(
    single: Single, change: Callable[[str], str]
) -> None:
    """It is sealed; nothing in it can be changed or guessed, and no touch is a crash."""
    begun = single.begin()

    with pytest.raises(CannotSignIn, match="began elsewhere"):
        single.finish(replace(begun, ticket=change(begun.ticket)))


def test_a_ticket_of_another_installation_is_none(single: Single) -> None:
    """Who has another secret key seals tickets that open nothing here."""
    other = replace(single)
    begun = other.begin()
    other.configure()
    single.switch(on=True)

    with pytest.raises(CannotSignIn, match="began elsewhere"):
        replace(single, keys=type(single.keys).fresh()).finish(begun)


def test_what_is_switched_off_on_the_way_opens_nothing(single: Single) -> None:
    """An administrator who switches sign-in off stops those under way, too."""
    single.add(KIM)
    begun = single.begin()
    single.openid.grant = {"id_token": signed(single.claims(begun, KIM))}
    single.switch(on=False)

    with pytest.raises(CannotSignIn, match="is not possible now"):
        single.finish(begun)


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"issuer": "http://[::1]"}]
)
def test_who_began_at_another_provider_does_not_end_at_this_one(
    single: Single, changes: dict[str, str]
) -> None:
    """Settings that changed on the way: no code is given to whom it is not for."""
    begun = single.begin()
    single.configure(**changes)
    single.switch(on=True)

    with pytest.raises(CannotSignIn, match="changed in the meantime"):
        single.finish(begun)

    assert single.openid.forms == []


def test_strangers_do_not_fill_the_audit(single: Single) -> None:
    """So many answers that prove nothing are kept of a network; good ones always open."""
    single.add(KIM)
    begun = single.begin()
    for _ in range(ANSWERS + 5):
        with pytest.raises(NotAdmitted, match=OUTWARD):
            single.finish(begun, error="access_denied")
    kept_there = len(single.refusals())

    arrived = single.sign_in(KIM)
    with pytest.raises(NotAdmitted):
        single.sign_in(STRANGER)  # their provider has said who they are
    with pytest.raises(NotAdmitted):
        single.finish(begun, at("198.51.100.1"), error="access_denied")

    assert kept_there == ANSWERS
    assert single.is_good(arrived)
    assert len(single.refusals()) == ANSWERS + 2

"""Single sign-on on both databases: who an identity is, and what proves nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from threading import Barrier
from typing import Any

import pytest

from scim_connector.administration import users as doors
from scim_connector.directory import sso
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.sso import CannotSignIn, sealed_secret
from scim_connector.login.tickets import LIVES
from scim_connector.rules.access import OUTWARD
from scim_connector.scim.types import LOCAL
from scim_connector.tokens import kept
from tests import house
from tests.house import events_of, patch_of
from tests.login.single import ADDRESS, CLIENT, NOW, Single, asked, at
from tests.tokens import issuer
from tests.tokens.issuer import OTHER_KEY, jwk, signed
from tests.tokens.test_tokens_assertions import raw

#: An identity as Entra sends it.
KIM = "5e4a9e8c-8d0f-4c57-9f3e-1d3f7c1d0a01"
STRANGER = "5e4a9e8c-8d0f-4c57-9f3e-1d3f7c1d0a02"


@pytest.fixture
def single(database: Database) -> Iterator[Single]:
    """A connection of Entra on each database, and its provider."""
    made = house.provider(database)
    made.set(allow_api_users=True)
    with issuer.running() as openid:
        yield Single(house.Provider(database, made.connection), openid)


# --------------------------------------------------------------------------- binding


def test_the_first_sign_in_binds_and_the_second_goes_by_the_binding(
    single: Single,
) -> None:
    """R26: from then on (issuer, subject) is the person, whatever else is sent."""
    link_id, user = single.add(KIM)
    first = single.sign_in(KIM)
    single.people.patch(link_id, patch_of(externalId=STRANGER))

    second = single.sign_in(KIM, oid=None)

    assert single.is_good(first)
    assert single.is_good(second)
    reader = single.database.reader()
    assert sso.of_user(reader, user.id) == [(single.openid.base, f"pairwise-{KIM}")]
    assert events_of(single.database, user.id).count("sign_in:bound") == 1


def test_another_subject_of_the_same_object_is_bound_as_well(single: Single) -> None:
    """A new registration at the provider gives everybody another subject (pairwise)."""
    _, user = single.add(KIM)
    single.sign_in(KIM)

    again = single.sign_in(KIM, sub="of the new registration")

    assert single.is_good(again)
    assert len(sso.of_user(single.database.reader(), user.id)) == 2


def test_two_first_sign_ins_at_once_bind_once(single: Single) -> None:
    """The one that is second finds the binding of the first, and nobody is refused."""
    _, user = single.add(KIM)
    begun = [single.begin() for _ in range(4)]
    tokens = [signed(single.claims(each, KIM)) for each in begun]
    start = Barrier(len(begun))
    reader = single.database.reader()
    offered = sso.offered(reader)[0]

    def arrive(number: int) -> object:
        said = single.sign_on.judge(
            offered[0], tokens[number], client_id=CLIENT, oldest=300, now=NOW
        )
        start.wait(10)
        return single.database.write(
            lambda tx: single.sign_on.admit_identity(tx, *offered, said, at())
        )

    with ThreadPoolExecutor(len(begun)) as pool:
        opened = list(pool.map(arrive, range(len(begun))))

    assert len(set(map(str, opened))) == len(begun)
    assert single.held() == [1, len(begun), 1]
    assert events_of(single.database, user.id).count("sign_in:bound") == 1


def test_who_came_back_is_bound_anew(single: Single) -> None:
    """Decision 12: a return is a fresh start, the former binding has gone."""
    link_id, user = single.add(KIM)
    single.sign_in(KIM)
    single.people.delete(link_id)

    single.add(KIM)

    assert sso.of_user(single.database.reader(), user.id) == []
    assert single.is_good(single.sign_in(KIM))


def test_the_database_binds_no_api_user(single: Single) -> None:
    """Past every rule, the keys refuse the row (decision 21)."""
    _, robot = single.add(KIM, **{LOCAL: {"apiUser": True}})

    with pytest.raises(ConstraintBroken):
        single.database.write(
            lambda tx: sso.bind(
                tx,
                single.openid.base,
                "a subject",
                user_id=robot.id,
                connection_id=single.people.connection.id,
                now=NOW,
            )
        )


# ------------------------------------------------------------------------ who is refused


def _unknown(single: Single) -> str:
    single.add(KIM)
    return STRANGER


def _api_user(single: Single) -> str:
    single.add(KIM, **{LOCAL: {"apiUser": True}})
    return KIM


def _inactive(single: Single) -> str:
    single.add(KIM, active=False)
    return KIM


def _removed(single: Single) -> str:
    link_id, _ = single.add(KIM)
    single.sign_in(KIM)
    single.people.delete(link_id)
    return KIM


def _unlinked(single: Single) -> str:
    _, user = single.add(KIM)
    single.sign_in(KIM)
    single.database.write(lambda tx: doors.log_out(tx, user, house.operator()))
    single.database.write(lambda tx: doors.unlink(tx, user, house.operator()))
    return KIM


def _one_too_many(single: Single) -> str:
    single.add(STRANGER)
    single.sign_in(STRANGER)
    single.add(KIM)
    single.sessions._limit = 1
    return KIM


@pytest.mark.parametrize(
    ("who", "reason", "hint"),
    [
        (_unknown, "unknown_user", "In Entra: Attribute mapping > externalId"),
        (_api_user, "api_user_no_login", ""),
        (_inactive, "inactive", ""),
        (_removed, "inactive", ""),
        (_unlinked, "unlinked", ""),
        (_one_too_many, "session_limit", ""),
    ],
)
def test_who_is_refused_reads_the_same_and_leaves_nothing(
    single: Single, who: Callable[[Single], str], reason: str, hint: str
) -> None:
    """R25: one sentence outside, the exact reason in audit; no account, no session."""
    oid = who(single)
    before = single.held()

    with pytest.raises(NotAdmitted) as refused:
        single.sign_in(oid)

    assert str(refused.value) == OUTWARD
    assert single.held() == before
    kept_there = single.refusals()[0]
    assert kept_there["reason"] == reason
    assert kept_there["connection"] == "entra"
    assert kept_there["application"] == "nextgen"
    assert hint in kept_there.get("hint", "")


@pytest.mark.parametrize("claim", ["email", "preferred_username", "upn", "sub"])
def test_no_other_claim_than_the_chosen_one_finds_anybody(
    single: Single, claim: str
) -> None:
    """nOAuth: whoever writes an address or an id of somebody into a claim is nobody."""
    single.add(KIM)
    said = {"email": f"{KIM}@contoso.com", "sub": KIM}

    with pytest.raises(NotAdmitted):
        single.sign_in(STRANGER, **{claim: said.get(claim, f"{KIM}@contoso.com")})

    assert single.held() == [1, 0, 0]


def test_an_object_id_is_compared_to_the_letter(single: Single) -> None:
    """Another case is another identity: externalId is case-exact (RFC 7643 §3.1)."""
    single.add(KIM)

    with pytest.raises(NotAdmitted):
        single.sign_in(KIM.upper())


def test_two_people_of_one_external_id_are_nobody(single: Single) -> None:
    """It is not guessed which of them it is."""
    single.people.post(house.person("one@contoso.com", externalId=KIM))
    single.people.post(house.person("two@contoso.com", externalId=KIM))

    with pytest.raises(NotAdmitted):
        single.sign_in(KIM)

    assert "Several identities have" in single.refusals()[0]["hint"]


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


# --------------------------------------------------------------- asking the provider


@pytest.mark.parametrize(
    ("secret", "methods", "by"),
    [
        (None, None, "nothing"),
        ("of ours: +", None, "basic"),
        ("of ours: +", ["client_secret_basic", "client_secret_post"], "basic"),
        ("of ours: +", ["client_secret_post"], "form"),
    ],
)
def test_a_code_is_redeemed_as_the_standards_say(
    single: Single, secret: str | None, methods: list[str] | None, by: str
) -> None:
    """The verifier fits the challenge (RFC 7636), the secret goes where it is taken."""
    single.add(KIM)
    if methods:
        single.openid.says = {"token_endpoint_auth_methods_supported": methods}
    sealed = sealed_secret(single.keys, secret) if secret else None
    single.configure(client_secret=sealed)
    single.switch(on=True)
    begun = single.begin()
    single.openid.grant = {"id_token": signed(single.claims(begun, KIM))}

    single.finish(begun, code="the code")

    form, login = single.openid.forms[-1], single.openid.logins[-1]
    digest = sha256(form.pop("code_verifier").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert challenge == asked(begun)["code_challenge"]
    sent_secret = {"client_secret": secret} if by == "form" else {}
    named = {} if by == "basic" else {"client_id": CLIENT}
    assert form == {
        "grant_type": "authorization_code",
        "code": "the code",
        "redirect_uri": f"{ADDRESS}/login/callback",
        **named,
        **sent_secret,
    }
    basic = base64.b64encode(b"the-gate:of+ours%3A+%2B").decode()
    assert login == (f"Basic {basic}" if by == "basic" else None)


def test_a_provider_with_new_keys_is_believed_within_a_minute(single: Single) -> None:
    """Rotated keys are fetched when a token names one, at most once a minute (T75)."""
    single.add(KIM)
    single.sign_in(KIM)
    single.openid.keys = [jwk(OTHER_KEY, "two")]

    def sign_in() -> object:
        begun = single.begin()
        text = signed(single.claims(begun, KIM), key=OTHER_KEY, kid="two")
        single.openid.grant = {"id_token": text}
        return single.finish(begun)

    with pytest.raises(NotAdmitted):
        sign_in()
    single.clock[0] += kept.COOL_DOWN

    assert sign_in()
    assert "Its key 'two' is not among" in single.refusals()[0]["why"]
    with pytest.raises(NotAdmitted):
        single.sign_in(KIM)  # the former key is of use to nobody


def test_a_provider_whose_key_set_fails_serves_who_knows_it(single: Single) -> None:
    """A process that has the keys goes on for a day, a new one says so (T75)."""
    single.add(KIM)
    single.sign_in(KIM)
    single.openid.status = 500
    single.clock[0] += kept.STALE - 1

    assert single.sign_in(KIM)
    cold = replace(single)
    with pytest.raises(CannotSignIn, match="does not answer") as told:
        cold.sign_in(KIM)
    assert told.value.status == 502
    assert cold.refusals() == []


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "mfa"}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "mfa"}, False),
        ({"amr": [["mfa"], None, {}], "acr": ["mfa"]}, False),
        ({}, False),
    ],
)
def test_a_second_factor_counts_where_the_provider_says_so(
    single: Single, said: dict[str, Any], *, counts: bool
) -> None:
    """By the values of ``amr`` and ``acr`` that were chosen for the connection."""
    single.add(KIM)
    single.configure(second_factor=("mfa",))
    single.switch(on=True)

    arrived = single.sign_in(KIM, **said)

    found = single.sessions.verify(str(arrived.token), client="nextgen", now=NOW)
    assert found is not None
    assert found.session.second_factor == counts


def test_nobody_is_found_through_another_connection(single: Single) -> None:
    """Whom another connection provisioned is nobody at this one, under the same id."""
    house.provider(single.database, "okta").post(
        house.person("kim@fabrikam.com", externalId=KIM)
    )

    with pytest.raises(NotAdmitted):
        single.sign_in(KIM)

    assert single.held() == [1, 0, 0]

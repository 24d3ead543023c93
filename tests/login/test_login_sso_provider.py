"""Single sign-on on both databases: how the provider is asked, and what it is believed."""

from __future__ import annotations

import base64
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from scim_connector.login.gate import NotAdmitted
from scim_connector.login.sso import CannotSignIn
from scim_connector.login.trials import sealed_secret
from scim_connector.tokens import kept
from tests import house
from tests.login.single import ADDRESS, CLIENT, KIM, NOW, Single, asked
from tests.tokens.issuer import OTHER_KEY, jwk, signed

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

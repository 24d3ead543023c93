"""ID tokens: only what a provider said to us, now, about this very sign-in, is believed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scim_connector.tokens import id_token, kept
from scim_connector.tokens.assertions import BadAssertion
from scim_connector.tokens.id_token import Expected, Identity
from scim_connector.tokens.jwks import KeySource
from tests.tokens import issuer
from tests.tokens.issuer import OTHER_KEY, RSA_KEY, jwk, signed
from tests.tokens.test_tokens_assertions import raw

ISSUER = "https://login.contoso.example"
CLIENT = "the-gate"
EXPECTED = Expected(ISSUER, CLIENT, "https://keys.example", nonce="n-0S6")
NOW = int(time.time())


def claims(**changes: Any) -> dict[str, Any]:
    """What a provider puts into an ID token; a change to None leaves a claim out."""
    whole = {
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT,
        "nonce": "n-0S6",
        "iat": NOW,
        "exp": NOW + 600,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def key_of(_: str, kid: str | None) -> Any:
    if kid not in {"one", None}:
        raise BadAssertion("unknown_key", str(kid))
    return RSA_KEY.public_key()


def verify(text: str, expected: Expected = EXPECTED) -> Identity:
    return id_token.verify(text, expected, key_of, now=NOW * 1_000_000)


FORGED: dict[str, tuple[str, str]] = {
    "no token": ("", "no_jwt"),
    "rubbish": ("!!.??.//", "unreadable"),
    "huge": (f"{'a' * 17_000}.b.c", "too_large"),
    "a claim twice": (raw({"alg": "RS256"}, b'{"sub": "a", "sub": "b"}'), "unreadable"),
    "alg none": (raw({"alg": "none", "kid": "one"}, claims(), b""), "algorithm"),
    "HMAC": (signed(claims(), key="k" * 40, algorithm="HS256"), "algorithm"),
    "another algorithm": (signed(claims(), algorithm="PS256"), "algorithm"),
    "crit": (signed(claims(), crit=["exp"], exp=NOW), "critical"),
    "its own key": (signed(claims(), jwk=jwk(OTHER_KEY, "one")), "embedded_key"),
    "an address of keys": (
        signed(claims(), jku="https://evil.example"),
        "embedded_key",
    ),
    "an access token": (signed(claims(), typ="at+jwt"), "type"),
    "a logout token": (signed(claims(), typ="logout+jwt"), "type"),
    "an empty kid": (signed(claims(), kid=""), "kid"),
    "a kid that is a path": (signed(claims(), kid="../../dev/null"), "unknown_key"),
    "another key, the right header": (signed(claims(), key=OTHER_KEY), "signature"),
    "changed afterwards": (signed(claims())[:-8] + "AAAAAAAA", "signature"),
    "no signature": (signed(claims()).rpartition(".")[0] + ".", "signature"),
    "another issuer": (signed(claims(iss="https://evil.example")), "issuer"),
    "issuer with a slash": (signed(claims(iss=f"{ISSUER}/")), "issuer"),
    "no issuer": (signed(claims(iss=None)), "issuer"),
    "another audience": (signed(claims(aud="other")), "audience"),
    "nearly our audience": (signed(claims(aud=f"{CLIENT}-2")), "audience"),
    "no audience": (signed(claims(aud=None)), "audience"),
    "several, nobody authorized": (
        signed(claims(aud=[CLIENT, "other"])),
        "authorized_party",
    ),
    "several, another authorized": (
        signed(claims(aud=[CLIENT, "other"], azp="other")),
        "authorized_party",
    ),
    "another authorized": (signed(claims(azp="other")), "authorized_party"),
    "no subject": (signed(claims(sub=None)), "subject"),
    "an empty subject": (signed(claims(sub="")), "subject"),
    "a subject in a list": (
        raw({"alg": "RS256", "kid": "one"}, claims(sub=["a"])),
        "subject",
    ),
    "a long subject": (signed(claims(sub="a" * 256)), "subject"),
    "no nonce": (signed(claims(nonce=None)), "nonce"),
    "another nonce": (signed(claims(nonce="of another sign-in")), "nonce"),
    "a nonce in a list": (signed(claims(nonce=["n-0S6"])), "nonce"),
    "a logout event": (signed(claims(events={})), "other_token"),
    "an access token of Entra": (signed(claims(scp="User.Read")), "other_token"),
    "expired": (signed(claims(iat=NOW - 700, exp=NOW - 61)), "expired"),
    "no expiry": (signed(claims(exp=None)), "no_expiry"),
    "no time of issue": (signed(claims(iat=None)), "no_issue_time"),
    "issued tomorrow": (signed(claims(iat=NOW + 3600, exp=NOW + 7200)), "not_yet"),
    "for a year": (signed(claims(exp=NOW + 365 * 86400)), "lives_too_long"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_id_token_is_refused_for_its_reason(name: str) -> None:
    """Each is refused, and for what is wrong with it (security §2.6, T58 to T64)."""
    text, reason = FORGED[name]

    with pytest.raises(BadAssertion) as refused:
        verify(text)

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(signed(claims()), id="plain"),
        pytest.param(signed(claims(aud=[CLIENT])), id="a list of one"),
        pytest.param(signed(claims(aud=[CLIENT, "x"], azp=CLIENT)), id="authorized"),
        pytest.param(signed(claims(exp=NOW - 59, iat=NOW - 100)), id="a slow clock"),
        pytest.param(signed(claims(iat=NOW + 59)), id="a fast clock"),
        pytest.param(signed(claims(), kid=None), id="no key named"),
    ],
)
def test_a_good_id_token_is_believed(text: str) -> None:
    """What the standard allows is taken, with a minute of leeway."""
    identity = verify(text)

    assert (identity.issuer, identity.subject) == (ISSUER, "248289761001")


def test_a_token_that_was_not_asked_for_must_be_young() -> None:
    """In a token exchange there is no nonce; five minutes is the oldest it may be."""
    exchange = Expected(ISSUER, CLIENT, "https://keys.example", oldest=300)
    old = signed(claims(nonce=None, iat=NOW - 301))

    with pytest.raises(BadAssertion) as refused:
        verify(old, exchange)

    assert refused.value.reason == "too_old"
    assert verify(signed(claims(nonce=None, iat=NOW - 300)), exchange)


# -------------------------------------------------------------------- keys without a name


def test_the_only_key_serves_a_token_that_names_none() -> None:
    """A key set of one need not name it (OpenID Connect Core §10.1); it may rotate."""
    clock = [0.0]
    with issuer.running() as served:
        for key in served.keys:
            del key["kid"]
        source = KeySource(lambda: clock[0])
        first = source.key(served.url, None)
        served.keys = [jwk(OTHER_KEY, "two")]
        clock[0] += kept.COOL_DOWN
        second = source.key(served.url, None)

    assert first == RSA_KEY.public_key()
    assert second == OTHER_KEY.public_key()
    assert served.asked == 2


def test_of_several_keys_one_must_be_named() -> None:
    """Nothing is tried out: a token that names none of several keys is refused."""
    with issuer.running() as served:
        served.keys = [jwk(RSA_KEY, "one"), jwk(OTHER_KEY, "two")]
        source = KeySource()

        with pytest.raises(BadAssertion, match="its issuer has 2"):
            source.key(served.url, None)

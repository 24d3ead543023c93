"""Assertions of an issuer: one way to be right, and many to be refused."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.tokens import assertions, jwks, kept
from scim_connector.tokens.assertions import BadAssertion, KeysUnavailable, Terms
from tests.tokens import issuer
from tests.tokens.issuer import (
    AUDIENCE,
    EC_KEY,
    ISSUER,
    OTHER_KEY,
    RSA_KEY,
    SUBJECT,
    TENANT,
    WEAK_KEY,
    claims,
    jwk,
    signed,
)

TERMS = Terms(
    issuer=ISSUER,
    jwks_url="https://keys.example",
    subject=SUBJECT,
    audiences=frozenset({AUDIENCE, "api://scim-connector/.default"}),
    tenant=TENANT,
)


def key_of(_: str, kid: str) -> Any:
    if kid != "one":
        raise BadAssertion("unknown_key", kid)
    return RSA_KEY.public_key()


def verify(text: str, terms: Terms = TERMS) -> assertions.Proof:
    return assertions.verify(text, terms, key_of, now=time.time_ns() // 1000)


def raw(header: Any, payload: Any, signature: bytes = b"x") -> str:
    """A token of any parts, encoded as JSON where they are no bytes."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode()
        for part in (header, payload, signature)
    ]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)


NOW = int(time.time())
FORGED: dict[str, tuple[str, str]] = {
    "no token": ("", "no_jwt"),
    "two parts": ("a.b", "no_jwt"),
    "rubbish": ("!!.??.//", "unreadable"),
    "no object": (raw([], {}), "unreadable"),
    "a claim twice": (
        raw({"alg": "RS256"}, b'{"iss": "a", "iss": "b"}'),
        "unreadable",
    ),
    "huge": (f"{'a' * 17_000}.b.c", "too_large"),
    "alg none": (raw({"alg": "none", "kid": "one"}, claims()), "algorithm"),
    "HMAC with the public key": (
        signed(key="k" * 40, algorithm="HS256"),
        "algorithm",
    ),
    "another algorithm": (signed(algorithm="RS512"), "algorithm"),
    "crit": (signed(crit=["exp"], exp=NOW), "critical"),
    "unencoded payload": (
        raw({"alg": "RS256", "kid": "one", "b64": False}, claims()),
        "critical",
    ),
    "its own key": (signed(jwk=jwk(OTHER_KEY, "one")), "embedded_key"),
    "an address of keys": (signed(jku="https://evil.example"), "embedded_key"),
    "a certificate": (signed(x5c=["MII"]), "embedded_key"),
    "an access token": (signed(typ="at+jwt"), "type"),
    "a logout token": (signed(typ="logout+jwt"), "type"),
    "no key named": (signed(kid=None), "kid"),
    "an unknown key": (signed(kid="two"), "unknown_key"),
    "another key": (signed(key=OTHER_KEY), "signature"),
    "changed afterwards": (signed()[:-8] + "AAAAAAAA", "signature"),
    "another issuer": (signed(claims(iss="https://evil.example")), "issuer"),
    "issuer with a slash": (signed(claims(iss=f"{ISSUER}/")), "issuer"),
    "no issuer": (signed(claims(iss=None)), "issuer"),
    "another audience": (signed(claims(aud="api://other")), "audience"),
    "a further audience": (signed(claims(aud=[AUDIENCE, "api://other"])), "audience"),
    "no audience": (signed(claims(aud=None)), "audience"),
    "an empty list": (signed(claims(aud=[])), "audience"),
    "another subject": (signed(claims(sub="somebody")), "subject"),
    "no subject": (signed(claims(sub=None)), "subject"),
    "another tenant": (signed(claims(tid="other")), "tenant"),
    "no tenant": (signed(claims(tid=None)), "tenant"),
    "an ID token": (signed(claims(nonce="n")), "other_token"),
    "a logout event": (signed(claims(events={})), "other_token"),
    "expired": (signed(claims(exp=NOW - 120)), "expired"),
    "no expiry": (signed(claims(exp=None)), "no_expiry"),
    "an expiry in words": (
        raw({"alg": "RS256", "kid": "one"}, claims(exp="x")),
        "time",
    ),
    "from tomorrow": (signed(claims(nbf=NOW + 3600)), "not_yet"),
    "issued tomorrow": (signed(claims(iat=NOW + 3600, nbf=None)), "not_yet"),
    "for a year": (signed(claims(exp=NOW + 365 * 86400)), "lives_too_long"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_assertion_is_refused_for_its_reason(name: str) -> None:
    """T58 to T63: each with the reason an administrator reads."""
    text, reason = FORGED[name]
    with pytest.raises(BadAssertion) as refusal:
        verify(text)

    assert refusal.value.reason == reason
    assert str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        signed(),
        signed(claims(aud=[AUDIENCE])),
        signed(claims(aud="api://scim-connector/.default")),
        signed(claims(nbf=None, iat=None)),
        signed(typ=None),
    ],
)
def test_a_good_assertion_is_taken(text: str) -> None:
    """Any of the audiences; optional claims may be missing."""
    assert verify(text).subject == SUBJECT


def test_a_minute_of_leeway_is_given() -> None:
    """Clocks differ: what ended half a minute ago is taken still."""
    assert verify(signed(claims(exp=int(time.time()) - 30))).subject == SUBJECT


def test_a_good_assertion_may_be_signed_on_a_curve() -> None:
    """ES256, where that is what was agreed on."""
    terms = Terms(ISSUER, "u", SUBJECT, frozenset({AUDIENCE}), algorithm="ES256")
    text = signed(key=EC_KEY, algorithm="ES256")
    found = assertions.verify(
        text, terms, lambda *_: EC_KEY.public_key(), now=time.time_ns() // 1000
    )

    assert found.subject == SUBJECT


def test_one_assertion_is_known_again() -> None:
    """By its jti or uti, so that another signature of the same one is a replay."""
    same = claims(uti="u")

    assert verify(signed(same)).digest == verify(signed({**same, "x": 1})).digest
    assert verify(signed(claims())).digest != verify(signed(claims())).digest


@given(st.text(), st.dictionaries(st.text(), st.none() | st.integers() | st.text()))
def test_nothing_else_is_ever_raised(text: str, payload: dict[str, Any]) -> None:
    """Whatever is sent, it is refused."""
    for token in (text, raw({"alg": "RS256", "kid": "one"}, payload)):
        with pytest.raises(BadAssertion):
            verify(token)


# ------------------------------------------------------------------------------- keys


def source(clock: list[float]) -> jwks.KeySource:
    return jwks.KeySource(lambda: clock[0])


def test_keys_are_fetched_once_and_kept() -> None:
    """An hour without asking again; then once more."""
    clock = [0.0]
    with issuer.running() as served:
        keys = source(clock)
        for _ in range(5):
            keys.key(served.url, "one")
        before = served.asked
        clock[0] += kept.FRESH
        keys.key(served.url, "one")

    assert (before, served.asked) == (1, 2)


def test_a_rotated_key_is_found_and_an_unknown_one_asks_rarely() -> None:
    """One fetch a minute, however many unknown ids come."""
    clock = [0.0]
    with issuer.running() as served:
        keys = source(clock)
        keys.key(served.url, "one")
        served.keys = [jwk(OTHER_KEY, "two"), jwk(EC_KEY, "three")]
        with pytest.raises(BadAssertion):
            keys.key(served.url, "two")
        clock[0] += kept.COOL_DOWN
        rotated = keys.key(served.url, "two")
        for name in ("four", "five", "six"):
            with pytest.raises(BadAssertion, match="not among the keys"):
                keys.key(served.url, name)

    assert rotated.public_numbers() == OTHER_KEY.public_key().public_numbers()
    assert served.asked == 2


def test_an_outage_is_bridged_for_a_day() -> None:
    """Warm keys serve, cold ones fail closed; an issuer that is down is asked rarely."""
    clock = [0.0]
    with issuer.running() as served:
        keys = source(clock)
        keys.key(served.url, "one")
        served.status = 500
        clock[0] += kept.STALE - 1
        assert keys.key(served.url, "one") is not None
        clock[0] += 2 + kept.COOL_DOWN
        with pytest.raises(KeysUnavailable, match="500"):
            keys.key(served.url, "one")
        cold = source(clock)
        for _ in range(3):
            with pytest.raises(KeysUnavailable):
                cold.key(served.url, "one")

    assert served.asked == 4


def test_after_an_outage_keys_are_there_within_seconds() -> None:
    """An issuer that did not answer is asked again soon, and not at once."""
    clock = [0.0]
    with issuer.running() as served:
        served.status = 503
        keys = source(clock)
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                keys.key(served.url, "one")
        served.status = 200
        clock[0] += kept.RETRY

        assert keys.key(served.url, "one") == RSA_KEY.public_key()

    assert served.asked == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
            "answered 302",
        ),
        ({"body": b"[" * 2_000_000}, "larger than"),
        ({"body": b"<html>"}, "no JSON object"),
        ({"body": b'{"keys": 7}'}, "no list"),
        ({"slowly": True}, "longer than 3 seconds"),
    ],
)
def test_a_strange_key_set_is_not_taken(changes: dict[str, Any], why: str) -> None:
    """T75: no redirect, a size, a deadline for the whole."""
    with issuer.running() as served:
        for name, value in changes.items():
            setattr(served, name, value)
        with pytest.raises(jwks.CannotFetch, match=why):
            jwks.fetch(served.url)


def test_only_strong_keys_for_signatures_are_taken() -> None:
    """A weak key, one for encryption and a secret one are passed over."""
    with issuer.running() as served:
        served.keys = [
            jwk(RSA_KEY, "good"),
            jwk(WEAK_KEY, "weak"),
            jwk(OTHER_KEY, "encryption", use="enc"),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
            {**jwk(OTHER_KEY, "private"), "d": "AQAB"},
            {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
            {"kty": ["RSA"], "kid": "listed"},
            {**jwk(OTHER_KEY, "huge"), "n": "_" * 11_000},
            "rubbish",  # type: ignore[list-item]
        ]
        found = jwks.fetch(served.url)

    assert set(found) == {"good"}


@pytest.mark.parametrize(
    "url", ["http://keys.example/", "ftp://x", "file:///etc/passwd", "", "https://"]
)
def test_keys_come_over_https_alone(url: str) -> None:
    """Or over http from this machine itself."""
    assert jwks.refuse_address(url) is not None
    assert jwks.refuse_address("http://127.0.0.1:8/keys") is None
    with pytest.raises(jwks.CannotFetch):
        jwks.fetch(url)


def test_a_mirrored_signature_is_no_other_assertion() -> None:
    """Of a signature on a curve (r, s) anybody makes a second good one: (r, n - s).

    Without a jti or uti an assertion is known by what was signed, so it is no second
    assertion (T62).
    """
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    terms = replace(TERMS, algorithm="ES256")

    def on_curve(text: str) -> assertions.Proof:
        now = time.time_ns() // 1000
        return assertions.verify(text, terms, lambda *_: EC_KEY.public_key(), now=now)

    text = signed(claims(uti=None), key=EC_KEY, algorithm="ES256")
    head, _, signature = text.rpartition(".")
    both = base64.urlsafe_b64decode(f"{signature}==")
    mirrored = (order - int.from_bytes(both[32:])).to_bytes(32)
    second = base64.urlsafe_b64encode(both[:32] + mirrored).rstrip(b"=").decode()
    other = signed(claims(uti=None, nbf=1), key=EC_KEY, algorithm="ES256")

    assert second != signature
    assert on_curve(f"{head}.{second}").digest == on_curve(text).digest
    assert on_curve(other).digest != on_curve(text).digest

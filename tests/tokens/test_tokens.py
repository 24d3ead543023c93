"""Tokens and keys: what opens, what does not, and what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.tokens import opaque
from scim_connector.tokens.secrets import SecretKeys, WrongKey

PEPPER = b"p" * 32


def test_a_token_opens_its_own_hash_alone() -> None:
    """Only the token itself, with the right pepper, opens what is stored."""
    token, other = opaque.mint(), opaque.mint()
    stored = opaque.hashed(token, PEPPER)

    assert opaque.opens(token, stored, PEPPER)
    assert not opaque.opens(other, stored, PEPPER)
    assert not opaque.opens(token, stored, b"q" * 32)
    assert token.secret not in stored


def test_a_token_is_read_as_it_was_written() -> None:
    """The text a person pastes gives the token back, and hides itself in logs."""
    token = opaque.mint()

    assert opaque.parse(str(token)) == token
    assert token.secret not in repr(token)


@given(st.text(max_size=80))
def test_anything_else_is_no_token(text: str) -> None:
    """No other text is taken for a token, and none raises."""
    assert opaque.parse(text) is None


def test_keys_are_read_as_they_were_written() -> None:
    """The key file holds one key a line, the newest first."""
    keys = SecretKeys.fresh().rotated()

    assert SecretKeys.parse(keys.text()) == keys
    assert keys.text().splitlines()[0] not in repr(keys)


@pytest.mark.parametrize("text", ["", "\n", "short", "!" * 44, "QUJD"])
def test_another_text_is_no_key(text: str) -> None:
    """A key is 32 bytes in base64, or it is refused."""
    with pytest.raises(WrongKey):
        SecretKeys.parse(text)


def test_after_a_rotation_old_values_still_open() -> None:
    """Old keys are kept for reading; a purpose never opens another's value (D6)."""
    keys = SecretKeys.fresh()
    sealed = keys.encrypt(b"secret", "smtp")
    rotated = keys.rotated()

    assert rotated.decrypt(sealed, "smtp") == b"secret"
    assert rotated.encrypt(b"secret", "smtp") != sealed
    assert set(keys.check_values()) <= set(rotated.check_values())
    assert set(keys.peppers()) <= set(rotated.peppers())
    with pytest.raises(WrongKey):
        rotated.decrypt(sealed, "oidc")
    with pytest.raises(WrongKey):
        SecretKeys.fresh().decrypt(sealed, "smtp")

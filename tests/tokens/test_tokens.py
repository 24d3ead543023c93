"""Tokens and keys: what opens, what does not, and what is never shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.tokens import opaque
from scim_connector.tokens.secrets import SecretKeys, WrongKey

PEPPER = b"p" * 32
KEYS = (b"k" * 32, b"o" * 32)


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


@pytest.mark.parametrize(
    "near",
    [
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.upper(),
        lambda text: text.replace("_", "-", 1),
        lambda text: text[:-1] + "é",
        lambda text: text.replace("scimc", "scimd"),
        lambda text: text[:6] + "1" + text[7:],
    ],
)
def test_nearly_a_token_is_none(near: Callable[[str], str]) -> None:
    """A line break, a lost or a foreign character: nothing is guessed."""
    assert opaque.parse(near(str(opaque.mint()))) is None


@given(st.integers(0, 42), st.sampled_from("aZ09_-"))
def test_one_other_character_opens_nothing(place: int, other: str) -> None:
    """Every character of the secret counts."""
    token = opaque.mint()
    secret = token.secret[:place] + other + token.secret[place + 1 :]
    changed = opaque.Token(token.id, secret)

    opened = opaque.opens(changed, opaque.hashed(token, PEPPER), PEPPER)

    assert opened == (changed == token)


def test_a_token_of_another_id_opens_nothing() -> None:
    """The id is part of what is hashed: a row cannot be given another's hash."""
    token = opaque.mint()
    moved = opaque.Token(opaque.mint().id, token.secret)

    assert not opaque.opens(moved, opaque.hashed(token, PEPPER), PEPPER)


def test_no_two_tokens_are_alike() -> None:
    """Ids and secrets are new each time."""
    minted = [opaque.mint() for _ in range(200)]

    assert len({token.id for token in minted}) == 200
    assert len({token.secret for token in minted}) == 200


def test_each_purpose_has_a_key_of_its_own() -> None:
    """Peppers, check values and ciphers of one key have nothing in common (D6)."""
    keys = SecretKeys.fresh()
    (pepper,), (check,) = keys.peppers(), keys.check_values()

    assert len(pepper) == 32
    assert pepper.hex() != check
    assert keys.keys[0] != pepper
    assert keys.peppers() == (pepper,)
    assert SecretKeys.fresh().check_values() != (check,)


@given(st.binary(max_size=60), st.integers(0, 80))
def test_a_changed_ciphertext_is_refused(plain: bytes, place: int) -> None:
    """One flipped bit anywhere, or a cut, and nothing is decrypted."""
    keys = SecretKeys(KEYS)
    sealed = bytearray(keys.encrypt(plain, "smtp"))
    sealed[place % len(sealed)] ^= 1

    assert keys.decrypt(keys.encrypt(plain, "smtp"), "smtp") == plain
    with pytest.raises(WrongKey):
        keys.decrypt(bytes(sealed), "smtp")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_ciphertext_is_refused(length: int) -> None:
    """Too short for a nonce or a tag is not a crash."""
    keys = SecretKeys(KEYS)

    with pytest.raises(WrongKey):
        keys.decrypt(keys.encrypt(b"secret", "smtp")[:length], "smtp")


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

"""Errors, notes and the table of quirks."""

from __future__ import annotations

import pytest

from scim_connector.scim import errors
from scim_connector.scim.dialects import BY_NAME, DIALECTS, QUIRKS, Dialect
from scim_connector.scim.notes import Notes


@pytest.mark.parametrize(
    ("kind", "status", "scim_type"),
    [
        (errors.InvalidSyntax, 400, "invalidSyntax"),
        (errors.InvalidFilter, 400, "invalidFilter"),
        (errors.InvalidPath, 400, "invalidPath"),
        (errors.InvalidValue, 400, "invalidValue"),
        (errors.NoTarget, 400, "noTarget"),
        (errors.Mutability, 400, "mutability"),
        (errors.TooMany, 400, "tooMany"),
        (errors.InvalidCursor, 400, "invalidCursor"),
        (errors.ExpiredCursor, 400, "expiredCursor"),
        (errors.InvalidCount, 400, "invalidCount"),
        (errors.Unauthenticated, 401, None),
        (errors.Forbidden, 403, None),
        (errors.Sensitive, 403, "sensitive"),
        (errors.NotFound, 404, None),
        (errors.MethodNotAllowed, 405, None),
        (errors.Uniqueness, 409, "uniqueness"),
        (errors.VersionMismatch, 412, None),
        (errors.TooLarge, 413, None),
        (errors.UnsupportedMediaType, 415, None),
        (errors.TooManyRequests, 429, None),
        (errors.NotSupported, 501, None),
        (errors.Unavailable, 503, None),
    ],
)
def test_each_error_has_the_status_and_type_of_the_standard(kind, status, scim_type):
    """RFC 7644 section 3.12, table 9: status is text, scimType only where defined."""
    error = kind("Say what to change.", retry_after=5, allow=("GET",))

    expected = {"schemas": [errors.ERROR], "status": str(status)}
    if scim_type:
        expected["scimType"] = scim_type
    assert error.body() == expected | {"detail": "Say what to change."}
    assert (error.status, error.retry_after, error.allow) == (status, 5, ("GET",))


def test_notes_are_bounded():
    """A hostile body cannot fill the notes: 100 names of 200 characters."""
    notes = Notes()
    for number in range(500):
        notes.add_unknown(f"{number}" + "x" * 1000)
        notes.add_ignored(f"{number}" + "x" * 1000, "readOnly")

    assert len(notes.unknown) == len(notes.ignored) == 100
    assert all(len(name) == 200 for name in notes.unknown)


def test_every_quirk_is_named_once_and_sourced():
    """Each row names vendor, what is sent, how it is handled and its source."""
    assert len(BY_NAME) == len(QUIRKS)
    for quirk in QUIRKS:
        assert quirk.vendors
        assert quirk.sent
        assert quirk.handled
        assert quirk.source


def test_a_quirk_that_the_standard_asks_for_cannot_be_switched_off():
    """Only leniency has a switch; an unknown name is refused with the choice."""
    with pytest.raises(ValueError, match="choose from: capitalised-op"):
        Dialect("entra", frozenset({"attribute-case"}))
    with pytest.raises(ValueError, match="cannot be switched off"):
        Dialect("entra", frozenset({"nope"}))


def test_a_dialect_allows_what_is_not_switched_off():
    """All tolerances are on unless a connection switches one off."""
    dialect = Dialect("okta", frozenset({"string-boolean"}))

    assert not dialect.allows("string-boolean")
    assert dialect.allows("dotted-key")
    assert all(DIALECTS[kind].kind == kind for kind in DIALECTS)

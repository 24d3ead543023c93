"""ETags and conditions (RFC 7644 section 3.14)."""

from __future__ import annotations

import pytest

from scim_connector.scim import versions
from scim_connector.scim.errors import VersionMismatch


def test_a_version_is_a_weak_tag():
    """The ETag is weak and holds the version number."""
    assert versions.etag(7) == 'W/"7"'


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        ('W/"7"', True),
        ('"7"', True),
        ("7", True),
        ("*", True),
        (' W/"1" , W/"7" ', True),
        ('W/"8"', False),
        ('W/"77"', False),
        ('W/"7', False),
        ("W/", False),
        (",,,", False),
        ('"', False),
        ("x" * 100_000, False),
    ],
)
def test_tags_are_compared_weakly(header, matches):
    """Lists, the star and strong spellings are read; nonsense matches nothing."""
    assert versions.tags(header).include(7) is matches
    assert versions.is_known(header, 7) is matches


@pytest.mark.parametrize("header", [None, "", "  "])
def test_no_header_is_no_condition(header):
    """Without If-Match every version may be changed, and no answer is 304."""
    versions.require_match(header, 7)

    assert not versions.is_known(header, 7)


def test_another_version_is_a_mismatch():
    """If-Match with another version is 412 and says what to do."""
    versions.require_match('W/"7"', 7)
    with pytest.raises(VersionMismatch, match="Read it again"):
        versions.require_match('W/"6"', 7)

"""startIndex, count, sortBy and sortOrder (RFC 7644 section 3.4.2.3, 3.4.2.4)."""

from __future__ import annotations

import pytest

from scim_connector.scim import paging
from scim_connector.scim.errors import InvalidCount, InvalidPath, InvalidValue
from scim_connector.scim.paging import Page
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import ENTERPRISE


@pytest.mark.parametrize(
    ("start_index", "count", "page"),
    [
        (None, None, Page(1, 100)),
        ("", "", Page(1, 100)),
        ("1", "2", Page(1, 2)),
        (101, 100, Page(101, 100)),
        ("0", "0", Page(1, 0)),
        ("-5", "-5", Page(1, 0)),
        ("1", "100000", Page(1, 1000)),
        ("999999999999999999", "5", Page(2**53, 5)),
    ],
)
def test_numbers_out_of_range_are_brought_into_it(start_index, count, page):
    """A start below 1 is 1, a negative count is 0, 1,000 is the most."""
    assert paging.page(start_index, count) == page


@pytest.mark.parametrize("text", ["x", "1.5", "1e3", "9" * 50, "\uff11", "1 2"])
def test_what_is_no_number_is_refused(text):
    """Anything but a whole number is 400 invalidValue naming the parameter."""
    with pytest.raises(InvalidValue, match="startIndex"):
        paging.page(text, None)
    with pytest.raises(InvalidValue, match="count"):
        paging.page(None, text)


@pytest.mark.parametrize(
    ("sort_by", "name"),
    [
        ("userName", "userName"),
        ("name.familyName", "name.familyName"),
        ("emails", "emails.value"),
        ("emails.type", "emails.type"),
        ("META.lastModified", "meta.lastModified"),
        (f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"),
    ],
)
def test_an_order_ends_at_a_simple_attribute(sort_by, name):
    """A complex attribute is sorted by its value."""
    order = paging.sort(sort_by, None, USER)

    assert (order.path.name, order.descending) == (name, False)


def test_the_order_may_be_descending():
    """SortOrder is read without case; without sortBy it orders nothing."""
    assert paging.sort("userName", "Descending", USER).descending
    assert not paging.sort("userName", "ascending", USER).descending
    assert paging.sort(None, "descending", USER) is None
    assert paging.sort("", None, USER) is None


@pytest.mark.parametrize(
    ("sort_by", "sort_order", "error"),
    [
        ("name", None, InvalidValue),
        (ENTERPRISE, None, InvalidValue),
        ('emails[type eq "work"].value', None, InvalidValue),
        ("userName", "up", InvalidValue),
        ("nope", None, InvalidPath),
        ("not a path", None, InvalidPath),
    ],
)
def test_an_order_that_cannot_be_is_refused(sort_by, sort_order, error):
    """An unknown attribute, a name as a whole, a filter or another order is 400."""
    with pytest.raises(error):
        paging.sort(sort_by, sort_order, USER)


@pytest.mark.parametrize(
    ("count", "read"),
    [(None, None), ("", None), ("-1", 0), (0, 0), ("7", 7), (1000, 1000)],
)
def test_the_count_of_a_walk_is_read(count, read):
    """A negative count is 0 there, too; one that is not given stays so."""
    assert paging.cursor_count(count) == read


def test_the_count_of_a_walk_is_not_made_smaller():
    """RFC 9865: above maxPageSize is 400 invalidCount, no number is invalidValue."""
    with pytest.raises(InvalidCount, match="at most 1000"):
        paging.cursor_count("1001")
    with pytest.raises(InvalidValue, match="count"):
        paging.cursor_count("x")


@pytest.mark.parametrize("start_index", [0, "1", 5, "x"])
def test_a_walk_has_no_start_index(start_index):
    """Both at once is refused, saying what to leave out."""
    with pytest.raises(InvalidValue, match="leave out startIndex"):
        paging.refuse_start(start_index)
    for absent in (None, ""):
        paging.refuse_start(absent)

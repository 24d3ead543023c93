"""List responses and search requests (RFC 7644 section 3.4.2 and 3.4.3)."""

from __future__ import annotations

import json

import pytest

from scim_connector.scim import messages
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.messages import SearchRequest
from scim_connector.scim.types import LIST_RESPONSE, SEARCH_REQUEST


@pytest.mark.parametrize("texts", [[], ['{"id":"1"}'], ['{"id":"1"}', '{"id":"2"}']])
def test_a_list_is_joined_from_texts(texts):
    """Resources is a list even when empty, and the three counters are integers."""
    body = json.loads(messages.list_response(iter(texts), total=42, start=7))

    assert body == {
        "schemas": [LIST_RESPONSE],
        "totalResults": 42,
        "startIndex": 7,
        "itemsPerPage": len(texts),
        "Resources": [json.loads(text) for text in texts],
    }


def test_a_page_by_cursor_has_no_place():
    """RFC 9865 section 2.1: nextCursor instead of startIndex, none on the last page."""
    page = json.loads(messages.list_response([], total=7, next_cursor="a-b"))
    last = json.loads(messages.list_response([], total=7))

    assert page["nextCursor"] == "a-b"
    assert "startIndex" not in page
    assert last == {n: v for n, v in page.items() if n != "nextCursor"}


def test_a_search_request_is_read():
    """Names are read without case; absent and null members are the same."""
    body = {
        "schemas": [SEARCH_REQUEST],
        "Attributes": ["userName", "emails"],
        "excludedAttributes": None,
        "filter": "active eq true",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": "10",
    }

    assert messages.search_request(body) == SearchRequest(
        filter="active eq true",
        attributes=("userName", "emails"),
        sort_by="userName",
        sort_order="descending",
        start_index=1,
        count="10",
    )
    assert messages.search_request({}) == SearchRequest()
    assert messages.search_request({"cursor": ""}) == SearchRequest(cursor="")
    assert messages.search_request({"attributes": "a,b"}).attributes == ("a,b",)


@pytest.mark.parametrize(
    "body",
    [
        {"filter": 5},
        {"sortBy": ["x"]},
        {"sortOrder": True},
        {"attributes": 5},
        {"attributes": ["a", 5]},
        {"excludedAttributes": {"a": 1}},
        {"startIndex": 1.5},
        {"count": True},
        {"count": []},
        {"cursor": 5},
    ],
)
def test_a_member_of_a_wrong_type_is_refused(body):
    """Each member of a search request is checked and named."""
    with pytest.raises(InvalidValue, match=next(iter(body))):
        messages.search_request(body)

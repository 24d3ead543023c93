"""Bulk messages: reading them, and the references between their operations (§3.7)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.scim import bulk
from scim_connector.scim.errors import (
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    TooLarge,
)
from scim_connector.scim.types import Json


def post(bulk_id: str, data: Json | None = None, path: str = "/Users") -> Json:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data or {}}


def one(**operation: Any) -> bulk.BulkOperation:
    return bulk.read({"Operations": [operation]}).operations[0]


def test_an_operation_is_read() -> None:
    """Methods in any case; an id, or a bulkId, behind the endpoint."""
    made = one(method="post", path="/Users", bulkId="a", data={"userName": "kim"})
    put = one(method="PUT", path="/Users/x", version='W/"1"', data={})
    gone = one(method="Delete", path="/Groups/bulkId:a/")

    assert (made.method, made.endpoint, made.target) == ("POST", "Users", None)
    assert (put.target, put.version) == ("x", 'W/"1"')
    assert gone.references == {"a"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, InvalidSyntax),
        ({"Operations": []}, InvalidSyntax),
        ({"Operations": {}}, InvalidSyntax),
        ({"Operations": ["x"]}, InvalidSyntax),
        ({"Operations": [{"method": 7}]}, InvalidSyntax),
        ({"Operations": [post("a")], "failOnErrors": 0}, InvalidValue),
        ({"Operations": [post("a")], "failOnErrors": True}, InvalidValue),
        ({"Operations": [post("a"), post("a")]}, InvalidValue),
    ],
)
def test_a_message_that_is_none_is_refused(body: Json, error: type[Exception]) -> None:
    """The whole request is refused, and nothing of it is carried out."""
    with pytest.raises(error):
        bulk.read(body)


def test_too_many_operations_name_both_limits() -> None:
    """413 with maxOperations and maxPayloadSize in the detail (section 3.7.4)."""
    operations = [post(str(n)) for n in range(bulk.MOST_OPERATIONS + 1)]
    with pytest.raises(TooLarge, match=r"1000.*maxOperations.*16777216.*1001"):
        bulk.read({"Operations": operations})


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"method": "GET", "path": "/Users/x"}, MethodNotAllowed),
        ({"path": "/Users/x"}, InvalidSyntax),
        ({"method": "POST", "path": "/Users", "data": {}}, InvalidValue),
        ({"method": "POST", "path": "/Users/x", "bulkId": "a"}, InvalidValue),
        ({"method": "POST", "path": "/Users", "bulkId": "a"}, InvalidSyntax),
        ({"method": "PUT", "path": "/Users", "data": {}}, NotFound),
        ({"method": "DELETE", "path": "/Users/../Groups/x"}, NotFound),
        ({"method": "PATCH", "path": "", "data": {}}, NotFound),
        ({"method": "PATCH", "path": "/Users/x", "data": []}, InvalidSyntax),
    ],
)
def test_a_bad_operation_is_refused_alone(
    operation: Json, error: type[Exception]
) -> None:
    """The others are carried out; this one is answered with its own error."""
    read = bulk.read({"Operations": [operation, post("b")]})

    assert isinstance(read.operations[0].refused, error)
    assert read.operations[1].refused is None


def test_references_are_found_wherever_a_value_may_stand() -> None:
    """Values, $ref, paths of a PATCH and the path of the operation."""
    data = {
        "manager": {"value": "bulkId:a", "$ref": "../Users/bulkId:b"},
        "Operations": [{"path": 'members[value eq "bulkId:c"]'}],
        "title": "about bulkId:none",
    }

    assert one(method="PUT", path="/Users/bulkId:d", data=data).references == set(
        "abcd"
    )


def test_a_reference_becomes_the_id() -> None:
    """Only what is known; the rest stays as it is."""
    value = ["bulkId:a", "x/bulkId:a", 'value eq "bulkId:a"', "bulkId:b", 7, None]

    assert bulk.resolve(value, {"a": "1"}) == [
        "1",
        "x/1",
        'value eq "1"',
        "bulkId:b",
        7,
        None,
    ]


def test_what_names_nobody_yet_is_left_out() -> None:
    """The element or the attribute goes, everything else stays."""
    data = {
        "displayName": "A",
        "members": [{"value": "bulkId:b", "display": "B"}, {"value": "x"}],
        "manager": {"value": "bulkId:b"},
        "title": "T",
    }

    assert bulk.without(data, frozenset("b")) == {
        "displayName": "A",
        "members": [{"value": "x"}],
        "title": "T",
    }


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("bulkId:a"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_nothing_is_named_that_was_resolved_or_left_out(value: Any) -> None:
    """After either, no reference to it is left, whatever the value."""
    resolved = {"v": bulk.resolve(value, {"a": "1"})}
    left = {"v": bulk.without(value, frozenset("a"))}

    assert "a" not in one(method="PUT", path="/Users/x", data=resolved).references
    assert "a" not in one(method="PUT", path="/Users/x", data=left).references


@given(st.dictionaries(st.text(), VALUES))
def test_reading_never_fails_otherwise(body: Json) -> None:
    """Whatever is sent: a request, or one of the three refusals."""
    with suppress(InvalidSyntax, InvalidValue, TooLarge):
        bulk.read(body)

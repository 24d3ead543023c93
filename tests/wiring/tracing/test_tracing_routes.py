"""The templates of addresses, which tell of nobody."""

from __future__ import annotations

import pytest

from scim_connector.wiring.tracing.routes import action_of, scim_route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/scim/v2", "/scim/v2"),
        ("/scim/v2/", "/scim/v2"),
        ("/scim/v2/Users", "/scim/v2/Users"),
        ("/scim/v2/Users/kim", "/scim/v2/Users/{id}"),
        ("/scim/v2/Users/.search", "/scim/v2/Users/.search"),
        ("/scim/v2/.search", "/scim/v2/.search"),
        ("/scim/v2/Groups/kim/", "/scim/v2/Groups/{id}"),
        ("/scim/v2/Schemas/kim", "/scim/v2/Schemas/{name}"),
        ("/scim/v2/Bulk", "/scim/v2/Bulk"),
        ("/scim/v2/Me", "/scim/v2/Me"),
        ("/scim/v2/kim", None),
        ("/scim/v2/Bulk/kim", None),
        ("/scim/v2/Users/kim/kim", None),
        ("/scim/v1/Users", None),
        ("/scim", None),
        ("/kim/v2/Users", None),
    ],
)
def test_an_address_is_told_by_its_template(path: str, route: str | None) -> None:
    """What stands for somebody is a word in braces; what lies nowhere is nothing."""
    assert scim_route(path) == route


@pytest.mark.parametrize(
    ("method", "route", "action"),
    [
        ("GET", "/scim/v2/Users", "Read"),
        ("HEAD", "/scim/v2/Users/{id}", "Read"),
        ("POST", "/scim/v2/Users", "Create"),
        ("POST", "/scim/v2/Users/.search", "Read"),
        ("PATCH", "/scim/v2/Users/{id}", "Update"),
        ("DELETE", "/scim/v2/Users/{id}", "Delete"),
        ("POST", "/scim/v2/Bulk", None),
        ("POST", "/admin/api/users", None),
        ("GET", None, None),
    ],
)
def test_an_action_is_the_word_of_the_log(
    method: str, route: str | None, action: str | None
) -> None:
    """Below /scim alone, and not of a bulk request, which has many."""
    assert action_of(method, route) == action

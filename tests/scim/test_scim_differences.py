"""Which attributes differ between two states of a resource."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.scim import differences
from scim_connector.scim.types import ENTERPRISE, LOCAL

KIM: dict[str, Any] = {
    "schemas": ["a"],
    "id": "1",
    "userName": "kim",
    "active": True,
    "name": {"givenName": "Kim", "familyName": "Doe"},
    "emails": [{"type": "work", "value": "kim@x.org"}],
    ENTERPRISE: {"department": "IT", "manager": {"value": "2"}},
    LOCAL: {"local": {"initials": "KD", "username": "kim"}},
    "meta": {"version": 1},
}


def _with(**changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(KIM)
    for name, value in changes.items():
        if value is None:
            del made[name]
        else:
            made[name] = value
    return made


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (_with(), []),
        (_with(schemas=["b"], id="2", meta={}, groups=[{"value": "g"}]), []),
        (_with(active=False, userName="k"), ["active", "userName"]),
        (_with(name={"givenName": "Kim"}), ["name.familyName"]),
        (_with(name=None), ["name"]),
        (_with(emails=[]), ["emails"]),
        (_with(title="Dr"), ["title"]),
        (
            _with(**{ENTERPRISE: {"department": "HR", "division": "x"}}),
            [
                f"{ENTERPRISE}:department",
                f"{ENTERPRISE}:division",
                f"{ENTERPRISE}:manager",
            ],
        ),
        (
            _with(**{ENTERPRISE: None}),
            [f"{ENTERPRISE}:{n}" for n in ("department", "manager")],
        ),
        (
            _with(**{LOCAL: {"local": {"initials": "KX", "username": "kim"}}}),
            [f"{LOCAL}:local.initials"],
        ),
    ],
)
def test_what_differs_is_named(after: dict[str, Any], found: list[str]) -> None:
    """As deep as PATCH can name it, either way round."""
    assert differences.paths(KIM, after) == found
    assert differences.paths(after, KIM) == found


def test_a_new_resource_is_named_whole() -> None:
    """Attribute by attribute; what the server adds by itself is left out."""
    assert differences.paths({}, KIM) == [
        *("active", "emails", "name"),
        *(f"{ENTERPRISE}:{n}" for n in ("department", "manager")),
        f"{LOCAL}:local",
        "userName",
    ]


_VALUES = st.sampled_from([True, False, "a", "b", [], ["a"], [{"value": "b"}]])
_STATES = st.dictionaries(
    st.sampled_from(["title", "name", "emails", "nickName"]),
    st.one_of(_VALUES, st.dictionaries(st.sampled_from(["a", "b"]), _VALUES)),
)


@given(before=_STATES, after=_STATES)
def test_nothing_is_named_exactly_where_nothing_differs(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """And each path is named once."""
    found = differences.paths(before, after)

    assert (found == []) == (before == after)
    assert len(found) == len(set(found))


@given(st.permutations(["active", "name", "emails", ENTERPRISE, "title"]), st.data())
def test_operations_are_what_the_paths_hold(
    names: list[str], data: st.DataObject
) -> None:
    """Carried out on the state before, they make the one after."""
    values = {
        "active": False,
        "name": {"givenName": "K", "honorificPrefix": "Dr"},
        "emails": [],
        ENTERPRISE: {"department": "HR", "manager": {"value": "3"}},
        "title": "Dean",
    }
    taken = data.draw(st.integers(0, len(names)))
    gone = data.draw(st.sampled_from([None, "emails", "name", ENTERPRISE]))
    changes = {name: values[name] for name in names[:taken]}
    after = _with(**changes | ({gone: None} if gone else {}))
    found = differences.operations(differences.paths(KIM, after), after)

    assert _carried_out(KIM, found) == after


def _carried_out(before: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
    """Our own reading of such operations, an attribute at a time."""
    made = copy.deepcopy(before)
    for each in found:
        path, holder = each["path"], made
        if ":" in path:
            urn, _, path = path.rpartition(":")
            holder = made.setdefault(urn, {})
        name, _, part = path.partition(".")
        if part:
            holder, name = holder.setdefault(name, {}), part
        if each["op"] == "remove":
            del holder[name]
        else:
            holder[name] = each["value"]
    return {
        name: value for name, value in made.items() if value != {} or name == "meta"
    }

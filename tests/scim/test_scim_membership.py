"""Members of a group as steps on a set, equal to what a PATCH of the whole would do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.scim import membership, patch
from scim_connector.scim.dialects import DIALECTS, Dialect
from scim_connector.scim.errors import (
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
)
from scim_connector.scim.membership import Add, Member, Remove, Replace, Rewrite
from scim_connector.scim.schemas import GROUP
from scim_connector.scim.types import Json

ENTRA = DIALECTS["entra"]


def parted(*operations: Json, dialect: Dialect = ENTRA) -> membership.GroupPatch:
    body = {"Operations": list(operations)}
    group = {"displayName": "Sales"}
    return membership.apply(group, body, dialect=dialect, strict=False)


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        (
            {"op": "Add", "path": "members", "value": [{"$ref": None, "value": "a"}]},
            Add((Member("a"),)),
        ),
        ({"op": "add", "path": "members", "value": "a"}, Add((Member("a"),))),
        (
            {"op": "add", "value": {"members": [{"value": "a", "displayName": "A"}]}},
            Add((Member("a", "A"),)),
        ),
        ({"op": "remove", "path": "members"}, Replace(())),
        ({"op": "remove", "path": "members", "value": None}, Replace(())),
        (
            {"op": "Remove", "path": "members", "value": [{"value": "a"}, "b"]},
            Remove(frozenset({"a", "b"})),
        ),
        ({"op": "remove", "path": "members", "value": []}, Remove(frozenset())),
        (
            {"op": "remove", "path": 'members[value eq "a"]'},
            Remove(frozenset({"a"})),
        ),
        (
            {"op": "remove", "path": 'members[value eq "a" or value eq "b"]'},
            Remove(frozenset({"a", "b"})),
        ),
        (
            {"op": "replace", "path": "members", "value": [{"value": "a"}]},
            Replace((Member("a"),)),
        ),
        ({"op": "replace", "path": "members", "value": []}, Replace(())),
        (
            {
                "op": "replace",
                "value": {
                    "urn:ietf:params:scim:schemas:core:2.0:Group": {
                        "Members": [{"value": "a"}, {"value": "a", "display": "A"}]
                    }
                },
            },
            Replace((Member("a", "A"),)),
        ),
    ],
)
def test_each_form_is_one_step(operation: Json, step: membership.Step) -> None:
    """T26 to T32 and T52 to T58: every form that is on the wire."""
    found = parted(operation)

    assert found.steps == (step,)
    assert found.document == {"displayName": "Sales"}


def test_what_is_no_member_is_patched_as_ever() -> None:
    """The rest of an operation without a path keeps its other attributes."""
    value = {"id": "x", "displayName": "EU", "members": [{"value": "a"}]}
    found = parted({"op": "replace", "value": value})

    assert found.document == {"displayName": "EU"}
    assert found.steps == (Replace((Member("a"),)),)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "add", "path": "members"}, InvalidValue),
        ({"op": "add", "path": "members", "value": [{"display": "A"}]}, InvalidValue),
        ({"op": "add", "path": "members", "value": 7}, InvalidValue),
        ({"op": "dance", "path": "members", "value": "a"}, InvalidSyntax),
        ({"op": "remove"}, NoTarget),
        ({"op": "replace", "value": {"displayName": ""}}, Mutability),
        (
            {"op": "replace", "path": 'members[value eq "a"].value', "value": "b"},
            Mutability,
        ),
        ({"op": "add", "path": "members.type", "value": "Group"}, Mutability),
    ],
)
def test_nonsense_is_refused(operation: Json, error: type[Exception]) -> None:
    """A refused PATCH of a group says why, and nothing of it is applied."""
    with pytest.raises(error):
        parted(operation)


def test_a_strict_dialect_refuses_a_value_array() -> None:
    """Never the loss of all members: the whole operation is refused."""
    strict = Dialect("generic", frozenset({"remove-with-value"}))
    with pytest.raises(InvalidSyntax, match="takes no value"):
        parted(
            {"op": "remove", "path": "members", "value": [{"value": "a"}]},
            dialect=strict,
        )


# ------------------------------------------------------------------------- properties

IDS = st.sampled_from("abcde")
MEMBER = st.builds(
    lambda value, display: {
        "value": value,
        **({"display": display} if display else {}),
    },
    IDS,
    st.sampled_from(["", "A", "B"]),
)
LIST = st.lists(MEMBER, max_size=4, unique_by=lambda m: m["value"])
OPERATION = st.one_of(
    st.builds(lambda v: {"op": "add", "path": "members", "value": v}, LIST),
    st.builds(lambda v: {"op": "replace", "path": "members", "value": v}, LIST),
    st.builds(lambda v: {"op": "replace", "value": {"members": v}}, LIST),
    st.just({"op": "remove", "path": "members"}),
    st.builds(lambda v: {"op": "remove", "path": f'members[value eq "{v}"]'}, IDS),
    st.builds(
        lambda v: {"op": "remove", "path": "members", "value": [{"value": v}]}, IDS
    ),
    st.builds(
        lambda v, d: {
            "op": "replace",
            "path": f'members[value eq "{v}"].display',
            "value": d,
        },
        IDS,
        st.sampled_from("AB"),
    ),
)


def carried_out(steps: tuple[membership.Step, ...], present: list[Json]) -> list[Json]:
    """What a database makes of the steps."""
    members: dict[str, str | None] = {m["value"]: m.get("display") for m in present}
    for step in steps:
        match step:
            case Add(given):
                members |= {m.value: m.display or members.get(m.value) for m in given}
            case Remove(values):
                members = {v: d for v, d in members.items() if v not in values}
            case Replace(given):
                members = {m.value: m.display for m in given}
            case Rewrite():
                shown = [_element(v, d) for v, d in members.items()]
                members = {m.value: m.display for m in step.applied_to(shown)}
    return [_element(v, d) for v, d in members.items()]


def _element(value: str, display: str | None) -> Json:
    return {"value": value} | ({"display": display} if display else {})


@given(present=LIST, operations=st.lists(OPERATION, min_size=1, max_size=5))
def test_steps_do_what_a_patch_of_the_whole_does(
    present: list[Json], operations: list[Json]
) -> None:
    """Parted or whole, the members come out the same."""
    body: dict[str, Any] = {"Operations": operations}
    whole = {"displayName": "Sales", "members": present}
    wanted = patch.apply(GROUP, whole, body, dialect=ENTRA, strict=False).document
    got = carried_out(parted(*operations).steps, present)

    assert _by_value(got) == _by_value(wanted.get("members", []))


def _by_value(members: list[Json]) -> list[Json]:
    return sorted(members, key=lambda member: str(member["value"]))

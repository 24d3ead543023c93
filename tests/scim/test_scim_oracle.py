"""PATCH beside another implementation: scim2-models applies the same operations.

Where the two differ is a value with its reason, and each difference is shown, so that
one that has gone is missed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import (
    Context,
    EnterpriseUser,
    Group,
    PatchOp,
    SCIMException,
    User,
)

from scim_connector.scim import patch
from scim_connector.scim.dialects import DIALECTS, Dialect
from scim_connector.scim.errors import ScimError
from scim_connector.scim.schemas import GROUP, USER, ResourceType
from scim_connector.scim.types import CORE, ENTERPRISE, PATCH_OP, Json
from scim_connector.scim.types import GROUP as GROUP_URN

USERS: Final = (USER, User[EnterpriseUser], (CORE, ENTERPRISE))
GROUPS: Final = (GROUP, Group, (GROUP_URN,))
Kind = tuple[ResourceType, Any, tuple[str, ...]]
"""What is patched: our resource type, their model, and the URNs of both."""

GENERIC: Final = DIALECTS["generic"]
WITHOUT_CREATING: Final = Dialect("generic", frozenset({"filtered-path-creates"}))
"""A filter that matches nothing is refused, as by the book and by the oracle."""

KIM: Final[Json] = {
    "userName": "kim",
    "active": True,
    "title": "Clerk",
    "name": {"givenName": "Kim", "familyName": "Doe"},
    "emails": [
        {"value": "kim@example.com", "type": "work", "primary": True},
        {"value": "doe@example.com", "type": "home"},
    ],
    "roles": [{"value": "A"}],
    ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}},
}


@dataclass(frozen=True, slots=True)
class Refused:
    """What comes out when a PATCH is refused: the word of the protocol."""

    scim_type: str | None


Outcome = Json | Refused


def ours(
    document: Json, operations: Sequence[Json], dialect: Dialect, kind: Kind = USERS
) -> Outcome:
    """What we make of the operations."""
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    try:
        return patch.apply(
            kind[0], document, body, dialect=dialect, strict=True
        ).document
    except ScimError as error:
        return Refused(error.scim_type)


def theirs(document: Json, operations: Sequence[Json], kind: Kind = USERS) -> Outcome:
    """What scim2-models makes of them."""
    _, model, urns = kind
    body = {"schemas": [PATCH_OP], "Operations": copy.deepcopy(list(operations))}
    resource = model.model_validate({"schemas": list(urns), **document})
    context = Context.RESOURCE_PATCH_REQUEST
    try:
        message = PatchOp[model].model_validate(body, scim_ctx=context)
        message.patch(resource)
    except SCIMException as error:
        return Refused(error.scim_type)
    except pydantic.ValidationError as error:
        return Refused(error.errors()[0]["type"].removeprefix("scim_"))
    after: Json = resource.model_dump(scim_ctx=Context.DEFAULT)
    return {name: value for name, value in after.items() if name != "schemas"}


def op(verb: str, path: str | None, value: Any = ...) -> Json:
    """Write one operation; without a path for None, without a value for ...."""
    stated = {"op": verb, "path": path, "value": value}
    return {name: it for name, it in stated.items() if it not in (None, ...)}


# ------------------------------------------------------------------ where we agree

words = st.text("abcXYZ é", min_size=1, max_size=6).filter(str.strip)
kinds = st.sampled_from(["work", "home", "other"])
_Values = Callable[[int], st.SearchStrategy[Any]]


def lists(name: str) -> Callable[[str], st.SearchStrategy[list[Json]]]:
    """Values of a multi-valued attribute; *mark* keeps those of two places apart."""

    def make(mark: str) -> st.SearchStrategy[list[Json]]:
        size = st.integers(1, 3)
        return size.flatmap(
            lambda count: st.tuples(
                *(_element(f"{mark}-{place}", name) for place in range(count))
            ).map(list)
        )

    return make


def _element(mark: str, name: str) -> st.SearchStrategy[Json]:
    value = f"{mark}@example.com" if name == "emails" else mark
    return st.fixed_dictionaries(
        {"value": st.just(value)}, optional={"type": kinds, "display": words}
    )


SIMPLE: Final = ("title", "nickName", "displayName", "userType", "locale", "externalId")
NAMES: Final = ("givenName", "familyName", "middleName", "formatted")
LISTS: Final = ("emails", "phoneNumbers", "roles", "ims")
COMPANY: Final = ("department", "costCenter", "employeeNumber")
names = st.dictionaries(st.sampled_from(NAMES), words, min_size=1)
company = st.dictionaries(st.sampled_from(COMPANY), words, min_size=1)
managers = st.fixed_dictionaries({"value": words})

documents = st.fixed_dictionaries(
    {"userName": words, "active": st.booleans()},
    optional={
        **dict.fromkeys(SIMPLE, words),
        "name": names,
        **{name: lists(name)("before") for name in LISTS},
        ENTERPRISE: company,
    },
)
writing = st.sampled_from(["add", "replace"])


def on_simple(_: str) -> st.SearchStrategy[Json]:
    """Set or remove one simple value, of the core, of a part, of the extension."""
    paths = [*SIMPLE, *(f"name.{name}" for name in NAMES)]
    paths += [f"{ENTERPRISE}:{name}" for name in COMPANY]
    path = st.sampled_from(paths)
    removal = st.builds(lambda p: op("remove", p), path)
    setting = st.builds(op, writing, st.one_of(path, st.just("userName")), words)
    active = st.builds(lambda w, v: op(w, "active", v), writing, st.booleans())
    return st.one_of(setting, removal, active)


def on_complex(_: str) -> st.SearchStrategy[Json]:
    """Set or remove a whole complex value."""
    targets = {"name": names, ENTERPRISE: company, f"{ENTERPRISE}:manager": managers}
    chosen = st.sampled_from(sorted(targets))
    setting = chosen.flatmap(
        lambda path: st.builds(op, writing, st.just(path), targets[path])
    )
    return st.one_of(setting, st.builds(lambda path: op("remove", path), chosen))


def on_list(mark: str) -> st.SearchStrategy[Json]:
    """Add to a list, replace it, or remove it."""
    chosen = st.sampled_from(LISTS)
    setting = chosen.flatmap(
        lambda name: st.builds(op, writing, st.just(name), lists(name)(mark))
    )
    return st.one_of(setting, st.builds(lambda name: op("remove", name), chosen))


def on_filter(_: str) -> st.SearchStrategy[Json]:
    """Change or remove what a filter finds, or a part of it."""
    path = st.builds(
        lambda name, kind, word: f'{name}[type {word} "{kind}"]',
        st.sampled_from(LISTS),
        kinds,
        st.sampled_from(["eq", "ne", "sw"]),
    )
    whole = st.builds(lambda p: op("remove", p), path)
    part = st.builds(lambda p, w: op("remove", f"{p}.{w}"), path, _parts)
    setting = st.builds(
        lambda verb, p, word: op(verb, f"{p}.display", word), writing, path, words
    )
    primary = st.builds(lambda p: op("replace", f"{p}.primary", True), path)
    adding = st.builds(lambda p, word: op("add", p, {"display": word}), path, words)
    return st.one_of(whole, part, setting, adding, primary)


_parts = st.sampled_from(["display", "type", "primary"])


def without_path(mark: str) -> st.SearchStrategy[Json]:
    """Set several attributes by one operation without a path."""
    value = st.fixed_dictionaries(
        {},
        optional={
            "title": words,
            "Name": names,
            "phoneNumbers": lists("phoneNumbers")(mark),
            ENTERPRISE: company,
        },
    ).filter(bool)
    return st.builds(lambda verb, it: op(verb, None, it), writing, value)


KINDS: Final = (on_simple, on_complex, on_list, on_filter, without_path)


@st.composite
def patches(draw: st.DrawFn) -> list[Json]:
    """One to four operations of any kind."""
    count = draw(st.integers(1, 4))
    chosen = [draw(st.sampled_from(KINDS)) for _ in range(count)]
    return [draw(kind(f"op{at}")) for at, kind in enumerate(chosen)]


@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(documents, patches())
def test_both_make_the_same_of_it(document: Json, operations: list[Json]) -> None:
    """The same document comes out, or both refuse with the same word."""
    expected = theirs(document, operations)

    assert ours(document, operations, WITHOUT_CREATING) == expected


people = st.sampled_from("abcdef")
crowds = st.lists(people, min_size=1, max_size=4, unique=True).map(
    lambda values: [{"value": value} for value in values]
)
groups = st.fixed_dictionaries({"displayName": words}, optional={"members": crowds})
named = people.map(lambda value: f'members[value eq "{value}"]')
on_members = st.one_of(
    st.builds(op, writing, st.just("members"), crowds),
    st.builds(lambda verb, it: op(verb, None, {"members": it}), writing, crowds),
    st.builds(lambda path: op("remove", path), st.one_of(named, st.just("members"))),
    st.builds(lambda verb, it: op(verb, "displayName", it), writing, words),
)


@settings(deadline=None, max_examples=150)
@given(groups, st.lists(on_members, min_size=1, max_size=4))
def test_both_make_the_same_of_a_group(document: Json, operations: list[Json]) -> None:
    """The same members stay; test_scim_membership.py ties the store's steps to this."""
    expected = theirs(document, operations, GROUPS)

    assert ours(document, operations, WITHOUT_CREATING, GROUPS) == expected


# ------------------------------------------------------------------ where we differ


@dataclass(frozen=True, slots=True)
class Difference:
    """A PATCH of Kim after which the two do not agree, and the reason for ours."""

    name: str
    operation: Json
    reason: str
    ours: Outcome
    theirs: Outcome


def kim(**changed: Any) -> Json:
    """Kim with other values; None takes one away."""
    after = KIM | changed
    return {name: value for name, value in after.items() if value is not None}


_WORK, _HOME = KIM["emails"]
_OTHER: Final = {"type": "other", "value": "other@example.com"}
_COMPANY: Final = KIM[ENTERPRISE]

DIFFERENCES: Final = (
    Difference(
        "a filter that matches nothing makes the element it describes",
        op("add", 'emails[type eq "other"].value', "other@example.com"),
        "Entra ID adds a new address so (quirk filtered-path-creates).",
        kim(emails=[_WORK, _HOME, _OTHER]),
        Refused("noTarget"),
    ),
    Difference(
        "a manager may be a string",
        op("replace", f"{ENTERPRISE}:manager", "8"),
        "Entra ID sends the bare id (quirk manager-string).",
        kim(**{ENTERPRISE: _COMPANY | {"manager": {"value": "8"}}}),
        Refused("invalidValue"),
    ),
    Difference(
        "the primary role is made where there is none",
        op("replace", 'roles[primary eq "True"].value', "B"),
        "Entra ID sets a user's one role so (quirk string-boolean-in-filter).",
        kim(roles=[{"value": "A"}, {"primary": True, "value": "B"}]),
        Refused("noTarget"),
    ),
    Difference(
        "a pair of type and value is not added twice",
        op("add", "emails", [{"value": "kim@example.com", "type": "work"}]),
        "RFC 7643 section 2.4 does not want the pair twice; Entra ID repeats an add.",
        KIM,
        kim(emails=[_WORK, _HOME, {"value": "kim@example.com", "type": "work"}]),
    ),
    Difference(
        "an element without its value goes",
        op("remove", 'emails[type eq "home"].value'),
        "What is left says only of which kind nothing is; Entra ID clears a number so.",
        kim(emails=[_WORK]),
        kim(emails=[_WORK, {"type": "home"}]),
    ),
    Difference(
        "an element that is replaced keeps nothing but what the filter says",
        op("replace", 'emails[type eq "work"]', {"value": "new@example.com"}),
        "RFC 7644 section 3.5.2.3: the matching record is replaced, not merged.",
        kim(emails=[{"type": "work", "value": "new@example.com"}, _HOME]),
        kim(emails=[_WORK | {"value": "new@example.com"}, _HOME]),
    ),
    Difference(
        "the name of a manager is the provider's",
        op("replace", f"{ENTERPRISE}:manager.displayName", "The Boss"),
        "The manager is often nobody we know, so its name is kept as sent.",
        kim(
            **{
                ENTERPRISE: _COMPANY
                | {"manager": {"value": "7", "displayName": "The Boss"}}
            }
        ),
        Refused("mutability"),
    ),
    Difference(
        "active cannot be removed",
        op("remove", "active"),
        "It is published as required: nothing leaves open whether somebody has access.",
        Refused("mutability"),
        kim(active=None),
    ),
    Difference(
        "an empty text is no value",
        op("replace", "title", ""),
        "Entra ID and Okta clear an attribute so (quirk empty-is-absent).",
        kim(title=None),
        kim(title=""),
    ),
)


@pytest.mark.parametrize("known", DIFFERENCES, ids=lambda known: known.name)
def test_each_known_difference_is_still_one(known: Difference) -> None:
    """What the two make of it is as stated; once they agree, the entry has to go."""
    assert known.reason
    assert ours(KIM, [known.operation], GENERIC) == known.ours
    assert theirs(KIM, [known.operation]) == known.theirs
    assert known.ours != known.theirs

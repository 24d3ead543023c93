"""Lists of groups, whose members are rows, and users with their groups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from scim_connector.directory import links, memberships, search
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import group_links, group_members
from scim_connector.scim import filters, rendering, search_documents
from scim_connector.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidValue,
)
from scim_connector.scim.folding import instant_key, text_key
from scim_connector.scim.schemas import GROUP, ResourceType, among
from tests.directory.test_directory_search import (
    TEXTS,
    TYPE,
    add_connection,
    add_link,
    joined,
    person,
    quoted_texts,
    terms,
    text_operators,
)

_GROUP = Statement(
    insert(group_links).returning(group_links.c.seq),
    (
        *("id", "connection_id", "external_id", "display_name", "display_name_key"),
        *("version", "created_at", "modified_at", "served", "search", "reference"),
    ),
)
_MEMBER = Statement(
    insert(group_members),
    (
        *("group_seq", "connection_id", "value", "display", "display_key"),
        *("link_seq", "member_group_seq"),
    ),
)


def group(number: int, **members: Any) -> dict[str, Any]:
    """A group with everything that is always there."""
    created = f"2026-01-02T03:04:05.{number:06d}Z"
    return {
        "schemas": [GROUP.schema.id],
        "id": f"00000000-0000-4000-9000-{number:012d}",
        "displayName": f"Group {number}",
        "meta": {
            "resourceType": "Group",
            "created": created,
            "lastModified": created,
            "version": 'W/"1"',
        },
        **members,
    }


@dataclass(frozen=True)
class Crowd:
    """A connection with people and groups, and the ``seq`` of each by its id."""

    database: Database
    connection_id: int
    people: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    places: dict[str, int]

    def page(self, target: search.Target, **query: Any) -> search.Page:
        """A page of the connection."""
        return search.page(
            self.database.reader(),
            target,
            connection_id=self.connection_id,
            resource_type=TYPE if target is search.USERS else GROUP,
            **query,
        )

    def found(self, target: search.Target, **query: Any) -> list[str]:
        """The ids of a page."""
        return [row.id for row in self.page(target, **query).rows]

    def document(self, resource: dict[str, Any]) -> dict[str, Any]:
        """What a filter means by a person: its search document with its groups."""
        document = search_documents.build(TYPE, resource)
        attribute = TYPE.core("groups")
        assert attribute is not None
        mine = [
            {"value": each["id"], "display": each["displayName"], "type": "direct"}
            for each in self.groups
            if any(m["value"] == resource["id"] for m in each.get("members", []))
        ]
        if mine:
            elements = [search_documents.build_element(attribute, one) for one in mine]
            document["groups"] = elements
        return document


def add_group(
    tx: Any, connection_id: int, resource: dict[str, Any], places: dict[str, int]
) -> int:
    """Store a group without its members as the directory does."""
    stored = {name: value for name, value in resource.items() if name != "members"}
    return int(
        tx.insert(
            _GROUP,
            id=resource["id"],
            connection_id=connection_id,
            external_id=resource.get("externalId"),
            display_name=resource["displayName"],
            display_name_key=text_key(resource["displayName"]),
            version=1,
            created_at=instant_key(resource["meta"]["created"]),
            modified_at=instant_key(resource["meta"]["lastModified"]),
            served=f"served {resource['id']}",
            search=json.dumps(search_documents.build(GROUP, stored)),
            reference=json.dumps({"value": resource["id"]}),
        )
    )


def add_members(
    tx: Any, connection_id: int, resource: dict[str, Any], places: dict[str, int]
) -> None:
    """Store the members of a group."""
    for member in resource.get("members", []):
        value, display = member["value"], member.get("display")
        tx.run(
            _MEMBER,
            group_seq=places[resource["id"]],
            connection_id=connection_id,
            value=value,
            display=display,
            display_key=text_key(display) if display else None,
            link_seq=places.get(value) if member.get("type") == "User" else None,
            member_group_seq=(
                places.get(value) if member.get("type") == "Group" else None
            ),
        )


def fill(
    database: Database, people: list[dict[str, Any]], groups: list[dict[str, Any]]
) -> Crowd:
    """Store people and groups in a new connection."""
    connection_id = add_connection(database, "groups")
    crowd = Crowd(database, connection_id, people, groups, {})

    def work(tx: Any) -> None:
        for seq, one in enumerate(people, 1):
            crowd.places[one["id"]] = seq
            add_link(tx, connection_id, seq, one)
        for one in groups:
            crowd.places[one["id"]] = add_group(tx, connection_id, one, crowd.places)
        for one in groups:
            add_members(tx, connection_id, one, crowd.places)

    database.write(work)
    return crowd


def random_group(random: Random, number: int) -> dict[str, Any]:
    """A group whose members are people, groups and strangers."""
    known = [(person(n)["id"], "User") for n in range(12)]
    known += [(group(n)["id"], "Group") for n in range(6)]
    known += [(text, None) for text in TEXTS]
    members = []
    for value, kind in random.sample(known, random.randrange(6)):
        member = {"value": value, "type": kind, "display": random.choice(TEXTS)}
        if random.random() < 0.4:
            del member["display"]
        members.append({name: part for name, part in member.items() if part})
    more: dict[str, Any] = {"members": members} if members else {}
    if random.random() < 0.5:
        more["externalId"] = random.choice(TEXTS)
    return group(number, displayName=random.choice(TEXTS), **more)


@pytest.fixture
def crowd(database: Database) -> Crowd:
    random = Random(7)  # noqa: S311 - test data
    people = [person(number) for number in range(12)]
    return fill(database, people, [random_group(random, n) for n in range(40)])


_ids = st.sampled_from([person(3)["id"], group(3)["id"], group(30)["id"].upper()])
_values = st.one_of(quoted_texts, _ids.map(json.dumps))
_kinds = st.sampled_from(['"User"', '"group"', '"direct"', '"x"'])


def _of_elements(name: str) -> st.SearchStrategy[str]:
    """Filters on the values of ``members`` or ``groups``, in brackets and without."""

    def about(prefix: str) -> st.SearchStrategy[str]:
        parts = [("value", _values), ("display", quoted_texts), ("type", _kinds)]
        tests = [
            st.tuples(st.just(f"{prefix}{part}"), text_operators, literals)
            for part, literals in parts
        ]
        there = st.sampled_from([part for part, _ in parts])
        return st.one_of(
            *(test.map(" ".join) for test in tests),
            there.map(f"{prefix}{{}} pr".format),
            there.map(f"{prefix}{{}} eq null".format),
        )

    return st.one_of(
        st.just(f"{name} pr"),
        about(f"{name}."),
        joined(about("")).map(f"{name}[{{}}]".format),
    )


group_filters = joined(
    st.one_of(
        terms(["displayName", "externalId", "id"], [], ["meta.created"], []),
        _of_elements("members"),
    )
)
user_filters = joined(
    st.one_of(terms(["userName", "id"], [], [], ["active"]), _of_elements("groups"))
)
searching = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(filter_text=group_filters)
@searching
@example(filter_text='members.value ne "a"')
@example(filter_text='not (members[type eq "user" and display co "a"])')
@example(filter_text="not (members pr) and members.display eq null")
def test_sql_means_what_matches_means_of_groups(filter_text: str, crowd: Crowd) -> None:
    """The SQL of a filter selects exactly the groups that matches() accepts."""
    expression = filters.parse(filter_text, GROUP)
    expected = [
        one["id"]
        for one in crowd.groups
        if filters.matches(expression, search_documents.build(GROUP, one))
    ]

    page = crowd.page(search.GROUPS, filter_text=filter_text)

    assert [row.id for row in page.rows] == expected
    counted = crowd.page(search.GROUPS, filter_text=filter_text, count=0)
    assert page.total == counted.total == len(expected)


@given(filter_text=user_filters)
@searching
@example(filter_text='groups.value ne "a"')
@example(filter_text='not (groups[display eq "a"]) and not (groups.value sw "0")')
def test_sql_means_what_matches_means_of_the_groups_of_users(
    filter_text: str, crowd: Crowd
) -> None:
    """A filter on ``groups`` selects exactly those who are members."""
    expression = filters.parse(filter_text, TYPE)
    expected = [
        one["id"]
        for one in crowd.people
        if filters.matches(expression, crowd.document(one))
    ]

    assert crowd.found(search.USERS, filter_text=filter_text) == expected


# ------------------------------------------------------------------ pages and order


def test_pages_meet_every_group_once(crowd: Crowd) -> None:
    """Walking the pages gives each group once, in the order they were made."""
    met = [
        found
        for start in range(1, 60, 7)
        for found in crowd.found(search.GROUPS, start=start, count=7)
    ]

    assert met == [one["id"] for one in crowd.groups]
    for start, count in ((1, 0), (1, 5), (41, 5), (10**6, 5)):
        assert crowd.page(search.GROUPS, start=start, count=count).total == 40


@pytest.mark.parametrize("sort_by", ["displayName", "externalId", "id", "meta.created"])
def test_groups_are_sorted_by_what_has_one_value(sort_by: str, crowd: Crowd) -> None:
    """Lists are sorted by the folded value, absent ones last, ties as they were made."""

    def value(one: dict[str, Any]) -> str | None:
        found = one["meta"]["created"] if "." in sort_by else one.get(sort_by)
        return text_key(found) if found and sort_by == "displayName" else found

    ordered = sorted(
        crowd.groups, key=lambda one: (value(one) is None, value(one) or "")
    )
    expected = [one["id"] for one in ordered]

    assert crowd.found(search.GROUPS, sort_by=sort_by) == expected
    assert (
        crowd.found(search.GROUPS, sort_by=sort_by, descending=True) == (expected[::-1])
    )


@pytest.mark.parametrize(
    ("target", "query"),
    [
        (search.GROUPS, {"filter_text": 'members.$ref sw "https"'}),
        (search.GROUPS, {"filter_text": 'members[$ref sw "https"]'}),
        (search.GROUPS, {"filter_text": 'meta.location sw "https"'}),
        (search.GROUPS, {"filter_text": 'userName eq "x"'}),
        (search.GROUPS, {"sort_by": "members"}),
        (search.GROUPS, {"sort_by": "members.display"}),
        (search.USERS, {"sort_by": "groups.display"}),
        (search.USERS, {"sort_by": "groups.$ref"}),
    ],
)
def test_what_is_stored_nowhere_is_refused(
    target: search.Target, query: dict[str, str], crowd: Crowd
) -> None:
    """Addresses are made when answered, and members have no first among them."""
    with pytest.raises((InvalidFilter, InvalidPath, InvalidValue)):
        crowd.found(target, **query)


@pytest.mark.parametrize(
    ("target", "known"),
    [(search.USERS, among(TYPE, GROUP)), (search.GROUPS, among(GROUP, TYPE))],
)
def test_every_attribute_is_sorted_by_and_searched_or_refused(
    target: search.Target, known: ResourceType, crowd: Crowd
) -> None:
    """Whatever is published: a list in that order, the same by cursor, or a 400."""
    query = {"connection_id": crowd.connection_id, "resource_type": known}
    reader, refused = crowd.database.reader(), set()
    for name in known.names():
        for more in (
            {"sort_by": name},
            {"sort_by": name, "descending": True},
            {"filter_text": f"{name} pr"},
        ):
            try:
                listed = search.page(reader, target, **query, **more).rows
            except (InvalidFilter, InvalidPath, InvalidValue):
                refused.add(name)
                continue
            walked = search.walk(reader, target, **query, **more, count=100)
            assert walked == search.Walked(listed, None)
            if "sort_by" in more:
                assert len(listed) == len(
                    crowd.people if target is search.USERS else crowd.groups
                )
    assert {"meta.location"} <= refused
    assert not refused & {"id", "externalId", "displayName", "meta.created"}


def test_another_connection_sees_no_group(crowd: Crowd) -> None:
    """A search sees the groups of its own connection alone (decision 7)."""
    other = add_connection(crowd.database, "neighbour")
    stranger = Crowd(crowd.database, other, [], [], {})

    for query in ({}, {"filter_text": "members pr"}, {"sort_by": "displayName"}):
        assert stranger.page(search.GROUPS, **query) == search.Page(0, [])
    member = next(one["members"][0] for one in crowd.groups if one.get("members"))
    asked = {"filter_text": f"members.value eq {json.dumps(member['value'])}"}
    assert crowd.found(search.GROUPS, **asked)
    assert stranger.found(search.GROUPS, **asked) == []


# -------------------------------------------------------------- users with their groups


@pytest.fixture
def office(database: Database) -> Crowd:
    """Kim in two groups, Lee in one, Ola in none."""
    kim, lee, ola = (person(n) for n in (1, 2, 3))
    member = {
        name: {"value": one["id"], "type": "User"}
        for name, one in (("kim", kim), ("lee", lee))
    }
    groups = [
        group(1, members=[member["kim"]]),
        group(2, members=[member["lee"], member["kim"]]),
    ]
    crowd = fill(database, [kim, lee, ola], groups)
    served = Statement(
        links.links.update().values(served=f"{{{rendering.GROUPS_MARK}}}")
    )
    database.write(lambda tx: tx.run(served))
    return crowd


def test_a_page_shows_each_user_with_its_groups(office: Crowd) -> None:
    """Everyone is listed with their groups, in the order these were made."""
    first, second = (json.dumps({"value": one["id"]}) for one in office.groups)

    for query in ({}, {"filter_text": 'id sw "0"'}, {"sort_by": "userName"}):
        texts = [row.text for row in office.page(search.USERS, **query).rows]
        assert texts == [
            f'{{,"groups":[{first},{second}]}}',
            f'{{,"groups":[{second}]}}',
            f"{{{rendering.GROUPS_MARK}}}",
        ]


def test_one_user_is_read_with_its_groups(office: Crowd) -> None:
    """A GET is one statement and has the groups in it."""
    reader = office.database.reader()
    first, second = (json.dumps({"value": one["id"]}) for one in office.groups)
    kim, lee, ola = (one["id"] for one in office.people)

    read = links.served(reader, office.connection_id, kim)
    assert read == (f'{{,"groups":[{first},{second}]}}', 1)
    assert memberships.references_of(reader, office.places[lee]) == second
    assert memberships.references_of(reader, office.places[ola]) is None

"""Lists over HTTP: walks by cursor (RFC 9865), and everything from the root."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.web.door import Door, person, refusal

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
NAMES = [f"kim{number}@contoso.com" for number in range(5)]


@pytest.fixture
def crowd(door: Door) -> Door:
    """Five users and two groups."""
    ids = [door.made(name) for name in NAMES]
    for name, members in (("Sales", ids[:2]), ("Kims", ids)):
        body = {"displayName": name, "members": [{"value": m} for m in members]}
        assert door.send("POST", "/Groups", body).status_code == 201
    return door


def get(door: Door, path: str, **asked: Any) -> dict[str, Any]:
    """The list at an address with these parameters."""
    answer = door.send("GET", path, query_string=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def search(door: Door, path: str = "/.search", **asked: Any) -> dict[str, Any]:
    """The list that a POST finds."""
    answer = door.send("POST", path, asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def names(listed: dict[str, Any]) -> list[str]:
    """Who is listed: userName of users, displayName of groups."""
    return [one.get("userName", one.get("displayName")) for one in listed["Resources"]]


def refused(door: Door, path: str, scim_type: str, **asked: Any) -> str:
    """The sentence of a 400 of this scimType."""
    answer = door.send("GET", path, query_string=asked)
    assert answer.get_json().get("scimType") == scim_type, answer.text
    return refusal(answer, 400)


# -------------------------------------------------------------------------- cursors


@pytest.mark.parametrize("first", ["cursor", "cursor="])
def test_an_empty_cursor_begins_a_walk(crowd: Door, first: str) -> None:
    """RFC 9865 section 2.1: totals, no startIndex, nextCursor but on the last page."""
    page = crowd.send("GET", f"/Users?{first}&count=2").get_json()
    met, pages = names(page), 1
    while "nextCursor" in page:
        assert set(page) == {
            *("schemas", "totalResults", "itemsPerPage", "nextCursor", "Resources")
        }
        page = get(crowd, "/Users", cursor=page["nextCursor"], count=2)
        met, pages = met + names(page), pages + 1

    assert (met, pages) == (NAMES, 3)
    assert set(page) == {"schemas", "totalResults", "itemsPerPage", "Resources"}
    assert (page["schemas"], page["totalResults"]) == ([LIST], 5)


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_a_walk_goes_by_get_and_by_post(crowd: Door, path: str) -> None:
    """Cursors of GET and of .search are the same, filtered and sorted as asked."""
    asked = {"filter": "meta.created pr", "sortBy": "id", "sortOrder": "descending"}
    whole = names(get(crowd, path, **asked))
    page = get(crowd, path, cursor="", count=1, **asked)
    met = names(page)
    while "nextCursor" in page:
        page = search(crowd, f"{path}/.search", cursor=page["nextCursor"], **asked)
        assert page["itemsPerPage"] == 1
        met += names(page)

    assert met == whole


def test_no_page_at_all_tells_the_total(crowd: Door) -> None:
    """``count=0`` with a cursor gives the total, no resources and nowhere to go."""
    for count in (0, -3):
        page = get(crowd, "/Users", cursor="", count=count)
        assert page == {
            "schemas": [LIST],
            "totalResults": 5,
            "itemsPerPage": 0,
            "Resources": [],
        }


def test_a_cursor_and_a_start_index_exclude_each_other(crowd: Door) -> None:
    """400 invalidValue that says which of both to leave out."""
    told = refused(crowd, "/Users", "invalidValue", cursor="", startIndex=1)

    assert "leave out startIndex to walk by cursor" in told


def test_another_walk_is_refused_in_the_same_words(crowd: Door) -> None:
    """A cursor of another list, token or nobody is invalidCursor, all alike."""
    cursor = get(crowd, "/Users", cursor="", count=2)["nextCursor"]
    other = replace(crowd, token=crowd.new_token())

    told = {
        refused(asker, path, "invalidCursor", **asked).partition(" [")[0]
        for asker, path, asked in (
            (crowd, "/Users", {"cursor": "VZUTiyhEQJ94IR"}),
            (crowd, "/Groups", {"cursor": cursor}),
            (crowd, "/Users", {"cursor": cursor, "filter": "active eq true"}),
            (crowd, "/Users", {"cursor": cursor, "sortBy": "userName"}),
            (other, "/Users", {"cursor": cursor}),
        )
    }
    assert len(told) == 1
    assert "Begin again with an empty cursor" in told.pop()


def test_the_count_stays_within_what_is_published(crowd: Door) -> None:
    """400 invalidCount above maxPageSize, and for another count than on the first page."""
    config = crowd.send("GET", "/ServiceProviderConfig").get_json()["pagination"]
    assert config == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    }
    most = config["maxPageSize"]
    assert get(crowd, "/Users", cursor="", count=most)["itemsPerPage"] == 5
    assert "1000" in refused(crowd, "/Users", "invalidCount", cursor="", count=most + 1)
    cursor = get(crowd, "/Users", cursor="", count=2)["nextCursor"]
    assert "count=2" in refused(crowd, "/Users", "invalidCount", cursor=cursor, count=3)
    assert get(crowd, "/Users", cursor=cursor)["itemsPerPage"] == 2


def test_a_walk_by_a_long_value_goes_on_while_it_stands(crowd: Door) -> None:
    """Where the last row had a very long value and changed, the cursor is expired."""
    for number in range(3):
        title = "x" * 1_000 + str(number)
        crowd.send("POST", "/Users", person(f"t{number}@contoso.com", title=title))
    asked = {"sortBy": "title", "count": 1, "filter": 'userName sw "t"'}
    first = get(crowd, "/Users", cursor="", **asked)
    second = get(crowd, "/Users", cursor=first["nextCursor"], **asked)

    assert [*names(first), *names(second)] == ["t0@contoso.com", "t1@contoso.com"]
    assert len(first["nextCursor"]) < 1_024
    address = f"/Users/{first['Resources'][0]['id']}"
    body = {"Operations": [{"op": "replace", "path": "title", "value": "y"}]}
    assert crowd.send("PATCH", address, body).status_code == 200
    cursor = first["nextCursor"]
    told = refused(crowd, "/Users", "expiredCursor", cursor=cursor, **asked)
    assert "was changed meanwhile" in told


# ------------------------------------------------------------------------- the root


def test_the_root_lists_users_and_then_groups(crowd: Door) -> None:
    """RFC 7644 section 3.4.3: one list over all types, paged over both totals."""
    everything = [*NAMES, "Sales", "Kims"]
    assert names(search(crowd)) == everything

    for start in range(1, 10):
        for count in (0, 1, 3, 10):
            page = search(crowd, startIndex=start, count=count)
            assert names(page) == everything[start - 1 :][:count]
            assert page["totalResults"] == 7
            assert (page["startIndex"], page["itemsPerPage"]) == (
                start,
                len(page["Resources"]),
            )


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ('meta.resourceType eq "User"', NAMES),
        ('meta.resourceType eq "Group"', ["Sales", "Kims"]),
        ('userName eq "KIM1@contoso.com"', NAMES[1:2]),
        ('displayName eq "kims"', ["Kims"]),
        ('userName eq "kim1@contoso.com" or displayName eq "kims"', ["kim1", "Kims"]),
        ("not (userName pr)", ["Sales", "Kims"]),
        ("not (members pr)", NAMES),
        ('groups.display eq "sales"', NAMES[:2]),
        (f'{USER}:userName pr and {GROUP}:displayName eq "x"', []),
        (f'{GROUP}:displayName sw "s"', ["Sales"]),
    ],
)
def test_a_filter_at_the_root_means_each_type(
    crowd: Door, filter_text: str, expected: list[str]
) -> None:
    """An attribute that a type does not have has no value there (section 3.4.2.1)."""
    found = names(search(crowd, filter=filter_text))

    assert [name.removesuffix("@contoso.com") for name in found] == [
        name.removesuffix("@contoso.com") for name in expected
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize(
    "asked", [{}, {"filter": "displayName pr"}, {"filter": "userName pr"}]
)
def test_the_root_is_walked_by_cursor(
    crowd: Door, count: int, asked: dict[str, str]
) -> None:
    """Everybody and then every group once, no page empty but that of an empty list."""
    whole = search(crowd, **asked)
    page = search(crowd, cursor="", count=count, **asked)
    met = names(page)
    while "nextCursor" in page:
        assert page["totalResults"] == whole["totalResults"]
        page = search(crowd, cursor=page["nextCursor"], count=count, **asked)
        assert 0 < page["itemsPerPage"] <= count
        met += names(page)

    assert met == names(whole)
    assert search(crowd, cursor="", count=0, **asked)["totalResults"] == len(met)
    assert "nextCursor" not in search(crowd, cursor="", filter='id eq "x"')
    for forged in ("x", "Nobody.", "Users.x", "."):
        answer = crowd.send("POST", "/.search", {"cursor": forged, **asked})
        assert answer.get_json()["scimType"] == "invalidCursor", forged


def test_an_attribute_that_no_type_has_is_refused(crowd: Door) -> None:
    """400 invalidFilter when nothing declares it."""
    unknown = crowd.send("POST", "/.search", {"filter": 'nope eq "x"'})

    assert unknown.get_json()["scimType"] == "invalidFilter"
    assert '"nope"' in refusal(unknown, 400)


def test_the_root_shows_of_each_type_what_is_asked_for(crowd: Door) -> None:
    """``attributes`` name what either type has; each shows its own."""
    asked = ["userName", "displayName", "members.value"]
    shown = search(crowd, attributes=asked, startIndex=5, count=2)["Resources"]
    hidden = search(crowd, excludedAttributes="members,meta,schemas")["Resources"]

    assert [set(one) - {"schemas", "id"} for one in shown] == [
        {"userName"},
        {"displayName", "members"},
    ]
    assert [set(one) for one in shown[1]["members"]] == [{"value"}] * 2
    assert set(hidden[-1]) == {"schemas", "id", "displayName"}


# --------------------------------------------------------------------------- groups


def test_groups_are_listed_with_their_members(crowd: Door) -> None:
    """A list of groups has their members, unless they are not asked for."""
    ids = {one["userName"]: one["id"] for one in get(crowd, "/Users")["Resources"]}
    sales, kims = get(crowd, "/Groups")["Resources"]
    assert [m["value"] for m in sales["members"]] == [ids[n] for n in NAMES[:2]]
    assert [m["value"] for m in kims["members"]] == [ids[n] for n in NAMES]

    few = get(crowd, "/Groups", excludedAttributes="members")["Resources"]
    assert ["members" in one for one in few] == [False, False]
    asked = {"filter": f'members[value eq "{ids[NAMES[4]]}" and type eq "User"]'}
    assert names(get(crowd, "/Groups", **asked)) == ["Kims"]
    assert names(get(crowd, "/Groups", sortBy="displayName")) == ["Kims", "Sales"]
    for sort_by in ("members", "members.value"):
        told = refused(crowd, "/Groups", "invalidValue", sortBy=sort_by)
        assert "Sort by an attribute with one value" in told


def test_users_are_listed_with_their_groups(crowd: Door) -> None:
    """A list of users has the groups of each, with their addresses."""
    users = get(crowd, "/Users", sortBy="userName")["Resources"]

    assert [[g["display"] for g in one["groups"]] for one in users] == [
        *[["Sales", "Kims"]] * 2,
        *[["Kims"]] * 3,
    ]
    address = users[0]["groups"][0]["$ref"]
    assert address.startswith("https://scim.example.com/scim/v2/Groups/")
    found = get(crowd, "/Users", filter='groups[display eq "sales"]')
    assert names(found) == NAMES[:2]


PROJECTIONS = {
    "name.familyName": {"name": {"familyName": "Doe"}},
    f"{USER}:name.givenName": {"name": {"givenName": "Kim"}},
    'emails[type eq "work"].value': {"emails": [{"value": "kim@contoso.com"}]},
    'emails[type eq "work"]': {
        "emails": [{"type": "work", "value": "kim@contoso.com", "primary": True}]
    },
    "NAME.FAMILYNAME,emails.type": {
        "name": {"familyName": "Doe"},
        "emails": [{"type": "work"}],
    },
}


@pytest.mark.parametrize(("attributes", "expected"), PROJECTIONS.items())
def test_every_method_shows_the_parts_that_are_asked_for(
    door: Door, attributes: str, expected: dict[str, Any]
) -> None:
    """Sub-attributes, URNs and brackets, on each method (RFC 7644 section 3.9)."""
    asked = {"query_string": {"attributes": attributes}}
    body = person("kim@contoso.com")
    made = door.send("POST", "/Users", body, **asked).get_json()
    address = f"/Users/{made['id']}"
    patch = {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}
    answers = [
        made,
        door.send("GET", address, **asked).get_json(),
        door.send("PUT", address, body, **asked).get_json(),
        door.send("PATCH", address, patch, **asked).get_json(),
        door.send("GET", "/Users", **asked).get_json()["Resources"][0],
        search(door, "/Users/.search", attributes=[attributes])["Resources"][0],
        search(door, attributes=[attributes])["Resources"][0],
    ]

    for answer in answers:
        rest = {n: v for n, v in answer.items() if n not in {"schemas", "id"}}
        assert rest == expected

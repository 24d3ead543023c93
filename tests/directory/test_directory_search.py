"""Lists from the database: filters, order, pages and totals."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, text

from scim_connector.directory import counters, search
from scim_connector.directory.database import Database
from scim_connector.directory.search_order import attribute_path
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections, link_emails, links
from scim_connector.rules.folding import initials_key, username_key
from scim_connector.scim import filters, paths, search_documents
from scim_connector.scim.errors import InvalidFilter, InvalidPath, InvalidValue, TooMany
from scim_connector.scim.folding import instant_key, text_key
from scim_connector.scim.schemas import DeclaredAttribute, user_resource_type
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

OWN = "urn:example:own:1.0:User"
TYPE = user_resource_type(
    (
        DeclaredAttribute(OWN, "level", "integer"),
        DeclaredAttribute(OWN, "ratio", "decimal"),
        DeclaredAttribute(OWN, "seen", "dateTime"),
        DeclaredAttribute(OWN, "trained", "boolean"),
        DeclaredAttribute(OWN, "tags", "string", multi_valued=True),
        DeclaredAttribute(OWN, "floors", "integer", multi_valued=True),
    )
)

# ------------------------------------------------------------------- a small directory

_LINK = Statement(
    insert(links).returning(links.c.seq),
    (
        *("seq", "id", "connection_id", "external_id", "user_name", "user_name_key"),
        *("display_name_key", "family_name_key", "given_name_key"),
        *("employee_number_key", "local_username_key", "local_initials_key"),
        *("active", "asked_active", "version", "created_at", "modified_at"),
        *("hidden_at", "served", "search"),
    ),
)
_EMAIL = Statement(
    insert(link_emails), ("link_seq", "position", "connection_id", "value_key")
)
_CONNECTION = Statement(
    insert(connections).returning(connections.c.id),
    ("name", "name_key", "kind", "state", "created_at"),
)


def add_connection(database: Database, name: str) -> int:
    return database.write(
        lambda tx: tx.insert(
            _CONNECTION,
            name=name,
            name_key=name,
            kind="generic",
            state="live",
            created_at=0,
        )
    )


def _key(value: str | None) -> str | None:
    return None if value is None else text_key(value)


def add_link(
    tx: Any,
    connection_id: int,
    seq: int,
    resource: dict[str, Any],
    *,
    hidden: bool = False,
) -> None:
    """Store a resource as the directory does, at a given place of the sequence."""
    name = resource.get("name", {})
    local = resource[LOCAL]["local"]
    tx.insert(
        _LINK,
        seq=seq,
        id=resource["id"],
        connection_id=connection_id,
        external_id=resource.get("externalId"),
        user_name=resource["userName"],
        user_name_key=text_key(resource["userName"]),
        display_name_key=_key(resource.get("displayName")),
        family_name_key=_key(name.get("familyName")),
        given_name_key=_key(name.get("givenName")),
        employee_number_key=_key(resource.get(ENTERPRISE, {}).get("employeeNumber")),
        local_username_key=username_key(local["username"]),
        local_initials_key=initials_key(local["initials"]),
        active=resource["active"],
        asked_active=resource["active"],
        version=1,
        created_at=instant_key(resource["meta"]["created"]),
        modified_at=instant_key(resource["meta"]["lastModified"]),
        hidden_at=1 if hidden else None,
        served=f"served {resource['id']}",
        search=json.dumps(search_documents.build(TYPE, resource)),
    )
    for position, email in enumerate(resource.get("emails", [])):
        if "value" in email:
            tx.run(
                _EMAIL,
                link_seq=seq,
                position=position,
                connection_id=connection_id,
                value_key=text_key(email["value"]),
            )
    if not hidden:
        active = int(resource["active"])
        counters.move(tx, connection_id, seq, live=1, active=active)


def person(number: int, **members: Any) -> dict[str, Any]:
    """A resource with everything that is always there."""
    user_name = members.pop("userName", f"user{number}@example.com")
    initials = members.pop("initials", f"U{number}")
    created = f"2026-01-02T03:04:05.{number:06d}Z"
    return {
        "schemas": [CORE],
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "userName": user_name,
        "active": True,
        "meta": {
            "resourceType": "User",
            "created": created,
            "lastModified": created,
            "version": 'W/"1"',
        },
        LOCAL: {"local": {"username": f"user{number}", "initials": initials}},
        **members,
    }


def fill(
    database: Database, resources: list[dict[str, Any]], *, first_seq: int = 1
) -> int:
    """Store resources in a new connection and return its id."""
    connection_id = add_connection(database, f"provider {first_seq}")

    def work(tx: Any) -> None:
        for offset, resource in enumerate(resources):
            add_link(tx, connection_id, first_seq + offset, resource)

    database.write(work)
    return connection_id


def found(database: Database, connection_id: int, **query: Any) -> list[str]:
    """The ids of a page."""
    page = search.page(
        database.reader(),
        search.USERS,
        connection_id=connection_id,
        resource_type=TYPE,
        **query,
    )
    return [row.id for row in page.rows]


def total(database: Database, connection_id: int, **query: Any) -> int:
    page = search.page(
        database.reader(),
        search.USERS,
        connection_id=connection_id,
        resource_type=TYPE,
        **query,
    )
    return page.total


# ---------------------------------------------------- SQL means what matches() means

TEXTS = ["a", "A", "ab", "aB%", "%", "_", "a_b", "\\", 'q"q', "x y", "é", "É"]
TEXTS += [
    "e\u0301",
    "ß",
    "ss",
    "日本",
    "\u017f",
    "0",
    "12",
    "true",
    "'",
    "a' or 1=1 --",
]
INSTANTS = ["2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00"]
INSTANTS += ["2026-01-02T03:04:05.000001Z", "1969-12-31T23:59:59.5-08:00"]
NUMBERS = [-3, 0, 1, 2, 25, 2.5, 1000.0, -0.5]


def _some(random: Random, choices: list[Any]) -> dict[str, Any]:
    """Pick members of a complex value, each half the time."""
    return {
        name: random.choice(values) for name, values in choices if random.random() < 0.5
    }


def _elements(random: Random, choices: list[Any]) -> list[dict[str, Any]]:
    made = [_some(random, choices) for _ in range(random.randrange(4))]
    return [element for element in made if element]


def random_person(random: Random, number: int) -> dict[str, Any]:
    """A resource whose attributes come and go, and whose values often meet."""
    plural = [("value", TEXTS), ("type", ["work", "home", "Work"]), ("primary", [True])]
    members: dict[str, Any] = _some(
        random,
        [(name, TEXTS) for name in ("externalId", "displayName", "title", "nickName")],
    )
    members |= {
        "userName": random.choice(TEXTS) + str(number),
        "active": random.random() < 0.5,
        "name": _some(random, [("familyName", TEXTS), ("givenName", TEXTS)]),
        "emails": _elements(random, plural),
        "phoneNumbers": _elements(random, plural),
        ENTERPRISE: _some(
            random,
            [("employeeNumber", TEXTS), ("department", TEXTS)],
        ),
        OWN: _some(
            random,
            [
                ("level", [number % 4, 25]),
                ("ratio", NUMBERS),
                ("seen", INSTANTS),
                ("trained", [True, False]),
                ("tags", [["a"], ["a", "É"], ["%", "ab", "12"]]),
                ("floors", [[1], [2, 25], [0]]),
            ],
        ),
    }
    if random.random() < 0.5:
        members[ENTERPRISE]["manager"] = {"value": random.choice(TEXTS)}
    present = {name: value for name, value in members.items() if value not in ({}, [])}
    return person(number, **present)


STRINGS = [
    *("userName", "USERNAME", "externalId", "displayName", "title", "nickName", "id"),
    *("name.familyName", "name.givenName", "emails", "emails.value", "emails.type"),
    *("phoneNumbers.value", f"{CORE}:userName", f"{ENTERPRISE}:employeeNumber"),
    *(f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager", f"{OWN}:tags"),
    *(f"{LOCAL}:local.username", f"{LOCAL}:local.initials", "schemas", "locale"),
    "meta.resourceType",
]
NUMERIC = [f"{OWN}:level", f"{OWN}:ratio", f"{OWN}:floors"]
DATES = ["meta.created", "meta.lastModified", f"{OWN}:seen"]
BOOLEANS = ["active", "emails.primary", f"{OWN}:trained"]
COMPLEX = ["name", "meta", ENTERPRISE, "photos"]

quoted_texts = st.sampled_from([*TEXTS, "", "work", "u1", "a1", "User", "user"]).map(
    json.dumps
)
_dates = st.sampled_from(INSTANTS).map(json.dumps)
_numbers = st.sampled_from(NUMBERS).map(json.dumps)
_booleans = st.sampled_from(["true", "false", '"True"', "FALSE"])
_equality = st.sampled_from(["eq", "ne", "EQ"])
_order = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
text_operators = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew"])


def terms(
    strings: list[str], numbers: list[str], dates: list[str], booleans: list[str]
) -> st.SearchStrategy[str]:
    kinds = [(strings, text_operators, quoted_texts)]
    kinds += [(numbers, _order, _numbers), (dates, _order, _dates)]
    kinds += [(booleans, _equality, _booleans)]
    made = []
    for names, ops, literals in kinds:
        if names:
            name = st.sampled_from(names)
            made.append(st.tuples(name, ops, literals).map(" ".join))
            made.append(name.map("{} pr".format))
            made.append(name.map("{} eq null".format))
    return st.one_of(made)


def joined(terms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        terms,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
            inner.map("({})".format),
            inner.map("not ({})".format),
        ),
        max_leaves=6,
    )


_inner = joined(terms(["value", "type"], [], [], ["primary"]))
_elements_terms = st.tuples(
    st.sampled_from(["emails", "phoneNumbers"]),
    _inner,
    st.one_of(
        st.just(""),
        st.tuples(text_operators, quoted_texts).map(" ".join).map(".value {}".format),
    ),
).map(lambda parts: f"{parts[0]}[{parts[1]}]{parts[2]}")
_tags = joined(terms(["value"], [], [], [])).map(lambda text: f"{OWN}:tags[{text}]")
_single = joined(terms(["familyName", "givenName"], [], [], [])).map("name[{}]".format)
_names = st.sampled_from(COMPLEX).map("{} pr".format)
filter_texts = joined(
    st.one_of(
        terms(STRINGS, NUMERIC, DATES, BOOLEANS),
        _elements_terms,
        _tags,
        _single,
        _names,
    )
)


@pytest.fixture
def crowd(database: Database) -> tuple[Database, int, list[dict[str, Any]]]:
    random = Random(7)  # noqa: S311 - test data
    resources = [random_person(random, number) for number in range(60)]
    return database, fill(database, resources), resources


@given(filter_text=filter_texts)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(filter_text='emails.value ne "a"')
@example(filter_text='not (emails[type eq "work" and value eq "a"])')
@example(filter_text='meta[resourceType eq "User"] and meta.resourceType ne "user"')
@example(filter_text='title co "" and not (nickName ew "")')
@example(filter_text='userName sw "" and not (displayName sw "É")')
def test_sql_means_what_matches_means(
    filter_text: str, crowd: tuple[Database, int, list[dict[str, Any]]]
) -> None:
    """The SQL of a filter selects exactly the resources that matches() accepts."""
    database, connection_id, resources = crowd
    expression = filters.parse(filter_text, TYPE)
    expected = [
        resource["id"]
        for resource in resources
        if filters.matches(expression, search_documents.build(TYPE, resource))
    ]

    query = {"filter_text": filter_text, "count": 100}
    assert found(database, connection_id, **query) == expected
    assert total(database, connection_id, filter_text=filter_text, count=0) == len(
        expected
    )


SORTS = [
    *("userName", "id", "externalId", "displayName", "title", "active", "emails"),
    *("meta.created", f"{ENTERPRISE}:manager", f"{OWN}:level", f"{OWN}:ratio"),
    *(f"{OWN}:seen", f"{OWN}:trained", f"{OWN}:tags", "phoneNumbers.type"),
    *("name.familyName", f"{LOCAL}:local.initials"),
]


def sort_value(sort_by: str, resource: dict[str, Any]) -> Any:
    """What a resource is sorted by: of several values the primary one, or the first."""
    path = attribute_path(paths.parse(sort_by, TYPE))
    if path.target.type == "complex":
        path = replace(path, sub=path.attribute.sub("value"))
    document = search_documents.build(TYPE, resource)
    elements, values = path.elements(document), list(path.values(document))
    if path.multi_valued:
        primary = [element.get("primary") is True for element in elements]
        return values[primary.index(True) if any(primary) else 0] if values else None
    return values[0] if values else None


@pytest.mark.parametrize("sort_by", SORTS)
def test_sql_sorts_as_the_search_documents_do(
    sort_by: str, crowd: tuple[Database, int, list[dict[str, Any]]]
) -> None:
    """Lists are sorted by the folded value, absent ones last (RFC 7644 §3.4.2.3)."""
    database, connection_id, resources = crowd
    keyed = [(sort_value(sort_by, resource), resource["id"]) for resource in resources]
    present = sorted(
        (pair for pair in keyed if pair[0] is not None), key=lambda p: p[0]
    )
    expected = [pair[1] for pair in present]
    expected += [link_id for value, link_id in keyed if value is None]

    query = {"sort_by": sort_by, "count": 100}
    assert found(database, connection_id, **query) == expected
    assert found(database, connection_id, descending=True, **query) == expected[::-1]
    cut = {"sort_by": sort_by, "start": 11, "count": 7}
    assert found(database, connection_id, **cut) == expected[10:17]
    assert total(database, connection_id, **cut) == 60


def walked(
    database: Database, connection_id: int, count: int, **query: Any
) -> list[str]:
    """The ids that a walk meets, page by page."""
    met: list[str] = []
    after = None
    while True:
        page = search.walk(
            database.reader(),
            search.USERS,
            connection_id=connection_id,
            resource_type=TYPE,
            after=after,
            count=count,
            **query,
        )
        assert len(page.rows) == count or page.last is None
        met += [row.id for row in page.rows]
        after = page.last
        if after is None:
            return met


WALKS = [None, "active eq false", 'userName sw "a" or externalId eq "a"']
WALKS += ['emails[type eq "work"] or title pr', 'not (displayName sw "x")']


@pytest.mark.parametrize("sort_by", [None, *SORTS])
def test_a_walk_meets_what_the_list_has(
    sort_by: str | None, crowd: tuple[Database, int, list[dict[str, Any]]]
) -> None:
    """Page by page behind the last row, the order and the rows are those of a list."""
    database, connection_id, _ = crowd
    for number, filter_text in enumerate(WALKS):
        for descending in {False, sort_by is not None}:
            query = {
                "filter_text": filter_text,
                "sort_by": sort_by,
                "descending": descending,
            }
            expected = found(database, connection_id, **query)
            for count in (1, 7, 100)[number % 2 :]:
                assert walked(database, connection_id, count, **query) == expected


@pytest.mark.parametrize("sort_by", [None, "displayName", "title", "meta.lastModified"])
@pytest.mark.parametrize("descending", [False, True])
def test_a_walk_meets_who_is_left_alone_once(
    sort_by: str | None,
    descending: bool,
    crowd: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """While half of them move, go and come, the others are met once (RFC 9865 §4)."""
    database, connection_id, resources = crowd
    random = Random(5)  # noqa: S311 - test data
    movers = [seq for seq in range(1, 61) if seq % 2]
    query = {"sort_by": sort_by, "descending": descending and sort_by is not None}
    met: list[str] = []
    after = None
    while True:
        page = search.walk(
            database.reader(),
            search.USERS,
            connection_id=connection_id,
            resource_type=TYPE,
            after=after,
            count=4,
            **query,
        )
        met += [row.id for row in page.rows]
        after = page.last
        if after is None:
            break
        disturb(database, random, movers, after.seq)

    left_alone = [r["id"] for seq, r in enumerate(resources, 1) if seq % 2 == 0]
    assert sorted(i for i in met if i in left_alone) == sorted(left_alone)


def disturb(database: Database, random: Random, movers: list[int], last: int) -> None:
    """Give some of the movers, and the row of the cursor, other values; hide some."""
    moved = {*random.sample(movers, 8), *([last] if last in movers else [])}
    for seq in moved:
        name = random.choice([None, *TEXTS])
        search_document = {} if name is None else {"title": text_key(name)}
        change = (
            links.update()
            .where(links.c.seq == seq)
            .values(
                display_name_key=_key(name),
                modified_at=random.randrange(10**15),
                hidden_at=random.choice([None, None, 1]),
                search=json.dumps(search_document),
            )
        )
        database.write(lambda tx, change=change: tx.run(Statement(change)))


def test_sorting_and_filtering_go_together(
    crowd: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """A filtered list is sorted, cut and counted like the whole one."""
    database, connection_id, resources = crowd
    titled = [r for r in resources if r["active"] and "title" in r]
    keyed = sorted((text_key(r["title"]), r["id"]) for r in titled)
    expected = [pair for pair in keyed if pair[0] < "t"]
    query = {
        "filter_text": 'active eq true and title lt "t"',
        "sort_by": "title",
    }

    ids = [link_id for _, link_id in expected]
    assert found(database, connection_id, **query) == ids
    assert found(database, connection_id, start=2, count=2, **query) == ids[1:3]
    assert total(database, connection_id, start=2, count=2, **query) == len(ids)


# ------------------------------------------------------------------ pages and totals


def counted_pages(database: Database, **query: Any) -> tuple[list[str], set[int]]:
    """Walk all pages as a provider does; the ids, and the totals met on the way."""
    ids: list[str] = []
    totals: set[int] = set()
    while True:
        start = len(ids) + 1
        totals.add(total(database, start=start, **query))
        page = found(database, start=start, **query)
        if not page:
            return ids, totals
        ids += page


@pytest.fixture
def blocks(database: Database) -> tuple[Database, int, list[dict[str, Any]]]:
    """Forty links around the border of two blocks, every fifth hidden or inactive."""
    connection_id = add_connection(database, "blocks")
    other = add_connection(database, "neighbour")
    resources = [person(n, active=n % 5 != 3) for n in range(40)]

    def work(tx: Any) -> None:
        for number, resource in enumerate(resources):
            seq = counters.BLOCK - 20 + number
            add_link(tx, connection_id, seq, resource, hidden=number % 5 == 1)
        far = person(40)
        add_link(tx, connection_id, 9 * counters.BLOCK + 7, far)
        add_link(tx, other, 9 * counters.BLOCK + 8, person(41))
        resources.append(far)

    database.write(work)
    visible = [r for number, r in enumerate(resources) if number % 5 != 1]
    return database, connection_id, visible


@pytest.mark.parametrize("count", [1, 3, 7, 100])
@pytest.mark.parametrize("filter_text", [None, "active eq true", 'active eq "False"'])
def test_pages_meet_every_visible_link_once(
    count: int,
    filter_text: str | None,
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """Walking the pages gives each visible link once, with one total (T51)."""
    database, connection_id, visible = blocks
    wanted = {None: {True, False}, "active eq true": {True}}.get(filter_text, {False})
    expected = [r["id"] for r in visible if r["active"] in wanted]

    ids, totals = counted_pages(
        database, connection_id=connection_id, count=count, filter_text=filter_text
    )

    assert ids == expected
    assert totals == {len(expected)}


@pytest.mark.parametrize("filter_text", [None, "active eq true", "userName pr"])
def test_a_page_past_the_end_is_empty_and_keeps_the_total(
    filter_text: str | None,
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """Past the end there is nothing, with the same total, however far (T51)."""
    database, connection_id, _ = blocks
    query = {"connection_id": connection_id, "filter_text": filter_text}
    everything = total(database, **query)

    for start in (everything + 1, 10**6, 10**30):
        assert found(database, start=start, **query) == []
        assert total(database, start=start, **query) == everything


def test_a_page_of_nothing_tells_the_total(
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """``count=0`` asks for the total alone (RFC 7644 §3.4.2.4)."""
    database, connection_id, visible = blocks

    page = search.page(
        database.reader(),
        search.USERS,
        connection_id=connection_id,
        resource_type=TYPE,
        count=0,
    )

    assert page == search.Page(len(visible), [])


def test_a_full_page_of_a_filter_still_tells_how_many_there_are(
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """The total counts what matches, not what is shown."""
    database, connection_id, visible = blocks
    query = {"filter_text": 'userName sw "USER"', "connection_id": connection_id}

    assert len(found(database, count=3, **query)) == 3
    assert total(database, count=3, **query) == len(visible)


def test_another_connection_is_never_seen(
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """A search sees the links of its own connection alone (decision 7)."""
    database, connection_id, _ = blocks
    query = {"connection_id": connection_id}

    for text_of in ('userName eq "user41@example.com"', f'id eq "{person(41)["id"]}"'):
        assert found(database, filter_text=text_of, **query) == []
    assert person(41)["id"] not in found(database, **query)


def test_what_was_removed_is_not_found(
    blocks: tuple[Database, int, list[dict[str, Any]]],
) -> None:
    """A hidden link is in no list (decision 12)."""
    database, connection_id, _ = blocks
    hidden = person(1)
    query = {"connection_id": connection_id}

    for text_of in (f'userName eq "{hidden["userName"]}"', 'userName sw "user1@"'):
        assert found(database, filter_text=text_of, **query) == []


# ------------------------------------------------------------- what providers ask


@pytest.fixture
def office(database: Database) -> tuple[Database, int]:
    kim = person(
        1,
        userName="Kim.Doe@Example.com",
        externalId="AbC",
        initials="\uff2b\uff24",
        emails=[
            {"value": "Kim@Example.com", "type": "work", "primary": True},
            {"value": "home@example.com", "type": "home"},
        ],
        **{ENTERPRISE: {"employeeNumber": "0701", "manager": {"value": "M-1"}}},
    )
    lee = person(2, userName="lee_50%@example.com", title='say "hi" \\ 50%')
    ola = person(3, userName="Ola@example.com", active=False, title="Boss")
    return database, fill(database, [kim, lee, ola])


PERSONS = {"kim": person(1)["id"], "lee": person(2)["id"], "ola": person(3)["id"]}


@pytest.mark.parametrize(
    ("filter_text", "names"),
    [
        ('userName eq "7d420df3-9995-4831-a406-ecf8166f5f6a"', ""),  # T1
        ('userName eq "KIM.DOE@EXAMPLE.COM"', "kim"),  # T60, quirk 15
        ('username Eq "kim.doe@example.com"', "kim"),  # T72
        ('externalId eq "AbC"', "kim"),  # T2
        ('externalId eq "abc"', ""),  # quirk 16: caseExact
        ("externalId eq AbC", "kim"),  # T3, without quotes
        ('emails[type eq "work"].value eq "kim@example.com"', "kim"),  # T2
        ('emails[type eq "home"].value eq "kim@example.com"', ""),
        ('emails.value eq "HOME@example.com"', "kim"),
        ('emails eq "home@example.com"', "kim"),
        (f'id eq "{PERSONS["kim"]}" and {ENTERPRISE}:manager eq "m-1"', "kim"),  # T14
        (f"{ENTERPRISE}:employeeNumber eq 0701", "kim"),
        ('userName eq "ola@example.com"', "ola"),  # quirk 17: inactive ones too
        ("userName sw O", "ola"),
        ('userName co "%"', "lee"),
        ('userName co "_"', "lee"),
        ('title eq "say \\"hi\\" \\\\ 50%"', "lee"),
        ('title ne "boss"', "kim lee"),
        ("title eq null", "kim"),
        ('not (title eq "Boss")', "kim lee"),
        ("userName eq \"x' OR '1'='1\"", ""),
        (f'{LOCAL}:local.initials eq "kd"', "kim"),  # folded by the local rule
        (f'{LOCAL}:local.username sw "USER"', "kim lee ola"),
        ('meta.created eq "2026-01-02T04:04:05.000002+01:00"', "lee"),
        ("meta.created gt 2015-10-10T14:38:21.8617979-07:00", "kim lee ola"),
        ('userName eq "lee_50%@example.com" or active eq false', "lee ola"),
    ],
)
def test_what_providers_ask_is_answered(
    filter_text: str, names: str, office: tuple[Database, int]
) -> None:
    """The questions of idp-wire.md find who they are meant to find."""
    database, connection_id = office

    ids = found(database, connection_id, filter_text=filter_text)

    assert ids == [PERSONS[name] for name in names.split()]
    assert total(database, connection_id, filter_text=filter_text) == len(ids)


@pytest.mark.parametrize(
    "query",
    [
        {"filter_text": 'meta.location sw "https"'},
        {"filter_text": 'meta[location sw "https"]'},
        {"filter_text": 'groups.$ref sw "https"'},
        {"filter_text": 'groups[$ref sw "https"]'},
        {"filter_text": 'nope eq "x"'},
        {"filter_text": 'meta.created gt "yesterday"'},
        {"sort_by": "groups"},
        {"sort_by": "name"},
        {"sort_by": "nope"},
        {"sort_by": "userName desc; --"},
    ],
)
def test_what_cannot_be_searched_is_refused(
    query: dict[str, str], office: tuple[Database, int]
) -> None:
    """What no search document holds is refused and never silently empty."""
    database, connection_id = office

    with pytest.raises((InvalidFilter, InvalidPath, InvalidValue)):
        found(database, connection_id, **query)


def test_the_largest_filter_is_compiled_and_run(office: tuple[Database, int]) -> None:
    """Thirty levels and fifty terms stay far from the limits of Python and of SQL."""
    database, connection_id = office
    nested = 'emails[type eq "x" or not (value eq "y")] or not title pr'
    for depth in range(26):
        joint = "and" if depth % 2 else "or"
        nested = f"not (title pr {joint} {nested})"
    wide = " or ".join(f'nickName eq "{number}"' for number in range(50))

    for filter_text in (nested, wide):
        expression = filters.parse(filter_text, TYPE)
        document = search_documents.build(TYPE, person(9))
        ids = found(database, connection_id, filter_text=filter_text)
        assert (PERSONS["kim"] in ids) in {True, False}
        assert filters.matches(expression, document) in {True, False}


def test_a_document_of_another_schema_breaks_no_search(
    office: tuple[Database, int],
) -> None:
    """Where an operator changed the type of an attribute, old values are absent."""
    database, connection_id = office
    old = {OWN.lower(): {"level": "high", "floors": "2", "tags": {"a": 1}}}
    odd = {**old, "title": 7, "emails": "x", "name": "x"}

    def work(tx: Any) -> None:
        add_link(tx, connection_id, 90, person(90))
        change = links.update().where(links.c.seq == 90)
        tx.run(Statement(change.values(search=bindparam("odd"))), odd=json.dumps(odd))

    database.write(work)

    for filter_text in (
        f"{OWN}:level eq 2 or {OWN}:floors eq 2",
        f'{OWN}:tags eq "a" or name.formatted eq "y"',
        'emails.type eq "x" and emails[type eq "x"]',
    ):
        assert found(database, connection_id, filter_text=filter_text) == []
    for sort_by in (f"{OWN}:level", f"{OWN}:tags", "phoneNumbers", "title"):
        assert len(found(database, connection_id, sort_by=sort_by)) == 4


# -------------------------------------------------------------------- what it costs


def test_a_search_past_its_deadline_is_too_many(database: Database) -> None:
    """The statement deadline ends a filter with 400 tooMany (decision 32)."""
    connection_id = fill(database, [person(n) for n in range(400)])
    hurried = Database(
        database.url.render_as_string(hide_password=False), statement_timeout=0.001
    )
    heavy = " or ".join(f'emails[value co "{n}" or type ew "{n}"]' for n in range(25))

    with pytest.raises(TooMany, match="have an index"):
        found(hurried, connection_id, filter_text=heavy)
    hurried.close()


class Explained:
    """A statement of which the plan is asked."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def bound(self, dialect: str, values: Any) -> tuple[str, Any]:
        sql, parameters = self._statement.bound(dialect, values)
        verb = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
        return f"{verb} {sql}", parameters


def plan(database: Database, monkeypatch: pytest.MonkeyPatch, **query: Any) -> str:
    """The plans of every statement that a search runs."""
    reader = database.reader()
    rows, plans = type(reader).rows, []

    def explained(self: Any, statement: Statement, **values: Any) -> Any:
        plans.append(rows(self, Explained(statement), **values))  # type: ignore[arg-type]
        return rows(self, statement, **values)

    with monkeypatch.context() as patch:
        patch.setattr(type(reader), "rows", explained)
        find = search.walk if "after" in query else search.page
        find(reader, search.USERS, resource_type=TYPE, **query)
    return "\n".join(str(column) for plan in plans for row in plan for column in row)


INDEXED = [
    ('userName eq "user7@example.com"', "links_(live_)?user_name"),
    ('externalId eq "x"', "ix_links_external_id"),
    ('emails.value eq "x"', "ix_link_emails_value"),
    ('emails[type eq "work"].value eq "x"', "ix_link_emails_value"),
    ('displayName sw "x"', "ix_links_display_name"),
    ('name.familyName eq "x" and title pr', "ix_links_family_name"),
    ('meta.lastModified gt "2026-02-02T03:04:05Z"', "ix_links_modified"),
    ('userName eq "x" or externalId eq "y"', "ix_links_external_id"),
    ("active eq false", "ix_links_(active|seq)"),
    ('title co "x"', "ix_links_seq|pk_links|Scan on links"),
    (None, "ix_links_seq|pk_links"),
]


@pytest.fixture
def thousands(database: Database) -> tuple[Database, int]:
    """Enough links that an index is worth it, and statistics to say so."""
    people = [
        person(n, displayName=f"d{n}", externalId=f"e{n}", name={"familyName": f"f{n}"})
        | {"emails": [{"value": f"{n}@example.com"}], "active": n % 50 != 0}
        for n in range(1500)
    ]
    connection_id = fill(database, people)
    if database.dialect == "postgresql":
        for table in ("links", "link_emails"):
            analyze = Statement(text(f"ANALYZE {table}"))
            database.write(lambda tx, statement=analyze: tx.run(statement))

    return database, connection_id


def test_what_providers_match_on_is_found_through_an_index(
    thousands: tuple[Database, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matching query reads an index, not every link (decision 40)."""
    database, connection_id = thousands

    for filter_text, index in INDEXED:
        query = {"connection_id": connection_id, "filter_text": filter_text}
        found_plan = plan(database, monkeypatch, **query)
        assert re.search(index, found_plan), (filter_text, found_plan)
        assert "SCAN links" not in found_plan, (filter_text, found_plan)


BEHIND = [
    (None, None, "ix_links_seq|pk_links"),
    ("userName", "user7", "links_(live_)?user_name"),
    ("displayName", "d7", "ix_links_display_name"),
    ("meta.lastModified", 1_767_323_045_000_007, "ix_links_modified"),
]


def test_a_walk_goes_on_through_an_index(
    thousands: tuple[Database, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes behind a place is read in order, without sorting the others."""
    database, connection_id = thousands

    for sort_by, value, index in BEHIND:
        found_plan = plan(
            database,
            monkeypatch,
            connection_id=connection_id,
            sort_by=sort_by,
            after=search.Place(7, value),
            count=20,
        )
        assert re.search(index, found_plan), (sort_by, found_plan)
        assert "SCAN links" not in found_plan, (sort_by, found_plan)

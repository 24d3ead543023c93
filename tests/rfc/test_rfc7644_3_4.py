"""RFC 7644 section 3.4: reading, filters, order and pages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, LIST, SEARCH, TYPED, Json, asked
from tests.rfc.requirements import not_applicable, not_tested, requirement
from tests.server import Reply, Server

WITHOUT_TEST = (
    not_tested(
        "RFC7644-3.4.2.1-1",
        "MUST",
        "A search that finds too much is refused: 400 with the scimType tooMany.",
        "Too much is what the statement deadline ends, which a small directory does not "
        "reach; see tests/directory/test_directory_search.py. A filter of more than 50 "
        "terms is tooMany at once.",
    ),
    not_applicable(
        "RFC7644-3.4.2.2-13",
        "MUST",
        "An attribute with a default is filtered by the value that was answered last.",
        "The one default is active, and it is kept, not worked out when asked; see "
        "RFC7644-3.4.2.2-12.",
    ),
)


def listed(scim: Server, **query: object) -> Json:
    """The whole answer to a search in /Users."""
    reply = scim.send("GET", f"/Users{asked(**query)}")
    assert reply.status == 200, reply.content
    body: Json = reply.body
    return body


def titles(users: Sequence[Json]) -> list[str]:
    """The titles of users, in their order; - for none."""
    return [user.get("title", "-") for user in users]


@pytest.fixture(scope="module")
def crowd(scim: Server) -> str:
    """Four users who differ, told apart by title; their common userType is returned."""
    own = asking.name()
    mail = f"@{own}.example.com"
    for title, family, emails, more in (
        ("a", "Åse", [("work", f"a{mail}"), ("home", f"z{mail}")], {}),
        ("b", "bo", [("home", f"b{mail}")], {"nickName": "Bee"}),
        ("c", "Chi", [("work", f"c{mail}")], {"active": False}),
        ("d", "doe", [("other", f"d{mail}")], {ENTERPRISE: {"costCenter": own}}),
    ):
        asking.created(
            scim,
            userType=own,
            title=title,
            name={"familyName": family, "givenName": title.upper()},
            emails=[{"type": kind, "value": value} for kind, value in emails],
            **more,
        )
    return own


def found(scim: Server, crowd: str, expression: str) -> str:
    """The titles of those in the crowd whom a filter finds, sorted, as one word."""
    users = asking.found(scim, f'userType eq "{crowd}" and ({expression})')
    return "".join(sorted(titles(users)))


# ---------------------------------------------------------------------- 3.4, 3.4.1


@requirement(
    "RFC7644-3.4-1",
    "MUST",
    "Without being asked otherwise, an answer has what is returned always or by default.",
)
def test_an_answer_has_what_is_returned_by_default(scim: Server) -> None:
    """Everything sent comes back, and nothing that is returned on request."""
    body = asking.person(title="Clerk", nickName="K", locale="da-DK")
    user = asking.read(scim, asking.created(scim, body))

    added = {"id", "active", "meta"}
    assert user.keys() == body.keys() | added


@requirement("RFC7644-3.4.1-1", "MUST", "Reading what is there is 200 with it.")
def test_reading_by_id(scim: Server) -> None:
    """GET of the id answers the user that was created."""
    user = asking.created(scim)
    reply = scim.send("GET", asking.at(user))

    assert (reply.status, reply.body) == (200, user)


# -------------------------------------------------------------------------- 3.4.2


@requirement("RFC7644-3.4.2-1", "SHOULD", "Unknown query parameters are ignored.")
def test_unknown_parameters_are_ignored(scim: Server, crowd: str) -> None:
    """A parameter that nobody knows changes nothing."""
    expression = f'userType eq "{crowd}"'

    assert listed(scim, filter=expression, aadOptscim062020="") == listed(
        scim, filter=expression
    )


@requirement("RFC7644-3.4.2-2", "MUST", "A list is marked as a ListResponse.")
@requirement("RFC7644-3.4.2-3", "MUST", "A list has totalResults.")
@requirement("RFC7644-3.4.2-4", "MUST", "A list that is not empty has Resources.")
@requirement("RFC7644-3.4.2-5", "MUST", "A page of a list has startIndex.")
@requirement("RFC7644-3.4.2-6", "MUST", "A page of a list has itemsPerPage.")
def test_a_list_has_its_members(scim: Server, crowd: str) -> None:
    """The second page of two says where it begins and how long it is."""
    expression = f'userType eq "{crowd}"'
    page = listed(scim, filter=expression, startIndex=3, count=2)

    assert page["schemas"] == [LIST]
    assert (page["totalResults"], page["startIndex"]) == (4, 3)
    assert page["itemsPerPage"] == len(page["Resources"]) == 2


@requirement("RFC7644-3.4.2-7", "MUST", "Finding nothing is 200 with 0 results.")
def test_finding_nothing_is_success(scim: Server) -> None:
    """A name that nobody has is 200 and totalResults 0."""
    assert listed(scim, filter=f'userName eq "{asking.name()}"')["totalResults"] == 0


# ------------------------------------------------------------------------ 3.4.2.2


@requirement("RFC7644-3.4.2.2-1", "MUST", "Only what matches the filter is returned.")
@requirement(
    "RFC7644-3.4.2.2-2", "MUST", "An expression is a name, an operator and a value."
)
@pytest.mark.parametrize(
    ("expression", "who"),
    [
        ('title eq "b"', "b"),
        ('title ne "b"', "acd"),
        ('name.familyName co "h"', "c"),
        ('name.familyName sw "d"', "d"),
        ('name.familyName ew "o"', "b"),
        ("nickName pr", "b"),
        ('title gt "b"', "cd"),
        ('title ge "b"', "bcd"),
        ('title lt "b"', "a"),
        ('title le "b"', "ab"),
        ("active eq false", "c"),
    ],
)
def test_operators_compare(scim: Server, crowd: str, expression: str, who: str) -> None:
    """Each operator of the table finds exactly those it should."""
    assert found(scim, crowd, expression) == who


@requirement("RFC7644-3.4.2.2-3", "MUST", "Names and operators are read without case.")
def test_filters_are_read_without_case(scim: Server, crowd: str) -> None:
    """TITLE EQ finds what title eq finds."""
    assert found(scim, crowd, 'TITLE EQ "b" OR Name.FAMILYNAME Sw "C"') == "bc"


@requirement(
    "RFC7644-3.4.2.2-4",
    "MUST",
    "gt, ge, lt and le of a boolean or binary attribute are 400 invalidFilter.",
)
@pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
def test_some_types_have_no_order(scim: Server, operator: str) -> None:
    """Neither active nor a certificate is greater than anything."""
    for expression in (
        f"active {operator} true",
        f'x509Certificates.value {operator} "TWFu"',
    ):
        reply = scim.send("GET", f"/Users{asked(filter=expression)}")
        assert asking.refused(reply, 400, "invalidFilter")


@requirement(
    "RFC7644-3.4.2.2-5",
    "MUST",
    "What stands in square brackets is judged on one and the same value.",
)
def test_brackets_judge_one_value(scim: Server, crowd: str) -> None:
    """Type and value of different addresses match apart, and not in brackets."""
    mail = f"z@{crowd}.example.com"

    apart = f'emails.type eq "work" and emails.value eq "{mail}"'
    assert found(scim, crowd, apart) == "a"
    assert found(scim, crowd, f'emails[type eq "work" and value eq "{mail}"]') == ""
    assert found(scim, crowd, f'emails[type eq "home" and value eq "{mail}"]') == "a"


@requirement(
    "RFC7644-3.4.2.2-6",
    "MUST",
    "What stands in square brackets is a filter on parts of the attribute before it.",
)
@requirement("RFC7644-3.4.2.2-7", "MUST", "A filter obeys the grammar of the RFC.")
@pytest.mark.parametrize(
    "wrong",
    [
        'emails[userName eq "x"]',
        'emails[type eq "work"',
        "emails[]",
        "title",
        "title eq",
        'eq "x"',
        'title eq "x" and',
        '(title eq "x"',
        'title eq "x" title pr',
        "name[givenName[formatted pr]]",
    ],
)
def test_what_is_no_filter_is_refused(scim: Server, wrong: str) -> None:
    """Nothing is guessed: 400 invalidFilter."""
    reply = scim.send("GET", f"/Users{asked(filter=wrong)}")

    assert asking.refused(reply, 400, "invalidFilter")


@requirement(
    "RFC7644-3.4.2.2-8",
    "MUST",
    "Brackets come first, then not, then and, then or.",
)
@pytest.mark.parametrize(
    ("expression", "who"),
    [
        ('title eq "a" or title eq "b" and nickName pr', "ab"),
        ('(title eq "a" or title eq "b") and nickName pr', "b"),
        ('not (title eq "a") and title le "b"', "b"),
        ('not (title eq "a" or title eq "b")', "cd"),
        ('title eq "c" or title eq "d" and nickName pr or nickName pr', "bc"),
    ],
)
def test_precedence(scim: Server, crowd: str, expression: str, who: str) -> None:
    """And binds before or; brackets and not before both."""
    assert found(scim, crowd, expression) == who


@requirement(
    "RFC7644-3.4.2.2-9",
    "MUST",
    "A complex attribute is named with one of its parts.",
)
def test_a_complex_attribute_needs_a_part(scim: Server, crowd: str) -> None:
    """Name alone is 400, name.givenName is compared; emails stands for its value."""
    wrong = asked(filter='name eq "A"')
    reply = scim.send("GET", f"/Users{wrong}")

    assert asking.refused(reply, 400, "invalidFilter")
    assert found(scim, crowd, 'name.givenName eq "A"') == "a"
    assert found(scim, crowd, f'emails eq "b@{crowd}.example.com"') == "b"


@requirement(
    "RFC7644-3.4.2.2-10",
    "MUST",
    "An operator nobody knows is 400 with the scimType invalidFilter.",
)
def test_an_unknown_operator_is_refused(scim: Server) -> None:
    """Regex is no operator: an error, never everybody."""
    wrong = asked(filter='userName regex "x"')
    reply = scim.send("GET", f"/Users{wrong}")

    assert asking.refused(reply, 400, "invalidFilter")


@requirement("RFC7644-3.4.2.2-11", "MUST", "Text is compared as caseExact says.")
def test_text_is_compared_as_declared(scim: Server) -> None:
    """Title in any case, externalId and references in their own alone."""
    own = f"Q{asking.name()}"
    asking.created(scim, title=own, externalId=own, profileUrl=f"https://x/{own}")

    low = own.lower()
    assert len(asking.found(scim, f'title eq "{low}"')) == 1
    assert asking.found(scim, f'externalId eq "{low}"') == []
    assert asking.found(scim, f'profileUrl eq "https://x/{low}"') == []
    assert len(asking.found(scim, f'profileUrl ew "{own}"')) == 1


@requirement(
    "RFC7644-3.4.2.2-12",
    "MUST",
    "A filter of an attribute with a default sees the value that was answered.",
)
def test_the_default_of_active_is_found(scim: Server) -> None:
    """A user created without active is found by active eq true."""
    user = asking.created(scim, active=None)

    assert user["active"] is True
    assert asking.found(scim, f'id eq "{user["id"]}" and active eq true') == [user]


@requirement(
    "RFC7644-3.4.2.2-14",
    "MUST",
    "One matching value of a multi-valued attribute is enough.",
)
def test_one_value_is_enough(scim: Server, crowd: str) -> None:
    """A is found by its second address."""
    assert found(scim, crowd, f'emails.value sw "z@{crowd}"') == "a"


@requirement(
    "RFC7644-3.4.2.2-15",
    "MUST",
    "Times are compared as times and numbers as numbers.",
)
def test_types_are_compared_as_types(typed: Server) -> None:
    """10 is more than 9, and one moment in two zones is one moment."""
    own = asking.name()
    for rank, since in ((9, "2026-01-01T12:00:00Z"), (10, "2026-01-01T12:30:00+01:00")):
        block = {"rank": rank, "since": since}
        asking.created(typed, title=own, **{TYPED: block})

    def ranks(expression: str) -> list[int]:
        users = asking.found(typed, f'title eq "{own}" and {expression}')
        return [user[TYPED]["rank"] for user in users]

    assert ranks(f"{TYPED}:rank gt 9") == [10]
    assert ranks(f'{TYPED}:since lt "2026-01-01T12:00:00Z"') == [10]
    assert ranks(f'{TYPED}:since eq "2026-01-01T14:00:00+02:00"') == [9]


@requirement(
    "RFC7644-3.4.2.2-16", "MUST", "Each example filter of the RFC can be asked."
)
@pytest.mark.parametrize(
    "expression",
    [
        'userName eq "bjensen"',
        'name.familyName co "O\'Malley"',
        f'{CORE}:userName sw "J"',
        "title pr",
        'meta.lastModified ge "2011-05-13T04:42:34Z"',
        'title pr and userType eq "Employee"',
        f'schemas eq "{ENTERPRISE}"',
        'userType ne "Employee" and not (emails co "example.com" or '
        'emails.value co "example.org")',
        'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
        'emails[type eq "work" and value co "@example.com"] or '
        'ims[type eq "xmpp" and value co "@foo.com"]',
    ],
)
def test_the_examples_can_be_asked(scim: Server, expression: str) -> None:
    """No example is refused."""
    assert scim.send("GET", f"/Users{asked(filter=expression, count=1)}").status == 200


# ------------------------------------------------------------------------ 3.4.2.3


def order(scim: Server, crowd: str, **query: object) -> str:
    """The titles of the crowd in the order asked for, as one word."""
    users = listed(scim, filter=f'userType eq "{crowd}"', **query)["Resources"]
    return "".join(titles(users))


@requirement("RFC7644-3.4.2.3-1", "MUST", "sortBy names what a list is ordered by.")
@requirement("RFC7644-3.4.2.3-2", "MUST", "Without sortOrder it ascends.")
def test_lists_are_ordered(scim: Server, crowd: str) -> None:
    """Up without a word, up and down with one."""
    assert order(scim, crowd, sortBy="title") == "abcd"
    assert order(scim, crowd, sortBy="title", sortOrder="ascending") == "abcd"
    assert order(scim, crowd, sortBy="title", sortOrder="descending") == "dcba"


@requirement(
    "RFC7644-3.4.2.3-3",
    "MUST",
    "The order is that of the attribute's type: without case where case means nothing.",
)
def test_the_order_is_that_of_the_type(scim: Server, crowd: str, typed: Server) -> None:
    """Bo stands before Chi; 9 before 10."""
    own = asking.name()
    for rank in (10, 9):
        asking.created(typed, userType=own, title=str(rank), **{TYPED: {"rank": rank}})

    assert order(scim, crowd, sortBy="name.familyName").index("b") < 2
    assert order(scim, crowd, sortBy="name.familyName").startswith("bcd")
    assert order(typed, own, sortBy=f"{TYPED}:rank") == "910"


@requirement(
    "RFC7644-3.4.2.3-4",
    "MUST",
    "A multi-valued attribute is ordered by its primary value, else its first.",
)
def test_many_values_are_ordered_by_one(scim: Server) -> None:
    """The primary one decides for x, the first one for y."""
    own = asking.name()
    x = [{"value": "9"}, {"value": "1", "primary": True}]
    y = [{"value": "5"}, {"value": "0"}]
    for title, values in (("y", y), ("x", x)):
        asking.created(scim, userType=own, title=title, phoneNumbers=values)

    assert order(scim, own, sortBy="phoneNumbers") == "xy"
    assert order(scim, own, sortBy="phoneNumbers.value") == "xy"


@requirement(
    "RFC7644-3.4.2.3-5",
    "MUST",
    "Who has no value comes last when ascending and first when descending.",
)
def test_who_has_no_value(scim: Server, crowd: str) -> None:
    """B alone has a nickName: first upwards, last downwards."""
    assert order(scim, crowd, sortBy="nickName")[0] == "b"
    assert order(scim, crowd, sortBy="nickName", sortOrder="descending")[-1] == "b"


# ------------------------------------------------------------------------ 3.4.2.4


@requirement("RFC7644-3.4.2.4-1", "MUST", "A startIndex below 1 is read as 1.")
@pytest.mark.parametrize("start", [0, -7])
def test_a_start_below_one_is_one(scim: Server, crowd: str, start: int) -> None:
    """The page begins with the first, and says so."""
    expression = f'userType eq "{crowd}"'
    page = listed(scim, filter=expression, sortBy="title", startIndex=start, count=1)

    assert page["startIndex"] == 1
    assert titles(page["Resources"]) == ["a"]


@requirement("RFC7644-3.4.2.4-2", "MUST NOT", "A page has no more than count says.")
@requirement("RFC7644-3.4.2.4-3", "MUST", "A negative count is read as 0.")
@requirement("RFC7644-3.4.2.4-4", "MUST", "count=0 answers totalResults alone.")
@pytest.mark.parametrize(("count", "length"), [(2, 2), (9, 4), (0, 0), (-3, 0)])
def test_pages_are_no_longer_than_asked(
    scim: Server, crowd: str, count: int, length: int
) -> None:
    """So many, never more; the total is that of all."""
    page = listed(scim, filter=f'userType eq "{crowd}"', count=count)

    assert len(page["Resources"]) == page["itemsPerPage"] == length
    assert page["totalResults"] == 4


@requirement("RFC7644-3.4.2.4-5", "MUST", "startIndex says where the page begins.")
def test_pages_join_to_the_whole(scim: Server, crowd: str) -> None:
    """Page after page there is everybody, once."""
    query = {"filter": f'userType eq "{crowd}"', "sortBy": "title", "count": 1}
    pages = [listed(scim, startIndex=start, **query) for start in (1, 2, 3, 4, 5)]

    assert [titles(page["Resources"]) for page in pages] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
        [],
    ]
    assert [page["startIndex"] for page in pages] == [1, 2, 3, 4, 5]


# ------------------------------------------------------------------------ 3.4.2.5


@requirement("RFC7644-3.4.2.5-1", "MUST", "attributes says what a list shows.")
@requirement("RFC7644-3.4.2.5-2", "MUST", "excludedAttributes says what it does not.")
@requirement(
    "RFC7644-3.4.2.5-3",
    "MUST NOT",
    "excludedAttributes takes nothing away that is returned always.",
)
def test_a_list_shows_what_is_asked_for(scim: Server, crowd: str) -> None:
    """Both parameters work, and id stays."""
    expression = f'userType eq "{crowd}"'
    some = listed(scim, filter=expression, attributes="title,emails.value")
    less = listed(scim, filter=expression, excludedAttributes="title,id,schemas,meta")

    for user in some["Resources"]:
        assert user.keys() == {"schemas", "id", "title", "emails"}
        assert all(email.keys() == {"value"} for email in user["emails"])
    for user in less["Resources"]:
        assert {"schemas", "id", "userName"} <= user.keys()
        assert not user.keys() & {"title", "meta"}


# -------------------------------------------------------------------------- 3.4.3


def searched(scim: Server, body: Json, path: str = "/Users/.search") -> Reply:
    """Search with POST."""
    return scim.send("POST", path, {"schemas": [SEARCH], **body})


@requirement("RFC7644-3.4.3-1", "MUST", ".search behind an endpoint is a search.")
@requirement(
    "RFC7644-3.4.3-2", "MUST", "The body takes what the address of a list takes."
)
def test_post_search_is_a_search(scim: Server, crowd: str) -> None:
    """The same question, asked both ways, has one answer; nothing is created."""
    question = {
        "filter": f'userType eq "{crowd}"',
        "sortBy": "title",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 2,
    }
    reply = searched(scim, question | {"attributes": ["title"]})

    assert reply.status == 200
    assert reply.body == listed(scim, **question, attributes="title")
    assert titles(reply.body["Resources"]) == ["c", "b"]


@requirement("RFC7644-3.4.3-3", "MUST", "A search is marked as a SearchRequest.")
def test_a_search_is_marked(scim: Server) -> None:
    """Marked so it is answered, and with a ListResponse."""
    reply = searched(scim, {"count": 0})

    assert (reply.status, reply.body["schemas"]) == (200, [LIST])


@requirement("RFC7644-3.4.3-4", "MUST", "The filter in the body is a valid one.")
@requirement(
    "RFC7644-3.4.3-5",
    "MUST NOT",
    "excludedAttributes in the body takes nothing away that is returned always.",
)
def test_the_body_of_a_search_is_judged_alike(scim: Server, crowd: str) -> None:
    """A wrong filter is 400 invalidFilter; id cannot be excluded."""
    assert asking.refused(searched(scim, {"filter": "title"}), 400, "invalidFilter")
    less = {"filter": f'userType eq "{crowd}"', "excludedAttributes": ["id", "title"]}
    for user in searched(scim, less).body["Resources"]:
        assert "id" in user
        assert "title" not in user

"""RFC 9865: lists page by page with cursors."""

from __future__ import annotations

import re

import pytest

from tests.rfc import asking
from tests.rfc.asking import LIST, SEARCH, Json, asked
from tests.rfc.requirements import not_tested, requirement
from tests.server import Reply, Server

WITHOUT_TEST = (
    not_tested(
        "RFC9865-2.1-4",
        "SHOULD",
        "A cursor that is too old is 400 expiredCursor.",
        "A cursor lives for an hour, which no test waits; its age is judged with a "
        "given clock in the tests of the cursor itself.",
    ),
    not_tested(
        "RFC9865-4-4",
        "SHOULD",
        "Misuse of cursors exhausts nothing.",
        "A cursor is kept by the client alone: the server remembers none, so there is "
        "nothing to exhaust.",
    ),
)


@pytest.fixture(scope="module")
def crowd(scim: Server) -> str:
    """Five users with one userType, which is returned, and titles a to e."""
    own = asking.name()
    for title in "cadbe":
        asking.created(scim, userType=own, title=title)
    return own


def page(scim: Server, crowd: str, cursor: str = "", **query: object) -> Reply:
    """One page of the crowd."""
    expression = f'userType eq "{crowd}"'
    path = f"/Users{asked(filter=expression, cursor=cursor, **query)}"
    return scim.send("GET", path)


def walked(scim: Server, crowd: str, **query: object) -> list[Json]:
    """All pages, from the first to the one without nextCursor."""
    pages = [page(scim, crowd, **query).body]
    while cursor := pages[-1].get("nextCursor"):
        pages.append(page(scim, crowd, cursor, **query).body)
        assert len(pages) < 9
    return pages


def titles(pages: list[Json]) -> str:
    """The titles of everybody on these pages, as one word."""
    return "".join(user["title"] for one in pages for user in one["Resources"])


# -------------------------------------------------------------------------------- 2


@requirement("RFC9865-2-1", "MUST", "An empty cursor asks for the first page.")
@requirement("RFC9865-2-2", "MUST NOT", "A page has no more than count says.")
@requirement("RFC9865-2-3", "MUST", "Every page but the last has a nextCursor.")
@requirement("RFC9865-2-4", "MUST", "nextCursor is missing on the last page alone.")
def test_a_walk_meets_everybody_once(scim: Server, crowd: str) -> None:
    """Three pages of two, two and one."""
    pages = walked(scim, crowd, count=2)

    assert [len(one["Resources"]) for one in pages] == [2, 2, 1]
    assert sorted(titles(pages)) == list("abcde")
    assert [one["itemsPerPage"] for one in pages] == [2, 2, 1]
    assert all(one["schemas"] == [LIST] for one in pages)


@requirement(
    "RFC9865-2-5",
    "MUST",
    "A cursor has letters, digits and - . _ ~ alone, so that it fits an address.",
)
def test_cursors_fit_an_address(scim: Server, crowd: str) -> None:
    """No cursor of a walk needs escaping."""
    pages = walked(scim, crowd, count=1)
    cursors = [one["nextCursor"] for one in pages[:-1]]

    assert len(cursors) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]+", cursor) for cursor in cursors)


@requirement("RFC9865-2-6", "SHOULD", "totalResults counts the resources of all pages.")
def test_the_total_is_that_of_all_pages(scim: Server, crowd: str) -> None:
    """Five on each page of two."""
    pages = walked(scim, crowd, count=2)

    assert [one["totalResults"] for one in pages] == [5, 5, 5]


@requirement("RFC9865-2-7", "MUST", "count=0 asks for totalResults alone.")
def test_no_resource_is_a_page_too(scim: Server, crowd: str) -> None:
    """The total, no resource, and no way on."""
    body = page(scim, crowd, count=0).body

    assert body["totalResults"] == 5
    assert not body.get("Resources")


@requirement(
    "RFC9865-2-8", "MUST", "previousCursor, where it is given, leads one page back."
)
def test_the_way_back(scim: Server, crowd: str) -> None:
    """The first page has none; where a later one has it, it leads to the page before."""
    first = page(scim, crowd, count=2, sortBy="title").body
    second = page(scim, crowd, first["nextCursor"], count=2, sortBy="title").body

    assert "previousCursor" not in first
    if back := second.get("previousCursor"):
        again = page(scim, crowd, back, count=2, sortBy="title").body
        assert again["Resources"] == first["Resources"]


# ------------------------------------------------------------------------------ 2.1


@requirement("RFC9865-2.1-1", "SHOULD", "A wrong parameter is 400 with a SCIM error.")
@requirement("RFC9865-2.1-2", "SHOULD", "A cursor that is none is invalidCursor.")
def test_a_forged_cursor_is_refused(scim: Server, crowd: str) -> None:
    """Invented, cut and changed: each is 400 invalidCursor."""
    cursor = page(scim, crowd, count=2).body["nextCursor"]
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]

    for wrong in ("nonsense", cursor[:-1], changed):
        reply = page(scim, crowd, wrong, count=2)
        assert asking.refused(reply, 400, "invalidCursor")


@requirement("RFC9865-2.1-3", "SHOULD", "A count that cannot be is invalidCount.")
def test_another_count_on_the_way_is_refused(scim: Server, crowd: str) -> None:
    """A walk in pages of two cannot go on in pages of three."""
    cursor = page(scim, crowd, count=2).body["nextCursor"]

    assert asking.refused(page(scim, crowd, cursor, count=3), 400, "invalidCount")


@requirement(
    "RFC9865-2.1-5", "SHOULD", "An error of a page says what its developer can do."
)
def test_errors_of_pages_are_explained(scim: Server, crowd: str) -> None:
    """A cursor of another question is refused, and the sentence speaks of the cursor."""
    cursor = page(scim, crowd, count=2).body["nextCursor"]
    other = asked(filter="title pr", cursor=cursor, count=2)
    reply = scim.send("GET", f"/Users{other}")

    assert asking.refused(reply, 400, "invalidCursor")
    assert "cursor" in reply.body["detail"].lower()


# ------------------------------------------------------------------------------ 2.2


@requirement("RFC9865-2.2-1", "SHOULD", "Pages by cursor are ordered, too.")
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_walks_are_ordered(scim: Server, crowd: str, order: str) -> None:
    """Up or down over all pages."""
    seen = titles(walked(scim, crowd, count=2, sortBy="title", sortOrder=order))

    assert seen == ("abcde" if order == "ascending" else "edcba")


# ----------------------------------------------------------------------- 2.3 and 2.5


@requirement("RFC9865-2.3-1", "MUST", "One kind of pages is the default.")
@requirement(
    "RFC9865-2.3-2", "MUST NOT", "Asking without naming a kind of pages is no error."
)
@requirement(
    "RFC9865-2.5-1",
    "SHOULD",
    "Pages by index stay what a client gets that knows no other.",
)
def test_index_is_the_default(scim: Server, crowd: str) -> None:
    """Without a parameter, and with count alone, there is a startIndex and no cursor."""
    for query in ({}, {"count": 2}):
        wanted = asked(filter=f'userType eq "{crowd}"', **query)
        body = scim.send("GET", f"/Users{wanted}").body
        assert body["startIndex"] == 1
        assert "nextCursor" not in body


# -------------------------------------------------------------------------------- 3


@requirement("RFC9865-3-1", "MUST", "cursor stands in the body of a .search, too.")
def test_search_walks_too(scim: Server, crowd: str) -> None:
    """Asked by POST the pages are the same people."""
    question: Json = {
        "schemas": [SEARCH],
        "filter": f'userType eq "{crowd}"',
        "sortBy": "title",
        "count": 2,
        "cursor": "",
    }
    pages = [scim.send("POST", "/Users/.search", question).body]
    while cursor := pages[-1].get("nextCursor"):
        reply = scim.send("POST", "/Users/.search", question | {"cursor": cursor})
        pages.append(reply.body)
        assert len(pages) < 9

    assert titles(pages) == "abcde"
    assert len(pages) == 3


# -------------------------------------------------------------------------------- 4


@requirement("RFC9865-4-1", "SHOULD", "ServiceProviderConfig has pagination.")
@requirement("RFC9865-4-2", "MUST", "pagination says whether there are cursors.")
@requirement("RFC9865-4-3", "MUST", "pagination says whether there is an index.")
def test_pagination_is_told(scim: Server) -> None:
    """Both kinds, the default, and the limits, which are true."""
    told = scim.send("GET", "/ServiceProviderConfig").body["pagination"]

    assert (told["cursor"], told["index"]) == (True, True)
    assert told.get("defaultPaginationMethod", "index") == "index"
    for limit in ("defaultPageSize", "maxPageSize", "cursorTimeout"):
        assert told.get(limit, 1) > 0


# -------------------------------------------------------------------------------- 5


@requirement("RFC9865-5-1", "MUST", "A page shows what the caller may see alone.")
@requirement("RFC9865-5-2", "MUST", "Having a cursor gives no right.")
@requirement(
    "RFC9865-5-3", "SHOULD", "A foreign cursor is refused like one that never was."
)
def test_a_foreign_cursor_opens_nothing(
    scim: Server, other: Server, crowd: str
) -> None:
    """Another connection's cursor and an invented one are answered alike."""
    cursor = page(scim, crowd, count=2).body["nextCursor"]
    foreign, invented = (
        page(other, crowd, given, count=2) for given in (cursor, "nonsense")
    )

    assert asking.refused(foreign, 400, "invalidCursor")
    told = [one.body["detail"].partition(" [request")[0] for one in (foreign, invented)]
    assert told[0] == told[1]


@requirement(
    "RFC9865-5-4", "SHOULD", "A cursor ends when what its holder may do has changed."
)
def test_a_revoked_token_walks_no_further(scim: Server) -> None:
    """The next page is 401 once the token is revoked."""
    token = scim.connection("walking", "--kind", "generic")
    for _ in range(2):
        scim.send("POST", "/Users", asking.person(), token=token)
    first = scim.send("GET", "/Users?cursor&count=1", token=token).body
    following = f"/Users{asked(cursor=first['nextCursor'], count=1)}"

    scim.cli("token", "revoke", token.split("_")[1])
    assert asking.refused(scim.send("GET", following, token=token), 401)

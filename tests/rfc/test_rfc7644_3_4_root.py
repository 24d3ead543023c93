"""RFC 7644 section 3.4.2.1: searching all kinds of resources at once."""

from __future__ import annotations

from tests.rfc import asking
from tests.rfc.asking import LIST, SEARCH, Json
from tests.rfc.requirements import requirement
from tests.server import Server


def found(scim: Server, **question: object) -> Json:
    """The answer to POST /.search."""
    reply = scim.send("POST", "/.search", {"schemas": [SEARCH], **question})
    assert reply.status == 200, reply.content[:500]
    body: Json = reply.body
    return body


@requirement("RFC7644-3.4.2.1-2", "MUST", "The root is searched for every resource.")
@requirement("RFC7644-3.4.2.1-3", "MUST", "Filters mean there what they mean anywhere.")
def test_the_root_is_searched_for_everything(scim: Server) -> None:
    """A user and a group with one displayName are found together, and apart by type."""
    own = asking.name()
    user = asking.created(scim, displayName=own)
    group = asking.new_group(scim, user, displayName=own)
    expression = f'displayName eq "{own}"'

    both = found(scim, filter=expression)
    assert both["schemas"] == [LIST]
    assert both["totalResults"] == 2
    assert sorted(asking.ids(both["Resources"])) == sorted([user["id"], group["id"]])
    for kind, one in (("User", user), ("Group", group)):
        apart = found(scim, filter=f'{expression} and meta.resourceType eq "{kind}"')
        assert asking.ids(apart["Resources"]) == [one["id"]]


@requirement(
    "RFC7644-3.4.2.1-4",
    "MUST",
    "An attribute that a type does not have is one without a value there.",
)
def test_a_foreign_attribute_has_no_value(scim: Server) -> None:
    """A group has no userName: not found by it, found by not having it."""
    own = asking.name()
    user = asking.created(scim, displayName=own)
    group = asking.new_group(scim, displayName=own)
    named = f'displayName eq "{own}"'

    with_name = found(scim, filter=f"{named} and userName pr")
    without = found(scim, filter=f"{named} and not (userName pr)")
    assert asking.ids(with_name["Resources"]) == [user["id"]]
    assert asking.ids(without["Resources"]) == [group["id"]]


@requirement("RFC7644-3.4.2.1-5", "MUST", "The root is searched page by page, too.")
def test_the_root_is_searched_by_pages(scim: Server) -> None:
    """Pages of one join to the whole, users and groups, each once."""
    own = asking.name()
    user = asking.created(scim, displayName=own)
    group = asking.new_group(scim, displayName=own)
    question = {"filter": f'displayName eq "{own}"', "count": 1}
    pages = [found(scim, startIndex=start, **question) for start in (1, 2, 3)]

    seen = [one for page in pages for one in asking.ids(page["Resources"])]
    assert sorted(seen) == sorted([user["id"], group["id"]])
    assert {page["totalResults"] for page in pages} == {2}

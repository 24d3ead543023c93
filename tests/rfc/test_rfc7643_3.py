"""RFC 7643 section 3: what every resource has, and how it is extended."""

from __future__ import annotations

from itertools import permutations
from uuid import UUID

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, LOCAL, operation
from tests.rfc.requirements import not_applicable, requirement
from tests.server import Server

WITHOUT_TEST = (
    not_applicable(
        "RFC7643-3.1-15",
        "MUST",
        "A strong validator is a strong one; any other version is marked W/.",
        "Every version is marked weak; see RFC7643-3.1-14.",
    ),
)


# ------------------------------------------------------------------------------ 3


@requirement("RFC7643-3-1", "MUST", "Every resource has the attribute schemas.")
@requirement("RFC7643-3-2", "MUST", "schemas is a list that is not empty.")
@requirement(
    "RFC7643-3-3",
    "MUST",
    "schemas names nothing but the schema and the extensions of the resource type.",
)
@requirement("RFC7643-3-4", "MUST NOT", "schemas names nothing twice.")
def test_schemas_are_those_of_the_type(scim: Server) -> None:
    """Foreign and repeated URNs of a request are not in the answer."""
    sent = [CORE, "urn:example:foreign:2.0:User", CORE, ENTERPRISE, ENTERPRISE]
    body = asking.person(schemas=sent, **{ENTERPRISE: {"department": "Sales"}})
    user = asking.created(scim, body)

    listed = scim.send("GET", "/ResourceTypes/User").body
    known = {listed["schema"], *(e["schema"] for e in listed["schemaExtensions"])}
    assert user["schemas"] == [CORE, ENTERPRISE]
    assert known.issuperset(user["schemas"])


@requirement("RFC7643-3-5", "MUST NOT", "The order of the URNs in schemas matters not.")
def test_order_of_schemas_means_nothing(scim: Server) -> None:
    """Each order is read alike."""
    extension = {ENTERPRISE: {"department": "Sales"}}
    for order in permutations([CORE, ENTERPRISE, LOCAL]):
        user = asking.created(scim, schemas=list(order), **extension)
        assert user[ENTERPRISE] == extension[ENTERPRISE]


@requirement(
    "RFC7643-3-6",
    "MUST",
    "The common attributes belong to every resource, whatever schemas says.",
)
def test_common_attributes_need_no_schema(scim: Server) -> None:
    """id, externalId and meta are there; no schema publishes them."""
    user = asking.created(scim, externalId=asking.name())
    listed = scim.send("GET", "/Schemas").body["Resources"]

    assert {"id", "externalId", "meta"} <= user.keys()
    names = {a["name"] for schema in listed for a in schema["attributes"]}
    assert not names & {"id", "externalId", "meta", "schemas"}


# ---------------------------------------------------------------------------- 3.1


@requirement("RFC7643-3.1-1", "MUST", "Every kind of resource has the common ones.")
@requirement("RFC7643-3.1-2", "MUST", "The server gives id and meta their values.")
@requirement("RFC7643-3.1-3", "MUST", "Each representation has an id, never empty.")
@requirement("RFC7643-3.1-4", "MUST NOT", "A client does not choose the id.")
@requirement("RFC7643-3.1-5", "MUST", "meta from a client is ignored.")
def test_id_and_meta_are_ours(scim: Server) -> None:
    """An id and a meta in the body are as if they were not there."""
    meta = {"resourceType": "Robot", "created": "1999-01-01T00:00:00Z"}
    user = asking.created(scim, id="7", meta=meta)

    assert UUID(user["id"])
    assert user["meta"]["resourceType"] == "User"
    assert not user["meta"]["created"].startswith("1999")


@requirement("RFC7643-3.1-6", "MUST", "An id is unique among all resources.")
@requirement(
    "RFC7643-3.1-7", "MUST NOT", "No id has the reserved word bulkId anywhere in it."
)
def test_ids_are_unique_and_free_of_the_reserved_word(scim: Server) -> None:
    """Ids are UUIDs: another one each time, without letters beyond f."""
    made = [asking.created(scim)["id"] for _ in range(5)]

    assert len(set(made)) == 5
    assert all(UUID(one) and "bulkid" not in one.lower() for one in made)


@requirement("RFC7643-3.1-8", "MUST", "An id stays, and is never given again.")
def test_an_id_stays_and_never_returns(scim: Server) -> None:
    """Renaming keeps the id; whoever comes back after a DELETE gets another one."""
    body = asking.person(externalId=asking.name())
    user = asking.created(scim, body)
    renamed = operation("replace", "userName", f"{asking.name()}@example.com")
    after = asking.patched(scim, user, renamed).body
    scim.send("DELETE", asking.at(user))

    again = asking.created(scim, body)
    assert after["id"] == user["id"]
    assert again["id"] != user["id"]


@requirement("RFC7643-3.1-9", "MUST NOT", "The server invents no externalId.")
def test_external_id_is_the_clients(scim: Server) -> None:
    """Without one there is none; with one it is as sent, case included."""
    own = asking.name()

    assert "externalId" not in asking.created(scim)
    assert asking.created(scim, externalId=f"A{own}z")["externalId"] == f"A{own}z"


@requirement(
    "RFC7643-3.1-10",
    "MUST",
    "meta.location is the address of the resource, the same as Content-Location.",
)
def test_location_is_the_address(scim: Server) -> None:
    """It equals Location and the address asked; no Content-Location says otherwise."""
    reply = scim.send("POST", "/Users", asking.person())
    location = reply.body["meta"]["location"]

    assert reply.headers["location"] == location
    assert reply.headers.get("content-location", location) == location
    got = scim.send("GET", location[len(scim.base_url) :])
    assert got.body["meta"]["location"] == location


@requirement(
    "RFC7643-3.1-11",
    "MUST",
    "externalId belongs to the client's domain: two domains may use the same one.",
)
def test_external_ids_of_two_connections_do_not_meet(
    scim: Server, other: Server
) -> None:
    """Each connection finds its own user by one and the same externalId."""
    own = asking.name()
    mine, theirs = (asking.created(one, externalId=own) for one in (scim, other))

    for server, user in ((scim, mine), (other, theirs)):
        found = asking.found(server, f'externalId eq "{own}"')
        assert asking.ids(found) == [user["id"]]


@requirement("RFC7643-3.1-12", "MUST", "meta.created is a dateTime that stays.")
@requirement(
    "RFC7643-3.1-13",
    "MUST",
    "Until the first change meta.lastModified is the same as meta.created.",
)
def test_times_of_a_resource(scim: Server) -> None:
    """Both are one at first; a change moves lastModified alone."""
    user = asking.created(scim)
    reply = asking.patched(scim, user, operation("add", "title", "Clerk"))

    before, after = user["meta"], reply.body["meta"]
    assert before["created"] == before["lastModified"] == after["created"]
    assert after["lastModified"] > after["created"]


@requirement(
    "RFC7643-3.1-14",
    "MUST",
    "A version that is no strong validator begins with W/, and equals the ETag.",
)
def test_versions_are_marked_weak(scim: Server) -> None:
    """meta.version is the ETag header, with its W/."""
    reply = scim.send("POST", "/Users", asking.person())

    assert reply.headers["etag"] == reply.body["meta"]["version"]
    assert reply.headers["etag"].startswith('W/"')


# ---------------------------------------------------------------------------- 3.3


@requirement("RFC7643-3.3-1", "MUST", "The first thing schemas names is the core.")
@requirement(
    "RFC7643-3.3-2",
    "MUST",
    "Attributes of an extension lie in an object under its URN.",
)
def test_extensions_lie_under_their_urn(scim: Server) -> None:
    """Department is not beside userName; a user without extensions names the core."""
    plain = asking.created(scim)
    user = asking.created(scim, **{ENTERPRISE: {"department": "Sales"}})

    assert plain["schemas"] == [CORE]
    assert user["schemas"] == [CORE, ENTERPRISE]
    assert user[ENTERPRISE] == {"department": "Sales"}
    assert "department" not in user


@requirement(
    "RFC7643-3.3-3",
    "SHOULD NOT",
    "An extension does not define again what the RFC defines.",
)
@requirement("RFC7643-3.3-4", "SHOULD", "An extension keeps the RFC's conventions.")
def test_our_extension_repeats_nothing(scim: Server) -> None:
    """No name of ours is a name of the core schema; the URN is well formed."""
    names = {
        schema["id"]: {attribute["name"] for attribute in schema["attributes"]}
        for schema in scim.send("GET", "/Schemas").body["Resources"]
    }

    assert LOCAL.startswith("urn:ietf:params:scim:schemas:extension:")
    assert names[LOCAL]
    assert not names[LOCAL] & (names[CORE] | names[ENTERPRISE])

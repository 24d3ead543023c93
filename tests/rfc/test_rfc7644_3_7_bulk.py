"""RFC 7644 section 3.7: many operations in one request."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, GROUP, Json
from tests.rfc.requirements import not_applicable, requirement
from tests.server import Reply, Server

_MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
REQUEST = f"{_MESSAGES}:BulkRequest"
RESPONSE = f"{_MESSAGES}:BulkResponse"

WITHOUT_TEST = (
    not_applicable(
        "RFC7644-3.7-11",
        "MUST",
        "Whoever changes the order of the operations keeps what the client meant.",
        "They are carried out in their order; what waits for a bulkId waits for it "
        "alone (RFC7644-3.7.1-1).",
    ),
)


def bulk(scim: Server, *operations: Json, **more: object) -> Reply:
    """Send these operations."""
    body = {"schemas": [REQUEST], "Operations": list(operations), **more}
    return scim.send("POST", "/Bulk", body)


def answers(reply: Reply) -> list[Json]:
    """What was answered to each operation of a job that was carried out."""
    assert reply.status == 200, reply.content[:500]
    assert reply.body["schemas"] == [RESPONSE]
    listed: list[Json] = reply.body["Operations"]
    return listed


def post(path: str = "/Users", bulk_id: str = "", **data: object) -> Json:
    """One POST; a user's body when it goes to /Users."""
    body = asking.person(**data) if path == "/Users" else data
    return {"method": "POST", "path": path, "bulkId": bulk_id or "new", "data": body}


def wrong() -> Json:
    """A POST that is refused: a user without a name."""
    return post(bulk_id=asking.name(), userName=None)


def statuses(listed: list[Json]) -> list[str]:
    """The status of each answer."""
    return [one["status"] for one in listed]


def id_in(answer: Json) -> str:
    """The id at the end of the location in an answer."""
    location: str = answer["location"]
    return location.rpartition("/")[2]


@requirement("RFC7644-3.7-1", "MUST", "A bulk answer is marked as a BulkResponse.")
@requirement("RFC7644-3.7-2", "MUST", "A job that was carried out is answered 200.")
@requirement("RFC7644-3.7-3", "MUST", "A POST is answered with the bulkId it had.")
@requirement("RFC7644-3.7.3-1", "MUST", "Each operation that was done is answered.")
@requirement("RFC7644-3.7.3-2", "MUST", "An answer names the address of the resource.")
@requirement(
    "RFC7644-3.7.3-3", "MUST", "An answer has the status a request alone would have."
)
def test_a_job_is_answered_operation_by_operation(scim: Server) -> None:
    """POST, PUT, PATCH and DELETE in one job, in their order."""
    one, two, three = (asking.created(scim) for _ in range(3))
    patch = {"schemas": [asking.PATCH], "Operations": []}
    patch["Operations"] = [asking.operation("add", "title", "a")]
    listed = answers(
        bulk(
            scim,
            post(bulk_id="q"),
            {"method": "PUT", "path": asking.at(one), "data": one | {"title": "a"}},
            {"method": "PATCH", "path": asking.at(two), "data": patch},
            {"method": "DELETE", "path": asking.at(three)},
        )
    )

    assert [each["method"] for each in listed] == ["POST", "PUT", "PATCH", "DELETE"]
    assert statuses(listed) == ["201", "200", "200", "204"]
    assert listed[0]["bulkId"] == "q"
    made = scim.send("GET", f"/Users/{id_in(listed[0])}")
    assert made.body["meta"]["location"] == listed[0]["location"]
    for user, answer in zip((one, two, three), listed[1:], strict=True):
        assert answer["location"] == user["meta"]["location"]
    assert asking.read(scim, one)["title"] == asking.read(scim, two)["title"] == "a"
    assert asking.refused(scim.send("GET", asking.at(three)), 404)


@requirement("RFC7644-3.7-4", "MUST", "A job has a list of operations.")
@requirement("RFC7644-3.7-5", "MUST", "A job that cannot be read is an HTTP error.")
@pytest.mark.parametrize("body", [{}, {"Operations": {}}, {"Operations": 7}], ids=str)
def test_a_job_needs_operations(scim: Server, body: Json) -> None:
    """Without a list it is 400 as a whole."""
    reply = scim.send("POST", "/Bulk", {"schemas": [REQUEST], **body})

    assert asking.refused(reply, 400, "invalidSyntax")


@requirement("RFC7644-3.7-6", "MUST", "An operation has a method and a path.")
@requirement("RFC7644-3.7-7", "MUST", "POST, PUT and PATCH have data.")
@requirement("RFC7644-3.7-8", "MUST", "A POST has a bulkId.")
@pytest.mark.parametrize(
    "lacking", ["method", "path", "data", "bulkId"], ids=lambda name: name
)
def test_an_operation_is_whole(scim: Server, lacking: str) -> None:
    """Without one of them nothing is created: 400 for it, or for the whole job."""
    operation = post(bulk_id="q")
    name = operation["data"]["userName"]
    del operation[lacking]
    reply = bulk(scim, operation)

    if reply.status == 200:
        assert statuses(answers(reply)) == ["400"]
    else:
        assert reply.status == 400
    assert asking.found(scim, f'userName eq "{name}"') == []


@requirement("RFC7644-3.7-9", "MUST", "A failed operation does not stop the others.")
@requirement("RFC7644-3.7-10", "MUST", "A failed operation has its error as response.")
@requirement("RFC7644-3.7.3-4", "MUST", "An error says in words what is wrong.")
@requirement(
    "RFC7644-3.7.3-5",
    "MUST",
    "A failed POST names no address; whatever else fails does.",
)
def test_a_failure_does_not_stop_the_job(scim: Server) -> None:
    """Two that fail, with their errors, between two that succeed."""
    nobody = "/Users/2819c223-7f76-453a-919d-413861904646"
    listed = answers(
        bulk(
            scim,
            post(bulk_id="a"),
            wrong(),
            {"method": "DELETE", "path": nobody},
            post(bulk_id="b"),
        )
    )

    assert statuses(listed) == ["201", "400", "404", "201"]
    for failed in listed[1:3]:
        assert failed["response"]["schemas"] == [asking.ERROR]
        assert failed["response"]["status"] == failed["status"]
        assert failed["response"]["detail"]
    assert "location" not in listed[1]
    assert listed[2]["location"].endswith(nobody)


@requirement(
    "RFC7644-3.7-12", "MUST", "With failOnErrors the job ends after so many errors."
)
def test_fail_on_errors_ends_the_job(scim: Server) -> None:
    """After the first error nothing is done, and nothing more is answered."""
    last = post(bulk_id="c")
    listed = answers(bulk(scim, post(bulk_id="a"), wrong(), last, failOnErrors=1))

    assert statuses(listed) == ["201", "400"]
    name = last["data"]["userName"]
    assert asking.found(scim, f'userName eq "{name}"') == []


@requirement(
    "RFC7644-3.7-13", "MUST", "An operation with a version is done to that version."
)
def test_versions_are_obeyed(scim: Server) -> None:
    """An old version is 412, and the present one 200."""
    user = asking.created(scim)
    body = user | {"title": "a"}
    change = {"method": "PUT", "path": asking.at(user), "data": body}
    version = user["meta"]["version"]

    first, second = (
        answers(bulk(scim, change | {"version": version}))[0],
        answers(bulk(scim, change | {"version": version}))[0],
    )
    assert (first["status"], second["status"]) == ("200", "412")
    assert first["version"] == asking.read(scim, user)["meta"]["version"]


@requirement("RFC7644-3.7.1-1", "MUST", "Circles of bulkIds are tried to be resolved.")
def test_circles_are_resolved_or_refused(scim: Server) -> None:
    """Two who manage each other know each other's ids, or are told 409."""
    people = []
    for mine, theirs in (("a", "b"), ("b", "a")):
        block = {ENTERPRISE: {"manager": {"value": f"bulkId:{theirs}"}}}
        people.append(post(bulk_id=mine, schemas=[CORE, ENTERPRISE], **block))
    listed = answers(bulk(scim, *people))

    if statuses(listed) == ["201", "201"]:
        one, two = (id_in(answer) for answer in listed)
        for mine, boss in ((one, two), (two, one)):
            user = scim.send("GET", f"/Users/{mine}").body
            assert user[ENTERPRISE]["manager"]["value"] == boss
    else:
        assert "409" in statuses(listed)


@requirement(
    "RFC7644-3.7.2-1", "MUST", "bulkId: and a bulkId become the id that was given."
)
@requirement(
    "RFC7644-3.7.2-2", "MUST", "References in extensions are treated in the same way."
)
def test_bulk_ids_become_ids(scim: Server) -> None:
    """A new user is a member of a new group, and the manager of another new user."""
    manager = {ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}
    group = {
        "schemas": [GROUP],
        "displayName": asking.name(),
        "members": [{"value": "bulkId:boss"}, {"value": "bulkId:clerk"}],
    }
    listed = answers(
        bulk(
            scim,
            post(bulk_id="boss"),
            post(bulk_id="clerk", schemas=[CORE, ENTERPRISE], **manager),
            post("/Groups", "group", **group),
        )
    )
    assert statuses(listed) == ["201"] * 3

    boss, clerk, made = (id_in(answer) for answer in listed)
    user = scim.send("GET", f"/Users/{clerk}").body
    assert user[ENTERPRISE]["manager"]["value"] == boss
    members = asking.members(scim.send("GET", f"/Groups/{made}").body)
    assert members == {boss, clerk}


@requirement("RFC7644-3.7.4-1", "MUST", "Both limits are defined.")
@requirement("RFC7644-3.7.4-2", "MUST", "Beyond one of them it is 413.")
@requirement("RFC7644-3.7.4-3", "MUST", "The 413 says which limit.")
def test_limits_are_told_and_kept(scim: Server) -> None:
    """One operation too many, and one byte too many, are 413 with the number."""
    limits = scim.send("GET", "/ServiceProviderConfig").body["bulk"]
    assert limits["supported"] is True
    most, largest = limits["maxOperations"], limits["maxPayloadSize"]

    none = {"method": "DELETE", "path": "/Users/none"}
    many = bulk(scim, *([none] * (most + 1)))
    assert asking.refused(many, 413)
    assert str(most) in many.body["detail"]
    large = scim.send("POST", "/Bulk", b" " * (largest + 1))
    assert asking.refused(large, 413)
    assert str(largest) in large.body["detail"]

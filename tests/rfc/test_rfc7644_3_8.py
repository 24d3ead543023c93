"""RFC 7644 sections 3.8 to 3.14: formats, projections, errors and versions."""

from __future__ import annotations

import json

import pytest

from tests.programs import exchanged
from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, operation, patched
from tests.rfc.requirements import not_tested, requirement
from tests.server import SCIM_JSON, Server

WITHOUT_TEST = (
    not_tested(
        "RFC7644-3.12-4",
        "SHOULD",
        "A 500 tells what helps to find the cause.",
        "No request makes one (the tests would fail on it); the body of a 500 names the "
        "request's id in the log, and nothing of the inside: tests/web.",
    ),
)


# ------------------------------------------------------------------------------ 3.8


@requirement("RFC7644-3.8-1", "MUST", "Requests and answers are JSON in UTF-8.")
@requirement("RFC7644-3.8-2", "MUST", "UTF-8 is the encoding when nothing is said.")
def test_json_in_utf8(scim: Server) -> None:
    """Letters of any script, sent as bytes without a charset, come back as sent."""
    body = asking.person(displayName="Åse 李小龙 \N{GRINNING FACE}")
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": SCIM_JSON}

    reply = scim.send("POST", "/Users", content, headers=headers)
    assert reply.status == 201
    assert body["displayName"].encode() in reply.content


@requirement("RFC7644-3.8-3", "MUST", "Accept: application/scim+json is served.")
@requirement("RFC7644-3.8-4", "SHOULD", "Accept: application/json is served.")
@requirement("RFC7644-3.8-5", "MUST", "Without Accept it is application/scim+json.")
@pytest.mark.parametrize("accept", [SCIM_JSON, "application/json", None])
def test_json_is_answered(scim: Server, accept: str | None) -> None:
    """Each is answered 200 and as SCIM JSON."""
    headers = {"Accept": accept} if accept else {}
    reply = scim.send("GET", "/Users?count=1", headers=headers)

    assert reply.status == 200
    assert reply.headers["content-type"].split(";")[0] == SCIM_JSON


# ------------------------------------------------------------------------------ 3.9


@requirement(
    "RFC7644-3.9-1", "MUST", "attributes replaces the set that is returned by default."
)
@requirement(
    "RFC7644-3.9-2",
    "MUST",
    "With attributes each resource has the minimum and what was asked for.",
)
@requirement(
    "RFC7644-3.9-3", "MUST", "With excludedAttributes the minimum still is there."
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_every_answer_can_be_cut(scim: Server, method: str) -> None:
    """Each method that answers a resource obeys both parameters."""
    user = asking.created(scim, title="a")
    bodies = {
        "POST": asking.person(title="a"),
        "PUT": user,
        "PATCH": {"Operations": [operation("add", "title", "a")]},
    }
    path = "/Users" if method == "POST" else asking.at(user)

    def answer(**query: str) -> asking.Json:
        body = bodies.get(method)
        if method == "POST":
            body = asking.person(title="a")
        reply = scim.send(method, f"{path}{asking.asked(**query)}", body)
        assert reply.status in {200, 201}
        found: asking.Json = reply.body
        return found

    some = answer(attributes="title,name.familyName")
    less = answer(excludedAttributes="title,name.familyName,id")
    assert some.keys() == {"schemas", "id", "title", "name"}
    assert some["name"] == {"familyName": "Doe"}
    assert {"schemas", "id", "userName"} <= less.keys()
    assert "title" not in less
    assert less["name"] == {"givenName": "Kim"}


# ----------------------------------------------------------------------------- 3.10


@requirement(
    "RFC7644-3.10-1", "MUST", "An attribute is named by URN, colon, name, dot, part."
)
@requirement("RFC7644-3.10-2", "MUST", "All of it is read without case.")
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_names_are_read_whole_and_without_case(scim: Server, change: type[str]) -> None:
    """In a filter, a path, a projection and an order the long name is the short one."""
    own = asking.name()
    user = asking.created(scim, name={"givenName": own, "familyName": "Doe"})
    path = change(f"{CORE}:name.givenName")

    query = {"attributes": path, "sortBy": path}
    expected = {"schemas": [CORE], "id": user["id"], "name": {"givenName": own}}
    assert asking.found(scim, f'{path} eq "{own}"', **query) == [expected]
    after = patched(scim, user, operation("replace", path, "Ann")).body
    assert after["name"]["givenName"] == "Ann"


@requirement(
    "RFC7644-3.10-3", "MUST", "An attribute of an extension is named with its URN."
)
def test_extensions_need_their_urn(scim: Server) -> None:
    """With it department is found; without it nothing declares it."""
    own = asking.name()
    user = asking.created(scim, **{ENTERPRISE: {"department": own}})

    found = asking.found(scim, f'{ENTERPRISE}:department eq "{own}"')
    assert asking.ids(found) == [user["id"]]
    bare = asking.asked(filter=f'department eq "{own}"')
    assert asking.refused(scim.send("GET", f"/Users{bare}"), 400, "invalidFilter")


# ----------------------------------------------------------------------------- 3.11


@requirement("RFC7644-3.11-1", "SHOULD", "Who does not serve /Me answers 501.")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_not_served(scim: Server, method: str) -> None:
    """A connection is no user: 501 for each method."""
    body = None if method in {"GET", "DELETE"} else {}

    assert asking.refused(scim.send(method, "/Me", body), 501)


@requirement(
    "RFC7644-3.11-2",
    "MUST",
    "Whoever answers /Me gives the permanent address of the resource in Location.",
)
def test_me_names_its_permanent_address(scim: Server) -> None:
    """An API user's own token reads the resource that the provider made, and its place."""
    token = scim.connection("me", "--kind", "generic", "--allow-api-users")
    body = asking.person(**{asking.LOCAL: {"apiUser": True}})
    made = scim.send("POST", "/Users", body, token=token)
    shown = scim.send("GET", f"/Users/{made.body['id']}", token=token)
    name = asking.name_here(scim, made.body["id"], token)
    key = scim.cli_batch([["api-app", "install"], ["api-key", "create", name]])[1]
    own = exchanged(scim, name, key.strip()).body["access_token"]
    reply = scim.send("GET", "/Me", token=own)

    assert (reply.status, reply.body) == (200, shown.body)
    assert reply.headers["location"] == reply.body["meta"]["location"]
    assert reply.headers["location"] == made.headers["location"]


# ----------------------------------------------------------------------------- 3.12


@requirement("RFC7644-3.12-1", "MUST", "An error has a body in JSON, marked as Error.")
@requirement("RFC7644-3.12-2", "MUST", "status is there, as text.")
@requirement("RFC7644-3.12-3", "SHOULD", "Statuses mean what the table says.")
@pytest.mark.parametrize(
    ("method", "path", "content", "status", "scim_type"),
    [
        ("POST", "/Users", b"{", 400, "invalidSyntax"),
        ("POST", "/Users", b"[]", 400, "invalidSyntax"),
        ("POST", "/Users", b'{"userName": 7}', 400, "invalidValue"),
        ("GET", "/Users?filter=a", None, 400, "invalidFilter"),
        ("GET", "/Users?startIndex=x", None, 400, "invalidValue"),
        ("GET", "/Users/none", None, 404, None),
        ("GET", "/None", None, 404, None),
        ("DELETE", "/Users", None, 405, None),
        ("GET", "/Me", None, 501, None),
    ],
)
def test_errors_have_their_word(
    scim: Server,
    method: str,
    path: str,
    content: bytes | None,
    status: int,
    scim_type: str | None,
) -> None:
    """Status, scimType and a sentence for people."""
    reply = scim.send(method, path, content)

    assert asking.refused(reply, status, scim_type)
    assert len(reply.body["detail"]) > 20
    assert reply.headers["content-type"].split(";")[0] == SCIM_JSON


@requirement(
    "RFC7644-3.12-5", "MUST", "scimType is one of the words of the table, on a 400."
)
@pytest.mark.parametrize(
    ("change", "scim_type"),
    [
        (operation("add", "1!", "a"), "invalidPath"),
        (operation("add", 'emails[type foo "x"].value', "a"), "invalidFilter"),
        (operation("remove"), "noTarget"),
        (operation("replace", "id", "7"), "mutability"),
        (operation("replace", "active", "maybe"), "invalidValue"),
        (operation("move", "title", "a"), "invalidSyntax"),
    ],
    ids=str,
)
def test_patch_errors_have_their_word(
    scim: Server, change: asking.Json, scim_type: str
) -> None:
    """Each kind of nonsense in a PATCH has its own."""
    reply = patched(scim, asking.created(scim), change)

    assert asking.refused(reply, 400, scim_type)


# ----------------------------------------------------------------------------- 3.13


@requirement(
    "RFC7644-3.13-1", "MUST", "The version stands right before the endpoint, as v2."
)
@requirement("RFC7644-3.13-2", "MUST", "Another version is served as such, or refused.")
def test_another_version_is_refused(scim: Server) -> None:
    """v2 is served; v1, v3 and one that stands elsewhere are not."""
    headers = {"Authorization": f"Bearer {scim.token}"}
    for path, status in (
        ("/scim/v2/Users", 200),
        ("/scim/v1/Users", 404),
        ("/scim/v3/Users", 404),
        ("/scim/Users/v2", 404),
    ):
        assert scim.send_raw("GET", path, headers, None).status == status


@requirement(
    "RFC7644-3.13-3",
    "SHOULD",
    "Without a version the newest one is served.",
    deviates="There is one base URL, with /v2 in it; a second address for the same "
    "thing would only be one more to protect. The 404 names the right one.",
)
def test_without_a_version_the_right_address_is_named(scim: Server) -> None:
    """/scim/Users is 404, and says where users are."""
    headers = {"Authorization": f"Bearer {scim.token}"}
    reply = scim.send_raw("GET", "/scim/Users", headers, None)

    assert asking.refused(reply, 404)
    assert "/scim/v2/Users" in reply.body["detail"]


# ----------------------------------------------------------------------------- 3.14


@requirement("RFC7644-3.14-1", "MUST", "The version is in the header ETag.")
@requirement("RFC7644-3.14-2", "SHOULD", "The version is in meta.version.")
def test_versions_are_told_twice(scim: Server) -> None:
    """POST, GET, PUT and PATCH tell the same version in both places."""
    first = scim.send("POST", "/Users", asking.person())
    user = first.body
    answers = [
        first,
        scim.send("GET", asking.at(user)),
        scim.send("PUT", asking.at(user), user | {"title": "a"}),
        patched(scim, user, operation("add", "title", "b")),
    ]

    versions = [one.headers["etag"] for one in answers]
    assert versions == [one.body["meta"]["version"] for one in answers]
    assert len(set(versions)) == 3


@requirement("RFC7644-3.14-3", "MUST", "What has not changed is answered 304.")
def test_what_has_not_changed_is_304(scim: Server) -> None:
    """If-None-Match with the version is 304 without a body, with an old one 200."""
    user = asking.created(scim)
    known = {"If-None-Match": user["meta"]["version"]}
    reply = scim.send("GET", asking.at(user), headers=known)
    assert (reply.status, reply.content) == (304, b"")

    patched(scim, user, operation("add", "title", "a"))
    assert scim.send("GET", asking.at(user), headers=known).status == 200


@requirement(
    "RFC7644-3.14-4",
    "MUST",
    "With If-Match a change happens only to the version named; else it is 412.",
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_changes_can_name_their_version(scim: Server, method: str) -> None:
    """An old version is 412 and changes nothing; the present one succeeds."""
    user = asking.created(scim)
    now = patched(scim, user, operation("add", "title", "a")).body
    bodies = {
        "PUT": user,
        "PATCH": {"Operations": [operation("add", "title", "b")]},
    }

    def send(version: str) -> int:
        headers = {"If-Match": version}
        body = bodies.get(method)
        return scim.send(method, asking.at(user), body, headers=headers).status

    assert send(user["meta"]["version"]) == 412
    assert asking.read(scim, user) == now
    assert send(now["meta"]["version"]) in {200, 204}

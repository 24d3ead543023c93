"""Bytes that are no text anywhere, on a real server with either database."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import product
from time import sleep
from urllib.parse import urlsplit

import pytest

from tests import server
from tests.server import Server

PATHS = (
    "/Users/%00",
    "/Users/%ff%fe",
    "/Users/%ED%A0%80",
    "/%00",
    "/Users/a%00b/c",
    "/Schemas/%00",
    "/Users/" + "x" * 4000,
)
TEXTS = ("\x00", "\ud800", "a\x00b", "x[\x00]", "\u202e")


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def scim(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One server of each kind for all of these tests."""
    environment = {}
    if request.param == "postgresql":
        running = request.getfixturevalue("postgres_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = running.create("hostile")
    folder = tmp_path_factory.mktemp("hostile")
    with server.running(folder, environment=environment) as served:
        yield served
    if environment:
        running.drop("hostile")


def _person(email: str, **more: str) -> dict[str, object]:
    return {"userName": email, "emails": [{"value": email}], **more}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "PUT"])
def test_no_path_breaks_it(scim: Server, method: str, path: str) -> None:
    """Every address is answered with a plain refusal."""
    body = {"Operations": [], "userName": "x"} if method[0] == "P" else None
    answer = scim.send(method, path, body)

    assert answer.status in {404, 405}, answer.content
    assert answer.body["status"] == str(answer.status)


@pytest.mark.parametrize(
    "query",
    [
        "filter=userName%20eq%20%22%00%22",
        "filter=userName%20eq%20%22%5Cu0000%22",
        "filter=userName%20eq%20%22%5Cud800%22",
        "filter=title%20co%20%22%5Cu0000%22",
        "filter=%FF%FE",
        "filter=emails%5B%00%5D",
        "sortBy=%00",
        "attributes=%00",
        "startIndex=99999999999999999999&count=99999999999999999999",
        "startIndex=-1&count=-1",
        "startIndex=x",
    ],
)
def test_no_query_breaks_it(scim: Server, query: str) -> None:
    """Every query is answered or refused, never a failure of the server."""
    assert scim.send("GET", f"/Users?{query}").status in {200, 400}


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\x00b", "\U0010ffff", "\u202e"])
def test_no_text_breaks_it(scim: Server, text: str) -> None:
    """Every string that JSON can hold is stored or refused."""
    for name in ("userName", "externalId", "displayName", "title", "x" + text):
        made = scim.send("POST", "/Users", _person("kim@contoso.com", **{name: text}))
        assert made.status in {201, 400, 409}, (name, made.content)
        if made.status == 201:
            assert scim.send("DELETE", f"/Users/{made.body['id']}").status == 204


def test_no_path_in_a_body_breaks_it(scim: Server) -> None:
    """Paths, operations and filters inside a body, too."""
    made = scim.send("POST", "/Users", _person("bo@contoso.com")).body["id"]
    operation = {"op": "replace", "path": "title", "value": "Lead"}
    for text, name in product(TEXTS, operation):
        body = {"Operations": [{**operation, name: text}]}
        assert scim.send("PATCH", f"/Users/{made}", body).status in {200, 400}
    names = ("filter", "sortBy", "attributes", "sortOrder", "startIndex")
    for value, name in product((*TEXTS, *([text] for text in TEXTS)), names):
        found = scim.send("POST", "/Users/.search", {name: value})
        assert found.status in {200, 400}, (name, found.content)


def test_a_stranger_cannot_cost_the_log_its_reads(scim: Server) -> None:
    """What a caller without a token asks for is counted beside the reads that wait."""
    stranger = {"Authorization": None}
    kept = []
    for _ in range(3):
        for path in PATHS:
            assert scim.send("GET", path, headers=stranger).status == 401
        read = scim.send("GET", "/Users?filter=userName%20eq%20%22zoe%22")
        kept.append(read.headers["x-request-id"])
        sleep(0.8)
    sleep(1)
    statuses = [json.loads(scim.cli("log", "show", one, "--json")) for one in kept]
    knocks = json.loads(scim.cli("log", "knocks", "--json"))

    assert [shown["status"] for shown in statuses] == [200] * 3
    assert sum(r["times"] for r in knocks if r["reason"] == "no_token") >= 21
    assert "background round failed" not in scim.said


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /scim/v2/Users HTTP/1.1\r\n\r\n",
        b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\n\r\n",
        b"\x16\x03\x01\x00\xff",
        b"GET http://evil.example/scim/v2/Users HTTP/1.1\r\nHost: evil\r\n\r\n",
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_no_bytes_break_it(scim: Server, raw: bytes) -> None:
    """What is hardly HTTP is refused, and the next request is served."""
    place = urlsplit(scim.base_url)
    address = str(place.hostname), int(place.port or 0)
    with socket.create_connection(address, timeout=10) as line:
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        said = line.recv(4096)

    assert not said or said.split()[1] in {b"400", b"401"}
    assert scim.send("GET", "/Users?count=0").status == 200


def _chunked(scim: Server, size: int) -> int:
    """The status of a POST whose length is not announced."""
    place = urlsplit(scim.base_url)
    head = (
        f"POST {place.path}/Users HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {scim.token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = b'{"userName": "' + b"a" * size + b'"}'
    parts = [body[n : n + 60_000] for n in range(0, len(body), 60_000)]
    address = str(place.hostname), int(place.port or 0)
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(head.encode())
        for part in parts:
            line.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        line.sendall(b"0\r\n\r\n")
        return int(line.recv(4096).split()[1])


def test_a_chunked_body_is_read_and_limited(scim: Server) -> None:
    """A length that is not announced is no way around the limit (decision 32)."""
    assert _chunked(scim, 200) == 400  # read whole: it has no email
    assert _chunked(scim, 1_100_000) == 413

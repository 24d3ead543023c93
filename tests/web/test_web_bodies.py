"""What a body may be: its type, its encoding, its size and its JSON."""

from __future__ import annotations

import gzip
import json
from io import BytesIO

import pytest

from tests.web.door import Door, person, refusal

KIM = json.dumps(person("kim@contoso.com")).encode()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "APPLICATION/SCIM+JSON;charset=utf8",
    ],
)
def test_both_types_are_read(door: Door, content_type: str) -> None:
    """RFC 7644 section 3.8: SCIM JSON, and plain JSON as clients send it."""
    answer = door.send("POST", "/Users", KIM, headers={"Content-Type": content_type})

    assert answer.status_code == 201
    assert answer.mimetype == "application/scim+json"


def test_a_missing_content_type_is_read(door: Door) -> None:
    """A client that names no type sends JSON all the same."""
    headers = {"Content-Type": ""}

    assert door.send("POST", "/Users", KIM, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Content-Type": "text/xml"}, "text/xml is not read here"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            "send application/scim+json",
        ),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            "charset utf-16 is not read here; send UTF-8",
        ),
        ({"Content-Encoding": "gzip"}, "Content-Encoding gzip is not read here"),
        ({"Content-Encoding": "x" * 500}, "send it plain"),
        ({"Content-Type": "a" * 5000 + "/b"}, "is not read here"),
    ],
)
def test_another_form_is_415(door: Door, headers: dict[str, str], told: str) -> None:
    """The sentence says what to send instead; nobody is made."""
    detail = refusal(door.send("POST", "/Users", KIM, headers=headers), 415)

    assert told in detail
    assert len(detail) < 300
    assert door.send("GET", "/Users").get_json()["totalResults"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"{}{}",
        b"\xff\xfe{}",
        b'{"userName": NaN}',
        b'{"userName": "\xed\xa0\x80"}',
        b'{"a":' * 60 + b"1" + b"}" * 60,
        gzip.compress(KIM),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Users"),
        ("PUT", "/Users/x"),
        ("PATCH", "/Users/x"),
        ("POST", "/Users/.search"),
        ("POST", "/.search"),
    ],
)
def test_no_json_object_is_400(door: Door, method: str, path: str, body: bytes) -> None:
    """Whatever bytes come, the answer is 400 invalidSyntax, never 500."""
    answer = door.send(method, path, body, headers={"Content-Type": "application/json"})

    refusal(answer, 400)
    assert answer.get_json()["scimType"] == "invalidSyntax"


@pytest.mark.parametrize("value", [None, 1, True, "x", [], [1], {"a": {}}, 1e308, ""])
@pytest.mark.parametrize("name", ["userName", "emails", "name", "active", "schemas"])
def test_a_wrong_type_is_never_a_500(door: Door, name: str, value: object) -> None:
    """Everything a client sends is hostile: every JSON type for every attribute."""
    made = door.send("POST", "/Users", person("kim@contoso.com", **{name: value}))
    patched = door.send(
        "PATCH",
        f"/Users/{door.made('bo@contoso.com')}",
        {"Operations": [{"op": "replace", "path": name, "value": value}]},
    )

    assert made.status_code in {201, 400}
    assert patched.status_code in {200, 400, 409}


def test_an_announced_body_is_refused_by_its_length(door: Door) -> None:
    """413 with the limit in bytes, before the body is parsed (decision 32)."""
    body = b'{"userName": "' + b"a" * 1_048_576 + b'"}'

    assert "larger than 1048576 bytes" in refusal(
        door.send("POST", "/Users", body), 413
    )


def test_a_body_of_unknown_length_is_refused_when_it_grows(door: Door) -> None:
    """A chunked body is kept to the limit, and the rest is read to a bound."""
    source = BytesIO(b" " * 20_000_000)
    answer = door.send(
        "POST",
        "/Users",
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        environ_overrides={
            "wsgi.input": source,
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )

    assert "larger than 1048576 bytes" in refusal(answer, 413)
    assert source.tell() < 10_000_000


def test_the_largest_bulk_request_is_published(door: Door) -> None:
    """ServiceProviderConfig names the limits that hold (RFC 7643 section 5)."""
    told = door.send("GET", "/ServiceProviderConfig").get_json()["bulk"]
    large = b'{"Operations": [' + b" " * told["maxPayloadSize"]
    many = {"Operations": [{}] * (told["maxOperations"] + 1)}

    assert told["maxPayloadSize"] == 16 * 1024 * 1024
    assert "16777216 bytes" in refusal(door.send("POST", "/Bulk", large), 413)
    assert "maxOperations" in refusal(door.send("POST", "/Bulk", many), 413)

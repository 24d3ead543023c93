"""Methods, addresses, headers and query parameters of the SCIM door."""

from __future__ import annotations

import pytest

from scim_connector.directory import request_log
from tests.web.door import BASE, Door, person, refusal


def _patch(**values: object) -> dict[str, object]:
    return {
        "Operations": [
            {"op": "replace", "path": name, "value": value}
            for name, value in values.items()
        ]
    }


# -------------------------------------------------------------------------- methods


def test_head_is_get_without_a_body(door: Door) -> None:
    """RFC 9110 section 9.3.2: the same headers, no content."""
    path = f"/Users/{door.made('kim@contoso.com')}"
    for address in (path, "/Users", "/Schemas", "/Groups"):
        got, head = door.send("GET", address), door.send("HEAD", address)

        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.data))
        assert head.headers.get("ETag") == got.headers.get("ETag")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/Users/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("/Users/.search", {"POST", "OPTIONS"}),
        ("/.search", {"POST", "OPTIONS"}),
        ("/Schemas", {"GET", "HEAD", "OPTIONS"}),
        ("/ResourceTypes/User", {"GET", "HEAD", "OPTIONS"}),
        ("/ServiceProviderConfig", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_options_names_the_methods(door: Door, path: str, allowed: set[str]) -> None:
    """204 with Allow, and another method is 405 with the same methods in it."""
    options = door.send("OPTIONS", path)
    other = door.send("BREW", path)

    assert (options.status_code, options.data) == (204, b"")
    assert set(options.headers["Allow"].split(", ")) == allowed
    assert "BREW is not served at this address" in refusal(other, 405)
    assert set(other.headers["Allow"].split(", ")) == allowed - {"OPTIONS"}


def test_a_method_is_not_overridden(door: Door) -> None:
    """X-HTTP-Method-Override and _method change nothing: it stays the method sent."""
    path = f"/Users/{door.made('kim@contoso.com')}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = door.send("POST", path, {}, headers={name: "DELETE"})
        assert answer.status_code == 405
    door.send("GET", f"{path}?_method=DELETE")

    assert door.send("GET", path).status_code == 200


# ------------------------------------------------------------------------ addresses


def test_a_slash_at_the_end_is_no_difference(door: Door) -> None:
    """Providers append slashes; there is no redirect, which would lose the token."""
    door.made("kim@contoso.com")
    for path in ("/Users", "/Users/", "//Users", "/Schemas/", "/"):
        assert door.send("GET", path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/users",
        "/Users/a/b",
        "/Nothing",
        "/Users/../Schemas/x",
        "/Users/%00",
        "/Users/%ff%fe",
        "/Schemas/urn:none",
        "/ResourceTypes/None",
        "/" + "x" * 5000,
    ],
)
def test_nothing_there_is_a_scim_404(door: Door, path: str) -> None:
    """Unknown addresses answer in SCIM, shortly, whatever bytes they hold."""
    assert len(refusal(door.send("GET", path), 404)) < 400


@pytest.mark.parametrize("path", ["/scim", "/scim/", "/scim/v1/Users", "/scim/Users"])
def test_another_version_is_a_scim_404(door: Door, path: str) -> None:
    """Everything under /scim belongs to the door."""
    headers = {"Authorization": f"Bearer {door.token}"}

    refusal(door.client.get(path, headers=headers), 404)


def test_beside_scim_there_is_a_hint(door: Door) -> None:
    """A base URL pasted without its path is told where SCIM is; a browser goes on."""
    for path in ("/", "/scimx", "/v2/Users"):
        answer = door.client.get(path)
        assert answer.status_code == 404
        assert "/scim/v2" in answer.text
    shown = door.client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (shown.status_code, shown.headers["Location"]) == (303, "/admin")


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/Me", "nothing at /Me"),
    ],
)
def test_what_comes_later_is_501(door: Door, method: str, path: str, told: str) -> None:
    """RFC 7644 section 3.12: 501 with what to do meanwhile."""
    assert told in refusal(door.send(method, path, {}), 501)


def test_no_group_is_an_empty_list(door: Door) -> None:
    """A provider that looks for groups finds none and goes on."""
    assert door.send("GET", "/Groups?filter=displayName eq x").get_json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


# -------------------------------------------------------------------------- headers


def test_every_answer_carries_its_headers(door: Door) -> None:
    """No answer is cached or sniffed, each has its own request id."""
    answers = [
        door.send("GET", "/Users"),
        door.send("POST", "/Users", person("kim@contoso.com")),
        door.send("GET", "/Nothing"),
        door.send("OPTIONS", "/Users"),
        door.send("GET", "/Users", headers={"Authorization": ""}),
    ]

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5


def test_the_host_header_is_not_reflected(door: Door) -> None:
    """Location and meta.location come from public_url alone (decision 6)."""
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=gopher",
        "X-Original-URL": "/evil",
    }
    made = door.send("POST", "/Users", person("kim@contoso.com"), headers=forged)
    here = f"{BASE}/Users/{made.get_json()['id']}"
    texts = [
        door.send("GET", path, headers=forged).text
        for path in ("/Users", "/Schemas", "/ServiceProviderConfig", "/ResourceTypes")
    ]

    assert made.headers["Location"] == here
    assert made.get_json()["meta"]["location"] == here
    assert not [text for text in (made.text, *texts) if "evil" in text]


def test_a_known_version_is_304(door: Door) -> None:
    """If-None-Match with the present ETag, a list of them, or * (RFC 7644 3.14)."""
    path = f"/Users/{door.made('kim@contoso.com')}"
    got = door.send("GET", path)
    tag = got.headers["ETag"]

    assert got.get_json()["meta"]["version"] == tag
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        same = door.send("GET", path, headers={"If-None-Match": known})
        assert (same.status_code, same.data) == (304, b"")
        assert same.headers["ETag"] == tag
    other = door.send("GET", path, headers={"If-None-Match": 'W/"999"'})
    assert other.status_code == 200


def test_another_version_is_412(door: Door) -> None:
    """If-Match on PUT, PATCH and DELETE protects against a lost update."""
    path = f"/Users/{door.made('kim@contoso.com')}"
    tag = door.send("GET", path).headers["ETag"]
    bodies = {
        "PUT": person("kim@contoso.com", title="Lead"),
        "PATCH": _patch(title="Lead"),
        "DELETE": None,
    }
    for method, body in bodies.items():
        headers = {"If-Match": 'W/"999"'}
        detail = refusal(door.send(method, path, body, headers=headers), 412)
        assert "Read it again" in detail
    assert door.send("GET", path).headers["ETag"] == tag

    changed = door.send("PATCH", path, bodies["PATCH"], headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    stale = door.send("DELETE", path, headers={"If-Match": tag})
    assert stale.status_code == 412
    gone = door.send("DELETE", path, headers={"If-Match": changed.headers["ETag"]})
    assert (gone.status_code, gone.data) == (204, b"")
    assert door.send("GET", path).status_code == 404


# ----------------------------------------------------------------- query parameters


def test_an_unknown_parameter_is_ignored(door: Door) -> None:
    """Entra adds its flags to the address; of a repeated one the first counts."""
    door.made("kim@contoso.com")
    assert door.send("GET", "/Users?aadOptscim062020&x=1").status_code == 200
    twice = door.send("GET", "/Users?count=0&count=5").get_json()

    assert "Resources" not in twice or twice["Resources"] == []


def _shown(door: Door, method: str, path: str, body: object, query: str) -> set[str]:
    answer = door.send(method, f"{path}?{query}", body)
    assert answer.status_code in {200, 201}, answer.text
    return set(answer.get_json())


def test_projections_work_on_every_method(door: Door) -> None:
    """RFC 7644 section 3.9: attributes and excludedAttributes, id and schemas stay."""
    only, less = "attributes=userName", "excludedAttributes=name,emails"
    few = {"schemas", "id", "userName"}
    made = _shown(door, "POST", "/Users", person("kim@contoso.com"), only)
    path = f"/Users/{door.made('bo@contoso.com')}"
    bo = person("bo@contoso.com")

    assert made == few
    for method, body in (("GET", None), ("PUT", bo), ("PATCH", _patch(title="A"))):
        assert _shown(door, method, path, body, only) == few
        left = _shown(door, method, path, body, less)
        assert not left & {"name", "emails"}
        assert {"schemas", "id", "userName", "meta", "active"} <= left
    listed = door.send("GET", f"/Users?{only}").get_json()["Resources"]
    wanted = {"attributes": ["userName"]}
    searched = door.send("POST", "/Users/.search", wanted).get_json()["Resources"]
    assert [set(one) for one in (*listed, *searched)] == [few] * 4


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"p{number}=1" for number in range(60)),
        "attributes=userName&excludedAttributes=emails",
        f"attributes={'a' * 5000}",
        "attributes=emails[",
        "attributes=%00",
    ],
)
def test_a_refused_projection_changes_nothing(door: Door, query: str) -> None:
    """What the address asks is judged before the change, so 400 means unchanged."""
    made = door.send("POST", f"/Users?{query}", person("kim@contoso.com"))
    total = door.send("GET", "/Users").get_json()["totalResults"]

    assert total == (1 if made.status_code == 201 else 0)
    path = f"/Users/{door.made('bo@contoso.com')}"
    tag = door.send("GET", path).headers["ETag"]
    changed = door.send("PATCH", f"{path}?{query}", _patch(title="Lead"))
    same = door.send("GET", path).headers["ETag"] == tag
    assert same == (changed.status_code != 200)


# ------------------------------------------------------------------------------ log


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/Users", b"{", 400),
        ("POST", "/Users", b"x" * 1_100_000, 413),
        ("PUT", "/Users/x", b"[]", 400),
        ("BREW", "/Users", None, 405),
        ("GET", "/Nothing", None, 404),
        ("POST", "/Bulk", b"{}", 400),
        ("GET", "/Users?filter=bad", None, 400),
        ("PATCH", "/Users/x", b'{"Operations": []}', 404),
    ],
)
def test_every_refused_request_is_kept(
    door: Door, method: str, path: str, body: bytes | None, status: int
) -> None:
    """Decision 33: each authenticated request is in the log, under the id answered."""
    answer = door.send(method, path, body)
    assert answer.status_code == status
    door.gatherer.flush()
    kept = request_log.by_request_id(
        door.house.database.reader(), answer.headers["X-Request-Id"]
    )

    assert kept is not None
    assert (kept.method, kept.status, kept.outcome) == (method, status, "Failure")


@pytest.mark.parametrize(
    "path",
    ["/Schemas", "/ResourceTypes", "/ResourceTypes/User", "/ServiceProviderConfig"],
)
def test_what_is_published_has_a_version(door: Door, path: str) -> None:
    """Whoever has it already is answered 304 (RFC 7644 section 3.14)."""
    first = door.send("GET", path)
    tag = first.headers["ETag"]

    again = door.send("GET", path, headers={"If-None-Match": tag})
    other = door.send("GET", path, headers={"If-None-Match": 'W/"1"'})

    assert tag.startswith('W/"')
    assert (again.status_code, again.text) == (304, "")
    assert (other.status_code, other.text) == (200, first.text)

"""What is measured: what a provider and an application ask, as bytes ready to send."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bench import gate, people
from bench.loader import Stream

if TYPE_CHECKING:
    from bench.seed import Seeded

CONNECTIONS: Final = 8
NEWCOMERS: Final = 10_000_000
"""The number of the first person that a measurement creates."""

_EACH: Final = 2_000
_PAGE: Final = 100
_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is asked: its name, the aim against the bare route, the bytes.

    *streams* gives one stream per connection; it is told how many requests each has
    sent in earlier measurements, so that changes go on where they ended.
    """

    name: str
    aim: float
    expected: int
    streams: Callable[[Seeded, list[int]], list[Stream]]


def _get(directory: Seeded, _: list[int]) -> list[Stream]:
    return _reads(directory, lambda number: f"/Users/{directory.ids[number]}")


def _by_user_name(directory: Seeded, _: list[int]) -> list[Stream]:
    return _filters(directory, lambda n: f'userName eq "{people.user_name(n)}"')


def _by_external_id(directory: Seeded, _: list[int]) -> list[Stream]:
    return _filters(directory, lambda n: f'externalId eq "{people.external_id(n)}"')


def _by_email(directory: Seeded, _: list[int]) -> list[Stream]:
    """Filter as Entra ID does for the work e-mail address."""
    return _filters(
        directory, lambda n: f'emails[type eq "work"].value eq "{people.user_name(n)}"'
    )


def _list(directory: Seeded, _: list[int]) -> list[Stream]:
    last = max(1, len(directory.ids) - _PAGE + 1)
    return _reads(
        directory, lambda number: f"/Users?startIndex={number % last + 1}&count={_PAGE}"
    )


def _patch(directory: Seeded, sent: list[int]) -> list[Stream]:
    """Deactivate and reactivate: each connection its own people, none of them twice.

    Those who are signed in are left alone, because it would end their sessions.
    """
    others = range(len(directory.signed_in.sessions), len(directory.ids))
    own = max(1, min(_EACH, len(others) // CONNECTIONS))
    chosen = _random().sample(others, own * CONNECTIONS)
    return [
        Stream(
            tuple(_toggles(directory, chosen[at * own : (at + 1) * own])),
            start=sent[at],
        )
        for at in range(CONNECTIONS)
    ]


def _toggles(directory: Seeded, numbers: list[int]) -> Iterator[bytes]:
    for value in ("False", "True"):
        operation = {"op": "Replace", "path": "active", "value": value}
        body = json.dumps({"schemas": [_PATCH_OP], "Operations": [operation]}).encode()
        for number in numbers:
            path = f"/Users/{directory.ids[number]}"
            yield _request(directory.token, "PATCH", path, body)


def _post(directory: Seeded, sent: list[int]) -> list[Stream]:
    """Create people that nobody has created before, each connection its own million."""
    newcomers = tuple(_newcomers(directory.token))
    return [
        Stream(newcomers, start=NEWCOMERS + at * 1_000_000 + sent[at], filled=True)
        for at in range(CONNECTIONS)
    ]


def _newcomers(token: str) -> Iterator[bytes]:
    """Make a POST for each name, in the order of numbers, with places for the number.

    Numbers have eight digits, so the length of a body is known beforehand.
    """
    first = NEWCOMERS - NEWCOMERS % people.NAMES
    for number in range(first, first + people.NAMES):
        body = json.dumps(people.resource(number)).encode()
        request = _request(token, "POST", "/Users", body).replace(b"%", b"%%")
        yield request.replace(b"%08d" % number, b"%(n)08d")


def _verify(directory: Seeded, _: list[int]) -> list[Stream]:
    """Ask about sessions as a proxy does, before it passes each request on."""
    sessions = directory.signed_in.sessions
    return _chosen(len(sessions), lambda number: gate.verify(sessions[number]))


def _introspect(directory: Seeded, _: list[int]) -> list[Stream]:
    """Ask about sessions as an application does (RFC 7662)."""
    known = directory.signed_in
    return _chosen(
        len(known.sessions),
        lambda number: gate.introspect(known.secret, known.sessions[number]),
    )


OPERATIONS: Final = (
    Operation("get by id", 0.6, 200, _get),
    Operation("filter userName", 0.45, 200, _by_user_name),
    Operation("filter externalId", 0.45, 200, _by_external_id),
    Operation("filter work e-mail", 0.45, 200, _by_email),
    Operation("list 100", 0.3, 200, _list),
    Operation("forward-auth", 0.6, 200, _verify),
    Operation("introspection", 0.6, 200, _introspect),
    Operation("PATCH active", 0.15, 200, _patch),
    Operation("POST", 0.10, 201, _post),
)


def hello() -> list[Stream]:
    """Return the same number of connections to the bare route."""
    request = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return [Stream((request,))] * CONNECTIONS


# ------------------------------------------------------------------------- the bytes


def _filters(directory: Seeded, text: Callable[[int], str]) -> list[Stream]:
    return _reads(directory, lambda n: f"/Users?{urlencode({'filter': text(n)})}")


def _reads(directory: Seeded, path: Callable[[int], str]) -> list[Stream]:
    return _chosen(
        len(directory.ids),
        lambda number: _request(directory.token, "GET", path(number)),
    )


def _chosen(count: int, request: Callable[[int], bytes]) -> list[Stream]:
    """Return streams of requests about numbers below *count*, chosen at random."""
    chosen = _random()
    return [
        Stream(tuple(request(chosen.randrange(count)) for _ in range(_EACH)))
        for _ in range(CONNECTIONS)
    ]


def _random() -> random.Random:
    """Return the same choices every time, so that rounds can be compared."""
    return random.Random(7)  # noqa: S311 - whom to ask for is no secret


def _request(token: str, method: str, path: str, body: bytes = b"") -> bytes:
    lines = [
        f"{method} /scim/v2{path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Accept: application/scim+json",
    ]
    if body:
        lines += [
            "Content-Type: application/scim+json; charset=utf-8",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body

"""``python -m bench.console``: each screen of the console in a large house.

100,000 people and 1,000,000 requests in the log: how long until the first byte of each
screen, beside a static file of the same server, and how many bytes it is, compressed.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import gate, targets
from bench.seed import CACHE, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY: Final = 24 * 3600 * 1_000_000  # microseconds
_DAYS: Final = 30
_READS: Final = 0.85
_REFUSED: Final = 0.01
_REASONS: Final = ("email_taken", "username_length", "uniqueness", "email_invalid")
_STATIC: Final = (
    "/auth/static/console.css",
    "/auth/static/console.js",
    "/auth/static/htmx/htmx-2.0.11.min.js",
)
_STEPS: Final = '[{"step":"authenticate","state":"Passed","sentence":"Credential"}]'


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen: milliseconds to the first byte (median and worst), and its bytes."""

    path: str
    middle: float
    worst: float
    plain: int
    packed: int


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.console", description=__doc__
    )
    parser.add_argument("--people", type=int, default=100_000, metavar="N")
    parser.add_argument("--requests", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        house = seeded(asked.people, Path(folder) / "house")
        _fill_log(house.folder, asked.requests, asked.people)
        session = gate.administrator(house.folder)
        with targets.ours(house.folder) as target:
            client = HTTPConnection("127.0.0.1", target.port)
            screens = list(_measured(client, session, asked))
    _print(screens)
    return 0


def _fill_log(folder: Path, count: int, people: int) -> None:
    """Insert *count* requests of the last month, as a provider leaves them."""
    now = time.time_ns() // 1000
    with sqlite3.connect(folder / "scim-connector.db") as raw:
        names = "request_id, at, connection_id, credential_id, method, path, action,"
        names += " outcome, status, reason, identity, identity_key, user_id,"
        names += " duration_us, steps"
        raw.executemany(
            f"INSERT INTO request_log ({names}) VALUES ({','.join('?' * 15)})",  # noqa: S608
            _rows(count, people, now),
        )
        raw.execute("ANALYZE")


def _rows(count: int, people: int, now: int) -> Iterator[tuple[object, ...]]:
    chance = random.Random(7)  # noqa: S311 - the same log each time
    every = _DAYS * _DAY // count
    for number in range(count):
        at = now - (count - number) * every
        who = chance.randrange(people)
        name = f"person.{who}@contoso.com"
        where = (f"log-{number}", at, 2, "seed")
        if chance.random() < _READS:
            read = ("GET", "/scim/v2/Users", "Read", "Success", 200, None)
            yield (*where, *read, None, None, None, 400, _STEPS)
            continue
        made = ("PATCH", f"/scim/v2/Users/{who}", "Update")
        if chance.random() < _REFUSED / (1 - _READS):
            ended: tuple[object, ...] = ("Failure", 409, chance.choice(_REASONS))
        else:
            ended = ("Success", 200, None)
        yield (*where, *made, *ended, name, name, who + 1, 1500, _STEPS)


def _measured(
    client: HTTPConnection, session: str, asked: argparse.Namespace
) -> Iterator[Screen]:
    person = f"/admin/users/{asked.people // 2}"
    log = "/admin/log"
    for path in (
        *_STATIC,
        "/admin",
        "/admin/users",
        "/admin/users?words=person.4242",
        "/admin/users?status=never",
        person,
        f"{person}/identity",
        f"{person}/access",
        f"{person}/history",
        "/admin/users/new",
        log,
        f"{log}?reads=yes",
        f"{log}?outcome=Failure",
        f"{log}?words=person.4242",
        f"{log}?outcome=Failure&reason=email_taken",
        f"{log}/log-{asked.requests - 1}",
        "/admin/conflicts",
        "/admin/connections",
        "/admin/connections/2",
        "/admin/mapping",
        "/admin/receipts",
        "/admin/applications",
        "/admin/roles",
        "/admin/settings",
    ):
        yield _screen(client, session, path, asked.rounds)


def _screen(client: HTTPConnection, session: str, path: str, rounds: int) -> Screen:
    taken, body = [], b""
    for _ in range(rounds):
        began = time.perf_counter()
        client.request("GET", path, headers={"Cookie": session})
        answer = client.getresponse()
        taken.append((time.perf_counter() - began) * 1000)
        body = answer.read()
        if answer.status != 200:  # noqa: PLR2004
            print(f"{path} answered {answer.status}", file=sys.stderr)
    packed = len(gzip.compress(body, 6))
    return Screen(path, statistics.median(taken), max(taken), len(body), packed)


def _print(screens: list[Screen]) -> None:
    static = screens[0].middle
    print(f"{'screen':44}{'ms':>8}{'worst':>8}{'x static':>10}{'KB':>8}{'KB gzip':>9}")
    for each in screens:
        print(
            f"{each.path:44}{each.middle:8.1f}{each.worst:8.1f}"
            f"{each.middle / static:10.1f}{each.plain / 1024:8.1f}"
            f"{each.packed / 1024:9.1f}"
        )
    shared = sum(each.packed for each in screens[: len(_STATIC)])
    first = next(each for each in screens if each.path == "/admin")
    print(f"first page with everything: {(shared + first.packed) / 1024:.1f} KB gzip")


if __name__ == "__main__":
    sys.exit(main())

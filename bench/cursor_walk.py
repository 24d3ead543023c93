"""``python -m bench.cursor_walk``: whom a walk by cursor meets while others write.

Everybody is walked through several times, by cursors (RFC 9865), while a writer renames,
deactivates, removes and creates people at a steady rate. Whoever was not written to must
be met exactly once; what is counted is how often that was so.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bench import people, targets
from bench.groups import Client
from bench.seed import CACHE, seeded

_WALKS: Final = (
    {"count": "250"},
    {"count": "1000"},
    {"count": "500", "sortBy": "displayName"},
    {"count": "1000", "sortBy": "userName", "sortOrder": "descending"},
    {"count": "500", "filter": "active eq true", "sortBy": "meta.lastModified"},
)


@dataclass
class Writer:
    """Writes to some people at *rate* per second until it is told to stop."""

    client: Client
    ids: list[str]
    rate: float
    first_new: int
    written: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write; who is going to be written to counts as written to at once."""
        chance = random.Random(1)  # noqa: S311 - a load
        began = time.monotonic()
        for number in count():
            pause = began + number / self.rate - time.monotonic()
            if self.stopped.wait(max(pause, 0)):
                return
            self._write(chance, number)

    def _write(self, chance: random.Random, number: int) -> None:
        kind = chance.choices(
            ("rename", "deactivate", "remove", "create"), (70, 15, 5, 10)
        )[0]
        self.kinds[kind] += 1
        if kind == "create":
            body = people.resource(self.first_new + number)
            self.client.send("POST", "/Users?attributes=id", body)
            return
        person = self.ids.pop(chance.randrange(len(self.ids)))
        self.written.add(person)
        if kind == "remove":
            self.client.send("DELETE", f"/Users/{person}")
            return
        name, value = ("active", False)
        if kind == "rename":
            name, value = ("displayName", f"{chance.choice('abcxyz')} {number}")
        operation = {"op": "replace", "path": name, "value": value}
        self.client.send("PATCH", f"/Users/{person}", {"Operations": [operation]})
        if kind == "rename":
            self.ids.append(person)


@dataclass(frozen=True, slots=True)
class Walk:
    """What one walk met: how often each id, on how many pages, in which time."""

    met: Counter[str]
    pages: int
    reading: float
    slowest: float


def _walk(client: Client, asked: dict[str, str], lasting: float, total: int) -> Walk:
    """Walk all pages, spread over *lasting* seconds so that much is written meanwhile."""
    met: Counter[str] = Counter()
    taken: list[float] = []
    share = lasting / max(total / int(asked["count"]), 1)
    page: dict[str, Any] = {"nextCursor": ""}
    while "nextCursor" in page:
        began = time.perf_counter()
        query = {**asked, "attributes": "id", "cursor": page["nextCursor"]}
        page = client.send("GET", f"/Users?{urlencode(query)}")
        taken.append(time.perf_counter() - began)
        met.update(one["id"] for one in page["Resources"])
        time.sleep(max(share - taken[-1], 0))
    return Walk(met, len(taken), sum(taken), max(taken))


def main() -> int:
    """Walk and count; the exit status is 1 when anybody was missed or met twice."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cursor_walk", description=__doc__
    )
    parser.add_argument("--users", type=int, default=100_000, metavar="N")
    parser.add_argument("--rate", type=float, default=50.0, metavar="N")
    parser.add_argument("--seconds", type=float, default=12.0, metavar="S")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        crowd = seeded(asked.users, Path(folder) / "house")
        with targets.ours(crowd.folder) as target:
            clients = [
                Client(HTTPConnection("127.0.0.1", target.port), crowd.token)
                for _ in range(2)
            ]
            wrong = _measure(clients, crowd.ids, asked.rate, asked.seconds)
    return 1 if wrong else 0


def _measure(
    clients: list[Client], ids: tuple[str, ...], rate: float, lasting: float
) -> int:
    """Run every walk beside the writer, print a line for each; how many were wrong."""
    reader, writing = clients
    print(f"{len(ids):,} users, {rate:g} writes a second beside each walk")
    titles = ("pages", "ms/page", "slowest", "writes", "left alone", "once")
    print(f"{'':48}" + "".join(f"{t:>11}" for t in (*titles, "missed", "twice")))
    gone: set[str] = set()
    wrong = 0
    for number, asked in enumerate(_WALKS):
        left = [one for one in ids if one not in gone]
        writer = Writer(writing, left, rate, len(ids) * (number + 2))
        thread = threading.Thread(target=writer.run)
        everybody = set(left)
        thread.start()
        try:
            walk = _walk(reader, asked, lasting, len(left))
        finally:
            writer.stopped.set()
            thread.join()
        alone = everybody - writer.written
        gone |= everybody - set(writer.ids)
        wrong += _report(asked, walk, writer, alone)
    return wrong


def _report(asked: dict[str, str], walk: Walk, writer: Writer, alone: set[str]) -> int:
    times = Counter(walk.met[one] for one in alone)
    missed, once = times[0], times[1]
    twice = len(alone) - missed - once
    per_page = walk.reading / walk.pages * 1000
    figures = (
        f"{walk.pages:,}",
        *(f"{per_page:.1f}", f"{walk.slowest * 1000:.1f}"),
        *(f"{n:,}" for n in (writer.kinds.total(), len(alone), once, missed, twice)),
    )
    print(f"{urlencode(asked)[:48]:48}" + "".join(f"{f:>11}" for f in figures))
    return missed + twice


if __name__ == "__main__":
    sys.exit(main())

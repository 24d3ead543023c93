"""``python -m bench.groups``: what a membership costs in a group of any size.

Two groups of one directory, a small and a large one, take turns: add one member, remove
them again, read the group without its members.  The large one's figures over the small
one's are what to read; nothing should grow with the group.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from bench import targets
from bench.seed import CACHE, seeded

_SMALL: Final = 10
_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass(slots=True)
class Client:
    """One kept connection to the server, as a provider has it."""

    connection: HTTPConnection
    token: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request; returns the answer as JSON, None for none."""
        self.connection.request(
            method,
            f"/scim/v2{path}",
            None if body is None else json.dumps(body),
            {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/scim+json",
            },
        )
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:  # noqa: PLR2004
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None

    def grouped(self, name: str, members: list[str]) -> str:
        """Create a group; returns its id."""
        listed = [{"value": member} for member in members]
        body = {"schemas": [_GROUP], "displayName": name, "members": listed}
        return str(self.send("POST", "/Groups?attributes=id", body)["id"])


def _operations(client: Client, group: str, other: str) -> Iterator[tuple[str, Any]]:
    """What is measured on one group, in order; *other* is no member of it."""
    path = f"/Groups/{group}"
    member = [{"$ref": None, "value": other}]

    def patch(op: str) -> None:
        operation = {"op": op, "path": "members", "value": member}
        body = {"schemas": [_PATCH_OP], "Operations": [operation]}
        client.send("PATCH", path, body)

    yield "add one member", lambda: patch("Add")
    yield "remove one member", lambda: patch("Remove")
    without = f"{path}?excludedAttributes=members"
    yield "GET without members", lambda: client.send("GET", without)


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.groups", description=__doc__)
    parser.add_argument("--members", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=300, metavar="N")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        people = seeded(asked.members, Path(folder) / "house")
        with targets.ours(people.folder) as target:
            client = Client(HTTPConnection("127.0.0.1", target.port), people.token)
            _measure(client, list(people.ids), asked.rounds)
    return 0


def _measure(client: Client, ids: list[str], rounds: int) -> None:
    other, *rest = ids
    began = time.perf_counter()
    large = client.grouped("Large", rest)
    made = time.perf_counter() - began
    print(f"a group of {len(rest):,} members was created in {made:.1f} s")
    small = client.grouped("Small", rest[:_SMALL])
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for at in range(rounds):
        _say(f"round {at + 1} of {rounds}")
        for name, group in (("small", small), ("large", large)):
            for operation, act in _operations(client, group, other):
                began = time.perf_counter()
                act()
                taken[operation, name].append(time.perf_counter() - began)
    _say("\n")
    print(f"{'':22}{_SMALL:>12,}{len(rest):>12,}{'ratio':>8}   (median ms)")
    for operation in dict.fromkeys(operation for operation, _ in taken):
        low = statistics.median(taken[operation, "small"]) * 1000
        high = statistics.median(taken[operation, "large"]) * 1000
        print(f"{operation:22}{low:12.2f}{high:12.2f}{high / low:8.2f}")


def _say(text: str) -> None:
    print(f"\r{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m bench``: what a request costs here, beside a bare Flask route."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from bench import measuring, report, targets
from bench.measuring import Cell, Directory, Plan
from bench.operations import OPERATIONS, Operation
from bench.seed import CACHE, seeded

HELP = """\
Starts this server on a directory of each size (SQLite, synchronous=FULL, two workers,
as `scim-connector serve` does) and a bare Flask route on the same server settings, sends
the same operations to all of them in turn, and prints medians over the rounds: requests
per second, p50 and p99 as the client sees them, the server's CPU per request, the ratios
to the bare route, and what 100 times as many users cost. How to read it: bench/README.md.

  python -m bench                              1,000 and 100,000 users, about 6 minutes
  python -m bench --users 1000 --rounds 1      a first look
  python -m bench --only "get,POST" --seconds 5
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    asked = _parser().parse_args(arguments)
    operations = _operations(asked.only)
    if not operations:
        names = ", ".join(operation.name for operation in OPERATIONS)
        print(f"bench: nothing is called so; there are: {names}", file=sys.stderr)
        return 2
    try:
        cells, memory = _measured(asked, operations)
    except measuring.WrongAnswer as wrong:
        print(
            f"\nbench: the server did not answer as it should: {wrong}", file=sys.stderr
        )
        return 1
    print(report.text(cells, memory))
    if asked.json:
        Path(asked.json).write_text(json.dumps([asdict(c) for c in cells], indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--users",
        type=_sizes,
        default=_sizes("1000,100000"),
        metavar="N,N",
        help="sizes of the directories (default 1000,100000)",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="rounds (default 3)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        metavar="S",
        help="seconds for each operation on each server (default 3)",
    )
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="operations whose name has a word"
    )
    parser.add_argument("--json", metavar="FILE", help="write every cell there")
    return parser


def _sizes(text: str) -> list[int]:
    return sorted(int(part.replace("_", "")) for part in text.split(","))


def _operations(words: str) -> tuple[Operation, ...]:
    wanted = [word.strip().lower() for word in words.split(",")]
    return tuple(
        operation
        for operation in OPERATIONS
        if any(word in operation.name.lower() for word in wanted)
    )


def _measured(
    asked: argparse.Namespace, operations: tuple[Operation, ...]
) -> tuple[list[Cell], dict[str, float]]:
    """Start every server, measure, and look at their memory at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        people = {count: seeded(count, folder / str(count)) for count in asked.users}
        directories = tuple(
            Directory(str(count), stack.enter_context(targets.ours(one.folder)), one)
            for count, one in people.items()
        )
        bare = stack.enter_context(targets.bare())
        loader = stack.enter_context(
            ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        )
        plan = Plan(
            loader, bare, directories, asked.rounds, asked.seconds, operations, _say
        )
        cells = list(measuring.measure(plan))
        _say("")
        memory = {one.name: one.target.memory() for one in directories}
    return cells, memory


def _say(text: str) -> None:
    print(f"\r\x1b[Kbench: {text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Measures every operation on every server, in interleaved rounds.

Within a round the servers take turns operation by operation, so that a change of the
weather on the machine meets all of them. What creates people comes last of all, so
that everything else is measured on directories of the size that is printed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench import loader
from bench.loader import Load, Measured, Stream
from bench.operations import CONNECTIONS, OPERATIONS, Operation, hello

if TYPE_CHECKING:
    from bench.seed import Seeded
    from bench.targets import Target

SETTLE: Final = 1.3
"""Seconds after which what a server puts off (the log of reads) has been written."""

_WARM_UP: Final = 0.4  # seconds


@dataclass(frozen=True, slots=True)
class Cell:
    """One operation on one server in one round; times in seconds.

    *server* is "bare" or a number of users; *cpu* is the server's per request,
    *loader* the share of one core that the loader took.
    """

    operation: str
    server: str
    round: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    loader: float
    requests: int


@dataclass(slots=True)
class Directory:
    """A running server of ours with its people, and what has been sent to it."""

    name: str
    target: Target
    seeded: Seeded
    sent: dict[str, list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * CONNECTIONS)
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how long; *loader* has one process."""

    loader: Executor
    bare: Target
    directories: tuple[Directory, ...]
    rounds: int
    seconds: float
    operations: tuple[Operation, ...] = OPERATIONS
    say: Callable[[str], None] = lambda _: None


class WrongAnswer(Exception):
    """A server answered something else than it is measured for."""


def measure(plan: Plan) -> Iterator[Cell]:
    """Yield every cell as it is measured; raises WrongAnswer."""
    last = tuple(op for op in plan.operations if op.expected == 201)  # noqa: PLR2004
    first = tuple(op for op in plan.operations if op not in last)
    _warm_up(plan)
    for operations in (first, last):
        for number in range(1, plan.rounds + 1):
            for operation in operations:
                plan.say(f"round {number} of {plan.rounds}: {operation.name}")
                yield _hello(plan, operation, number)
                for directory in plan.directories:
                    yield _cell(plan, operation, directory, number)


def _warm_up(plan: Plan) -> None:
    plan.say("warming up")
    _run(plan, Load(plan.bare.port, _WARM_UP, 200, tuple(hello())))
    for operation in plan.operations:
        for directory in plan.directories:
            _loaded(plan, operation, directory, _WARM_UP)


def _hello(plan: Plan, operation: Operation, number: int) -> Cell:
    """Measure the bare route in the place of one operation."""
    load = Load(plan.bare.port, plan.seconds, 200, tuple(hello()))
    return _timed(
        operation, "bare", number, plan.bare, lambda: _run(plan, load), settle=0.2
    )


def _cell(plan: Plan, operation: Operation, directory: Directory, number: int) -> Cell:
    return _timed(
        operation,
        directory.name,
        number,
        directory.target,
        lambda: _loaded(plan, operation, directory, plan.seconds),
        settle=SETTLE,
    )


def _loaded(
    plan: Plan, operation: Operation, directory: Directory, seconds: float
) -> Measured:
    """Send one operation to one directory, from where the last measurement ended."""
    sent = directory.sent[operation.name]
    streams: list[Stream] = operation.streams(directory.seeded, sent)
    load = Load(directory.target.port, seconds, operation.expected, tuple(streams))
    measured = _run(plan, load)
    for at, count in enumerate(measured.sent):
        sent[at] += count
    return measured


def _timed(
    operation: Operation,
    server: str,
    number: int,
    target: Target,
    run: Callable[[], Measured],
    *,
    settle: float,
) -> Cell:
    before = target.cpu()
    measured = run()
    time.sleep(settle)
    used = target.cpu() - before
    latencies = sorted(measured.latencies)
    count = len(latencies)
    return Cell(
        operation.name,
        server,
        number,
        count / measured.seconds,
        latencies[count // 2],
        latencies[min(count - 1, count * 99 // 100)],
        used / count,
        measured.cpu / measured.seconds,
        count,
    )


def _run(plan: Plan, load: Load) -> Measured:
    """Carry out one load in the loader's process."""
    measured = plan.loader.submit(loader.run, load).result()
    if measured.wrong or not measured.latencies:
        raise WrongAnswer(measured.wrong or "no answer at all")
    return measured

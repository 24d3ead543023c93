"""From cells to the table: medians over rounds, ratios to the bare route, aims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.operations import OPERATIONS, Operation

if TYPE_CHECKING:
    from bench.measuring import Cell

GROWTH_AIM: Final = 1.15
BUSY_LOADER: Final = 0.85
"""A loader that takes more of its core than this may be what is measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """One operation on one directory: medians over the rounds.

    *ratio* and *cpu_ratio* are to the bare route of the same round: requests per
    second ours/bare, CPU per request bare/ours; more is better for both.
    """

    operation: Operation
    server: str
    per_second: float
    p50: float
    p99: float
    cpu: float
    ratio: float
    cpu_ratio: float

    @property
    def met(self) -> bool:
        """True when the aim for requests per second is reached."""
        return self.ratio >= self.operation.aim


@dataclass(frozen=True, slots=True)
class Growth:
    """CPU per request in the largest directory, over that in the smallest."""

    operation: Operation
    factor: float

    @property
    def met(self) -> bool:
        """True when a large directory costs about what a small one does."""
        return self.factor <= GROWTH_AIM


def rows(cells: list[Cell]) -> list[Row]:
    """Return one row for each operation and directory that was measured."""
    servers = list(dict.fromkeys(c.server for c in cells if c.server != "bare"))
    found = {cell.operation for cell in cells}
    return [
        _row(operation, server, cells)
        for operation in OPERATIONS
        if operation.name in found
        for server in servers
    ]


def _row(operation: Operation, server: str, cells: list[Cell]) -> Row:
    own = [c for c in cells if (c.operation, c.server) == (operation.name, server)]
    bare = {
        c.round: c for c in cells if (c.operation, c.server) == (operation.name, "bare")
    }

    def middle(value: Callable[[Cell], float]) -> float:
        return median(value(cell) for cell in own)

    return Row(
        operation,
        server,
        middle(lambda cell: cell.per_second),
        middle(lambda cell: cell.p50),
        middle(lambda cell: cell.p99),
        middle(lambda cell: cell.cpu),
        middle(lambda cell: cell.per_second / bare[cell.round].per_second),
        middle(lambda cell: bare[cell.round].cpu / cell.cpu),
    )


def growth(found: list[Row]) -> list[Growth]:
    """Compare the first directory with the last; nothing when there is only one."""
    servers = list(dict.fromkeys(row.server for row in found))
    if len(servers) < 2:  # noqa: PLR2004 - two to compare
        return []
    cost = {(row.operation.name, row.server): row.cpu for row in found}
    operations = dict.fromkeys(row.operation for row in found)
    return [
        Growth(
            operation,
            cost[operation.name, servers[-1]] / cost[operation.name, servers[0]],
        )
        for operation in operations
    ]


def text(cells: list[Cell], memory: dict[str, float]) -> str:
    """Return the whole report."""
    found = rows(cells)
    return "\n".join([*_head(cells), *map(_line, found), *_tail(cells, found, memory)])


def _head(cells: list[Cell]) -> Iterator[str]:
    bare = [cell for cell in cells if cell.server == "bare"]
    yield (
        f"bare Flask route: {median(c.per_second for c in bare):,.0f} requests/s,"
        f" {median(c.cpu for c in bare) * 1e6:.0f} us CPU per request,"
        f" p99 {median(c.p99 for c in bare) * 1e3:.1f} ms"
    )
    yield ""
    yield (
        f"{'operation':19} {'users':>9} {'req/s':>8} {'p50 ms':>7} {'p99 ms':>7}"
        f" {'CPU us':>7} {'x bare':>7} {'by CPU':>7}   aim"
    )


def _line(row: Row) -> str:
    users = f"{int(row.server):,}"
    verdict = "met" if row.met else "NOT MET"
    return (
        f"{row.operation.name:19} {users:>9} {row.per_second:8,.0f}"
        f" {row.p50 * 1e3:7.2f} {row.p99 * 1e3:7.1f} {row.cpu * 1e6:7.0f}"
        f" {row.ratio:7.2f} {row.cpu_ratio:7.2f}   >= {row.operation.aim:.2f} {verdict}"
    )


def _tail(
    cells: list[Cell], found: list[Row], memory: dict[str, float]
) -> Iterator[str]:
    grown = growth(found)
    if grown:
        yield ""
        yield f"growth of CPU per request, largest over smallest (<= {GROWTH_AIM}):"
        for one in grown:
            verdict = "met" if one.met else "NOT MET"
            yield f"  {one.operation.name:19} {one.factor:5.2f} {verdict}"
    yield ""
    for server, mebibytes in memory.items():
        yield f"memory at the end, {int(server):,} users: {mebibytes:,.0f} MiB"
    busiest = max(cell.loader for cell in cells)
    yield f"the loader took up to {busiest:.0%} of a core"
    if busiest > BUSY_LOADER:
        yield "  so it bounds the fastest rows: believe their column by CPU"

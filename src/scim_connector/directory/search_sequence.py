"""Pages of all links, or of the active ones, in the order they were made.

Counters say how many links each block of ``links.seq`` has (decision 42), so the block
in which a page begins is known before any link is read. Within the block its first row
is found in an index, from the nearer end; only the rows of the page are read whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy import BigInteger, bindparam, false, func, select, true

from scim_connector.directory.counters import BLOCK
from scim_connector.directory.search_targets import CONNECTION, USERS
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import link_counts, links
from scim_connector.scim import rendering

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from scim_connector.directory.database import Reader
    from scim_connector.directory.search_json import Clause

Counted = Literal["live", "active", "inactive"]
"""What the counters know the number of: all visible links, or those of one state."""

MOST: Final = bindparam("most", type_=BigInteger)
SKIPPED: Final = bindparam("skipped", type_=BigInteger)

_COLUMN: Final[dict[Counted, int]] = {"live": 1, "active": 2, "inactive": 3}
_Blocks = list[tuple[Any, ...]]
"""Rows of block, live, active and inactive links, in order."""


class Found(NamedTuple):
    """A resource of a page: its place, its id and its text, a user's with its groups."""

    seq: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page: how many resources match in all, and these."""

    total: int
    rows: list[Found]


def shown(rows: list[tuple[Any, ...]]) -> list[Found]:
    """Return rows of what a target shows as they are served."""
    return [Found(r[0], r[1], rendering.with_groups(r[2], r[3])) for r in rows]


@dataclass(frozen=True, slots=True)
class Span:
    """How many resources are passed over, and how many are shown at most."""

    skipped: int
    most: int


def _visible(table: FromClause, counted: Counted) -> list[Clause]:
    """Return the conditions of what a connection sees, of one state or of both."""
    conditions = USERS.visible(table)
    if counted != "live":
        state = {"active": true(), "inactive": false()}[counted]
        conditions.append(table.c.active == state)
    return conditions


def counted_total(reader: Reader, connection_id: int, counted: Counted) -> int:
    """Return how many links there are, from the counters."""
    return _total(reader.rows(_BLOCKS, of_connection=connection_id), counted)


def counted_page(
    reader: Reader, connection_id: int, counted: Counted, span: Span
) -> Page:
    """Return a page of everything that is *counted*, wherever it begins."""
    blocks = reader.rows(_BLOCKS, of_connection=connection_id)
    total = _total(blocks, counted)
    if not span.most or span.skipped >= total:
        return Page(total, [])
    start = _start(blocks, counted, span.skipped)
    found = reader.rows(
        (_BACKWARD if start.backward else _FORWARD)[counted],
        of_connection=connection_id,
        border=start.border,
        skipped=start.skipped,
        most=span.most,
    )
    return Page(total, shown(found))


@dataclass(frozen=True, slots=True)
class _Start:
    """The first row of a page: so many rows behind (or before) a border of blocks."""

    border: int
    skipped: int
    backward: bool


def _start(blocks: _Blocks, counted: Counted, skipped: int) -> _Start:
    """Find the row behind *skipped* others by the counts of the blocks before it.

    The last block is walked forward always: links are added at its end meanwhile, and
    counted from there each of them would push one out of the page.
    """
    column = _COLUMN[counted]
    for row in blocks:
        block, here = int(row[0]), int(row[column])
        if skipped >= here:
            skipped -= here
        elif row is not blocks[-1] and skipped > here // 2:
            return _Start((block + 1) * BLOCK, here - 1 - skipped, backward=True)
        else:
            return _Start(block * BLOCK, skipped, backward=False)
    raise ValueError("more rows are passed over than there are")


def _total(blocks: _Blocks, counted: Counted) -> int:
    column = _COLUMN[counted]
    return int(sum(row[column] for row in blocks))


def _page(counted: Counted, *, backward: bool) -> Statement:
    """Build the page that begins *skipped* rows away from ``border``."""
    near = links.alias("near")
    border = bindparam("border", type_=BigInteger)
    side = near.c.seq < border if backward else near.c.seq >= border
    first = (
        select(near.c.seq)
        .where(*_visible(near, counted), side)
        .order_by(near.c.seq.desc() if backward else near.c.seq)
        .limit(1)
        .offset(SKIPPED)
        .scalar_subquery()
    )
    return Statement(
        select(*USERS.shown(links))
        .where(*_visible(links, counted), links.c.seq >= first)
        .order_by(links.c.seq)
        .limit(MOST)
    )


_BLOCKS: Final = Statement(
    select(
        link_counts.c.block,
        func.sum(link_counts.c.live),
        func.sum(link_counts.c.active),
        func.sum(link_counts.c.live - link_counts.c.active),
    )
    .where(link_counts.c.connection_id == bindparam(CONNECTION))
    .group_by(link_counts.c.block)
    .order_by(link_counts.c.block)
)
_FORWARD: Final = {counted: _page(counted, backward=False) for counted in _COLUMN}
_BACKWARD: Final = {counted: _page(counted, backward=True) for counted in _COLUMN}

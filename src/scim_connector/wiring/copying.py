"""The whole database copied into another one, of either kind, while nobody writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scim_connector.directory import founding, portable, snapshots, upgrade
from scim_connector.directory.portable import Sum, Summing
from scim_connector.directory.shapes import SHAPES, Shape
from scim_connector.rules.events import Event
from scim_connector.wiring.backups import record
from scim_connector.wiring.filling import Bars, counted, open_place, prove
from scim_connector.wiring.house import House, open_database

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.portable import Row, Told


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, and where it is now."""

    place: str
    tables: tuple[tuple[Shape, Sum], ...]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(held.rows for _, held in self.tables)


def copy(
    house: House,
    url: str,
    *,
    act: Act,
    bars: Bars,
    then: Callable[[Copied], None],
    notice: float = snapshots.NOTICE_SECONDS,
) -> None:
    """Make the database *url* from this one; raises NotReady, changes nothing here.

    Until *then* returns whoever writes here is told to come again, and readers are
    answered.  The copy is proven before it is kept.
    """
    place = open_database(replace(house.settings, database_url=url), named_in="--to")
    with (
        open_place(place) as target,
        snapshots.still(house.database, notice=notice) as source,
    ):
        total = 2 * sum(portable.count(source, shape) for shape in SHAPES)
        copying = _Copying(source)
        with bars(total, "Copying") as told:
            founding.found(target, upgrade.head(), copying.into(told))
        came_from = house.database.url.render_as_string(hide_password=True)
        event = Event("database:copied", {"from": came_from})
        target.write(lambda tx: record(tx, event, act))
        where = target.url.render_as_string(hide_password=True)
        then(Copied(where, copying.tables))


class _Copying:
    """Reads the source once, and sums up what it reads on the way."""

    def __init__(self, source: Transaction) -> None:
        self._source = source
        self.tables: tuple[tuple[Shape, Sum], ...] = ()

    def into(self, told: Told) -> founding.Fill:
        def fill(tx: Transaction, _: frozenset[str]) -> None:
            self.tables = tuple(
                (shape, self._load(tx, shape, told)) for shape in SHAPES
            )
            prove(tx, self.tables, told)

        return fill

    def _load(self, tx: Transaction, shape: Shape, told: Told) -> Sum:
        summing = Summing()
        read = _summed(portable.read(self._source, shape), summing)
        portable.load(tx, shape, counted(read, told))
        return summing.sum()


def _summed(batches: Iterator[list[Row]], summing: Summing) -> Iterator[list[Row]]:
    for rows in batches:
        summing.add(portable.lines(rows), len(rows))
        yield rows

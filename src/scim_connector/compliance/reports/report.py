"""A report: its rows, the population they are of, and what it cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.compliance import sheets
from scim_connector.compliance.period import instant as instant_of
from scim_connector.compliance.period import period, quarter
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from scim_connector.compliance.period import Period

#: Facts that are instants in microseconds.
_INSTANTS: Final = frozenset({"until", "expires"})
_MINUTE: Final = 60_000_000
#: How many minutes a cut-off may take: unless another is asked for, and at the most.
TARGET: Final = 24 * 60
LONGEST_TARGET: Final = 366 * 24 * 60


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of report: id, title, what it shows, its columns, and what it misses.

    *asks* says what it is about: "instant", "period" or "now".
    """

    id: str
    title: str
    sentence: str
    columns: tuple[str, ...]
    blind: tuple[str, ...]
    asks: str = "now"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for: when it is made, about which instant or period.

    Instants in microseconds UTC.  *target* is how long a cut-off may take, and *idle*
    how long something may stay unused.
    """

    now: int
    at: int
    period: Period
    target: int = 24 * 3600 * 1_000_000
    idle: int = 90 * 24 * 3600 * 1_000_000

    @classmethod
    def of(cls, now: int, *, at: str = "", span: str = "", minutes: int = 0) -> Asked:
        """What somebody asks for in words, of now and this quarter without any.

        Raises NotPossible for what makes no sense.
        """
        return cls(
            now=now,
            at=min(instant_of(at), now) if at else now,
            period=period(span or quarter(now)),
            target=min(minutes or TARGET, LONGEST_TARGET) * _MINUTE,
        )

    def said(self, kind: Kind) -> str:
        """The filter of a report in words."""
        if kind.asks == "period":
            start, end = instant(self.period.start), instant(self.period.end)
            return f"{self.period.name}: from {start} up to {end}"
        return f"as of {instant(self.at if kind.asks == 'instant' else self.now)}"


@dataclass(frozen=True)
class Report:
    """One report as it was made; rows hold text, numbers, yes or no, and None."""

    kind: Kind
    filter: str
    made_at: int
    rows: Sequence[tuple[Any, ...]]
    summary: tuple[str, ...] = ()

    def csv(self) -> Iterator[str]:
        """The rows as CSV, a piece at a time."""
        return sheets.pieces(self.kind.columns, self.rows)

    @cached_property
    def sha256(self) -> str:
        """The hash of the CSV file: whoever holds it can count it again."""
        whole = sha256()
        for piece in self.csv():
            whole.update(piece.encode())
        return whole.hexdigest()

    @property
    def population(self) -> Mapping[str, Any]:
        """What the rows are all of: filter, number, time, hash of the CSV file."""
        return {
            "filter": self.filter,
            "rows": len(self.rows),
            "made_at": instant(self.made_at),
            "csv_sha256": self.sha256,
        }

    def whole(self) -> dict[str, Any]:
        """Everything as JSON members."""
        return {
            "report": self.kind.id,
            "title": self.kind.title,
            "shows": self.kind.sentence,
            "population": dict(self.population),
            "cannot_see": list(self.kind.blind),
            "summary": list(self.summary),
            "rows": [
                dict(zip(self.kind.columns, row, strict=True)) for row in self.rows
            ],
        }

    def json(self) -> bytes:
        """The same as a JSON document."""
        return orjson.dumps(self.whole(), option=orjson.OPT_INDENT_2) + b"\n"


def instant(microseconds: int | None) -> str | None:
    """An instant as reports have it: ISO 8601 in UTC, to the second."""
    if microseconds is None:
        return None
    return f"{timestamp(microseconds)[:19]}Z"


def facts(text: str) -> str:
    """The facts of an event (JSON text) on one line."""
    return "; ".join(
        f"{n}: {_fact(n, value)}" for n, value in orjson.loads(text).items()
    )


def _fact(name: str, value: Any) -> str:
    if name in _INSTANTS and isinstance(value, int):
        return instant(value) or ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()

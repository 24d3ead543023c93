"""A span of time that a report is about: a year, a quarter, a month, or two days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from scim_connector.administration.errors import NotPossible

HOW: Final = "2026, 2026Q4, 2026-10, 2026-10-05 or 2026-10-01..2026-12-31"
_NAMED: Final = re.compile(
    r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?"
)
_QUARTER: Final = 3


@dataclass(frozen=True, slots=True)
class Period:
    """From *start* up to but not including *end*, microseconds UTC; *name* as asked."""

    name: str
    start: int
    end: int

    def holds(self, at: int) -> bool:
        """Whether an instant lies in it."""
        return self.start <= at < self.end


def period(text: str) -> Period:
    """Read a period in UTC; raises NotPossible with how to write one."""
    begin, dots, end = text.strip().partition("..")
    try:
        first, after = _days(begin)
        if dots:
            after = _days(end)[1]
    except (ValueError, OverflowError):
        raise NotPossible(f'"{text}" is no period; write {HOW}.') from None
    if after <= first:
        raise NotPossible(f'"{text}" ends before it begins.')
    return Period(text.strip(), _instant(first), _instant(after))


def instant(text: str) -> int:
    """Read an instant in UTC: a day means its end; raises NotPossible."""
    try:
        if len(text) == len("2026-12-31"):
            return _instant(date.fromisoformat(text) + timedelta(days=1)) - 1
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f'"{text}" is no instant; write 2026-12-31 or 2026-12-31T18:00.'
        raise NotPossible(message) from None
    return int(when.timestamp() * 1_000_000)


def quarter(at: int) -> str:
    """The quarter an instant lies in, as a period is written."""
    day = datetime.fromtimestamp(at / 1_000_000, UTC)
    return f"{day.year}Q{(day.month + 2) // _QUARTER}"


def _days(text: str) -> tuple[date, date]:
    """The first day of a named span, and the first one behind it."""
    found = _NAMED.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    year, part = int(found["year"]), {k: v for k, v in found.groupdict().items() if v}
    if "quarter" in part:
        month = int(part["quarter"]) * _QUARTER - 2
        return date(year, month, 1), _months_on(year, month, _QUARTER)
    if "day" in part:
        day = date(year, int(part["month"]), int(part["day"]))
        return day, day + timedelta(days=1)
    if "month" in part:
        month = int(part["month"])
        return date(year, month, 1), _months_on(year, month, 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def _months_on(year: int, month: int, months: int) -> date:
    past, left = divmod(month - 1 + months, 12)
    return date(year + past, left + 1, 1)


def _instant(day: date) -> int:
    when = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(when.timestamp()) * 1_000_000

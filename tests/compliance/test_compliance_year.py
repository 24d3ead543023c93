"""A year of joiners, movers and leavers: the reports say what a ledger beside it says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from scim_connector.compliance import reports, sample
from scim_connector.compliance.period import instant, period
from scim_connector.compliance.reports import Asked
from scim_connector.compliance.sample_rows import read
from scim_connector.directory.database import Database
from tests.year import FIRST, Year

NOW = instant("2027-01-02T00:00")


@pytest.fixture
def year(database: Database) -> Year:
    """A college of 40 that lives through a year."""
    made = Year(database)
    made.run(staff=40)
    return made


def _rows(database: Database, name: str, **how: Any) -> list[dict[str, Any]]:
    asked = Asked(
        **{"now": NOW, "at": NOW, "period": period("2026"), **how}  # type: ignore[arg-type]
    )
    return list(reports.made(database, name, asked).whole()["rows"])


def test_the_year_is_in_the_reports(database: Database, year: Year) -> None:
    """Access at the end of each month, leavers and joiners of each quarter, rules."""
    assert len(year.month_ends) == 12
    for day, then in year.month_ends.items():
        rows = _rows(database, "access", at=instant(str(day)))
        active = {r["email"]: r["roles"] for r in rows if r["active"] == "yes"}
        assert active == then

    for number in range(4):
        quarter = period(f"2026Q{number + 1}")
        left = [day for each in year.people for day in each.left]
        inside = [day for day in left if quarter.holds(instant(f"{day}T12:00"))]
        rows = _rows(database, "leavers", period=quarter)
        assert [row["within_target"] for row in rows] == ["yes"] * len(inside)
        joined = [d for d, _ in year.joined if quarter.holds(instant(f"{d}T12:00"))]
        rows = _rows(database, "joiners", period=quarter)
        assert sum(1 for row in rows if row["how"] == "created") == len(joined)

    assert {row["found"] for row in _rows(database, "rule-proof")} == {0}
    assert _rows(database, "differences") == []


def test_a_sample_of_leavers_has_its_dates(database: Database, year: Year) -> None:
    """HR's list against what was cut: each within a day of it."""
    gone = [each for each in year.people if not each.active]
    assert len(gone) > 10
    lines = [f"{each.mail},{each.left[-1]}" for each in gone]
    made = sample.made(database, read("\n".join(["email,left_on", *lines])), NOW)

    assert made.missing == []
    for page, each in zip(made.pages, gone, strict=True):
        last = page.cuts[-1]
        assert last.asked_at.startswith(str(each.left[-1]))
        assert "hours before its end" in (last.after_left or "")
        assert len(page.cuts) == len(each.left)
        assert each.role in page.roles


def test_the_ledger_is_a_year() -> None:
    """Whoever reads the test above can trust its days."""
    assert FIRST + timedelta(days=364) == date(2026, 12, 31)

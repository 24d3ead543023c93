"""Verdicts for people: counts, reasons, warnings, and all rows as CSV."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import click

from scim_connector.cli.output import harmless, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scim_connector.provisioning.verdicts import Forecast, Verdict

MOST_SHOWN = 50
#: What a spreadsheet takes for the start of a formula.
_FORMULA = {"=", "+", "-", "@", "\t", "\r"}


def summarise(result: Forecast, *, place: str, unmatched: str) -> None:
    """Print counts, then who is refused or warned about, then whom nobody matches.

    *place* is the field that says where a person stands in the list.
    """
    counts = Counter(verdict.outcome for verdict in result.verdicts)
    click.echo(", ".join(f"{count} {word}" for word, count in counts.most_common()))
    reasons = Counter(verdict.reason for verdict in result.refused)
    for reason, count in reasons.most_common():
        click.echo(f"\n{count} refused: {reason}")
        shown = [v for v in result.refused if v.reason == reason][:MOST_SHOWN]
        _rows(shown, (place, "identity", "detail"), "why")
    warned = [v for v in result.verdicts if v.detail and v.outcome != "would refuse"]
    if warned:
        click.echo(f"\n{len(warned)} with a warning")
        _rows(warned[:MOST_SHOWN], (place, "identity", "detail"), "warning")
    if result.unmatched:
        names = ", ".join(user.username for user in result.unmatched[:MOST_SHOWN])
        click.echo(f"\n{len(result.unmatched)} {unmatched}: {names}")


def _rows(verdicts: Sequence[Verdict], columns: Sequence[str], last: str) -> None:
    rows = [[harmless(str(getattr(v, name))) for name in columns] for v in verdicts]
    table([*columns[:-1], last], rows)


def write_csv(result: Forecast, out: Path, columns: Sequence[str]) -> None:
    """Write the verdicts to a file, those fields of them that are named."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for verdict in result.verdicts:
            writer.writerow([_cell(getattr(verdict, name)) for name in columns])
    click.echo(f"Wrote {out}.")


def _cell(value: object) -> str:
    """A cell no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA else text

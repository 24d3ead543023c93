"""Proof of cut-off: each deactivation, what it ended, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import connections, receipts
from scim_connector.rules.permissions import COMPLIANCE
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.receipts import Receipt
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/receipts"
_FIELDS: Final = (
    *("asked_at", "username", "by", "connection", "ended", "took_ms", "told"),
    "request_id",
)


class ReceiptPages:
    """The list of receipts."""

    def __init__(self, desk: Desk) -> None:
        """Read at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.index, COMPLIANCE)

    def index(self, me: Person) -> Response:
        """The newest deactivations first."""
        reader = self._desk.reader
        names = {c.id: c.name for c in connections.every(reader)}
        before = lists.number("after")
        most = sheets.MOST if lists.form() else lists.PAGE + 1
        found = receipts.newest(reader, before=before, at_most=most)
        if lists.form():
            rows = [line(each, names) for each in found]
            return sheets.answer("proof-of-cut-off", _FIELDS, rows, lists.form())
        page, goes_on = lists.cut(found)
        took = sorted(each.took for each in page)
        return self._desk.page(
            me,
            "receipts.html",
            receipts=[(each, ended(each)) for each in page],
            names=names,
            middle=took[len(took) // 2] if took else None,
            worst=took[-1] if took else None,
            more=lists.more(
                f"{len(page)} on this page, the newest first.",
                str(page[-1].id) if goes_on else None,
            ),
        )


def line(each: Receipt, names: dict[int, str]) -> dict[str, Any]:
    """One receipt as a row of a file."""
    return {
        "asked_at": sheets.instant(each.asked_at),
        "username": each.username,
        "by": each.actor,
        "connection": names.get(each.connection_id or 0, ""),
        "ended": ended(each),
        "took_ms": round(each.took / 1000, 1),
        "told": "; ".join(f"{c.application}: {_how(c)}" for c in each.calls),
        "request_id": each.request_id,
    }


def _how(call: Any) -> str:
    if call.delivered_at is not None:
        return "told"
    return "not delivered" if call.given_up_at is not None else "waiting"


#: One of each kind, as ``accounts`` counts them.
_WORDS: Final = {
    "password_links": "password link",
    "api_tokens": "API token",
    "api_keys": "API key",
}


def ended(each: Receipt) -> str:
    """What a deactivation ended, in words."""
    held = each.controls
    places = sorted(held["sessions"].items())
    parts = [f"{_counted(count, 'session')} at {name}" for name, count in places]
    parts += [_counted(held[n], word) for n, word in _WORDS.items() if held[n]]
    if held["api_app"]:
        parts.append("the API App's user")
    return ", ".join(parts) or "nothing was open"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"

"""A list of users brought in: checked row by row, seen, then written; and its report."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from flask import Response, render_template, request

from scim_connector.administration import importing
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.importing import Report, Row, Unreadable
from scim_connector.rules.permissions import CREATE_USERS
from scim_connector.scim.errors import TooLarge
from scim_connector.web.console import sheets, working
from scim_connector.web.console.users import PATH as USERS

if TYPE_CHECKING:
    from flask import Flask

    from scim_connector.directory.database import Database
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{USERS}/import"
MOST_SHOWN: Final = 200
#: The largest list; a browser sends some bytes around it, and a CR with every line.
LARGEST: Final = 4 * 1024 * 1024
_BODY: Final = 5 * 1024 * 1024
#: What a report of the largest list may come to.
_REPORT: Final = 16 * 1024 * 1024
_TOO_LARGE: Final = (
    "The list is larger than 4 MiB. Import it in parts, each with the first line."
)
_FIELDS: Final = ("line", "username", "outcome", "what")
_WILL: Final = {
    "create": "would be created",
    "change": "would be changed",
    "nothing": "unchanged",
    "refuse": "refused",
}
_TICKS: Final = {
    "good": "tick that the good rows are imported all the same",
    "sure": "Tick that you have seen who loses access",
}
_DID: Final = {"create": "created", "change": "changed", "nothing": "unchanged"}
Count = Callable[[int], None]


class ImportPages:
    """The way of a list from a file to the users."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.ask, CREATE_USERS)
        self._desk.serve(app, f"{PATH}/template", self.template, CREATE_USERS)
        for name, view, largest in (
            ("check", self.check, _BODY),
            ("apply", self.apply, _BODY),
            ("report", self.report, _REPORT),
        ):
            self._desk.serve(
                app, f"{PATH}/{name}", view, CREATE_USERS, "POST", largest=largest
            )

    # ---------------------------------------------------------------------- the list

    def ask(self, me: Person, wrong: str = "", status: int = 200) -> Response:
        """Where a list comes from: a file, or what is pasted."""
        return self._desk.page(
            me,
            "user_import.html",
            status,
            wrong=wrong,
            text=request.form.get("text", "") if wrong else "",
            columns=importing.COLUMNS,
            required=importing.REQUIRED,
        )

    def template(self, _: Person) -> Response:
        """A file to start from."""
        named = 'attachment; filename="users.csv"'
        answer = Response(importing.TEMPLATE, content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = named
        return answer

    def check(self, me: Person) -> Response:
        """What would become of each row; nothing is written."""
        try:
            text = _sent()
            rows = importing.read(text)
        except (Unreadable, TooLarge) as error:
            status = 413 if isinstance(error, TooLarge) else 400
            said = error.detail if isinstance(error, TooLarge) else str(error)
            return self.ask(me, said, status)
        database, own = self._desk.database, me.permissions

        def work(count: Count) -> list[Row]:
            importing.judge(database.reader(), rows, own=own, progress=count)
            return rows

        def tell(result: list[Row] | Exception) -> str:
            if isinstance(result, Exception):
                return working.trouble(result)
            return self._judged(result, text)

        return working.page(
            self._desk,
            me,
            work,
            tell,
            total=len(rows),
            title="What would become of the list",
            working="Every row is checked against the users and the other rows."
            " Nothing is written.",
            **_BACK,
        )

    def _judged(self, rows: list[Row], text: str) -> str:
        return render_template(
            "console/user_import_checked.html",
            counts=importing.counts(rows),
            good=sum(1 for row in rows if not row.problems),
            groups={name: _of(rows, name) for name in _WILL},
            most=MOST_SHOWN,
            changes=importing.changes,
            consequences=importing.consequences(self._desk.reader, rows),
            leaving=len(importing.deactivated(rows)),
            mailed=importing.mailed(rows),
            seen=importing.fingerprint(rows),
            text=text,
            report=_report(
                (row, _WILL[row.action], importing.why(row)) for row in rows
            ),
        )

    # --------------------------------------------------------------------- the writing

    def apply(self, me: Person) -> Response:
        """Write the rows as they were seen; whoever is not refused stays written."""
        try:
            rows = importing.read(_sent())
        except Unreadable as error:
            raise NotPossible(str(error)) from None
        work = Work(self._desk.database, me, rows)
        return working.page(
            self._desk,
            me,
            work.run,
            work.tell,
            total=2 * len(rows),
            title="Importing the list",
            working="Every row is checked once more, then written. It goes on if you"
            " leave this page.",
            **_BACK,
        )

    def report(self, _: Person) -> Response:
        """The report that a page of the import holds, as a file."""
        text = request.form.get("report", "").replace("\r\n", "\n")
        try:
            lines = list(csv.DictReader(io.StringIO(text), _FIELDS))
        except csv.Error:
            raise NotPossible("This is no report of an import.") from None
        return sheets.answer("import-report", _FIELDS, lines, "csv")


_BACK: Final = {"back": PATH, "back_name": "Import"}


class Work:
    """One import on its way, from what its form has asked for."""

    def __init__(self, database: Database, me: Person, rows: list[Row]) -> None:
        """Import *rows* by the hand of *me*, with what the form has ticked."""
        form = request.form
        self._database, self._me, self._rows = database, me, rows
        self._act = me.act()
        self._seen = form.get("seen", "")
        self._ticked = {n for n in ("sure", "good", "mail") if form.get(n) == "yes"}
        self._written = 0

    def run(self, count: Count) -> Report:
        """Check again, then write; raises NotPossible for what was not seen so."""
        own = self._me.permissions
        importing.judge(self._database.reader(), self._rows, own=own, progress=count)
        importing.refuse(self._rows, self._seen, self._ticked, _TICKS)

        def wrote(more: int) -> None:
            self._written += more
            count(more)

        return importing.write(
            self._database,
            self._rows,
            self._act,
            own=own,
            mail="mail" in self._ticked,
            progress=wrote,
        )

    def tell(self, result: Report | Exception) -> str:
        """What came of it, row by row."""
        if isinstance(result, Exception):
            return working.trouble(
                result,
                unknown=f"The import broke off after {self._written:,} rows, which stay"
                " written. Import the same list again: what is in already stays as it"
                " is.",
            )
        why = {line: said for line, _, said in result.refused}
        lines = (
            (row, "refused" if row.line in why else _DID[row.action], why.get(row.line))
            for row in self._rows
        )
        return render_template(
            "console/user_import_done.html",
            did=result,
            refused=result.refused[:MOST_SHOWN],
            report=_report(
                (row, word, said or importing.why(row)) for row, word, said in lines
            ),
        )


def _sent() -> str:
    """The list of the form; raises Unreadable, TooLarge."""
    file = request.files.get("file")
    body = b"" if file is None else file.stream.read(LARGEST + 1)
    text = _text(body) if body else request.form.get("text", "")
    # A browser sends each line end of a page's text as CR LF, whatever it was.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(body) > LARGEST or len(text.encode()) > LARGEST:
        raise TooLarge(_TOO_LARGE)
    if not text.strip():
        raise Unreadable("There is no list: choose a file, or paste its rows.")
    return text


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = "The file is not UTF-8 text; save it as CSV in UTF-8."
        raise Unreadable(message) from None


def _of(rows: Iterable[Row], action: str) -> list[Row]:
    return [row for row in rows if row.action == action]


def _report(lines: Iterable[tuple[Row, str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows((row.line, row.username, word, why) for row, word, why in lines)
    return out.getvalue()

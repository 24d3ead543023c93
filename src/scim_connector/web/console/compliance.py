"""Compliance: the reports, samples, the sheet of a review, and the evidence pack."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request, send_file

from scim_connector.compliance import (
    evidence,
    printed,
    reports,
    review,
    sample,
    sample_rows,
)
from scim_connector.compliance.period import HOW, quarter
from scim_connector.compliance.reports import TARGET, Asked
from scim_connector.rules.permissions import COMPLIANCE
from scim_connector.tokens.signing import SigningKeys
from scim_connector.web.console import lists
from scim_connector.web.console.desk import (
    HOME,
    REFUSALS,
    SECURITY,
    sentence_of,
    status_of,
)
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from scim_connector.compliance.reports import Report
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/compliance"
STYLE: Final = "/auth/static/printed.css"
#: So many rows stand on a page; the files and the print have all.
SHOWN: Final = 100
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


class CompliancePages:
    """What somebody needs who has to prove who had access."""

    def __init__(self, desk: Desk) -> None:
        """Read at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, COMPLIANCE)
        serve(app, f"{PATH}/reports/<name>", self.report, COMPLIANCE)
        serve(app, f"{PATH}/sample", self.sample, COMPLIANCE, "POST")
        serve(app, f"{PATH}/review", self.review, COMPLIANCE)
        serve(app, f"{PATH}/evidence", self.evidence, COMPLIANCE)

    def index(self, me: Person, wrong: Exception | None = None) -> Response:
        """Every report with what it asks for, the sample, the review, the pack."""
        return self._desk.page(
            me,
            "compliance.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            kinds=reports.KINDS,
            how=HOW,
            quarter=quarter(now()),
            persons=request.form.get("persons", sample_rows.TEMPLATE),
        )

    def report(self, me: Person, name: str) -> Response:
        """One report: a page, a file, or a print of all its rows."""
        kind = {each.id: each for each in reports.KINDS}.get(name)
        if kind is None:
            return self._desk.missing(me, "report")
        made = reports.made(self._desk.database, name, _asked())
        form = lists.asked("format")
        if form in {"csv", "json"}:
            return _file(made, form)
        if form == "print":
            return _printed(printed.report(made, style_address=STYLE))
        return self._desk.page(
            me,
            "compliance_report.html",
            made=made,
            rows=[_shown(made, row) for row in made.rows[:SHOWN]],
            head=_head(made),
            how=HOW,
            at=lists.asked("at"),
            period=lists.asked("period") or quarter(now()),
            target=lists.asked("target") or str(TARGET),
            more=lists.more(_said(made), None),
            paper=lists.address_without("format"),
        )

    def sample(self, me: Person) -> Response:
        """A page of proof for each person who was named."""
        try:
            named = sample_rows.read(request.form.get("persons", ""))
        except REFUSALS as error:
            return self.index(me, error)
        made = sample.made(self._desk.database, named, now())
        return _printed(printed.sample(made, style_address=STYLE))

    def review(self, me: Person) -> Response:
        """The sheet of an access review, to decide on."""
        del me
        body = review.sheet(self._desk.database, now())
        headers = {"Content-Disposition": 'attachment; filename="access-review.csv"'}
        return Response(body, content_type="text/csv; charset=utf-8", headers=headers)

    def evidence(self, me: Person) -> Response:
        """The signed archive of a period."""
        del me
        asked, desk = _asked(), self._desk
        signing = SigningKeys(desk.keys)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "evidence.zip"
            evidence.write(file, desk.database, desk.settings, signing, asked)
            whole = file.open("rb")  # stays readable when its name is gone
        name = f"evidence-{asked.period.name.replace('..', '_')}.zip"
        return send_file(
            whole, mimetype="application/zip", as_attachment=True, download_name=name
        )


def _asked() -> Asked:
    """What the address asks for; raises NotPossible for what makes no sense."""
    at, span = lists.asked("at"), lists.asked("period")
    return Asked.of(now(), at=at, span=span, minutes=lists.number("target") or 0)


def _head(made: Report) -> int:
    """The column that says who or what a row is about."""
    columns = made.kind.columns
    return columns.index("username") if "username" in columns else 0


def _shown(made: Report, row: Sequence[Any]) -> list[tuple[str, str]]:
    """A row as people read it: the name of each column, and its text."""
    return [
        (name.replace("_", " ").capitalize(), _text(cell))
        for name, cell in zip(made.kind.columns, row, strict=True)
    ]


def _text(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return text.replace("T", " ").removesuffix("Z") if _INSTANT.match(text) else text


def _said(made: Report) -> str:
    if len(made.rows) > SHOWN:
        return f"The first {SHOWN} of {len(made.rows)} rows; print and files have all."
    return f"{len(made.rows)} rows."


def _file(made: Report, form: str) -> Response:
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    name = f"{made.kind.id}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    body = made.csv() if form == "csv" else made.json()
    return Response(body, content_type=kind, headers=headers)


def _printed(page: str) -> Response:
    headers = {"Content-Security-Policy": SECURITY}
    return Response(page, content_type="text/html; charset=utf-8", headers=headers)

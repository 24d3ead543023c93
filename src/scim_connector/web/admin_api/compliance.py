"""Compliance as JSON: the reports, a sample of persons, and the rows to review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance import reports, review, sample, sample_rows
from scim_connector.compliance.period import HOW
from scim_connector.compliance.reports import LONGEST_TARGET, TARGET, Asked
from scim_connector.rules.permissions import COMPLIANCE
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Missing, Parameter, Route
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit

#: What a report may be about.
_ABOUT: Final = ("instant", "period", "now")


def list_reports(visit: Visit) -> dict[str, Any]:
    """Every kind of report."""
    del visit
    return {
        "items": [
            {
                "id": each.id,
                "title": each.title,
                "shows": each.sentence,
                "asks": each.asks,
                "columns": list(each.columns),
                "cannot_see": list(each.blind),
            }
            for each in reports.KINDS
        ]
    }


def get_report(visit: Visit) -> dict[str, Any]:
    """One report, with all its rows."""
    name, asked = visit.places["report"], visit.asked
    known = [each.id for each in reports.KINDS]
    if name not in known:
        there = ", ".join(known)
        raise Missing(f'There is no report "{name}"; there are: {there}.')
    wanted = Asked.of(
        now(),
        at=asked.get("at", ""),
        span=asked.get("period", ""),
        minutes=asked.get("target", 0),
    )
    return reports.made(visit.office.database, name, wanted).whole()


def make_sample(visit: Visit) -> dict[str, Any]:
    """What there is to prove about each person who is named."""
    named = sample_rows.listed(visit.body["people"])
    return sample.made(visit.office.database, named, now()).whole()


def get_review(visit: Visit) -> dict[str, Any]:
    """The rows of an access review, to decide on."""
    made_at = now()
    rows = review.to_review(visit.office.database, made_at)
    return {
        "made_at": instant(made_at),
        "rows": [
            dict(zip(_REVIEWED, row[: len(_REVIEWED)], strict=True)) for row in rows
        ],
    }


# ---------------------------------------------------------------------------- as data

#: Without the columns that whoever reviews fills in.
_REVIEWED: Final = review.FIELDS[: review.FIELDS.index("reviewer")]
_WHO: Final = {
    "id": shapes.an_id(),
    **{name: shapes.text() for name in ("username", "email", "name")},
}
_PERSON: Final = shapes.given(
    (),
    **_WHO,
    left_on=shapes.text("The day HR says they left, as 2026-12-31.", most=10),
)
_CUT: Final = shapes.answer(
    asked_at=shapes.told(),
    cut_at=shapes.told(),
    took_ms={"type": "number"},
    by=shapes.told(),
    request_id=shapes.or_null(shapes.told()),
    ended=shapes.anything("How many of each were ended."),
    told=shapes.many(shapes.told(), "The applications, and when they were told."),
    after_left=shapes.or_null(shapes.told("How long after the day HR names.")),
)
_EVENT: Final = shapes.answer(
    **{name: shapes.told() for name in ("at", "event", "by", "facts")}
)
_PROOF: Final = shapes.answer(
    asked_for=shapes.told(),
    left_on=shapes.or_null(shapes.told()),
    user_id=shapes.an_id(),
    username=shapes.told(),
    first_and_last_name=shapes.told(),
    email=shapes.told(),
    active=shapes.flag(),
    kind=shapes.one_of(("person", "API user")),
    managed_by=shapes.told(),
    roles=shapes.many(shapes.told()),
    profile=shapes.or_null(shapes.told()),
    **{
        name: shapes.or_null(shapes.instant())
        for name in ("first_access", "first_sign_in", "last_sign_in")
    },
    approved_by=shapes.told("Who let them in, and who gave each role."),
    cut_offs=shapes.many(_CUT),
    finding=shapes.told("What it comes to."),
    history=shapes.many(_EVENT),
)
_NOT_FOUND: Final = shapes.answer(
    line=shapes.number("The place among those asked for, from 1."),
    asked_for=shapes.told(),
    why=shapes.told(),
)
_POPULATION: Final = shapes.answer(
    filter=shapes.told("What was asked for, in words."),
    rows=shapes.number("How many there are."),
    made_at=shapes.instant(),
    csv_sha256=shapes.told("The hash of the same rows as the CSV file."),
)
_REVIEW: Final = {name: shapes.told() for name in _REVIEWED} | {
    "user_id": shapes.an_id(),
    "item": shapes.told('"account", or the name of a role they hold.'),
    "through": shapes.told("What gave them the role."),
    "last_sign_in": shapes.or_null(shapes.instant()),
}
SHAPES: Final = {
    "ReportKind": shapes.answer(
        id=shapes.told(),
        title=shapes.told(),
        shows=shapes.told(),
        asks=shapes.one_of(_ABOUT, "What it is about: send `at` or `period`."),
        columns=shapes.many(shapes.told(), "The members of each row."),
        cannot_see=shapes.many(shapes.told()),
    ),
    "Report": shapes.answer(
        report=shapes.told(),
        title=shapes.told(),
        shows=shapes.told(),
        population=_POPULATION,
        cannot_see=shapes.many(shapes.told()),
        summary=shapes.many(shapes.told()),
        rows=shapes.many(shapes.anything("The columns of its kind.")),
    ),
    "Proof": _PROOF,
    "Reviewed": shapes.answer(**_REVIEW),
}
_AT: Final = Parameter(
    "at", shapes.text("The instant: 2026-12-31, or 2026-12-31T18:00; now without.")
)
_PERIOD: Final = Parameter(
    "period", shapes.text(f"The period: {HOW}; this quarter without.")
)
_TARGET: Final = Parameter(
    "target",
    shapes.number(
        f"How many minutes a cut-off may take; {TARGET} without.",
        least=1,
        most=LONGEST_TARGET,
    ),
)

ROUTES: Final = (
    Route(
        "GET",
        "/reports",
        list_reports,
        COMPLIANCE,
        "Every kind of report: what it shows, asks for, and cannot see.",
        shapes.answer(items=shapes.many(shapes.ref("ReportKind"))),
    ),
    Route(
        "GET",
        "/reports/{report}",
        get_report,
        COMPLIANCE,
        "A report with all its rows, of one state of the database.",
        shapes.ref("Report"),
        parameters=(_AT, _PERIOD, _TARGET),
    ),
    Route(
        "POST",
        "/sample",
        make_sample,
        COMPLIANCE,
        "What there is to prove about each person who is named, by id, username, email"
        " or name; nothing is written.",
        shapes.answer(
            made_at=shapes.instant(),
            asked_for=shapes.number(),
            found=shapes.number(),
            pages=shapes.many(shapes.ref("Proof")),
            not_found=shapes.many(_NOT_FOUND),
        ),
        body=shapes.given(
            ("people",), people=shapes.many(_PERSON, most=sample_rows.MOST)
        ),
        is_large=True,
    ),
    Route(
        "GET",
        "/review",
        get_review,
        COMPLIANCE,
        "What an access review decides on: every active user, and each role they hold.",
        shapes.answer(
            made_at=shapes.instant(), rows=shapes.many(shapes.ref("Reviewed"))
        ),
    ),
)

"""The rehearsal of a connection as JSON: its table, everybody judged anew, going live."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.provisioning import rehearsal, rehearsal_table
from scim_connector.provisioning.rehearsal import NothingToCarryOut
from scim_connector.provisioning.rehearsal_table import Place
from scim_connector.provisioning.verdicts import CREATE, LINK, REFUSE, RESTORE
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found, get_connection
from scim_connector.web.admin_api.progress import Work
from scim_connector.web.admin_api.routes import AFTER, LIMIT, Parameter, Route, cut
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.users import User
    from scim_connector.provisioning.verdicts import Forecast, Verdict
    from scim_connector.web.admin_api.routes import Visit
    from scim_connector.web.long_work import Count

#: Outcomes as they are called here, with what the rehearsal calls them.
OUTCOMES: Final = {
    each.removeprefix("would "): each for each in (LINK, CREATE, RESTORE, REFUSE)
}
#: More than anybody reads; their number is told all the same.
MOST: Final = 1000
_TEXTS: Final = (*("username", "initials", "email", "why", "reason", "detail", "fix"),)
_LONGEST: Final = 18


def get_rehearsal(visit: Visit) -> dict[str, Any]:
    """How many there are of each outcome, as they were judged when they came."""
    held = found(visit)
    return {
        "state": held.state,
        "waiting": rehearsal.waiting(visit.reader, held),
        "counts": _counts(rehearsal_table.counts(visit.reader, held)),
    }


def list_rehearsed(visit: Visit) -> dict[str, Any]:
    """Everybody the provider has sent, as they were judged when they came."""
    rows = rehearsal_table.rows(
        visit.reader,
        found(visit),
        after=_place(visit.asked.get("after")),
        outcome=visit.choose("outcome", OUTCOMES),
    )
    page, goes_on = cut(list(islice(rows, visit.limit + 1)), visit.limit)
    last = page[-1].place if goes_on else None
    return {
        "items": [_verdict(each.verdict) for each in page],
        "next": last and f"{'waiting' if last.answered else 'refused'}.{last.seq}",
    }


def _place(text: str | None) -> Place | None:
    """Where a list goes on; raises NotPossible for what was never a ``next``."""
    if text is None:
        return None
    kind, _, seq = text.partition(".")
    is_number = seq.isascii() and seq.isdigit() and len(seq) <= _LONGEST
    if kind not in {"waiting", "refused"} or not is_number:
        raise NotPossible(f'after "{text}" is no `next` of an answer.')
    return Place(answered=kind == "waiting", seq=int(seq))


def list_unmatched(visit: Visit) -> dict[str, Any]:
    """Local users without a provider whom the rehearsal would link to nobody."""
    after, most = visit.asked.get("after", ""), visit.limit
    every = rehearsal_table.unmatched(
        visit.reader, found(visit), after=after, at_most=most + 1
    )
    page, goes_on = cut(every, most)
    last = page[-1].username_key if goes_on else None
    return {"items": [_user(each) for each in page], "next": last}


def judge_rehearsal(visit: Visit) -> Work:
    """Judge everybody anew, together, as going live would; keeps nothing."""
    held, database = found(visit), visit.office.database

    def do(count: Count) -> dict[str, Any]:
        result = rehearsal.outcome(database, held, now=now(), progress=count)
        return {**_forecast(result), "left_to_next_try": len(result.unanswered)}

    return Work(rehearsal.waiting(visit.reader, held), do)


def go_live(visit: Visit) -> Work:
    """Carry everybody out, and make the connection live: all or nothing."""
    held, act = found(visit), visit.act()
    administration.confirm(held, visit.body["name"], to="let it go live")

    def do(count: Count) -> dict[str, Any]:
        try:
            done = rehearsal.go_live(visit.office.database, held, act, progress=count)
        except NothingToCarryOut as error:
            raise NotPossible(str(error)) from None
        return {**_forecast(done), "connection": get_connection(visit)}

    return Work(rehearsal.waiting(visit.reader, held), do)


# ----------------------------------------------------------------------------- as JSON


def _verdict(each: Verdict) -> dict[str, Any]:
    return {
        "identity": each.identity,
        "active": each.active,
        "outcome": each.outcome.removeprefix("would "),
        **{name: getattr(each, name) or None for name in _TEXTS},
        "user_id": each.user_id,
        "scim_id": each.link_id,
    }


def _user(each: User) -> dict[str, Any]:
    named = ("id", "username", "first_name", "last_name", "email", "active")
    return {name: getattr(each, name) for name in named}


def _counts(every: Counter[str]) -> dict[str, int]:
    return {name: every[outcome] for name, outcome in OUTCOMES.items()}


def _forecast(result: Forecast) -> dict[str, Any]:
    refused, unmatched = result.refused, result.unmatched
    return {
        "counts": _counts(result.counts),
        "refused": [_verdict(each) for each in refused[:MOST]],
        "refused_in_all": len(refused),
        "unmatched": [_user(each) for each in unmatched[:MOST]],
        "unmatched_in_all": len(unmatched),
        "mails": [
            {"kind": topic.removeprefix("mail:"), "count": count}
            for topic, count in sorted(result.mails.items())
        ],
    }


# ---------------------------------------------------------------------------- as data

_SAID: Final = {
    "username": "What they would have here.",
    "why": "How they were matched.",
    "reason": "Codes of what refuses them.",
    "detail": "Why they would be refused, or what to know.",
    "fix": "What to change at the provider.",
}
_VERDICT: Final = shapes.answer(
    identity=shapes.told("The userName that the provider sends."),
    active=shapes.flag(),
    outcome=shapes.one_of(OUTCOMES, "What would become of them."),
    **{name: shapes.or_null(shapes.told(_SAID.get(name, ""))) for name in _TEXTS},
    user_id=shapes.or_null(shapes.an_id("The local user they would be linked to.")),
    scim_id=shapes.or_null(shapes.told("Null where the request was refused.")),
)
_UNMATCHED: Final = shapes.answer(
    id=shapes.an_id(),
    username=shapes.told(),
    first_name=shapes.told(),
    last_name=shapes.told(),
    email=shapes.told(),
    active=shapes.flag(),
)
_COUNTS: Final = shapes.answer(**{name: shapes.number() for name in OUTCOMES})
_MAIL: Final = shapes.answer(kind=shapes.told(), count=shapes.number())
_FORECAST: Final = {
    "counts": _COUNTS,
    "refused": shapes.many(shapes.ref("Verdict"), f"The first {MOST}."),
    "refused_in_all": shapes.number(),
    "unmatched": shapes.many(
        shapes.ref("Unmatched"), f"Local users nobody matches, the first {MOST}."
    ),
    "unmatched_in_all": shapes.number(),
    "mails": shapes.many(_MAIL, "How many of each kind leave."),
}
SHAPES: Final = {
    "Verdict": _VERDICT,
    "Unmatched": _UNMATCHED,
    "Forecast": shapes.answer(
        **_FORECAST,
        left_to_next_try=shapes.number("Refused requests that the provider repeats."),
    ),
    "WentLive": shapes.answer(**_FORECAST, connection=shapes.ref("Connection")),
}
_ONE: Final = "/connections/{connection_id}"
_HERE: Final = f"{_ONE}/rehearsal"

ROUTES: Final = (
    Route(
        "GET",
        _HERE,
        get_rehearsal,
        VIEW_PROVISIONING,
        "How many a rehearsal would link, create, bring back and refuse, as they were"
        " judged when they came.",
        shapes.answer(
            state=shapes.told("Of the connection."),
            waiting=shapes.number("How many going live carries out."),
            counts=_COUNTS,
        ),
    ),
    Route(
        "GET",
        f"{_HERE}/people",
        list_rehearsed,
        VIEW_PROVISIONING,
        "Everybody the provider has sent in a rehearsal, in the order they came;"
        " refused requests last.",
        shapes.page_of("Verdict"),
        parameters=(Parameter("outcome", shapes.one_of(OUTCOMES)), LIMIT, AFTER),
    ),
    Route(
        "GET",
        f"{_HERE}/unmatched",
        list_unmatched,
        MANAGE_PROVISIONING,
        "Local users without a provider whom the rehearsal would link to nobody.",
        shapes.page_of("Unmatched"),
        parameters=(LIMIT, AFTER),
    ),
    Route(
        "POST",
        f"{_HERE}/judge",
        judge_rehearsal,
        MANAGE_PROVISIONING,
        "Judge everybody anew, together, as going live would; keeps nothing.",
        shapes.ref("Forecast"),
        is_long=True,
    ),
    Route(
        "POST",
        f"{_ONE}/go-live",
        go_live,
        MANAGE_PROVISIONING,
        "Carry out whom the rehearsal stored, and make the connection live, all or"
        " nothing; its name is sent so that it is not by mistake.",
        shapes.ref("WentLive"),
        body=shapes.given(("name",), name=shapes.text("The name of this connection.")),
        is_long=True,
    ),
)

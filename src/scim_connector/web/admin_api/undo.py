"""Undo as JSON: what would be put back, doing it, and what was undone before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.administration.errors import NotPossible
from scim_connector.compliance import undo
from scim_connector.compliance.undo import KINDS, Wish
from scim_connector.directory import audit
from scim_connector.rules.permissions import UPDATE_USERS, VIEW_USERS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.progress import Work
from scim_connector.web.admin_api.routes import LIMIT, Parameter, Route
from scim_connector.web.console.sheets import instant
from scim_connector.web.console.undo import instant_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scim_connector.compliance.undo import Batch, Line
    from scim_connector.web.admin_api.routes import Visit
    from scim_connector.web.long_work import Count

#: More lines than anybody reads; their number is told all the same.
MOST: Final = 1000
_COUNTS: Final = ("people", "restored", "as_it_was", "not_restored")


def list_undone(visit: Visit) -> dict[str, Any]:
    """What was undone before, the newest first."""
    done = audit.newest_named(visit.reader, ["undo:done"], at_most=visit.limit)
    items = []
    for each in done:
        facts = orjson.loads(each.facts)
        counts = {name: facts.get(name, 0) for name in _COUNTS}
        said = {"at": instant(each.at), "by": each.actor, "batch": facts["batch"]}
        items.append(said | counts)
    return {"items": items}


def list_restored(visit: Visit) -> dict[str, Any]:
    """The values that one undo put back; without it, those of its instant and actor."""
    at = instant_of("at", visit.asked.get("at", ""))
    if at is None or "by" not in visit.asked:
        raise NotPossible(
            "Send `at` and `by`, as the list of what was undone has them."
        )
    lines = undo.restored(visit.reader, at=at, actor=visit.asked["by"])
    return _lines(list(lines))


def plan_undo(visit: Visit) -> Work:
    """What would be put back, and what cannot be and why; nothing is written."""
    only = visit.asked.get("only", "")
    kinds = [each.strip() for each in only.split(",") if each.strip()]
    batch, act = _batch(visit, visit.asked, kinds), visit.act()

    def do(count: Count) -> dict[str, Any]:
        reader, own = visit.office.database.reader(), visit.me.permissions
        found = undo.make(reader, batch, act.actor, own=own, progress=count)
        return {
            "people": len(found.people),
            "restorable": found.restorable,
            "values": found.by_field.total(),
            "would_write_again": [each.name for each in found.connections],
            "sentences": undo.sentences(found),
            **_lines(undo.lines_of(found)),
        }

    return Work(len(batch.people(visit.reader)), do)


def run_undo(visit: Visit) -> Work:
    """Put the values back, each person by the rules."""
    body, act = visit.body, visit.act()
    batch = _batch(visit, body, body.get("only", []))
    wish = Wish.of(body.get("how", ""), own=visit.me.permissions)

    def do(count: Count) -> dict[str, Any]:
        done = undo.run(visit.office.database, batch, act, wish, progress=count)
        return {
            "at": instant(act.now),
            "by": str(act.actor),
            "people": done.people,
            "restored": len(done.of(undo.RESTORED)),
            "as_it_was": len(done.of(undo.AS_IT_WAS)),
            "not_restored": len(done.of(undo.NOT_RESTORED)),
            **_lines(done.lines),
        }

    return Work(2 * len(batch.people(visit.reader)), do)


def _batch(visit: Visit, named: Mapping[str, Any], only: Sequence[str]) -> Batch:
    """The batch that is asked for; raises NotPossible."""
    mapping, event = named.get("mapping"), named.get("event")
    return undo.find(
        visit.reader,
        connection=named.get("connection", ""),
        mapping=None if mapping is None else int(mapping),
        role=named.get("role", ""),
        user=named.get("user", "").strip(),
        only=only,
        actor=named.get("by", "").strip(),
        since=instant_of("since", named.get("since", "")),
        until=instant_of("until", named.get("until", "")) or now(),
        first_event=None if event is None else int(event),
    )


def _lines(lines: Sequence[Line]) -> dict[str, Any]:
    shown = [{name: getattr(each, name) for name in _LINE} for each in lines[:MOST]]
    return {"lines": shown, "lines_in_all": len(lines)}


# ---------------------------------------------------------------------------- as data

_RESULTS: Final = (
    *(undo.WOULD_BE, undo.RESTORED, undo.AS_IT_WAS, undo.NOT_RESTORED, undo.NOT_UNDONE),
)
_LINE: Final = {
    "user_id": shapes.an_id(),
    "username": shapes.told(),
    "field": shapes.told(),
    "before": shapes.told("The value before it is put back."),
    "after": shapes.told("The value that is put back."),
    "result": shapes.one_of(_RESULTS),
    "why": shapes.told("Why not, or what to know."),
}
_LINES: Final = {
    "lines": shapes.many(shapes.ref("UndoLine"), f"The first {MOST}."),
    "lines_in_all": shapes.number(),
}
_WHEN: Final = {
    "at": shapes.instant(),
    "by": shapes.told("Who undid it."),
}
_DONE: Final = {
    "people": shapes.number("How many have something back."),
    "restored": shapes.number(),
    "as_it_was": shapes.number("How many values were so already."),
    "not_restored": shapes.number(),
}
SHAPES: Final = {
    "UndoLine": shapes.answer(**_LINE),
    "UndoPlan": shapes.answer(
        people=shapes.number("How many were looked at."),
        restorable=shapes.number("How many would have something back."),
        values=shapes.number("How many values would be put back."),
        would_write_again=shapes.many(
            shapes.told(), "The connections that have other values: pause or keep."
        ),
        sentences=shapes.many(shapes.told(), "What it comes to."),
        **_LINES,
    ),
    "Undone": shapes.answer(
        **_WHEN, batch=shapes.anything("Which changes it undid."), **_DONE
    ),
    "UndoReport": shapes.answer(**_WHEN, **_DONE, **_LINES),
}
_LATEST: Final = "2026-12-31T08:30Z"
_BATCH: Final = {
    "connection": shapes.text("What this connection changed, by its name."),
    "mapping": shapes.number(
        "What applying this version changed.", least=1, most=10**6
    ),
    "role": shapes.text("Of people who hold this role, or whose holding changed."),
    "user": shapes.text("Of this person, by username or id."),
    "event": shapes.an_id("Of that person, from this event of their history on."),
    "by": shapes.text("What this one changed: a username, or an actor of a history."),
    "since": shapes.text(f"From this instant on, as {_LATEST}."),
    "until": shapes.text("Up to but not including this instant; now without."),
}
_HOW: Final = shapes.one_of(
    ("", "keep", "pause"),
    "Where a provider has other values: keep them as values changed here, or pause its"
    " connection first.",
)
_ONLY: Final = f"Some of these kinds alone, with commas: {', '.join(KINDS)}."

ROUTES: Final = (
    Route(
        "GET",
        "/undo",
        list_undone,
        VIEW_USERS,
        "What was undone before, the newest first.",
        shapes.answer(items=shapes.many(shapes.ref("Undone"))),
        parameters=(LIMIT,),
    ),
    Route(
        "GET",
        "/undo/restored",
        list_restored,
        VIEW_USERS,
        "The values that one undo put back, by its instant and who did it.",
        shapes.answer(**_LINES),
        parameters=(
            Parameter("at", shapes.text("`at` of what was undone.")),
            Parameter("by", shapes.text("`by` of what was undone.")),
        ),
    ),
    Route(
        "GET",
        "/undo/plan",
        plan_undo,
        VIEW_USERS,
        "What an undo would put back, and what it cannot and why; nothing is written.",
        shapes.ref("UndoPlan"),
        parameters=(
            *(Parameter(name, shape) for name, shape in _BATCH.items()),
            Parameter("only", shapes.text(_ONLY)),
        ),
        is_long=True,
    ),
    Route(
        "POST",
        "/undo/run",
        run_undo,
        UPDATE_USERS,
        "Put values back as they were, each person by the rules; nobody is reactivated.",
        shapes.ref("UndoReport"),
        body=shapes.given(
            (),
            **_BATCH,
            only=shapes.many(
                shapes.one_of(KINDS), "These kinds alone.", most=len(KINDS)
            ),
            how=_HOW,
        ),
        is_long=True,
    ),
)

"""Many conflicts at once: what one remedy would do with each, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import batches
from scim_connector.administration.batches import BATCHED, Choice
from scim_connector.rules.permissions import MANAGE_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.conflicts import row
from scim_connector.web.admin_api.routes import MOST, Route

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def review_conflicts(visit: Visit) -> dict[str, Any]:
    """What would become of each of a batch; nothing is decided."""
    remedy = batches.remedy_of(visit.body["remedy"])
    found = batches.review(visit.reader, remedy, _ids(visit))
    return {
        "label": remedy.label,
        "consequence": remedy.consequence,
        "items": [
            {
                "conflict": row(each.listed),
                "would_be_decided": each.why_not is None,
                "why_not": each.why_not,
            }
            for each in found
        ],
    }


def decide_conflicts(visit: Visit) -> dict[str, Any]:
    """Decide each of a batch; one that cannot be decided leaves the others alone."""
    remedy, act = batches.remedy_of(visit.body["remedy"]), visit.act()
    choices = [Choice(each, remedy.id, {}) for each in _ids(visit)]
    outcomes = visit.write(lambda tx: batches.decide(tx, choices, act))
    return {
        "decided": sum(1 for each in outcomes if each.done is not None),
        "items": [
            {
                "conflict_id": each.choice.conflict_id,
                "done": each.done,
                "why_not": each.why_not,
            }
            for each in outcomes
        ],
    }


def _ids(visit: Visit) -> list[int]:
    return [int(each) for each in visit.body["conflicts"]]


# ---------------------------------------------------------------------------- as data

_REVIEWED: Final = shapes.answer(
    conflict=shapes.ref("ConflictRow"),
    would_be_decided=shapes.flag(),
    why_not=shapes.or_null(shapes.told("Why it would stay as it is.")),
)
_TRIED: Final = shapes.answer(
    conflict_id=shapes.an_id(),
    done=shapes.or_null(shapes.told("What was done.")),
    why_not=shapes.or_null(shapes.told("Why it stays as it is.")),
)
_BATCH: Final = shapes.given(
    ("remedy", "conflicts"),
    remedy=shapes.one_of(BATCHED, "What is done with each."),
    conflicts=shapes.many(shapes.an_id(), "Their ids.", most=MOST),
)

ROUTES: Final = (
    Route(
        "POST",
        "/conflicts/batch",
        review_conflicts,
        MANAGE_PROVISIONING,
        "What one remedy would do with each of many conflicts; nothing is decided.",
        shapes.answer(
            label=shapes.told(),
            consequence=shapes.told(),
            items=shapes.many(_REVIEWED),
        ),
        body=_BATCH,
    ),
    Route(
        "POST",
        "/conflicts/batch/do",
        decide_conflicts,
        MANAGE_PROVISIONING,
        "Decide many conflicts; one that cannot be leaves the others alone.",
        shapes.answer(
            decided=shapes.number("How many of them."), items=shapes.many(_TRIED)
        ),
        body=_BATCH,
    ),
)

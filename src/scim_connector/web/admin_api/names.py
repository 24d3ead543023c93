"""Initials and username of a user chosen anew: what is to be had, and taking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from scim_connector.administration import naming
from scim_connector.rules.permissions import UPDATE_USERS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.admin_api.user import do, found
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from scim_connector.administration.naming import Candidate, Candidates
    from scim_connector.web.admin_api.routes import Visit


def list_names(visit: Visit) -> dict[str, Any]:
    """What initials and username may become, and what follows."""
    user, reader = found(visit), visit.reader
    every = naming.candidates(reader, user)
    return {
        **{field: _field(every[field]) for field in naming.FIELDS},
        "consequences": list(naming.consequences(reader, user)),
    }


def _field(each: Candidates) -> dict[str, Any]:
    return {
        "present": each.present,
        "proposal": each.proposal,
        "fixed": each.fixed,
        "candidates": [_candidate(one) for one in each.every],
    }


def _candidate(each: Candidate) -> dict[str, Any]:
    whose = each.holder
    return {
        "value": each.value,
        "state": each.state,
        "why": each.why,
        "source": each.source or None,
        "holder": whose and {"id": whose.id, "username": whose.username},
        "until": instant(each.until),
    }


def choose_names(visit: Visit) -> dict[str, Any]:
    """Take the chosen candidates; the former values are kept for the user."""
    chosen = visit.body
    return do(visit, lambda tx, user, act: naming.recompute(tx, user, chosen, act))


# ---------------------------------------------------------------------------- as data

_HOLDER: Final = shapes.answer(id=shapes.an_id(), username=shapes.told())
_CANDIDATE: Final = shapes.answer(
    value=shapes.told(),
    state=shapes.one_of(get_args(naming.State), "present and free can be taken."),
    why=shapes.told("The state in words."),
    source=shapes.or_null(shapes.told("The expression of the mapping it came from.")),
    holder=shapes.or_null(
        {**_HOLDER, "description": "Who has it, or whom it is kept for."}
    ),
    until=shapes.or_null(shapes.instant()),
)
_NAME: Final = shapes.answer(
    present=shapes.told(),
    proposal=shapes.or_null(shapes.told("What the mapping would choose today.")),
    fixed=shapes.or_null(shapes.told("Why nothing can be chosen here.")),
    candidates=shapes.many(shapes.ref("NameCandidate"), "The best first."),
)
SHAPES: Final = {"NameCandidate": _CANDIDATE, "Name": _NAME}
_HERE: Final = "/users/{user_id}/names"
_CHOSEN: Final = {
    field: shapes.text("One of the candidates.", least=1) for field in naming.FIELDS
}

ROUTES: Final = (
    Route(
        "GET",
        _HERE,
        list_names,
        UPDATE_USERS,
        "What initials and username may become, whose each is, and what follows.",
        shapes.answer(
            **dict.fromkeys(naming.FIELDS, shapes.ref("Name")),
            consequences=shapes.many(shapes.told()),
        ),
    ),
    Route(
        "POST",
        _HERE,
        choose_names,
        UPDATE_USERS,
        f"Take other candidates; former values are kept for {naming.KEPT_DAYS} days.",
        shapes.ref("User"),
        body=shapes.given(**_CHOSEN),
    ),
)

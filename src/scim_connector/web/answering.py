"""An authenticated request is answered, and kept in the log whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scim_connector.provisioning import entries
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.provisioning import RequestGatherer
    from scim_connector.web.replies import Reply
    from scim_connector.web.visits import Visit


def answered(
    visit: Visit, answer: Callable[[Visit], Reply], gatherer: RequestGatherer
) -> Reply:
    """Answer; what never reached provisioning is logged here (decision 33)."""
    try:
        reply = answer(visit)
    except ScimError as refusal:
        if not visit.is_handed_over:
            _note(visit, refusal.status, gatherer, refusal)
        raise
    finally:
        if visit.quirks:
            gatherer.saw(visit.connection.id, visit.quirks)
    if not visit.is_handed_over:
        _note(visit, reply.status, gatherer)
    return reply


def _note(
    visit: Visit,
    status: int,
    gatherer: RequestGatherer,
    refusal: ScimError | None = None,
) -> None:
    action = entries.ACTIONS.get(visit.request.method, "Read")
    if visit.path.endswith(".search"):
        action = "Read"
    entry = entries.of_read(visit.call(), status, action=action, refusal=refusal)
    gatherer.note(entry)

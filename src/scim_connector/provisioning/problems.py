"""What goes wrong, as the SCIM error that is answered: the only error table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import (
    DatabaseUnavailable,
    LostRace,
    StatementTimeout,
)
from scim_connector.directory.locking import BeingCopied, DatabaseBusy
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import errors
from scim_connector.scim.errors import ScimError, Unavailable, Uniqueness

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

RETRY_SOON: Final = 2
#: A copy takes a minute or so.
RETRY_LATER: Final = 30

_log = structlog.get_logger("provisioning")


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal ready to be answered; ``refusal`` has what its headers need, if any."""

    status: int
    body: Json
    refusal: ScimError | None = None


def problem_of(error: Exception, request_id: str) -> Problem:
    """The SCIM error for whatever went wrong; the unexpected keeps its reason."""
    made = _problem(error, request_id)
    made.body["detail"] = f"{made.body['detail']} [request {request_id}]"
    return made


def _problem(error: Exception, request_id: str) -> Problem:
    if isinstance(error, RulesViolated):
        body = errors.body(error.status, error.scim_type, error.detail)
        return Problem(error.status, body)
    if isinstance(error, DatabaseUnavailable):
        _log.error("database unavailable", request_id=request_id, reason=str(error))
    known = _known(error)
    if known is not None:
        return Problem(known.status, known.body(), known)
    _log.exception("unexpected error", request_id=request_id, exc_info=error)
    detail = (
        "Something went wrong here, and nothing was changed; the log has the reason."
    )
    return Problem(500, errors.body(500, None, detail))


def _known(error: Exception) -> ScimError | None:
    """The protocol's word for what the store says."""
    match error:
        case ScimError():
            return error
        case DatabaseBusy() | LostRace():
            return busy(error)
        case StatementTimeout():
            text = "This takes longer than a request may; nothing was changed."
            return Unavailable(text, retry_after=RETRY_SOON)
        case DatabaseUnavailable():
            text = "The database cannot be reached; nothing was changed. Try again."
            return Unavailable(text, retry_after=RETRY_SOON)
        case ConstraintBroken():
            text = f"A value of {error.name} was taken at the same moment. Try again."
            return Uniqueness(text)
    return None


def busy(error: DatabaseBusy | LostRace) -> Unavailable:
    """That it can be tried again, and after how many seconds."""
    if isinstance(error, BeingCopied):
        text = "The database is being copied; nothing was changed. Try again."
        return Unavailable(text, retry_after=RETRY_LATER)
    text = "The database is busy; nothing was changed. Try again."
    return Unavailable(text, retry_after=RETRY_SOON)

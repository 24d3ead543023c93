"""What somebody reads who was refused on a page, and when they may try again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.login.gate import NotAdmitted
from scim_connector.login.throttle import MustWait
from scim_connector.rules.users import RulesViolated
from scim_connector.tokens.turns import TooBusy

if TYPE_CHECKING:
    from flask import Response

WRONG_CODE: Final = "This code does not fit. Take the one the app shows now."
REFUSALS: Final = (NotAdmitted, RulesViolated, MustWait, TooBusy)


def told(error: Exception, wrong: str) -> tuple[str, int]:
    """The sentence and the status of a refusal; *wrong* for whoever is not admitted."""
    match error:
        case NotAdmitted():
            return wrong, 401
        case RulesViolated():
            return " ".join(each.message for each in error.violations), 400
        case MustWait():
            return str(error), 429
    return str(error), 503


def later(page: Response, error: Exception) -> Response:
    """The page, which says when to come again where that is known."""
    if isinstance(error, MustWait | TooBusy):
        page.headers["Retry-After"] = str(error.retry_after)
    return page

"""Secrets that are made here: how long they live, and the one answer they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration.overview import DAY
from scim_connector.web.admin_api import shapes
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.tokens.opaque import Token

YEAR: Final = 365
LONGEST: Final = 730
#: The member ``days`` of a body.
DAYS: Final = shapes.or_null(
    shapes.number(f"{YEAR} without it, null for no end.", least=1, most=LONGEST)
)


def end_of(body: Mapping[str, Any], now: int) -> int | None:
    """When what is made *now* ends; None for never."""
    days = body.get("days", YEAR)
    return None if days is None else now + int(days) * DAY


def told(made: Token, client_id: str, ends: int | None) -> dict[str, Any]:
    """The answer that a new secret stands in, and no other does."""
    return {
        "id": made.id,
        "secret": str(made),
        "client_id": client_id,
        "expires": instant(ends),
    }


SHAPES: Final = {
    "MadeSecret": shapes.answer(
        id=shapes.told(),
        secret=shapes.told("Stands in this answer alone."),
        client_id=shapes.told(),
        expires=shapes.or_null(shapes.instant()),
    )
}

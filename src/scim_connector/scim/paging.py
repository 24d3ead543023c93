"""Pages and order of a list (RFC 7644 section 3.4.2.3 and 3.4.2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.scim import paths
from scim_connector.scim.errors import InvalidCount, InvalidValue
from scim_connector.scim.paths import Path
from scim_connector.scim.values import shown

if TYPE_CHECKING:
    from scim_connector.scim.schemas import ResourceType

DEFAULT_COUNT: Final = 100
MOST_RESULTS: Final = 1_000
_LAST_START: Final = 2**53
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: from the 1-based place *start*, at most *count* resources."""

    start: int = 1
    count: int = DEFAULT_COUNT


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: by one attribute, ascending unless *descending*.

    The path ends at a simple attribute: ``sortBy=emails`` means ``emails.value`` of
    the primary element, else of the first.
    """

    path: Path
    descending: bool = False


def page(start_index: str | int | None, count: str | int | None) -> Page:
    """Read ``startIndex`` and ``count``.

    A start below 1 is 1, a negative count is 0, a count above 1,000 is 1,000: the
    standard asks for no error there. InvalidValue when one is no whole number.
    """
    start = _integer(start_index, "startIndex", default=1)
    most = _integer(count, "count", default=DEFAULT_COUNT)
    return Page(
        start=min(max(start, 1), _LAST_START), count=min(max(most, 0), MOST_RESULTS)
    )


def cursor_count(count: str | int | None) -> int | None:
    """Read the ``count`` of a page that is asked for by cursor; None when not given.

    A negative one is 0 (RFC 9865 section 2). InvalidCount above 1,000: the same number
    holds for the whole walk, so it is not made smaller in silence.
    """
    if count is None or count == "":
        return None
    most = max(_integer(count, "count", default=DEFAULT_COUNT), 0)
    if most > MOST_RESULTS:
        message = f"A page has at most {MOST_RESULTS} resources: count={most} is more."
        raise InvalidCount(message)
    return most


def refuse_start(start_index: str | int | None) -> None:
    """Raise InvalidValue when a page asked for by cursor has a ``startIndex`` too."""
    if start_index not in {None, ""}:
        raise InvalidValue(
            "A page is asked for by cursor or by startIndex, not by both: leave out"
            " startIndex to walk by cursor, or cursor to page by number."
        )


def sort(
    sort_by: str | None, sort_order: str | None, resource_type: ResourceType
) -> Sort | None:
    """Read ``sortBy`` and ``sortOrder``; None when no order is asked for.

    Raises InvalidPath when sortBy names nothing, InvalidValue when it names a complex
    attribute without a value, or the order is neither of the two.
    """
    downwards = is_descending(sort_order)
    if not sort_by:
        return None
    path = paths.parse(sort_by, resource_type)
    if path.filter is not None:
        raise InvalidValue("sortBy takes an attribute without a filter.")
    return Sort(_simple(path), downwards)


def _simple(path: Path) -> Path:
    """Let a complex attribute stand for its value (RFC 7644 section 3.4.2.3)."""
    if path.target.type != "complex":
        return path
    value = path.attribute.sub("value")
    if value is None:
        names = ", ".join(sub.name for sub in path.attribute.sub_attributes)
        message = f"Sort by one part of {path.name}: {names}."
        raise InvalidValue(message)
    return Path(path.extension, path.attribute, sub=value)


def is_descending(sort_order: str | None) -> bool:
    """Read ``sortOrder``; raises InvalidValue unless it is one of the two orders."""
    order = (sort_order or "ascending").lower()
    if order not in {"ascending", "descending"}:
        message = f"sortOrder is ascending or descending, not {shown(sort_order)}."
        raise InvalidValue(message)
    return order == "descending"


def _integer(raw: str | int | None, name: str, *, default: int) -> int:
    if raw is None or raw == "":
        return default
    if isinstance(raw, int):
        return raw
    if not _INTEGER.fullmatch(raw):
        raise InvalidValue(f"{name} must be a whole number, not {shown(raw)}.")
    return int(raw)

"""The messages of the protocol: lists, searches and PATCH requests (RFC 7644)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from scim_connector.scim.errors import InvalidSyntax, InvalidValue
from scim_connector.scim.types import LIST_RESPONSE, Json
from scim_connector.scim.values import Reading, shown

MOST_OPERATIONS: Final = 1_000
MOST_PARAMETERS: Final = 50
Op = Literal["add", "remove", "replace"]
_OPS: Final[dict[str, Op]] = {"add": "add", "remove": "remove", "replace": "replace"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a PATCH (RFC 7644 section 3.5.2).

    *path* is None when there is none. *has_value* tells a missing value from null.
    """

    op: Op
    path: str | None
    value: Any
    has_value: bool


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query: of a list, or the body of POST .search (RFC 7644 section 3.4.3).

    The values are as sent; ``paging``, ``projection`` and ``filters`` read them. An
    empty *cursor* asks for the first page of a walk, None for a page by its place.
    """

    filter: str | None = None
    attributes: tuple[str, ...] = ()
    excluded_attributes: tuple[str, ...] = ()
    sort_by: str | None = None
    sort_order: str | None = None
    start_index: str | int | None = None
    count: str | int | None = None
    cursor: str | None = None


def list_response(
    texts: Iterable[str],
    *,
    total: int,
    start: int | None = None,
    next_cursor: str | None = None,
) -> str:
    """Return the JSON text of a list, from resources that are JSON text already.

    *total* counts all that match, *start* is the 1-based place of the first one; None
    for a page by cursor, whose *next_cursor* is None on the last page (RFC 9865).
    """
    resources = list(texts)
    place = "" if start is None else f'"startIndex":{start},'
    following = "" if next_cursor is None else f'"nextCursor":"{next_cursor}",'
    return (
        f'{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},'
        f'{place}"itemsPerPage":{len(resources)},{following}'
        f'"Resources":[{",".join(resources)}]}}'
    )


def search_request(body: Json) -> SearchRequest:
    """Read the body of POST .search; InvalidValue when a member has a wrong type."""
    members = {name.lower(): value for name, value in body.items()}
    return SearchRequest(
        filter=_text(members, "filter"),
        attributes=_names(members, "attributes"),
        excluded_attributes=_names(members, "excludedAttributes"),
        sort_by=_text(members, "sortBy"),
        sort_order=_text(members, "sortOrder"),
        start_index=_number(members, "startIndex"),
        count=_number(members, "count"),
        cursor=_text(members, "cursor"),
    )


def arguments(query: str) -> dict[str, str]:
    """Read what stands behind the "?" of an address; of one given twice, the first.

    Raises InvalidValue beyond 50 of them, and for a NUL.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        message = f"The address has more than {MOST_PARAMETERS} parameters."
        raise InvalidValue(message) from None
    if any("\0" in value for _, value in pairs):
        raise InvalidValue("The address holds a NUL character, which no value has.")
    return dict(reversed(pairs))


def search_arguments(given: Mapping[str, str]) -> SearchRequest:
    """Read the query of a list from the arguments of its address."""
    return SearchRequest(
        filter=given.get("filter"),
        attributes=_words(given.get("attributes")),
        excluded_attributes=_words(given.get("excludedAttributes")),
        sort_by=given.get("sortBy"),
        sort_order=given.get("sortOrder"),
        start_index=given.get("startIndex"),
        count=given.get("count"),
        cursor=given.get("cursor"),
    )


def _words(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def operations(body: Json, reading: Reading) -> tuple[Operation, ...]:
    """Read the body of a PATCH.

    Raises InvalidSyntax when it is no list of operations, or one of them cannot be
    understood; InvalidValue beyond 1,000 of them.
    """
    members = {name.lower(): value for name, value in body.items()}
    if members.get("schemas") is None and not reading.tolerates("missing-schemas"):
        raise InvalidSyntax('The body must name the PatchOp message in "schemas".')
    listed = members.get("operations")
    if not isinstance(listed, list) or not listed:
        raise InvalidSyntax('A PATCH needs a list "Operations" with one at least.')
    if len(listed) > MOST_OPERATIONS:
        message = f"A PATCH may have {MOST_OPERATIONS} operations, not {len(listed)}."
        raise InvalidValue(message)
    return tuple(_operation(raw, place, reading) for place, raw in enumerate(listed))


def _operation(raw: Any, place: int, reading: Reading) -> Operation:
    where = f"Operations[{place}]"
    if not isinstance(raw, dict):
        raise InvalidSyntax(f"{where} must be an object.")
    members = {name.lower(): value for name, value in raw.items()}
    path = members.get("path")
    if path is not None and not isinstance(path, str):
        raise InvalidSyntax(f"{where}.path must be text in quotes.")
    op = _op(members.get("op"), where, reading)
    return Operation(op, path, members.get("value"), "value" in members)


def _op(raw: Any, where: str, reading: Reading) -> Op:
    word = raw.lower() if isinstance(raw, str) else ""
    op = _OPS.get(word)
    if op is None or (raw != word and not reading.tolerates("capitalised-op")):
        message = f"{where}.op must be add, remove or replace, not {shown(raw)}."
        raise InvalidSyntax(message)
    return op


def _text(members: Json, name: str) -> str | None:
    value = members.get(name.lower())
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{name} must be text in quotes.")
    return value


def _names(members: Json, name: str) -> tuple[str, ...]:
    value = members.get(name.lower())
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InvalidValue(f"{name} must be a list of attribute names.")


def _number(members: Json, name: str) -> str | int | None:
    value = members.get(name.lower())
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidValue(f"{name} must be a whole number.")

"""Bulk requests: many operations in one message, which may name each other (§3.7).

Whoever creates a resource gives it a ``bulkId``; any other operation may then write
``bulkId:ID`` where the id of that resource belongs.  An operation runs after those that
create what it names, wherever they stand.  Two that name each other cannot both wait:
one is created without the reference, which is added when the other one exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim.errors import (
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    ScimError,
    TooLarge,
)
from scim_connector.scim.values import shown

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

MOST_OPERATIONS: Final = 1_000
LARGEST: Final = 16 * 1024 * 1024
"""The most bytes of a bulk request."""

_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WHOLE: Final = re.compile(r"(?P<before>(?:.*/)?)bulkId:(?P<id>[^\s/\"]+)", re.DOTALL)
_QUOTED: Final = re.compile(r'"bulkId:(?P<id>[^\s/"]+)"')


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation; ``target`` is the id of its resource, None for a POST.

    *place* counts from 0.  *refused* says why it cannot be carried out at all.
    """

    place: int
    method: str
    endpoint: str = ""
    target: str | None = None
    bulk_id: str | None = None
    version: str | None = None
    data: Json = field(default_factory=dict)
    refused: ScimError | None = None

    @property
    def references(self) -> frozenset[str]:
        """The bulkIds it names, in its path or anywhere in its data."""
        return frozenset(_named(self.data)) | frozenset(_named(self.target))


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A whole message; *fail_on_errors* is how many errors end it, None for never."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None = None

    def creators(self) -> dict[str, BulkOperation]:
        """Which operation creates the resource of each bulkId."""
        return {
            operation.bulk_id: operation
            for operation in self.operations
            if operation.method == "POST" and operation.bulk_id is not None
        }


def read(body: Json) -> BulkRequest:
    """Read the body of POST /Bulk.

    What is wrong with one operation alone is told by it (``refused``).  Raises
    InvalidSyntax for a body that is no bulk request, TooLarge beyond 1,000 operations,
    InvalidValue for a wrong failOnErrors or a bulkId that is given twice.
    """
    members = {name.lower(): value for name, value in body.items()}
    listed = members.get("operations")
    if not isinstance(listed, list) or not listed:
        raise InvalidSyntax(
            'A bulk request needs a list "Operations" with one at least.'
        )
    if len(listed) > MOST_OPERATIONS:
        raise TooLarge(
            f"A bulk request may have {MOST_OPERATIONS} operations (maxOperations) and"
            f" {LARGEST} bytes (maxPayloadSize), not {len(listed)} operations."
        )
    found = tuple(_operation(raw, place) for place, raw in enumerate(listed))
    _refuse_twins(found)
    return BulkRequest(found, _fail_on_errors(members.get("failonerrors")))


def _fail_on_errors(raw: Any) -> int | None:
    if raw is None:
        return None
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 1:
        raise InvalidValue("failOnErrors must be a whole number from 1 on.")
    return raw


def _refuse_twins(operations: tuple[BulkOperation, ...]) -> None:
    given = [each.bulk_id for each in operations if each.bulk_id is not None]
    twins = {bulk_id for bulk_id in given if given.count(bulk_id) > 1}
    if twins:
        message = (
            f"bulkId {shown(sorted(twins)[0])} is given twice; each must be its own."
        )
        raise InvalidValue(message)


def _operation(raw: Any, place: int) -> BulkOperation:
    if not isinstance(raw, dict):
        raise InvalidSyntax(f"Operations[{place}] must be an object.")
    members = {name.lower(): value for name, value in raw.items()}
    texts = {name: members.get(name.lower()) for name in _TEXTS}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise InvalidSyntax(f"Operations[{place}].{name} must be text in quotes.")
    method = (texts["method"] or "").upper()
    bulk_id, version = texts["bulkId"], texts["version"]
    try:
        endpoint, target = _address(method, texts["path"] or "", bulk_id)
        data = _data(method, members.get("data"))
    except ScimError as refusal:
        return BulkOperation(place, method, bulk_id=bulk_id, refused=refusal)
    return BulkOperation(place, method, endpoint, target, bulk_id, version, data)


_TEXTS: Final = ("method", "path", "bulkId", "version")


def _address(method: str, path: str, bulk_id: str | None) -> tuple[str, str | None]:
    """Return the endpoint and the id that a path names."""
    if not method:
        raise InvalidSyntax('An operation needs a "method", such as "POST".')
    if method not in _METHODS:
        allowed = tuple(sorted(_METHODS))
        message = f"method must be one of {', '.join(allowed)}, not {shown(method)}."
        raise MethodNotAllowed(message, allow=allowed)
    parts = [part for part in path.strip("/").split("/") if part]
    if method == "POST":
        if len(parts) != 1:
            raise InvalidValue(f'The path of a POST is "/Users", not {shown(path)}.')
        if bulk_id is None:
            raise InvalidValue(
                'A POST needs a "bulkId"; it is how its answer is found.'
            )
        return parts[0], None
    if len(parts) != 2:  # noqa: PLR2004 - an endpoint and an id
        raise NotFound(f'The path of a {method} is "/Users/ID", not {shown(path)}.')
    return parts[0], parts[1]


def _data(method: str, raw: Any) -> Json:
    if method == "DELETE":
        return {}
    if not isinstance(raw, dict):
        raise InvalidSyntax(f'A {method} needs "data": the body it would have alone.')
    return raw


# ---------------------------------------------------------------------------- references


def resolve(value: Any, ids: Mapping[str, str]) -> Any:
    """Return *value* with every bulkId in *ids* replaced by the id it stands for."""
    match value:
        case str():
            return _resolved(value, ids)
        case list():
            return [resolve(element, ids) for element in value]
        case dict():
            return {name: resolve(member, ids) for name, member in value.items()}
    return value


def without(value: Any, bulk_ids: frozenset[str]) -> Any:
    """Return *value* without what names one of these, None when nothing is left.

    The smallest thing that can stand alone goes: an element of a list, or an attribute.
    """
    match value:
        case str():
            return None if bulk_ids.intersection(_named(value)) else value
        case list():
            kept = [without(element, bulk_ids) for element in value]
            return [element for element in kept if element is not None]
        case dict():
            if bulk_ids.intersection(_named(_own_texts(value))):
                return None
            parts = {name: without(member, bulk_ids) for name, member in value.items()}
            return {name: part for name, part in parts.items() if part is not None}
    return value


def _own_texts(value: Json) -> list[str]:
    return [
        value[name] for name in ("value", "$ref") if isinstance(value.get(name), str)
    ]


def _named(value: Any) -> list[str]:
    """The bulkIds that a value names."""
    match value:
        case str():
            whole = _WHOLE.fullmatch(value)
            if whole:
                return [whole["id"]]
            return [found["id"] for found in _QUOTED.finditer(value)]
        case list():
            return [name for element in value for name in _named(element)]
        case dict():
            return [name for member in value.values() for name in _named(member)]
    return []


def _resolved(text: str, ids: Mapping[str, str]) -> str:
    whole = _WHOLE.fullmatch(text)
    if whole:
        known = ids.get(whole["id"])
        return text if known is None else f"{whole['before']}{known}"
    return _QUOTED.sub(
        lambda found: f'"{ids[found["id"]]}"' if found["id"] in ids else found[0], text
    )

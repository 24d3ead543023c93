"""Search documents: what filters and sorting read of a resource (decision 40).

The same values as the resource, in the form in which they are compared: names in
lower case (URNs too), caseExact=false text folded by ``text_key``, dateTimes as
microseconds since 1970 in UTC, booleans and numbers typed. Multi-valued attributes are
lists of objects, simple ones as ``{"value": ...}``. Nothing in it is null or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim.folding import instant_key, text_key

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

_INT64: Final = range(-(2**63), 2**63)

UNSEARCHABLE: Final = frozenset({("groups",), ("meta", "location")})
"""What is made when a resource is answered, or has its own table: in no document."""


def build(resource_type: ResourceType, resource: Json) -> Json:
    """Return the search document of a whole resource.

    *resource* has canonical names; ``id``, ``meta``, ``active`` and our extension's
    ``local`` included. What the schema does not describe, and a value that is not of
    its type (such as a dateTime that cannot be read), is left out.
    """
    found: Json = {}
    for name, raw in resource.items():
        attribute = resource_type.core(name) or resource_type.block(name)
        if attribute is not None and (name,) not in UNSEARCHABLE:
            _keep(found, attribute, raw)
    if "meta" in found:
        found["meta"].pop("location", None)
    return found


def build_element(attribute: Attribute, element: Any) -> Json:
    """Return one element of a multi-valued (or the one of a complex) attribute.

    *element* is an object with canonical names, or the bare value of a simple
    attribute. An element without any value gives an empty object.
    """
    if attribute.type == "complex":
        return _members(attribute.sub_attributes, element) or {}
    raw = element.get("value") if isinstance(element, dict) else element
    value = _READERS[attribute.type](attribute, raw)
    return {} if value is None else {"value": value}


def _keep(found: Json, attribute: Attribute, raw: Any) -> None:
    value = _value(attribute, raw)
    if value is not None:
        found[attribute.name.lower()] = value


def _value(attribute: Attribute, raw: Any) -> Any:
    """Return the searchable form of a whole value, None when nothing is left."""
    if attribute.multi_valued:
        if not isinstance(raw, list):
            return None
        elements = [build_element(attribute, element) for element in raw]
        return [element for element in elements if element] or None
    return _READERS[attribute.type](attribute, raw)


def _members(subs: Iterable[Attribute], raw: Any) -> Json | None:
    if not isinstance(raw, dict):
        return None
    found: Json = {}
    for sub in subs:
        if sub.name in raw:
            _keep(found, sub, raw[sub.name])
    return found or None


def _complex(attribute: Attribute, raw: Any) -> Json | None:
    return _members(attribute.sub_attributes, raw)


def _text(attribute: Attribute, raw: Any) -> str | None:
    if not isinstance(raw, str) or not raw:
        return None
    return raw if attribute.case_exact else text_key(raw)


def _boolean(_: Attribute, raw: Any) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _number(_: Attribute, raw: Any) -> int | float | None:
    if isinstance(raw, float):
        return raw if isfinite(raw) else None
    if isinstance(raw, int) and not isinstance(raw, bool) and raw in _INT64:
        return raw
    return None


def _instant(_: Attribute, raw: Any) -> int | None:
    return instant_key(raw) if isinstance(raw, str) else None


_READERS: Final[dict[str, Callable[[Attribute, Any], Any]]] = {
    "string": _text,
    "reference": _text,
    "binary": _text,
    "boolean": _boolean,
    "integer": _number,
    "decimal": _number,
    "dateTime": _instant,
    "complex": _complex,
}

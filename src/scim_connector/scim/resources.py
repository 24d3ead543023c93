"""Reading a whole resource from a POST or PUT body into a document.

The document is the resource as the provider stated it: canonical names, typed
values, in the order sent; without what only the server sets (``id``, ``meta``,
``groups``, our ``local``), without ``schemas`` and ``password``, without absent
values. What was tolerated or dropped on the way stands in the notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import paths, values
from scim_connector.scim.errors import InvalidPath, InvalidSyntax, InvalidValue
from scim_connector.scim.values import Read, Reading

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.dialects import Dialect
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

__all__ = ["Read", "check", "read"]

DROPPED: Final = {
    "schemas": "worked out by the server",
    "password": "never stored",
}
"""Names that are accepted and not taken over, by lower-case name."""

_NAMED_BY: Final = {"User": "userName", "Group": "displayName"}
_NAMELESS: Final = {
    "userName": (
        "userName is missing or empty. Map a value to userName in the provider, "
        "such as the user principal name."
    ),
    "displayName": "displayName is missing or empty; a group needs a name.",
}


def read(
    resource_type: ResourceType, body: Json, *, dialect: Dialect, strict: bool
) -> Read:
    """Read the body of a POST or PUT (RFC 7644 section 3.3 and 3.5.1).

    Raises InvalidValue naming the attribute when a value is missing, too long or of
    the wrong type, InvalidSyntax when the message itself is wrong or, with *strict*,
    an attribute is not declared. readOnly attributes are ignored.
    """
    reading = Reading(dialect, strict)
    _read_schemas(resource_type, body, reading)
    document: Json = {}
    for name, raw in body.items():
        attribute = resource_type.core(name) or resource_type.block(name)
        if name.lower() in DROPPED:
            _drop(name, raw, reading)
        elif attribute is not None:
            _put(document, attribute, raw, reading)
        else:
            _put_addressed(resource_type, document, name, raw, reading)
    check(resource_type, document, strict=strict)
    return Read(document, reading.notes)


def check(resource_type: ResourceType, document: Json, *, strict: bool) -> None:
    """Raise InvalidValue unless a whole document can stand.

    A user needs a ``userName``, a group a ``displayName``; no list is too long or has
    two primary values; with *strict*, required sub-attributes are there. ``emails`` is
    judged by the local rules, which can say more about it.
    """
    name = _NAMED_BY.get(resource_type.id)
    if name and not document.get(name, "").strip():
        raise InvalidValue(_NAMELESS[name])
    for name, value in document.items():
        attribute = resource_type.core(name) or resource_type.block(name)
        if attribute is not None:
            _check_lists(attribute, value, strict=strict)


def _check_lists(attribute: Attribute, value: Any, *, strict: bool) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            sub = attribute.sub(name)
            if sub is not None and isinstance(member, dict | list):
                _check_lists(sub, member, strict=strict)
    elif isinstance(value, list):
        most = values.most_values(attribute)
        values.refuse_more_than(most, len(value), attribute.name)
        values.refuse_two_primaries(value, attribute.name)
        if strict:
            _check_required(attribute, value)


def _check_required(attribute: Attribute, elements: list[Any]) -> None:
    required = [sub.name for sub in attribute.sub_attributes if sub.required]
    for name in required:
        if any(name not in element for element in elements):
            raise InvalidValue(f"Each of the {attribute.name} needs a {name}.")


def _read_schemas(resource_type: ResourceType, body: Json, reading: Reading) -> None:
    """Check the list of URNs; those nothing knows are noted (RFC 7643 section 3)."""
    urns = next((body[name] for name in body if name.lower() == "schemas"), None)
    if urns is None or urns == []:
        if not reading.tolerates("missing-schemas"):
            raise InvalidSyntax('The body must name its schemas in "schemas".')
        return
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        raise InvalidSyntax('"schemas" must be a list of URNs.')
    for urn in urns:
        is_core = urn.lower() == resource_type.schema.id.lower()
        if not is_core and resource_type.extension(urn) is None:
            reading.unknown(urn)


def _drop(name: str, raw: Any, reading: Reading) -> None:
    lower = name.lower()
    if lower != "schemas" and raw is not None:
        reading.notes.add_ignored(lower, DROPPED[lower])


def _put(document: Json, attribute: Attribute, raw: Any, reading: Reading) -> None:
    """Read one top-level attribute, or one extension, into the document."""
    if attribute.read_only:
        reading.notes.add_ignored(attribute.name, "readOnly")
        return
    path = f"{attribute.name}:" if attribute.is_extension else attribute.name
    value = values.read(attribute, raw, path, reading)
    if value is None:
        return
    if isinstance(value, dict) and isinstance(document.get(attribute.name), dict):
        document[attribute.name] |= value
    else:
        document[attribute.name] = value


def _put_addressed(
    resource_type: ResourceType,
    document: Json,
    name: str,
    raw: Any,
    reading: Reading,
) -> None:
    """Read an attribute that is named by its full URN, or note an unknown one."""
    if name.lower() == resource_type.schema.id.lower():
        _put_core_block(resource_type, document, raw, reading)
    elif path := _addressed(resource_type, name):
        if reading.tolerates("urn-key"):
            _put_at(document, path, raw, reading)
        else:
            reading.unknown(name)
    else:
        note_unknown(name, raw, reading)


def _put_core_block(
    resource_type: ResourceType, document: Json, raw: Any, reading: Reading
) -> None:
    """Read core attributes that stand in a block under the core URN."""
    if not isinstance(raw, dict):
        raise InvalidValue(f"{resource_type.schema.id} must be an object.")
    for name, member in raw.items():
        attribute = resource_type.core(name)
        if attribute is not None and name.lower() not in DROPPED:
            _put(document, attribute, member, reading)
        else:
            note_unknown(name, member, reading)


def _addressed(resource_type: ResourceType, name: str) -> paths.Path | None:
    if resource_type.split_urn(name) is None:
        return None
    try:
        path = paths.bind(name, resource_type)
    except InvalidPath:
        return None
    return None if path.filter or path.sub else path


def _put_at(document: Json, path: paths.Path, raw: Any, reading: Reading) -> None:
    holder = document.setdefault(path.extension, {}) if path.extension else document
    if path.attribute.read_only:
        reading.notes.add_ignored(path.name, "readOnly")
    else:
        value = values.read(path.attribute, raw, path.name, reading)
        if value is not None:
            holder[path.attribute.name] = value
    if path.extension and not holder:
        del document[path.extension]


def note_unknown(name: str, raw: Any, reading: Reading) -> None:
    """Note an undeclared name; of an undeclared extension, each attribute in it."""
    if raw is None:
        return
    if ":" in name and isinstance(raw, dict) and raw:
        for member in raw:
            reading.unknown(f"{name}:{member}")
    else:
        reading.unknown(name)

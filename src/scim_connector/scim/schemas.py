"""Schemas and resource types: what a user may consist of (RFC 7643).

Look attributes up through a ``ResourceType``: ``USER.find(None, "username")`` finds
``userName`` of the core schema, ``USER.find(ENTERPRISE, "department")`` one of an
extension. Names and URNs are compared without case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from scim_connector.scim.attributes import (
    Attribute,
    AttributeType,
    Mutability,
    Returned,
    Schema,
    Uniqueness,
    index,
)
from scim_connector.scim.group_schemas import GROUP_SCHEMA
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL
from scim_connector.scim.user_schemas import (
    COMMON,
    ENTERPRISE_SCHEMA,
    LOCAL_SCHEMA,
    USER_SCHEMA,
)

__all__ = [
    "COMMON",
    "ENTERPRISE_SCHEMA",
    "GROUP",
    "GROUP_SCHEMA",
    "LOCAL_SCHEMA",
    "USER",
    "USER_SCHEMA",
    "Attribute",
    "AttributeType",
    "DeclaredAttribute",
    "Mutability",
    "ResourceType",
    "Returned",
    "Schema",
    "Uniqueness",
    "among",
    "user_resource_type",
]


@dataclass(frozen=True, slots=True)
class DeclaredAttribute:
    """An attribute that an operator adds with ``[[attribute]]`` in a mapping.

    *urn* is the core URN, a known extension or one of the operator's own. *type* is
    one of RFC 7643 section 2.3 save ``complex``.
    """

    urn: str
    name: str
    type: AttributeType = "string"
    multi_valued: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource: a core schema and its extensions (RFC 7643 section 6)."""

    id: str
    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    common: tuple[Attribute, ...] = COMMON
    _core: dict[str, Attribute] = field(init=False, repr=False)
    _extensions: dict[str, Schema] = field(init=False, repr=False)
    _blocks: dict[str, Attribute] = field(init=False, repr=False)
    _urns: tuple[tuple[str, Schema], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index core and common attributes by name, extensions by URN."""
        core = index(self.common) | index(self.schema.attributes)
        object.__setattr__(self, "_core", core)
        extensions = {schema.id: schema for schema in self.extensions}
        extensions.update((schema.id.lower(), schema) for schema in self.extensions)
        object.__setattr__(self, "_extensions", extensions)
        blocks = {urn: _block(schema) for urn, schema in extensions.items()}
        object.__setattr__(self, "_blocks", blocks)
        urns = [(schema.id.lower(), schema) for schema in self.schemas]
        urns.sort(key=lambda pair: -len(pair[0]))
        object.__setattr__(self, "_urns", tuple(urns))

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The core schema first, then the extensions."""
        return (self.schema, *self.extensions)

    def extension(self, urn: str) -> Schema | None:
        """Return the extension with this URN in any case, or None."""
        return self._extensions.get(urn) or self._extensions.get(urn.lower())

    def block(self, urn: str) -> Attribute | None:
        """Return a whole extension as one complex attribute named by its URN.

        So an extension is read, patched and projected like any complex attribute.
        """
        return self._blocks.get(urn) or self._blocks.get(urn.lower())

    def whole(self, schema: Schema) -> Attribute:
        """Return the block of an extension of this resource type."""
        return self._blocks[schema.id]

    def core(self, name: str) -> Attribute | None:
        """Return the core or common attribute called *name*, or None."""
        return self._core.get(name) or self._core.get(name.lower())

    def find(self, urn: str | None, name: str) -> Attribute | None:
        """Return the attribute *name* of the schema *urn* (None: core), or None."""
        if urn is None or urn.lower() == self.schema.id.lower():
            return self.core(name)
        schema = self.extension(urn)
        return schema.find(name) if schema else None

    def split_urn(self, text: str) -> tuple[Schema, str] | None:
        """Split *text* that begins with a known URN into its schema and the rest.

        The longest known URN wins, because URNs contain dots (quirk 11). The rest
        keeps its leading ``:`` or ``.`` and is empty for a URN alone. None when no
        known URN begins the text.
        """
        if ":" not in text:
            return None
        lower = text.lower()
        for urn, schema in self._urns:
            rest = text[len(urn) :]
            if lower.startswith(urn) and (not rest or rest[0] in ":."):
                return schema, rest
        return None

    def names(self) -> tuple[str, ...]:
        """Every addressable attribute in its canonical spelling, for suggestions."""
        core = (*self.common, *self.schema.attributes)
        found = [name for attribute in core for name in _spellings("", attribute)]
        for schema in self.extensions:
            for attribute in schema.attributes:
                found += _spellings(f"{schema.id}:", attribute)
        return tuple(found)


@lru_cache(maxsize=64)
def user_resource_type(declared: tuple[DeclaredAttribute, ...] = ()) -> ResourceType:
    """Return the resource type of users, with the operator's own attributes.

    Raises ValueError when a declared attribute repeats an existing one or is complex.
    The answer is cached, so the same declarations give the same object.
    """
    tables = {CORE: USER_SCHEMA, ENTERPRISE: ENTERPRISE_SCHEMA, LOCAL: LOCAL_SCHEMA}
    for attribute in declared:
        urn = _known_urn(attribute.urn, tables)
        tables[urn] = _extended(tables.get(urn), urn, attribute)
    core = tables.pop(CORE)
    return ResourceType(
        "User", "User", "/Users", "User Account", core, tuple(tables.values())
    )


@lru_cache(maxsize=64)
def among(own: ResourceType, *others: ResourceType) -> ResourceType:
    """Return *own* as a filter over several kinds of resources sees it.

    What only the others declare may be named and never has a value: such a filter is
    no mistake (RFC 7644 section 3.4.2.1). The answer is cached.
    """
    known = index((*own.common, *own.schema.attributes))
    foreign = [
        attribute
        for other in others
        for attribute in other.schema.attributes
        if attribute.name.lower() not in known
    ]
    schemas = {schema.id: schema for other in others for schema in other.schemas}
    schemas |= {schema.id: schema for schema in own.schemas}
    del schemas[own.schema.id]
    return replace(
        own,
        schema=replace(own.schema, attributes=(*own.schema.attributes, *foreign)),
        extensions=tuple(schemas.values()),
    )


def _known_urn(urn: str, tables: dict[str, Schema]) -> str:
    lower = urn.lower()
    return next((known for known in tables if known.lower() == lower), urn)


def _extended(schema: Schema | None, urn: str, declared: DeclaredAttribute) -> Schema:
    """Return *schema* (or a new one called *urn*) with one attribute more."""
    if schema is None:
        schema = Schema(urn, _short_name(urn), "Declared by the operator.", ())
    taken = schema.find(declared.name) or (
        urn == CORE and declared.name.lower() in index(COMMON)
    )
    if taken:
        message = f"{urn} already has an attribute {declared.name!r}; do not declare it"
        raise ValueError(message)
    if declared.type == "complex":
        message = f"{declared.name!r} cannot be complex; declare a simple type"
        raise ValueError(message)
    return replace(schema, attributes=(*schema.attributes, _attribute(declared)))


def _attribute(declared: DeclaredAttribute) -> Attribute:
    return Attribute(
        declared.name,
        declared.type,
        declared.description or "Declared by the operator.",
        multi_valued=declared.multi_valued,
        case_exact=declared.type in {"reference", "binary"},
        reference_types=("uri",) if declared.type == "reference" else (),
    )


def _block(schema: Schema) -> Attribute:
    return Attribute(
        schema.id, "complex", schema.description, sub_attributes=schema.attributes
    )


def _short_name(urn: str) -> str:
    """Name an operator's schema after the part before its version number."""
    parts = [part for part in urn.split(":") if part]
    words = [part for part in parts if not part.replace(".", "").isdigit()]
    return words[-2] if len(words) > 1 and words[-1].lower() == "user" else words[-1]


def _spellings(prefix: str, attribute: Attribute) -> list[str]:
    """Return the names an attribute and its sub-attributes are addressed by."""
    name = f"{prefix}{attribute.name}"
    return [name, *(f"{name}.{sub.name}" for sub in attribute.sub_attributes)]


USER: Final = user_resource_type()
GROUP: Final = ResourceType("Group", "Group", "/Groups", "Group", GROUP_SCHEMA)

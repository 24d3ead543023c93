"""How an attribute and a schema are described (RFC 7643 section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

AttributeType = Literal[
    "string",
    "boolean",
    "decimal",
    "integer",
    "dateTime",
    "binary",
    "reference",
    "complex",
]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 2.2 and 7).

    ``name`` is the canonical spelling; names are compared without case. Attributes
    are compared by identity: each one exists once in its table.
    """

    name: str
    type: AttributeType = "string"
    description: str = ""
    multi_valued: bool = False
    required: bool = False
    canonical_values: tuple[str, ...] = ()
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    _by_name: dict[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the sub-attributes by lower-case name."""
        object.__setattr__(self, "_by_name", index(self.sub_attributes))

    def sub(self, name: str) -> Attribute | None:
        """Return the sub-attribute called *name* in any case, or None."""
        return self._by_name.get(name) or self._by_name.get(name.lower())

    @property
    def read_only(self) -> bool:
        """True when only the server sets it."""
        return self.mutability == "readOnly"

    @property
    def is_extension(self) -> bool:
        """True for a whole extension, described as one complex attribute."""
        return ":" in self.name


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema: its URN and its attributes (RFC 7643 section 7)."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    _by_name: dict[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the attributes by lower-case name."""
        object.__setattr__(self, "_by_name", index(self.attributes))

    def find(self, name: str) -> Attribute | None:
        """Return the attribute called *name* in any case, or None."""
        return self._by_name.get(name) or self._by_name.get(name.lower())


def index(attributes: tuple[Attribute, ...]) -> dict[str, Attribute]:
    """Map both the canonical and the lower-case name to each attribute."""
    found = {attribute.name: attribute for attribute in attributes}
    found.update((attribute.name.lower(), attribute) for attribute in attributes)
    return found

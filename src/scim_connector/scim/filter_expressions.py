"""Filters bound to a schema, and what they mean for one resource.

``matches`` is the meaning; ``directory/search.py`` says the same in SQL, and a property
test holds the two equal. What the RFC leaves open is decided here:

- ``eq null`` is "not present", ``ne null`` is "present";
- ``ne`` holds for an attribute without a value;
- for a multi-valued attribute every operator asks whether *one* of the values does
  (RFC 7644 section 3.4.2.2), ``ne`` too: one value that differs is enough;
- ``emails[...]`` asks for one element that fulfils everything in the brackets.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from scim_connector.scim.errors import InvalidFilter
from scim_connector.scim.search_documents import build_element

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.filter_literals import Parameter, Value
    from scim_connector.scim.types import Json

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]


@dataclass(frozen=True, slots=True)
class AttributePath:
    """Where in a search document a filter looks.

    *keys* lead from the document (inside brackets: from the element) to the values of
    *attribute*; *sub* names the sub-attribute compared, "value" for the values of a
    simple multi-valued attribute.
    """

    keys: tuple[str, ...]
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute:
        """The attribute whose values are compared; its type decides how."""
        return self.sub or self.attribute

    @property
    def multi_valued(self) -> bool:
        """True when the search document has a list here."""
        return self.attribute.multi_valued

    @property
    def sub_key(self) -> str | None:
        """The key of the compared value within an element, None for the whole."""
        if self.sub is not None:
            return self.sub.name.lower()
        is_simple_list = self.multi_valued and self.attribute.type != "complex"
        return "value" if is_simple_list else None

    def elements(self, document: Json) -> list[Any]:
        """Return the values of the attribute; one at most unless multi-valued."""
        found: Any = document
        for key in self.keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            return []
        return found if self.multi_valued and isinstance(found, list) else [found]

    def values(self, document: Json) -> Iterator[Any]:
        """Yield what is compared, once per element; None where it is absent."""
        key = self.sub_key
        for element in self.elements(document):
            if key is None:
                yield element
            else:
                yield element.get(key) if isinstance(element, dict) else None


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op value``; the value is folded and typed, or still a parameter."""

    path: AttributePath
    op: Operator
    value: Value | Parameter


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``: there is a value."""

    path: AttributePath


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of *expression*."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All of the operands, two or more."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the operands, two or more."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """``path[expression]``: one element fulfils the whole expression."""

    path: AttributePath
    expression: Expression


Expression = Compare | Present | Not | And | Or | Element


def matches(expression: Expression, search_document: Json) -> bool:
    """Say whether a resource, given as its search document, fulfils the filter."""
    match expression:
        case Compare(path, op, value):
            return _compares(path, op, value, search_document)
        case Present(path):
            return any(value is not None for value in path.values(search_document))
        case Not(operand):
            return not matches(operand, search_document)
        case And(operands):
            return all(matches(operand, search_document) for operand in operands)
        case Or(operands):
            return any(matches(operand, search_document) for operand in operands)
        case Element(path, operand):
            elements = path.elements(search_document)
            return any(matches(operand, element) for element in elements)


def matches_element(expression: Expression, attribute: Attribute, element: Any) -> bool:
    """Say whether one element passes the filter of a PATCH path.

    *expression* is that of ``attribute[...]`` as ``filters.parse`` gives it, *element*
    is canonical: an object, or the value of a simple attribute. Raises InvalidFilter
    when the expression is more than one pair of brackets.
    """
    if not isinstance(expression, Element):
        raise InvalidFilter("A path has one filter, in one pair of brackets.")
    return matches(expression.expression, build_element(attribute, element))


def _compares(path: AttributePath, op: Operator, value: Any, document: Json) -> bool:
    values = list(path.values(document)) or [None]
    return any(_holds(op, actual, value) for actual in values)


def _holds(op: Operator, actual: Any, expected: Any) -> bool:
    """Compare one value; None is an absent one."""
    if actual is None or _kind(actual) is not _kind(expected):
        return op == "ne"
    return _HOLDS[op](actual, expected)


def _kind(value: Any) -> type:
    """Return the class a value is compared in: numbers are one class."""
    return float if type(value) is int else type(value)


_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}

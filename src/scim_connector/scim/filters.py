"""Filters: ``parse`` binds one to the schema, ``matches`` says what it means.

A provider asks the same few questions with other values each time. So a filter is
split into its *shape* (each text in quotes replaced by its number) and the texts;
everything that follows from the shape is made once and cached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scim_connector.scim import filter_grammar
from scim_connector.scim.errors import ScimError
from scim_connector.scim.filter_binding import template
from scim_connector.scim.filter_expressions import (
    And,
    AttributePath,
    Compare,
    Element,
    Expression,
    Not,
    Operator,
    Or,
    Present,
    matches,
    matches_element,
)
from scim_connector.scim.filter_literals import Parameter, Value

if TYPE_CHECKING:
    from scim_connector.scim.schemas import ResourceType

__all__ = [
    "And",
    "AttributePath",
    "Compare",
    "Element",
    "Expression",
    "Not",
    "Operator",
    "Or",
    "Parameter",
    "Prepared",
    "Present",
    "Value",
    "matches",
    "matches_element",
    "parse",
    "prepare",
    "shape",
    "template",
]

_STRING: Final = re.compile(r'("(?:[^"\\]|\\.)*+")', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A filter whose texts are still apart from the cached rest.

    In *template* every ``Compare.value`` is a ``Parameter``: its ``value(strings)`` is
    the value of this request.
    """

    shape: str
    template: Expression
    strings: tuple[str, ...]


def parse(text: str, resource_type: ResourceType) -> Expression:
    """Read a filter (RFC 7644 section 3.4.2.2) and bind it to the schema.

    Raises InvalidFilter when it cannot be read, names an undeclared attribute, or an
    operator or a value does not fit the type of its attribute; TooMany beyond 50 terms;
    Sensitive for ``password``. Nothing else, whatever the text.
    """
    prepared = prepare(text, resource_type)
    return _filled(prepared.template, prepared.strings)


def prepare(text: str, resource_type: ResourceType) -> Prepared:
    """Split a filter into its cached template and its texts.

    Raises what ``parse`` raises, save what is wrong with a text in quotes: that shows
    when the value of its parameter is asked for.
    """
    filter_grammar.refuse_long(text)
    found, strings = shape(text)
    try:
        bound = template(found, resource_type)
    except ScimError:
        # The places and words in the message are to be those of the sender.
        filter_grammar.parse(text)
        raise
    return Prepared(found, bound, strings)


def shape(text: str) -> tuple[str, tuple[str, ...]]:
    """Return *text* with each string in quotes replaced by its number, and these.

    The strings are decoded; InvalidFilter when one is no JSON string. So ``a eq "x"``
    and ``a eq "y"`` have the same shape, ``a eq "0"``.
    """
    pieces = _STRING.split(text)
    strings = tuple(filter_grammar.string(quoted) for quoted in pieces[1::2])
    pieces[1::2] = [f'"{index}"' for index in range(len(strings))]
    return "".join(pieces), strings


def _filled(expression: Expression, strings: tuple[str, ...]) -> Expression:
    """Put the values of this request into a template."""
    match expression:
        case Compare(_, _, Parameter() as parameter):
            return replace(expression, value=parameter.value(strings))
        case Not(inner):
            return Not(_filled(inner, strings))
        case And(operands) | Or(operands):
            return type(expression)(tuple(_filled(each, strings) for each in operands))
        case Element(path, inner):
            return Element(path, _filled(inner, strings))
    return expression

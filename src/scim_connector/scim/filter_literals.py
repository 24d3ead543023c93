"""The value of a filter, in the type of the attribute it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.scim import filter_grammar
from scim_connector.scim.errors import InvalidFilter
from scim_connector.scim.filter_grammar import Literal
from scim_connector.scim.folding import instant_key, text_key
from scim_connector.scim.values import shown

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute, AttributeType

Value = str | bool | int | float

_INT64: Final = range(-(2**63), 2**63)
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal of a cached filter, read anew for each request.

    *index* counts the literals in quotes; None for one without quotes, which is part
    of the cached shape and stands in *literal*. *target* is what it is compared with.
    """

    target: Attribute
    literal: Literal
    index: int | None = None

    def value(
        self, strings: tuple[str, ...], fold: Callable[[str], str] = text_key
    ) -> Value:
        """Return the value to compare with; *strings* are the literals in quotes.

        *fold* is for a caller that compares caseExact=false text by another key.
        Raises InvalidFilter when it does not fit the type of the attribute.
        """
        literal = self.literal
        if self.index is not None:
            literal = Literal(strings[self.index])
        if self.target.type in _TEXTUAL:
            text = literal.value if literal.text is None else literal.text
            return str(text) if self.target.case_exact else fold(str(text))
        return _READERS[self.target.type](literal, self.target)


def _boolean(literal: Literal, target: Attribute) -> bool:
    """Read a boolean; "True" in quotes is one too (Entra, quirks 2 and 6)."""
    value = literal.value
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _unfit(literal, target, "with true or false")
    return found


def _number(literal: Literal, target: Attribute) -> int | float:
    """Read a number; custom attributes of Entra come as text."""
    value = literal.value
    found = filter_grammar.number(value) if isinstance(value, str) else value
    if found is None or isinstance(found, bool):
        raise _unfit(literal, target, "with a number")
    if isinstance(found, int) and found not in _INT64:
        raise _unfit(literal, target, "with a number of 64 bits")
    return found


def _instant(literal: Literal, target: Attribute) -> int:
    text = literal.value if literal.text is None else literal.text
    found = instant_key(text) if isinstance(text, str) else None
    if found is None:
        wanted = 'with a date and time with its zone, such as "2026-05-13T04:42:34Z"'
        raise _unfit(literal, target, wanted)
    return found


def _unfit(literal: Literal, target: Attribute, wanted: str) -> InvalidFilter:
    sent = literal.value if literal.text is None else literal.text
    return InvalidFilter(f"{target.name} is compared {wanted}, not {shown(sent)}.")


_TEXTUAL: Final = frozenset({"string", "reference", "binary"})
_READERS: Final[dict[AttributeType, Callable[[Literal, Attribute], Value]]] = {
    "boolean": _boolean,
    "integer": _number,
    "decimal": _number,
    "dateTime": _instant,
}

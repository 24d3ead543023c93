"""Attribute paths: where in a user a PATCH operation, a sort or a projection points.

The grammar is that of RFC 7644 section 3.10 and figure 7: ``name.givenName``,
``emails[type eq "work"].value``, ``urn:...:User:manager.value``, or the URN of an
extension alone.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import filters
from scim_connector.scim.errors import InvalidPath
from scim_connector.scim.values import shown

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute, Schema
    from scim_connector.scim.schemas import ResourceType

LONGEST_PATH: Final = 4_096
_LONGEST_GUESS: Final = 100

_NAME: Final = r"\$?[A-Za-z][A-Za-z0-9_$-]*"
_PATH: Final = re.compile(
    rf"(?P<name>{_NAME})(\[(?P<filter>.*)\])?(\.(?P<sub>{_NAME}))?", re.DOTALL
)
_FOREIGN: Final = re.compile(
    rf'[A-Za-z][A-Za-z0-9+.-]*:[^\s\[\]"]+(\[.*\])?(\.{_NAME})?', re.DOTALL
)
_TERM: Final = re.compile(
    rf"\s*(?P<name>{_NAME})\s+eq\s+"
    r'(?P<value>"(?:[^"\\]|\\.)*+"|[^\s()"\[\]]+)\s*',
    re.IGNORECASE,
)
_AND: Final = re.compile(r"and\s", re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


class UnknownPath(InvalidPath):
    """400 invalidPath: well formed, and it names nothing that a schema declares.

    ``name`` is what was named, without its filter. PATCH ignores it unless the
    connection is strict.
    """

    def __init__(self, detail: str, name: str) -> None:
        """Keep the name beside the sentence."""
        super().__init__(detail)
        self.name = name


@dataclass(frozen=True, slots=True)
class Path:
    """A path bound to the schema.

    *extension* is the URN of the extension the attribute belongs to, None for the
    core. *attribute* is the extension itself (``ResourceType.block``) when the path is
    its URN alone. *filter* selects elements of a multi-valued attribute, *sub* is the
    sub-attribute. *dotted_urn* says that the URN was joined with a dot (quirk 11).
    """

    extension: str | None
    attribute: Attribute
    filter: filters.Expression | None = None
    sub: Attribute | None = None
    filter_text: str = ""
    dotted_urn: bool = False

    @property
    def target(self) -> Attribute:
        """The attribute the path ends at."""
        return self.sub or self.attribute

    @property
    def name(self) -> str:
        """The canonical spelling without the filter, for messages."""
        prefix = f"{self.extension}:" if self.extension else ""
        suffix = f".{self.sub.name}" if self.sub else ""
        return f"{prefix}{self.attribute.name}{suffix}"

    def terms(self) -> tuple[tuple[Attribute, Any], ...] | None:
        """Return what an element must equal to pass the filter.

        The values are as sent (not folded). None when the filter is more than ``eq``
        terms joined by ``and``: then no element can be made from it.
        """
        found: list[tuple[Attribute, Any]] = []
        position = 0
        while match := _TERM.match(self.filter_text, position):
            attribute = self.attribute.sub(match["name"])
            if attribute is None:
                return None
            found.append((attribute, _literal(match["value"])))
            if match.end() == len(self.filter_text):
                return tuple(found)
            joint = _AND.match(self.filter_text, match.end())
            if joint is None:
                return None
            position = joint.end()
        return None


def parse(text: str, resource_type: ResourceType) -> Path:
    """Read a path.

    Raises UnknownPath when a name is not declared (with the nearest one that is),
    InvalidPath when the text is no path, InvalidFilter when its filter is wrong.
    """
    try:
        return bind(text, resource_type)
    except UnknownPath as unknown:
        raise suggesting(unknown, resource_type) from None


def bind(text: str, resource_type: ResourceType) -> Path:
    """Read a path like ``parse``, without looking for the nearest name.

    For callers that ignore unknown names: a body may hold thousands of them.
    """
    if len(text) > LONGEST_PATH:
        raise InvalidPath(f"The path is longer than {LONGEST_PATH} characters.")
    return _parsed(text, resource_type)


def suggesting(unknown: UnknownPath, resource_type: ResourceType) -> UnknownPath:
    """Return the same refusal with the nearest name that is declared."""
    name = unknown.name[:_LONGEST_GUESS]
    near = difflib.get_close_matches(name, resource_type.names(), 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return UnknownPath(f"{unknown.detail}{hint}", unknown.name)


@lru_cache(maxsize=512)
def _parsed(text: str, resource_type: ResourceType) -> Path:
    split = resource_type.split_urn(text)
    if split is None:
        return _within(resource_type.schema, text, text, resource_type)
    schema, rest = split
    if rest:
        path = _within(schema, rest[1:], text, resource_type)
        return replace(path, dotted_urn=rest.startswith("."))
    if schema is resource_type.schema:
        message = f"The path {shown(text)} must name an attribute after the URN."
        raise InvalidPath(message)
    return Path(None, resource_type.whole(schema))


def _within(schema: Schema, rest: str, text: str, resource_type: ResourceType) -> Path:
    """Read the part of a path that follows the URN."""
    match = _PATH.fullmatch(rest)
    if match is None:
        raise _malformed(text)
    attribute = resource_type.find(schema.id, match["name"])
    if attribute is None:
        raise _unknown(text)
    sub = attribute.sub(match["sub"]) if match["sub"] else None
    if match["sub"] and sub is None:
        raise _unknown(text)
    is_core = schema is resource_type.schema
    path = Path(None if is_core else schema.id, attribute, sub=sub)
    return path if match["filter"] is None else _filtered(path, match, resource_type)


def _filtered(path: Path, match: re.Match[str], resource_type: ResourceType) -> Path:
    if not path.attribute.multi_valued:
        message = f"{path.attribute.name} has one value; take the filter out."
        raise InvalidPath(message)
    prefix = f"{path.extension}:" if path.extension else ""
    text = f"{prefix}{path.attribute.name}[{match['filter']}]"
    bound = filters.parse(text, resource_type)
    return replace(path, filter=bound, filter_text=match["filter"])


def _malformed(text: str) -> InvalidPath:
    if _FOREIGN.fullmatch(text):
        return _unknown(text)
    return InvalidPath(f"{shown(text)} is no attribute path (RFC 7644, 3.10).")


def _unknown(text: str) -> UnknownPath:
    name = re.sub(r"\[.*\]", "", text, flags=re.DOTALL)
    return UnknownPath(f"No schema declares {shown(name)}.", name)


def _literal(text: str) -> Any:
    """Return the value a term compares with; a bare word is text (Entra)."""
    if text.startswith('"') or _NUMBER.fullmatch(text):
        return json.loads(text)
    return _WORDS.get(text.lower(), text)

"""Expressions: ``Join(".", [name.givenName], [name.familyName])`` and the like.

An expression is a text in double quotes, a number, ``[path]``, or a function of
expressions.  It is compiled once to nested closures; there is no evaluation of code, no
loop and no recursion beyond its own depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.mapping.errors import MappingError, did_you_mean
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.mapping.values import Value, of_json
from scim_connector.scim import paths
from scim_connector.scim.errors import ScimError
from scim_connector.scim.filters import matches_element

if TYPE_CHECKING:
    from scim_connector.scim.paths import Path
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

Compiled = Callable[["Json"], Value]

LONGEST: Final = 2_000
DEEPEST: Final = 20
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+)|(?P<name>[A-Za-z]\w*)'
    r'|(?P<path>\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*"|\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*")*\])*\])'
    r"|(?P<mark>[(),]))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression with the text it was made from.

    ``reads`` names the members of a document it looks at: attributes and URNs.
    """

    text: str
    evaluate: Compiled
    reads: frozenset[str]


def compile_expression(text: str, resource_type: ResourceType) -> Expression:
    """Compile *text*; raises MappingError with the column (from 1) and a suggestion."""
    if len(text) > LONGEST:
        message = f"the expression has {len(text)} characters, at most {LONGEST}"
        raise MappingError(message, column=1)
    reader = _Compiler(list(_tokens(text)), len(text), resource_type)
    compiled = reader.expression(0)
    reader.expect_end()
    return Expression(text, compiled, frozenset(reader.reads))


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:
            at = len(text) - len(text[position:].lstrip())
            raise MappingError(_unreadable(text[at]), column=at + 1)
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind) + 1)
        position = found.end()


def _unreadable(character: str) -> str:
    if character == '"':
        return 'a text has no closing "'
    if character == "[":
        return "a path has no closing ]"
    return f"cannot read {character!r} here"


class _Compiler:
    """Reads tokens from left to right."""

    def __init__(
        self, tokens: list[_Token], end: int, resource_type: ResourceType
    ) -> None:
        self._tokens = tokens
        self._next = 0
        self._end = _Token("end", "the end", end + 1)
        self._type = resource_type
        self.reads: set[str] = set()

    def expression(self, depth: int) -> Compiled:
        """One expression; nested ones count towards the depth."""
        token = self._take()
        if depth > DEEPEST:
            message = f"nested more than {DEEPEST} deep"
            raise MappingError(message, column=token.column)
        match token.kind:
            case "text":
                return _constant(_unquoted(token.text))
            case "number":
                return _constant(token.text)
            case "path":
                return self._path(token)
            case "name":
                return self._call(token, depth)
        raise MappingError(
            f"expected a text, a [path] or a function, found {token.text}",
            column=token.column,
        )

    def expect_end(self) -> None:
        """Refuse what stands behind the expression."""
        token = self._take()
        if token.kind != "end":
            message = f"unexpected {token.text} behind the expression"
            raise MappingError(message, column=token.column)

    def _take(self) -> _Token:
        if self._next >= len(self._tokens):
            return self._end
        self._next += 1
        return self._tokens[self._next - 1]

    def _path(self, token: _Token) -> Compiled:
        try:
            path = paths.parse(token.text[1:-1].strip(), self._type)
        except ScimError as error:
            message = error.detail.rstrip(".")
            raise MappingError(message, column=token.column + 1) from None
        self.reads.add(path.extension or path.attribute.name)
        return lambda document: of_json(_read(path, document))

    def _call(self, token: _Token, depth: int) -> Compiled:
        function = FUNCTIONS.get(token.text)
        if function is None:
            hint = did_you_mean(token.text, FUNCTIONS)
            message = f'unknown function "{token.text}"{hint}'
            raise MappingError(message, column=token.column)
        parts = self._arguments(depth)
        if not function.fewest <= len(parts) <= function.most:
            message = f"{function.signature} cannot take {len(parts)} values"
            raise MappingError(message, column=token.column)
        body = function.body
        return lambda document: body(*[part(document) for part in parts])

    def _arguments(self, depth: int) -> list[Compiled]:
        self._expect("(")
        parts = [self.expression(depth + 1)]
        while (token := self._take()).text == "," and token.kind == "mark":
            parts.append(self.expression(depth + 1))
        if token.text != ")" or token.kind != "mark":
            message = f"expected , or ) and found {token.text}"
            raise MappingError(message, column=token.column)
        return parts

    def _expect(self, mark: str) -> None:
        token = self._take()
        if token.kind != "mark" or token.text != mark:
            message = f"expected {mark} and found {token.text}"
            raise MappingError(message, column=token.column)


def _constant(text: str) -> Compiled:
    return lambda document: text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _read(path: Path, document: Json) -> Any:
    """The value a path names in a document; a list where several elements match."""
    home = document.get(path.extension, {}) if path.extension else document
    value = home.get(path.attribute.name)
    if value is None:
        return None
    if path.filter is not None:
        value = [v for v in value if matches_element(path.filter, path.attribute, v)]
    if path.sub is None:
        return value
    if isinstance(value, list):
        return [v.get(path.sub.name) for v in value if isinstance(v, dict)]
    return value.get(path.sub.name) if isinstance(value, dict) else None

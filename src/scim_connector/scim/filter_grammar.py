"""The filter grammar of RFC 7644 section 3.4.2.2, on scim2-filter-parser 0.7.0.

The package's lexer and grammar are used, and nothing else of it. What 0.7.0 gets wrong
is put right here: ``and`` binds tighter than ``or``, ``not`` needs no brackets, strings
are JSON strings, numbers are JSON numbers, literals keep their type, ``true`` and
``null`` are whole words, and a literal without quotes is read as text (Microsoft's
samples: ``externalId eq jyoung``). Both classes ride on the insides of sly, so the
version is pinned and each repair has a test.
"""

# sly's metaclasses provide ``_`` and the token names inside a class body, which no
# checker can know.
# ruff: noqa: F821
# mypy: disable-error-code="name-defined, untyped-decorator, no-redef, misc"

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser, SCIMParserError
from sly import Lexer

from scim_connector.scim.errors import InvalidFilter, TooMany

LONGEST_FILTER: Final = 4_096
DEEPEST_FILTER: Final = 30
MOST_TERMS: Final = 50

_LONGEST_NUMBER: Final = 40
_SHOWN: Final = 30
_END_OF_WORD: Final = r"(?![A-Za-z0-9_$:.-])"
_COMPARISON: Final = rf"(?ai:eq|ne|co|sw|ew|gt|ge|lt|le){_END_OF_WORD}"
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUL_OR_SURROGATE: Final = re.compile("[\x00\ud800-\udfff]")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_OPERATORS: Final = frozenset(
    ["EQ", "NE", "CO", "SW", "EW", "GT", "GE", "LT", "LE", "PR"]
)
_KEYWORDS: Final = _OPERATORS | {"AND", "OR", "NOT"}
_OPENING: Final = frozenset({"LPAREN", "LBRACKET"})
_CLOSING: Final = frozenset({"RPAREN", "RBRACKET"})
_TERM_ENDS: Final = frozenset(("PR", "COMP_VALUE", "NUMBER", "TRUE", "FALSE", "NULL"))


@dataclass(frozen=True, slots=True)
class Literal:
    """What an attribute is compared with.

    *value* has the type of JSON; *text* is what stood there when it had no quotes, so
    that ``employeeNumber eq 0701`` can still mean text. A quoted one has no *text*.
    """

    value: str | bool | int | float | None
    text: str | None = None


class _LiteralLexer(Lexer):
    """The state after a comparison: exactly one literal, then names again."""

    tokens = {"COMP_VALUE", "WORD"}  # noqa: RUF012 - read by sly's metaclass
    ignore = " \t"

    @_(r'"(?:[^"\\]|\\.)*+"')
    def COMP_VALUE(self, token: Any) -> Any:  # noqa: N802
        token.value = Literal(string(token.value))
        self.begin(FilterLexer)
        return token

    @_(r'[^\s()\[\]"]+')
    def WORD(self, token: Any) -> Any:  # noqa: N802
        if token.value.upper() in _KEYWORDS:
            raise _unreadable(token.value, token.index)
        token.type, token.value = _word(token.value)
        self.begin(FilterLexer)
        return token

    def error(self, token: Any) -> None:
        raise _unreadable(token.value, token.index)


class FilterLexer(SCIMLexer):
    """The package's lexer, for everything but literals."""

    tokens = {*SCIMLexer.tokens, "COMPARISON"}  # noqa: RUF012
    del FALSE, TRUE, NULL, NUMBER, COMP_VALUE

    # An operator is no name: it is told apart here, and not by a table of spellings.
    ATTRNAME = rf"(?!{_COMPARISON})[a-zA-Z$][a-zA-Z0-9_$-]*"

    @_(r'[a-zA-Z][a-zA-Z0-9+.-]*:[^\s()\[\]"]*:')
    def SCHEMA_URI(self, token: Any) -> Any:  # noqa: N802, D102
        token.value = token.value[:-1]
        return token

    @_(_COMPARISON)
    def COMPARISON(self, token: Any) -> Any:  # noqa: N802, D102
        token.type = token.value.upper()
        self.begin(_LiteralLexer)
        return token

    def error(self, token: Any) -> None:  # noqa: D102
        raise _unreadable(token.value, token.index)


class FilterParser(SCIMParser):
    """The package's grammar with the precedence that the RFC asks for."""

    tokens = SCIMLexer.tokens
    precedence = (("left", "OR"), ("left", "AND"), ("right", "NOT"))
    track_positions = False

    filter = SCIMParser.filter.next_func  # all of its rules but the one for brackets

    @_("LPAREN filter RPAREN", "NOT filter")
    def filter(self, production: Any) -> ast.Filter:  # noqa: D102, F811
        return ast.Filter(production.filter, len(production) == 2, None)  # noqa: PLR2004

    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    def error(self, token: Any) -> None:  # noqa: D102
        if token is None:
            raise InvalidFilter("The filter ends too early (RFC 7644, 3.4.2.2).")
        raise _unreadable(str(token.value), token.index)


def parse(text: str) -> ast.Filter:
    """Return the syntax tree of a filter; the names in it are not looked up yet.

    A comparison ends in ``ast.CompValue`` holding a ``Literal``. Raises InvalidFilter
    when *text* is longer than 4,096 characters, nested deeper than 30 or no filter,
    and TooMany when it has more than 50 terms; nothing else, whatever the text.
    """
    refuse_long(text)
    tokens = list(FilterLexer().tokenize(text))
    _refuse_large(tokens)
    try:
        return FilterParser().parse(iter(tokens))
    except SCIMParserError:
        message = (
            "A filter in [brackets] belongs behind an attribute, not a part of it."
        )
        raise InvalidFilter(message) from None


def refuse_long(text: str) -> None:
    """Raise InvalidFilter when a filter is longer than 4,096 characters."""
    if len(text) > LONGEST_FILTER:
        message = f"The filter is longer than {LONGEST_FILTER} characters."
        raise InvalidFilter(message)


def string(quoted: str) -> str:
    """Decode a JSON string with its quotes; InvalidFilter when it is none."""
    inner = quoted[1:-1]
    if inner.isprintable() and "\\" not in inner:
        return inner
    try:
        decoded: str = json.loads(quoted)
    except ValueError:
        message = f"{_shown(quoted)} is no JSON string: check its backslashes."
        raise InvalidFilter(message) from None
    if _NUL_OR_SURROGATE.search(decoded):
        message = f"{_shown(quoted)} contains a character that no value can have."
        raise InvalidFilter(message)
    return decoded


def number(text: str) -> int | float | None:
    """Read a JSON number of at most 40 characters; None when *text* is none."""
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return None
    if match[2] is None and match[3] is None:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def _word(text: str) -> tuple[str, Literal]:
    """Return the token type and the literal of a word without quotes."""
    lower = text.lower()
    if lower in _WORDS:
        return lower.upper(), Literal(_WORDS[lower], text)
    if text.startswith("'"):
        raise InvalidFilter(f'Put {_shown(text)} into double quotes ("...").')
    if (value := number(text)) is not None:
        return "NUMBER", Literal(value, text)
    if _NUL_OR_SURROGATE.search(text):
        raise InvalidFilter("The filter contains a character that no value can have.")
    return "COMP_VALUE", Literal(text, text)


def _refuse_large(tokens: list[Any]) -> None:
    """Bound what the parser, and whoever walks its tree, will have to do."""
    if sum(1 for token in tokens if token.type in _OPERATORS) > MOST_TERMS:
        message = f"The filter has more than {MOST_TERMS} terms; ask in smaller parts."
        raise TooMany(message)
    if max(_depths(tokens), default=0) > DEEPEST_FILTER:
        message = f"The filter is nested deeper than {DEEPEST_FILTER} levels."
        raise InvalidFilter(message)


def _depths(tokens: list[Any]) -> Iterator[int]:
    """Yield how deep each token stands.

    ``not (`` is one level, a ``not`` before anything else counts until its term ends.
    """
    levels: list[int] = []
    negations = 0
    for token in tokens:
        if token.type == "NOT":
            negations += 1
        elif token.type in _OPENING:
            levels.append(max(negations, 1))
            negations = 0
        elif token.type in _CLOSING:
            negations = 0
            del levels[-1:]
        elif token.type in _TERM_ENDS:
            negations = 0
        yield sum(levels) + negations


def _unreadable(rest: str, index: int) -> InvalidFilter:
    message = (
        f"The filter cannot be read from character {index + 1} on, {_shown(rest)} "
        "(RFC 7644, 3.4.2.2)."
    )
    return InvalidFilter(message)


def _shown(text: str) -> str:
    """Quote *text* for a message, cut and in ASCII."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return json.dumps(cut)

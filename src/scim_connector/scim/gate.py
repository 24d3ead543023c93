"""The JSON gate: the only way from the bytes of a client to Python values.

Strict JSON (RFC 8259) in strict UTF-8, and stricter where a lenient reader would let
two readers disagree: no byte order mark, no member twice (also not in another case),
no NaN, integers of 64 bits, finite decimals, a cap on nesting, and in strings neither
control characters (tab and line ends apart), nor lone surrogates, nor noncharacters.
Everything else that is wrong with a body is found later, by ``resources`` and
``patch``.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scim_connector.scim.errors import InvalidSyntax

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

MAX_DEPTH: Final = 20
NO_BODY: Final = "The body is empty; send a JSON object."
_LONGEST_INTEGER: Final = 20
_INT64: Final = range(-(2**63), 2**63)
_SHOWN: Final = 40

_STRUCTURE: Final = re.compile(
    # A string, closed or cut off by the end (so that no quote is looked at twice),
    # or one bracket.
    rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]',
    re.DOTALL,
)
_PLANES: Final = "".join(
    f"{chr((plane << 16) + 0xFFFE)}{chr((plane << 16) + 0xFFFF)}" for plane in range(17)
)
_FORBIDDEN: Final = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufdd0-\ufdef{_PLANES}]"
)


def loads(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON value from *body*.

    Raises InvalidSyntax with the place and the reason, and nothing else, whatever the
    bytes are. *max_depth* bounds how deep objects and lists may be nested.
    """
    text = _decoded(body)
    _refuse_deep(body, max_depth)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidSyntax(f"The body is not JSON: {error.msg} ({place}).") from None
    except RecursionError:  # pragma: no cover - only with a very high max_depth
        raise InvalidSyntax("The body is nested too deeply.") from None
    if not body.isascii() or b"\\" in body:
        _refuse_characters(value)
    return value


def loads_object(body: bytes, *, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON object from *body*; InvalidSyntax when it is anything else."""
    value = loads(body, max_depth=max_depth)
    if not isinstance(value, dict):
        raise InvalidSyntax("The body must be one JSON object, in braces.")
    return value


def _decoded(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"The body is not UTF-8: byte {error.start} does not belong there."
        raise InvalidSyntax(message) from None
    if text.startswith("\ufeff"):
        raise InvalidSyntax("The body begins with a byte order mark; leave it out.")
    return text


def _refuse_deep(body: bytes, max_depth: int) -> None:
    """Refuse deep nesting before a recursive reader sees it."""
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return
    depth = 0
    for match in _STRUCTURE.finditer(body):
        first = match[0][:1]
        if first in b"[{":
            depth += 1
            if depth > max_depth:
                message = f"The body is nested deeper than {max_depth} levels."
                raise InvalidSyntax(message)
        elif first != b'"':
            depth -= 1


def _members(pairs: list[tuple[str, Any]]) -> Json:
    """Build one object; two readers must never see two different values."""
    members = dict(pairs)
    if len({name.casefold() for name in members}) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name.casefold() in seen:
                raise InvalidSyntax(f"The member {_shown(name)} occurs twice.")
            seen.add(name.casefold())
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _LONGEST_INTEGER else None
    if number is None or number not in _INT64:
        raise InvalidSyntax(f"The integer {_shown(digits)} does not fit in 64 bits.")
    return number


def _decimal(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidSyntax(f"The number {_shown(digits)} is too large.")
    return number


def _constant(word: str) -> NoReturn:
    raise InvalidSyntax(f"{word} is not JSON.")


def _refuse_characters(value: Any) -> None:
    """Look at every string, names included; the depth is bounded already."""
    match value:
        case str():
            if found := _FORBIDDEN.search(value):
                code = f"U+{ord(found[0]):04X}"
                raise InvalidSyntax(f"A string contains the character {code}.")
        case dict():
            for name, member in value.items():
                _refuse_characters(name)
                _refuse_characters(member)
        case list():
            for element in value:
                _refuse_characters(element)


def _shown(text: str) -> str:
    """Quote *text* for a message, cut and in ASCII."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return json.dumps(cut)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
)

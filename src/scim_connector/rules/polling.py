"""What a receiver asks for when it polls (RFC 8936 section 2.2), read with bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: So many tokens are in one answer at most, whatever is asked for.
MOST: Final = 100
#: So many tokens may be acknowledged and refused in one request.
MOST_NAMED: Final = 1000
_LONGEST_ID: Final = 200
_LONGEST_ERR: Final = 60
_LONGEST_WHY: Final = 200


class BadPoll(Exception):
    """A request that cannot be read; the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class Poll:
    """One request: how many tokens, whether to wait for one, and what became of others.

    *refused* has for each token why it was not taken.
    """

    most: int = MOST
    at_once: bool = False
    taken: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer: signed tokens by their ids, and whether there are more."""

    tokens: Mapping[str, str]
    more: bool


def read(body: Any) -> Poll:
    """Read a request; raises BadPoll.  Members that are not known are passed over."""
    if not isinstance(body, dict):
        raise BadPoll('Send a JSON object, for example {"returnImmediately": true}.')
    taken, refused = _taken(body.get("ack")), _refused(body.get("setErrs"))
    if len(taken) + len(refused) > MOST_NAMED:
        raise BadPoll(f"Acknowledge and refuse at most {MOST_NAMED} tokens at once.")
    most = _most(body.get("maxEvents"))
    # Who asks for nothing has nothing to wait for.
    at_once = most == 0 or _flag(body.get("returnImmediately"))
    return Poll(most, at_once, taken - refused.keys(), refused)


def _most(value: Any) -> int:
    if value is None:
        return MOST
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadPoll("maxEvents has to be a whole number, 0 or more.")
    return min(value, MOST)


def _flag(value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadPoll("returnImmediately has to be true or false.")
    return value


def _taken(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(map(_is_id, value)):
        raise BadPoll("ack has to be a list of the ids (jti) of tokens.")
    return frozenset(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID


def _refused(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(map(_is_id, value)):
        raise BadPoll("setErrs has to be an object with the ids (jti) of tokens.")
    return {jti: _why(error) for jti, error in value.items()}


def _why(error: Any) -> str:
    """What a receiver said of a token, on one line and not too long."""
    if not isinstance(error, dict) or not _is_text(error.get("err")):
        raise BadPoll("Each member of setErrs has to be an object with err, a text.")
    said = error.get("description")
    why = _plain(said, _LONGEST_WHY) if isinstance(said, str) else ""
    return f"{_plain(error['err'], _LONGEST_ERR)} {why}".strip()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _plain(text: str, longest: int) -> str:
    """A text without what no page and no database should be given."""
    return "".join(c if c.isprintable() else " " for c in text[:longest]).strip()

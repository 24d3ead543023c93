"""Comparing an answer with what a recorded exchange expects of it.

An expectation is JSON: an object is a subset of what must be there, everything else is
what must be equal. An object with a name that begins with ``$`` is a matcher; all of
them are in ``MATCHERS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

ABSENT: Final = object()
"""Stands for a member that is not there."""


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Return one line for each thing in *actual* that is not as *expected*."""
    return list(_differences(expected, actual, where or "the answer"))


def _differences(expected: Any, actual: Any, where: str) -> Iterator[str]:
    if _is_matcher(expected):
        yield from _matched(expected, actual, where)
    elif actual is ABSENT:
        yield f"{where} is missing"
    elif isinstance(expected, dict):
        yield from _members(expected, actual, where)
    elif isinstance(expected, list):
        yield from _elements(expected, actual, where)
    elif not _same(expected, actual):
        yield f"{where} is {actual!r}, not {expected!r}"


def _is_matcher(expected: Any) -> bool:
    names = expected if isinstance(expected, dict) else ()
    return any(name in MATCHERS for name in names)


def _matched(expected: dict[str, Any], actual: Any, where: str) -> Iterator[str]:
    for name, argument in expected.items():
        if actual is ABSENT and name != "$absent":
            yield f"{where} is missing"
        elif complaint := MATCHERS[name](argument, actual):
            yield f"{where} {complaint}"


def _members(expected: dict[str, Any], actual: Any, where: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield f"{where} is {actual!r}, not an object"
        return
    for name, value in expected.items():
        yield from _differences(value, actual.get(name, ABSENT), f"{where}.{name}")


def _elements(expected: list[Any], actual: Any, where: str) -> Iterator[str]:
    if not isinstance(actual, list):
        yield f"{where} is {actual!r}, not a list"
    elif len(actual) != len(expected):
        yield f"{where} has {len(actual)} elements, not {len(expected)}: {actual!r}"
    else:
        for place, (value, found) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(value, found, f"{where}[{place}]")


def _same(expected: Any, actual: Any) -> bool:
    """Equal and of one type: 1 is not true, and 1.0 is not 1."""
    return type(expected) is type(actual) and bool(expected == actual)


# ------------------------------------------------------------------------- matchers


def _any(kind: str, actual: Any) -> str | None:
    if _KINDS[kind](actual):
        return None
    return f"is {actual!r}, not any {kind}"


def _is_uuid(actual: Any) -> bool:
    try:
        return isinstance(actual, str) and str(UUID(actual)) == actual
    except ValueError:
        return False


def _is_date_time(actual: Any) -> bool:
    try:
        return isinstance(actual, str) and bool(datetime.fromisoformat(actual).tzinfo)
    except ValueError:
        return False


_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "value": lambda _: True,
    "string": lambda actual: isinstance(actual, str) and actual != "",
    "boolean": lambda actual: isinstance(actual, bool),
    "integer": lambda actual: type(actual) is int,
    "object": lambda actual: isinstance(actual, dict),
    "array": lambda actual: isinstance(actual, list),
    "uuid": _is_uuid,
    "dateTime": _is_date_time,
}


def _absent(_: bool, actual: Any) -> str | None:
    return None if actual is ABSENT else f"is {actual!r}, but should be absent"


def _matches(pattern: str, actual: Any) -> str | None:
    if isinstance(actual, str) and re.search(pattern, actual):
        return None
    return f"is {actual!r}, which {pattern!r} does not find"


def _contains(wanted: list[Any], actual: Any) -> str | None:
    """Each wanted element matches some element, in any order."""
    if not isinstance(actual, list):
        return f"is {actual!r}, not a list"
    for value in wanted:
        if all(differences(value, found) for found in actual):
            return f"is {actual!r}, without {value!r}"
    return None


def _lacks(unwanted: list[Any], actual: Any) -> str | None:
    for value in unwanted:
        if any(not differences(value, found) for found in actual):
            return f"is {actual!r}, with {value!r}"
    return None


def _only(members: dict[str, Any], actual: Any) -> str | None:
    """The members match, and there are no others."""
    found = differences(members, actual, "")
    more = set(actual) - set(members) if isinstance(actual, dict) else set()
    if not found and not more:
        return None
    return f"is not exactly as expected: {[*found, *sorted(more)]}"


def _length(count: int, actual: Any) -> str | None:
    if isinstance(actual, list | str) and len(actual) == count:
        return None
    return f"is {actual!r}, not {count} long"


def _differs(other: Any, actual: Any) -> str | None:
    return f"is {actual!r} still" if _same(other, actual) else None


MATCHERS: Final[dict[str, Callable[[Any, Any], str | None]]] = {
    "$any": _any,
    "$absent": _absent,
    "$matches": _matches,
    "$contains": _contains,
    "$lacks": _lacks,
    "$only": _only,
    "$length": _length,
    "$not": _differs,
}

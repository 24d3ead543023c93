"""Which attributes differ between two states of a resource, as PATCH names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

#: What the server adds by itself.
_NOBODYS: Final = frozenset({"schemas", "meta", "groups", "id"})


def paths(before: Json, after: Json) -> list[str]:
    """The paths (RFC 7644 section 3.5.2) of what was added, revised or removed, sorted.

    What came or went whole is named whole, otherwise sub-attributes are named; of an
    extension its attributes.  A multi-valued attribute is one path.
    """
    names = _differing(before, after) - _NOBODYS
    return sorted(path for name in names for path in _within(name, before, after))


def operations(names: Iterable[str], after: Json) -> list[Json]:
    """What makes *after* of the state before, for the paths that differ.

    Operations of a PATCH (RFC 7644 section 3.5.2): each value as it is, or its removal.
    """
    found = ((path, _at(after, path)) for path in names)
    return [
        {"op": "remove", "path": path}
        if value is None
        else {"op": "replace", "path": path, "value": value}
        for path, value in found
    ]


def _at(resource: Json, path: str) -> Any:
    """The value at a path that :func:`paths` gave; None where nothing is."""
    for name, inner in resource.items():
        if ":" in name and path.startswith(f"{name}:"):
            return _at(inner, path.removeprefix(f"{name}:"))
    name, _, part = path.partition(".")
    value = resource.get(name)
    if not part:
        return value
    return value.get(part) if isinstance(value, dict) else None


def _within(name: str, before: Json, after: Json) -> Iterator[str]:
    mine, other = before.get(name), after.get(name)
    if ":" in name:
        yield from (f"{name}:{path}" for path in paths(mine or {}, other or {}))
    elif isinstance(mine, dict) and isinstance(other, dict):
        yield from (f"{name}.{part}" for part in _differing(mine, other))
    else:
        yield name


def _differing(before: Json, after: Json) -> frozenset[str]:
    names = before.keys() | after.keys()
    return frozenset(name for name in names if before.get(name) != after.get(name))

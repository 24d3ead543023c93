"""Which attributes an answer contains (RFC 7644 section 3.9 and 3.4.2.5).

``attributes`` names what is wanted, ``excludedAttributes`` what is not. ``id`` and
``schemas`` are always there. When both are given, ``attributes`` alone decides. Names
that nothing declares are ignored, as the standard asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import paths
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

ALWAYS: Final = frozenset({"schemas", "id"})
MOST_NAMES: Final = 200

_FILTER: Final = re.compile(r"\[[^\]]*\]")
Tree = dict[str, "Tree | None"]
"""Names to the names below them; None for the whole attribute."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What to show of a resource. The default shows all of it."""

    included: Tree | None = None
    excluded: Tree | None = None

    @property
    def is_default(self) -> bool:
        """True when a resource is answered as it is stored."""
        return self.included is None and not self.excluded

    def apply(self, resource: Json) -> Json:
        """Return the part of *resource* that is to be shown; it is not changed."""
        if self.included is not None:
            wanted: Tree = {**self.included, **dict.fromkeys(ALWAYS)}
            return _only(wanted, resource)
        return _without(self.excluded or {}, resource)

    def asks_for(self, urn: str, name: str) -> bool:
        """Say whether an attribute of an extension is asked for by its own name.

        Only then is one that is returned on request shown (RFC 7643 section 7).
        """
        below = (self.included or {}).get(urn)
        return below is not None and name in below

    def shows(self, name: str) -> bool:
        """Say whether anything of the core attribute *name* is shown."""
        if self.included is not None:
            return name in self.included or name in ALWAYS
        return (self.excluded or {}).get(name, {}) is not None


ALL: Final = Projection()
"""Everything that is returned by default."""


def parse(
    attributes: str | Iterable[str] | None,
    excluded: str | Iterable[str] | None,
    resource_type: ResourceType,
) -> Projection:
    """Read both parameters: comma-separated text, or a list of names.

    A filter inside a name (``emails[type eq "work"]``, as Microsoft's test collection
    sends it) is left out of account: the whole attribute is meant.
    """
    if not attributes and not excluded:
        return ALL
    wanted = _names(attributes)
    if wanted:
        return Projection(included=_tree(wanted, resource_type))
    unwanted = _tree(_names(excluded), resource_type)
    kept = {name: below for name, below in unwanted.items() if name not in ALWAYS}
    return Projection(excluded=kept or None)


def _names(given: str | Iterable[str] | None) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given or ())
    bare = [_FILTER.sub("", text) for text in texts]
    names = [name.strip() for text in bare for name in text.split(",")]
    return [name for name in names if name][:MOST_NAMES]


def _tree(names: list[str], resource_type: ResourceType) -> Tree:
    tree: Tree = {}
    for name in names:
        try:
            path = paths.bind(name, resource_type)
        except ScimError:
            continue
        _plant(tree, _steps(path))
    return tree


def _steps(path: paths.Path) -> list[str]:
    steps = [path.extension, path.attribute.name, path.sub and path.sub.name]
    return [step for step in steps if step]


def _plant(tree: Tree, steps: list[str]) -> None:
    """Add one name; a whole attribute stays whole."""
    first, *rest = steps
    if not rest:
        tree[first] = None
        return
    below = tree.setdefault(first, {})
    if below is not None:
        _plant(below, rest)


def _only(tree: Tree, value: Json) -> Json:
    kept: Json = {}
    for name, member in value.items():
        if name in tree:
            below = tree[name]
            part = member if below is None else _each(_only, below, member)
            if part not in ({}, []):
                kept[name] = part
    return kept


def _without(tree: Tree, value: Json) -> Json:
    kept: Json = {}
    for name, member in value.items():
        below = tree.get(name, {})
        if below is None:
            continue
        part = _each(_without, below, member) if below else member
        if part not in ({}, []):
            kept[name] = part
    return kept


def _each(cut: Any, tree: Tree, member: Any) -> Any:
    """Cut an object, or each object of a list; empty ones go."""
    if isinstance(member, dict):
        return cut(tree, member)
    if not isinstance(member, list):
        return member
    parts = [_each(cut, tree, element) for element in member]
    return [part for part in parts if part != {}]

"""Editing the elements of a multi-valued attribute (RFC 7644 section 3.5.2).

One rule for each of the three operations, with and without a filter, with and
without a sub-attribute; the present list is never changed in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import filters, values
from scim_connector.scim.errors import InvalidSyntax, InvalidValue, NoTarget
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.messages import Op
    from scim_connector.scim.paths import Path
    from scim_connector.scim.types import Json
    from scim_connector.scim.values import Reading

_LABELS: Final = {"type", "primary"}
"""What is left of an element that says nothing any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One operation on one multi-valued attribute."""

    op: Op
    path: Path
    raw: Any
    has_value: bool
    reading: Reading

    @property
    def _attribute(self) -> Attribute:
        return self.path.attribute

    def applied_to(self, present: list[Any]) -> list[Any]:
        """Return the elements after the operation."""
        if self.path.filter is None and self.path.sub is None:
            after = self._whole(present)
        elif self._clears:
            after = self._removed(present)
        else:
            after = self._changed(present)
        most = values.most_values(self._attribute)
        values.refuse_more_than(most, len(after), self.path.name)
        return _with_one_primary(present, after, self.path.name)

    @property
    def _clears(self) -> bool:
        """True for a removal, also in the form of an empty value (quirk 12)."""
        return self.op == "remove" or values.is_absent(self.raw)

    def _whole(self, present: list[Any]) -> list[Any]:
        """Add to, replace or remove from the whole attribute."""
        if self.op == "remove":
            return self._without_listed(present)
        given = self.given()
        return self._joined(present, given) if self.op == "add" else given

    def given(self) -> list[Any]:
        """Read the elements that an add or a replacement brings."""
        read = values.read(
            self._attribute, self.raw, self.path.name, self.reading, lone=True
        )
        return read or []

    def _joined(self, present: list[Any], given: list[Any]) -> list[Any]:
        """Add elements; one that is there already is brought up to date (quirk 7)."""
        after = list(present)
        places = {self._identity(element): at for at, element in enumerate(after)}
        for element in given:
            place = places.get(self._identity(element))
            if place is None:
                places[self._identity(element)] = len(after)
                after.append(element)
            elif isinstance(element, dict):
                after[place] = {**after[place], **element}
        return after

    def _identity(self, element: Any) -> tuple[Any, ...]:
        """What makes two elements the same: value and type (RFC 7643 section 2.4)."""
        if not isinstance(element, dict):
            return (self._key("value", element),)
        if "value" in element:
            return self._keys(element, ("value", "type"))
        names = tuple(sorted(element))
        return (names, *self._keys(element, names))

    def _key(self, name: str, value: Any) -> Any:
        described = self._attribute.sub(name) or self._attribute
        exact = described.case_exact or not isinstance(value, str)
        return value if exact else text_key(value)

    def _without_listed(self, present: list[Any]) -> list[Any]:
        """Remove all, or only the elements that the value lists (quirk 10)."""
        if not self.names_some:
            return []
        listed: dict[tuple[str, ...], set[Any]] = {}
        for element in self.listed():
            names, keys = self._described(element)
            listed.setdefault(names, set()).add(keys)
        return [element for element in present if not self._is_meant(element, listed)]

    @property
    def names_some(self) -> bool:
        """True for a removal that lists what is to go (quirk 10)."""
        return self.has_value and self.raw is not None

    def listed(self) -> list[Any]:
        """Read the elements that a removal lists; InvalidSyntax where it may not."""
        if not self.reading.tolerates("remove-with-value"):
            message = (
                f"A removal of {self.path.name} takes no value; name what is to go "
                f'with a filter, such as {self.path.name}[value eq "..."].'
            )
            raise InvalidSyntax(message)
        return [self._listed(raw) for raw in self._raws()]

    def _raws(self) -> list[Any]:
        raws = self.raw if isinstance(self.raw, list) else [self.raw]
        most = values.most_values(self._attribute)
        values.refuse_more_than(most, len(raws), self.path.name)
        return [raw for raw in raws if not values.is_absent(raw)]

    def _listed(self, raw: Any) -> Any:
        """Read one listed element; a bare string is its value."""
        is_bare = self._attribute.type == "complex" and isinstance(raw, str)
        given = {"value": raw} if is_bare else raw
        return values.read_one(self._attribute, given, self.path.name, self.reading)

    def _described(self, listed: Any) -> tuple[tuple[str, ...], Any]:
        """Return by which members a listed element names others, and their keys.

        By value, and type if it is given; without a value by all that is given.
        """
        if not isinstance(listed, dict):
            return (), self._key("value", listed)
        names = tuple(name for name in ("value", "type") if name in listed)
        if "value" not in listed:
            names = tuple(sorted(listed))
        return names, self._keys(listed, names)

    def _keys(self, element: Json, names: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(self._key(name, element.get(name)) for name in names)

    def _is_meant(self, element: Any, listed: dict[tuple[str, ...], set[Any]]) -> bool:
        if not isinstance(element, dict):
            return self._key("value", element) in listed.get((), ())
        return any(
            self._keys(element, names) in keys
            for names, keys in listed.items()
            if names
        )

    def _places(self, present: list[Any]) -> list[int]:
        """Return where the elements are that the path selects."""
        expression = self.path.filter
        if expression is None:
            return list(range(len(present)))
        return [
            place
            for place, element in enumerate(present)
            if filters.matches_element(expression, self._attribute, _object(element))
        ]

    def _removed(self, present: list[Any]) -> list[Any]:
        places = self._places(present)
        if self.path.filter and not places:
            if not self.reading.tolerates("remove-absent"):
                raise NoTarget(f"The filter matches none of the {self.path.name}.")
            return present
        after: list[Any] = list(present)
        for place in places:
            after[place] = self._left_of(after[place])
        return [element for element in after if element is not None]

    def _left_of(self, element: Any) -> Any:
        """Return what a removal leaves of one element, None for nothing."""
        sub = self.path.sub
        if sub is None or not isinstance(element, dict):
            return None
        if sub.name not in element:
            return element
        rest = {name: element[name] for name in element if name != sub.name}
        return rest if rest.keys() - _LABELS else None

    def _changed(self, present: list[Any]) -> list[Any]:
        """Set members of the selected elements, or make the missing element."""
        members = self._members()
        places = self._places(present)
        if members is None:
            return present
        if not places:
            return [*present, self._made(members)]
        after = list(present)
        for place in places:
            after[place] = self._next(after[place], members)
        return after

    def _members(self) -> Any:
        """Read what is to be set: one sub-attribute, or a whole element."""
        raw = self.raw
        if self.path.sub:
            raw = {self.path.sub.name: raw}
        elif isinstance(raw, list):
            if len(raw) != 1:
                message = f"{self.path.name} with a filter takes one value, not a list."
                raise InvalidValue(message)
            raw = raw[0]
        return values.read_one(self._attribute, raw, self.path.name, self.reading)

    def _next(self, element: Any, members: Any) -> Any:
        if not isinstance(members, dict):
            return members
        if self.path.sub or self.op == "add":
            return {**element, **members}
        return {**self._stamp(), **members}

    def _made(self, members: Any) -> Any:
        """Make the element that the filter describes (quirk 5)."""
        if self.path.filter is None:
            return members
        terms = self.path.terms()
        if terms is None or not self.reading.tolerates("filtered-path-creates"):
            raise NoTarget(f"The filter matches none of the {self.path.name}.")
        if not isinstance(members, dict):
            return members
        return {**self._stamp(), **members}

    def _stamp(self) -> Json:
        """Return the members that an element has because the filter asks for them."""
        stamped = {sub.name: raw for sub, raw in self.path.terms() or ()}
        read = values.read_one(self._attribute, stamped, self.path.name, self.reading)
        return read or {}


def _object(element: Any) -> Json:
    """Show an element to a filter; one without sub-attributes has a value."""
    return element if isinstance(element, dict) else {"value": element}


def _with_one_primary(present: list[Any], after: list[Any], path: str) -> list[Any]:
    """Let a new primary element demote the old one (RFC 7644 section 3.5.2)."""
    primaries = [
        place
        for place, element in enumerate(after)
        if isinstance(element, dict) and values.is_primary(element)
    ]
    if len(primaries) <= 1:
        return after
    known = {id(element) for element in present}
    fresh = [place for place in primaries if id(after[place]) not in known]
    if len(fresh) != 1:
        values.refuse_two_primaries(after, path)
    return [
        {**element, "primary": False}
        if place in primaries and place not in fresh
        else element
        for place, element in enumerate(after)
    ]

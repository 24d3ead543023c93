"""Where a filter looks: in a search document, in an element of it, or in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scim_connector.directory.search_json import Clause, Documents


class Place(Protocol):
    """Something that has values under keys; *path* are the keys that lead to it."""

    @property
    def is_resource(self) -> bool:
        """True for the whole resource, which has columns beside its document."""

    @property
    def path(self) -> tuple[str, ...]:
        """The keys from the resource to here."""

    def value(self, keys: Sequence[str], kind: str) -> Clause:
        """Return the value there, of the attribute type *kind*; NULL when absent."""

    def present(self, keys: Sequence[str]) -> Clause:
        """Say whether anything is there; never NULL."""

    def below(self, keys: Sequence[str]) -> Place:
        """Return the complex value there as a place."""

    def each(self, keys: Sequence[str]) -> Each:
        """Return the elements of the list there."""


@dataclass(frozen=True, slots=True)
class Each:
    """The elements of a list: what to select from, and one of them as a place.

    *owned* ties them to the row that is judged, where they do not come from it.
    """

    source: Clause
    place: Place
    owned: Clause | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A search document, or an element in one; *prefix* leads to the value meant."""

    documents: Documents
    document: Clause
    prefix: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    is_resource: bool = False

    def value(self, keys: Sequence[str], kind: str) -> Clause:
        """Return the value there."""
        return self.documents.value(self.document, (*self.prefix, *keys), kind)

    def present(self, keys: Sequence[str]) -> Clause:
        """Say whether anything is there."""
        return self.documents.present(self.document, (*self.prefix, *keys))

    def below(self, keys: Sequence[str]) -> Place:
        """Return the same document, looked into further down."""
        return replace(
            self,
            prefix=(*self.prefix, *keys),
            path=(*self.path, *keys),
            is_resource=False,
        )

    def each(self, keys: Sequence[str]) -> Each:
        """Return the elements of the list there."""
        inside = (*self.prefix, *keys)
        elements, element = self.documents.each(self.document, inside)
        path = (*self.path, *keys)
        return Each(elements, Document(self.documents, element, path=path))


@dataclass(frozen=True, slots=True)
class Row:
    """An element that is a row of a table of its own: it has simple values alone."""

    values: Mapping[str, Clause]
    path: tuple[str, ...]
    is_resource: bool = False

    def value(self, keys: Sequence[str], kind: str) -> Clause:
        """Return the column; every attribute type is stored as it is compared."""
        (key,) = keys
        return self.values[key]

    def present(self, keys: Sequence[str]) -> Clause:
        """Say whether the column has a value."""
        return self.value(keys, "").is_not(None)

    def below(self, keys: Sequence[str]) -> Place:
        """Raise LookupError: no value of a row has parts."""
        raise LookupError(keys)

    def each(self, keys: Sequence[str]) -> Each:
        """Raise LookupError: no value of a row is a list."""
        raise LookupError(keys)

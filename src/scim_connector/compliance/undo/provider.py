"""What a provider would write over again, once a value is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.accounts import representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.accounts.settling import is_candidate
from scim_connector.directory import connections, links
from scim_connector.mapping.drafts import derive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim_connector.accounts.settling import Field
    from scim_connector.compliance.undo.values import Change, Planned
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.mapping.drafts import Derived

_PLAIN: Final = ("first_name", "last_name", "email")
_CHOSEN: Final[tuple[Field, ...]] = ("username", "initials")


def note_again(reader: Reader, people: Iterable[Planned]) -> None:
    """Mark what the applied mapping would give otherwise, of what a provider manages.

    A field of ``apply = "on_create"`` is never written over, nor one that is overridden;
    any other is as soon as the provider sends something the mapping reads (D19).
    """
    known: dict[int, Connection] = {}
    for planned in people:
        if not planned.open:
            continue
        link = links.of_user(reader, planned.user.id)
        if link is None:
            continue
        if link.connection_id not in known:
            found = connections.required(reader, link.connection_id)
            known[link.connection_id] = found
        planned.connection = known[link.connection_id]
        mapping = mapping_of(reader, planned.connection)
        derived = derive(mapping, representation.stated(link))
        for change in planned.open:
            change.again = _is_written_again(planned, change, derived)


def _is_written_again(planned: Planned, change: Change, derived: Derived) -> bool:
    name = change.field
    if name in planned.user.overridden and not change.move.overrode:
        return False
    if name in _PLAIN:
        return (getattr(derived, name) or "") != change.then
    for field in _CHOSEN:
        if name == field:
            choices = getattr(derived, field)
            if choices.stated is not None:
                return bool(choices.stated != change.then)
            is_always = choices.apply == "always"
            return is_always and not is_candidate(field, change.then, choices)
    return False

"""The guard of a connection against mass changes: set, looked at, and approved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scim_connector.administration.connections import tell
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, mass_changes, request_log
from scim_connector.rules import guard

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.mass_changes import MassChange
    from scim_connector.directory.request_log import Entry

#: The reason in the log of what was held back.
HELD = "HeldBack"
#: An approval lasts so long without another word.
APPROVED_FOR = 24 * guard.HOUR


@dataclass(frozen=True, slots=True)
class Seen:
    """A mass change, with its connection and what it is in words."""

    change: MassChange
    connection: str
    sentence: str


def set_threshold(
    tx: Transaction,
    connection: Connection,
    kind: str,
    changes: Mapping[str, Any],
    act: Act,
) -> guard.Threshold:
    """Set a threshold of one kind; raises NotPossible for numbers that cannot be."""
    # As it is now: another kind may have been set since the connection was read.
    stored = connections.required(tx, connection.id).guard
    known = guard.thresholds(stored)
    if kind not in known:
        raise NotPossible(f"{kind} is not watched; these are: {', '.join(known)}.")
    new = guard.Threshold(**(asdict(known[kind]) | dict(changes)))
    for name, (least, most) in guard.BOUNDS.items():
        if not least <= getattr(new, name) <= most:
            message = (
                f"{name} of {kind.replace('_', ' ')} is from {least:,} to {most:,}"
            )
            raise NotPossible(f"{message}.")
    if new != known[kind]:
        changed = {**stored, kind: asdict(new)}
        connections.change(tx, connection.id, {"guard": changed})
        tell(tx, "guard:changed", connection.id, act, kind=kind, **asdict(new))
    return new


def approve(
    tx: Transaction,
    connection: Connection,
    kinds: Collection[str],
    act: Act,
    *,
    lasts: int = APPROVED_FOR,
) -> list[str]:
    """Let what is held back pass for a while; returns the kinds.

    Without *kinds* it is what is held now; a kind that is named may be approved ahead.
    Raises NotPossible where there is nothing to approve.
    """
    unknown = [kind for kind in kinds if kind not in guard.KINDS]
    if unknown:
        known = ", ".join(guard.KINDS)
        raise NotPossible(f"{unknown[0]} is not watched; these are: {known}.")
    held = [each.kind for each in mass_changes.held(tx, connection.id)]
    approved = list(dict.fromkeys(kinds or held))
    if not approved:
        message = f"{connection.name} holds nothing back"
        raise NotPossible(f"{message}; name the kind to approve it ahead.")
    for kind in approved:
        by, until = str(act.actor), act.now + lasts
        mass_changes.approve(tx, connection.id, kind, by=by, until=until, now=act.now)
        facts = {"kind": kind, "until": until, "held": kind in held}
        tell(tx, "mass_change:approved", connection.id, act, **facts)
    return approved


def seen(reader: Reader, *, since: int) -> list[Seen]:
    """What is held back now, first, and what was seen since an instant."""
    names = {each.id: each.name for each in connections.every(reader)}
    found = [
        Seen(each, names[each.connection_id], _sentence(each, names))
        for each in mass_changes.listed(reader, since=since)
    ]
    return sorted(found, key=lambda each: not each.change.is_held)


def _sentence(each: MassChange, names: Mapping[int, str]) -> str:
    name, what = names[each.connection_id], guard.HAPPENED[each.kind]
    if not each.is_held:
        return f"More than {each.most:,} people {what} through {name}."
    loud = ""
    if each.kind == "deactivations":
        loud = " Whom it wants to deactivate keeps all access until then."
    return (
        f"{name} holds {each.kind.replace('_', ' ')} back until somebody approves:"
        f" more than {each.most:,} people {what}.{loud}"
    )


def waiting(reader: Reader, connection: Connection, *, since: int) -> Sequence[Entry]:
    """The requests that were held back and have not succeeded since, by person."""
    found = request_log.open_failures(reader, since=since)
    return [
        each
        for each in found
        if each.connection_id == connection.id and each.reason == HELD
    ]

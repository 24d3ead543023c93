"""The conflict queue as a person works through it: what waits, and deciding it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.administration import remedies
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.remedies import Facts, Remedy
from scim_connector.directory import audit, conflicts, connections, request_log, users
from scim_connector.directory.conflicts import Conflict, Query
from scim_connector.rules.events import Event
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.users import User

__all__ = ["KINDS", "Done", "Kind", "Listed", "Query"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry: what people call it, what it means, and what decides it."""

    id: str
    label: str
    sentence: str
    remedies: tuple[Remedy, ...] = (remedies.IGNORE,)


#: Every kind of entry by its id, in the order in which they are worth deciding.
KINDS: Final[Mapping[str, Kind]] = {
    kind.id: kind
    for kind in (
        Kind(
            "email_taken",
            "The address belongs to somebody else",
            "The provider wants to create a person whose email address a local user has;"
            " it is refused until somebody says whether they are one person.",
            (
                remedies.LINK,
                remedies.REACTIVATE_AND_LINK,
                remedies.SAME_PERSON,
                remedies.OTHER_PERSON,
                remedies.CHANGE_EMAIL,
                remedies.IGNORE,
            ),
        ),
        Kind(
            "inactive_match",
            "The person exists here and is inactive",
            "The provider wants to create a person who matches an inactive local user;"
            " it is refused, because nobody inactive is linked by itself.",
            (
                remedies.LINK,
                remedies.REACTIVATE_AND_LINK,
                remedies.SAME_PERSON,
                remedies.OTHER_PERSON,
                remedies.CHANGE_EMAIL,
                remedies.CHANGE_USERNAME,
                remedies.IGNORE,
            ),
        ),
        Kind(
            "possible_duplicate",
            "The new user may exist already",
            "The provider created a person whose username a local user without a provider"
            " has; the new one was given another. They may be one person.",
            (remedies.UNLINK_AND_LINK, remedies.LINK, remedies.IGNORE),
        ),
        Kind(
            "roles_to_approve",
            "Roles wait for approval",
            "A removed person came back; the roles they had been given here were not"
            " given again.",
            (remedies.APPROVE_ROLES, remedies.IGNORE),
        ),
        Kind(
            "kept_value",
            "A value of the provider was not taken",
            "The provider ended somebody's access and sent a value that breaks a rule;"
            " the access ended and the present value is kept. Correct it at the"
            " provider, or the person cannot be made active there again.",
        ),
        Kind(
            "decided",
            "Decided; the provider's next try is due",
            "Somebody said who the identity is; the provider's next try carries it out.",
            (remedies.WITHDRAW,),
        ),
    )
}


def kind_of(entry: Conflict) -> Kind:
    """The kind of an entry; one that is not in the table can be ignored."""
    return KINDS.get(entry.kind) or Kind(entry.kind, entry.kind, entry.detail)


# ---------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list.

    ``user`` is the local user it is about; ``request_id`` the last request of the
    provider that met it, as long as the log keeps it.
    """

    entry: Conflict
    kind: Kind
    connection: str
    user: User | None
    request_id: str | None


def listed(reader: Reader, query: Query) -> list[Listed]:
    """The entries a query fits, the latest first; five statements, however many."""
    found = conflicts.search(reader, query)
    names = {c.id: c.name for c in connections.every(reader)}
    people = users.by_ids(reader, {entry.user_id for entry in found if entry.user_id})
    requests = _requests(reader, found)
    return [
        Listed(
            entry,
            kind_of(entry),
            names.get(entry.connection_id, ""),
            people.get(entry.user_id or 0),
            requests.get(_meeting(entry)),
        )
        for entry in found
    ]


def _meeting(entry: Conflict) -> tuple[int, int, str]:
    return entry.connection_id, entry.last_seen_at, entry.identity


def _requests(
    reader: Reader, entries: Sequence[Conflict]
) -> dict[tuple[int, int, str], str]:
    """The request behind each entry: both are written with the instant it came."""
    rows = request_log.met_at(
        reader,
        sorted({entry.connection_id for entry in entries}),
        sorted({entry.last_seen_at for entry in entries}),
    )
    return {(c, at, text_key(who or "")): id_ for c, at, who, id_ in rows}


def find(reader: Reader, conflict_id: int) -> Conflict:
    """The entry of this id; raises NotPossible."""
    found = conflicts.by_id(reader, conflict_id)
    if found is None:
        message = f"There is no entry {conflict_id}; look at those that wait."
        raise NotPossible(message, "conflict list --all")
    return found


def shown(reader: Reader, entry: Conflict) -> Listed:
    """One entry as a list shows it."""
    connection = connections.required(reader, entry.connection_id)
    user = users.by_id(reader, entry.user_id) if entry.user_id else None
    request_id = _requests(reader, [entry]).get(_meeting(entry))
    return Listed(entry, kind_of(entry), connection.name, user, request_id)


def fitting(reader: Reader, entry: Conflict) -> tuple[Remedy, ...]:
    """The remedies of an open entry that can be carried out as things stand."""
    if entry.resolved_at is not None:
        return ()
    facts = Facts.of(reader, entry)
    return tuple(r for r in kind_of(entry).remedies if r.unfit(facts) is None)


def unfitting(reader: Reader, entry: Conflict) -> tuple[tuple[Remedy, str], ...]:
    """The other remedies of an open entry, each with why it cannot be carried out."""
    if entry.resolved_at is not None:
        return ()
    facts = Facts.of(reader, entry)
    judged = ((each, each.unfit(facts)) for each in kind_of(entry).remedies)
    return tuple((each, why) for each, why in judged if why is not None)


# --------------------------------------------------------------------------- deciding


@dataclass(frozen=True, slots=True)
class Done:
    """A decided entry, and what was done in a sentence."""

    entry: Conflict
    remedy: Remedy
    sentence: str


def decide(
    tx: Transaction,
    conflict_id: int,
    remedy_id: str,
    values: Mapping[str, str],
    act: Act,
) -> Done:
    """Carry one remedy out and close the entry with who decided, and when.

    *values* holds what the remedy takes ("email", "username").  Raises NotPossible with
    what to do instead, or RulesViolated with the rules a value breaks.
    """
    entry = find(tx, conflict_id)
    facts, remedy = _possible(tx, entry, remedy_id)
    value = _value(remedy, values)
    done = remedy.work(tx, facts, value, act)
    conflicts.resolve(tx, entry.id, f"{done}, by {act.actor}", now=act.now)
    _tell(tx, entry, remedy, done, act)
    return Done(entry, remedy, f"{entry.identity}: {done}.")


def why_not(reader: Reader, entry: Conflict, remedy_id: str) -> str | None:
    """Why a remedy cannot decide an entry as things stand; None where it can."""
    try:
        _possible(reader, entry, remedy_id)
    except NotPossible as refusal:
        return str(refusal)
    return None


def _possible(reader: Reader, entry: Conflict, remedy_id: str) -> tuple[Facts, Remedy]:
    """The remedy, and what it works on; raises NotPossible with what to do instead."""
    if entry.resolved_at is not None:
        message = f"Entry {entry.id} is closed already"
        raise NotPossible(f"{message}: {entry.resolution}.")
    possible = {each.id: each for each in kind_of(entry).remedies}
    found = possible.get(remedy_id)
    if found is None:
        names = ", ".join(possible)
        message = f'"{remedy_id}" decides nothing about entry {entry.id}'
        raise NotPossible(f"{message}; choose one of: {names}.")
    facts = Facts.of(reader, entry)
    why = found.unfit(facts)
    if why is not None:
        raise NotPossible(why)
    return facts, found


def _value(remedy: Remedy, values: Mapping[str, str]) -> str:
    if remedy.takes is None:
        return ""
    value = values.get(remedy.takes, "").strip()
    if not value:
        message = f"{remedy.id} needs the new {remedy.takes} of the local user."
        raise NotPossible(
            message, f"conflict decide ID {remedy.id} --{remedy.takes} NEW"
        )
    return value


def _tell(
    tx: Transaction, entry: Conflict, remedy: Remedy, done: str, act: Act
) -> None:
    facts = {
        "conflict": entry.id,
        "kind": entry.kind,
        "identity": entry.identity,
        "decision": remedy.id,
        "done": done,
    }
    audit.record(
        tx,
        [Event("conflict:decided", facts)],
        at=act.now,
        actor=act.actor,
        connection_id=entry.connection_id,
        user_id=entry.user_id,
    )

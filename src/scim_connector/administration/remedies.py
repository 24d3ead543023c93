"""What a person may do about an entry of the conflict queue.

A remedy is a value: what it is called, what follows from it, when it fits, and how it is
carried out, always through the same doors as everything else a person does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, connections, links, roles, users
from scim_connector.rules import folding

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.conflicts import Conflict
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User

Value = Literal["email", "username"]

_NOBODY = "The local user of this entry is not known any more."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about an entry when somebody decides it.

    ``user`` is the local user it is about and ``link`` the live link that stands for
    them; ``removed`` says that a DELETE of this connection hid a link of theirs.
    ``standing`` is the live link of the identity itself and ``newcomer`` the other user
    it stands for: whom the provider's request made beside the one it is about.
    """

    entry: Conflict
    connection: Connection
    user: User | None
    link: Link | None
    removed: bool
    standing: Link | None
    newcomer: User | None

    @classmethod
    def of(cls, reader: Reader, entry: Conflict) -> Facts:
        """Read what the remedies of an entry depend on."""
        connection = connections.required(reader, entry.connection_id)
        user = users.by_id(reader, entry.user_id) if entry.user_id else None
        standing = _standing(reader, entry)
        made = standing.user_id if standing else None
        return cls(
            entry,
            connection,
            user,
            links.of_user(reader, user.id) if user else None,
            user is not None and links.was_removed(reader, connection.id, user.id),
            standing,
            users.by_id(reader, made) if made and made != entry.user_id else None,
        )

    @property
    def identity(self) -> str:
        """The folded userName the provider's next request will bring."""
        return self.standing.user_name_key if self.standing else self.entry.identity

    def known(self) -> User:
        """The local user, where a remedy fits only if there is one."""
        if self.user is None:
            raise NotPossible(_NOBODY)
        return self.user


def _standing(reader: Reader, entry: Conflict) -> Link | None:
    """The live link of the identity, by the SCIM id if its userName has changed."""
    where, scim_id = entry.connection_id, entry.link_id
    found = links.by_id(reader, where, scim_id) if scim_id else None
    return found or links.live_by_user_name(reader, where, entry.identity)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to decide an entry.

    ``consequence`` says what follows; ``takes`` is the value that has to be given with
    it.  ``unfit`` says why it does not fit, or None; ``work`` carries it out and returns
    what was done, as the second half of a sentence.
    """

    id: str
    label: str
    consequence: str
    unfit: Callable[[Facts], str | None]
    work: Callable[[Transaction, Facts, str, Act], str]
    takes: Value | None = None


# ------------------------------------------------------------------------ when it fits


def _always(_: Facts) -> str | None:
    return None


def _needs_free_user(facts: Facts) -> str | None:
    """Only somebody whom nothing stands for can become the identity."""
    if facts.user is None:
        return _NOBODY
    if facts.link is None or _taken_over(facts):
        return None
    name = facts.user.username
    return f"{name} is linked already; unlink them first."


def _taken_over(facts: Facts) -> bool:
    """Whether the connection moves the user's link to itself once they are active."""
    former = facts.link.connection_id if facts.link else None
    return facts.entry.kind == "inactive_match" and (
        former is not None and former == facts.connection.takes_over
    )


def _needs_free_identity(facts: Facts) -> str | None:
    why = _needs_free_user(facts)
    if why is None and facts.newcomer is not None:
        name = facts.newcomer.username
        why = f"{facts.identity} stands for {name}; unlink them first."
    return why


def _needs_active(facts: Facts) -> str | None:
    return _needs_free_identity(facts) or _needs_activity(facts)


def _needs_activity(facts: Facts) -> str | None:
    if facts.known().active:
        return None
    name = facts.known().username
    return f"{name} is inactive; reactivate them first."


def _needs_inactive(facts: Facts) -> str | None:
    why = _needs_free_identity(facts)
    if why is None and facts.known().active:
        why = f"{facts.known().username} is active; link them instead: link"
    return why


def _needs_left_here(facts: Facts) -> str | None:
    """Somebody inactive whom no DELETE of this connection removed."""
    why = _needs_inactive(facts)
    if why is None and facts.removed:
        name = facts.known().username
        why = f"{name} was removed by this connection: same_person brings them back."
    return why


def _needs_removed(facts: Facts) -> str | None:
    """Somebody whom a DELETE of this connection removed (decision 12)."""
    why = _needs_inactive(facts)
    if why is None and not facts.removed:
        why = f"{facts.connection.name} never removed {facts.known().username}."
    return why


def _met_by_username(facts: Facts) -> bool:
    """Whether it is the username that the connection matches people by."""
    by_username = facts.connection.link_existing == "username"
    return facts.entry.kind == "inactive_match" and by_username


def _needs_clash_of_email(facts: Facts) -> str | None:
    if _met_by_username(facts):
        return "It is the username that matches; change that: change_username"
    return _needs_own_field(facts, "address")


def _needs_own_field(facts: Facts, field: str) -> str | None:
    """A field that a provider manages is changed there."""
    if facts.user is None:
        return _NOBODY
    if facts.link is None:
        return None
    name = facts.user.username
    message = f"{name} is managed by a provider; change the {field} there"
    return f"{message}, or edit the user here against the provider."


def _needs_other_email(facts: Facts) -> str | None:
    why = _needs_clash_of_email(facts)
    if why is None and _needs_removed(facts) is None:
        why = f"{facts.known().username} was removed here; decide: other_person"
    return why


def _needs_other_person(facts: Facts) -> str | None:
    return _needs_clash_of_email(facts) or _needs_removed(facts)


def _needs_clash_of_username(facts: Facts) -> str | None:
    if not _met_by_username(facts):
        return "It is not the username that matches."
    return _needs_own_field(facts, "username")


def _needs_newcomer(facts: Facts) -> str | None:
    why = _needs_free_user(facts) or _needs_activity(facts)
    if why is None and facts.newcomer is None:
        why = "The user made by mistake is linked no more; link the identity: link"
    return why


def _needs_roles(facts: Facts) -> str | None:
    return None if facts.user else _NOBODY


# ------------------------------------------------------------------------ what it does


def _link(tx: Transaction, facts: Facts, _: str, act: Act) -> str:
    user = facts.known()
    if facts.link is None:  # whom the connection takes over, it links by itself
        doors.link(tx, facts.connection.name, facts.identity, user, act)
    return f"linked to {user.username}, from the provider's next try on"


def _reactivate_and_link(tx: Transaction, facts: Facts, value: str, act: Act) -> str:
    doors.reactivate(tx, facts.known(), act)
    return f"{_link(tx, facts, value, act)}, and reactivated"


def _change_email(tx: Transaction, facts: Facts, value: str, act: Act) -> str:
    user = facts.known()
    if folding.email_key(value) == user.email_key:
        raise NotPossible(f"{value} is the address that clashes; give another one.")
    user = doors.edit(tx, user, {"email": value}, act)
    return f"another person: {user.username} has the address {user.email} now"


def _change_username(tx: Transaction, facts: Facts, value: str, act: Act) -> str:
    user = facts.known()
    if folding.username_key(value) == user.username_key:
        raise NotPossible(f"{value} is the username that clashes; give another one.")
    renamed = doors.edit(tx, user, {"username": value}, act)
    return f"another person: {user.username} is called {renamed.username} now"


def _unlink_and_link(tx: Transaction, facts: Facts, value: str, act: Act) -> str:
    newcomer = facts.newcomer
    if newcomer is None:
        raise NotPossible("The user made by mistake is linked no more.")
    doors.deactivate(tx, newcomer, act)
    doors.unlink(tx, newcomer, act)
    done = _link(tx, facts, value, act)
    return f"{done}; {newcomer.username} is inactive and unlinked"


def _approve_roles(tx: Transaction, facts: Facts, _: str, act: Act) -> str:
    wanted = roles_to_approve(tx, facts.known().id)
    known = roles.by_names(tx, wanted)
    given = [name for name in wanted if name in known]
    gone = [name for name in wanted if name not in known]
    if not given:
        raise NotPossible("None of these roles exists any more; ignore the entry.")
    for name in given:
        doors.give_role(tx, facts.known(), name, act)
    missing = f"; no role any more: {', '.join(gone)}" if gone else ""
    return f"given again: {', '.join(given)}{missing}"


def roles_to_approve(reader: Reader, user_id: int) -> tuple[str, ...]:
    """The roles that somebody who came back held from here before (decision 12)."""
    for event in reversed(audit.of_user(reader, user_id)):
        if event.name == "user:revived":
            held = orjson.loads(event.facts).get("roles_to_approve") or ()
            if held:
                return tuple(held)
    return ()


def _nothing(_: Transaction, __: Facts, ___: str, ____: Act) -> str:
    return "ignored"


def _withdraw(_: Transaction, facts: Facts, __: str, ___: Act) -> str:
    name = facts.user.username if facts.user else "that user"
    return f"not {name} after all"


# ------------------------------------------------------------------------- the remedies

LINK: Final = Remedy(
    "link",
    "It is the same person: link them",
    "The provider's next try links its identity to the local user. Their initials,"
    " username, email, roles and password stay; password sessions end, and a notice (no"
    " password mail) goes to their address.",
    _needs_active,
    _link,
)
REACTIVATE_AND_LINK: Final = Remedy(
    "reactivate_and_link",
    "It is the same person: reactivate and link them",
    "The local user is active again at once, every rule is checked, and whoever was never"
    " mailed a password link gets one. The provider's next try links its identity to"
    " them.",
    _needs_left_here,
    _reactivate_and_link,
)
SAME_PERSON: Final = Remedy(
    "same_person",
    "The same person came back",
    "The provider's next try brings back the user it removed, under a new SCIM id and as"
    " a fresh start: no password, no former session, and the roles given here wait for"
    " approval.",
    _needs_removed,
    _link,
)
OTHER_PERSON: Final = Remedy(
    "other_person",
    "Another person: give the one who left another address",
    "The removed user stays inactive and keeps initials and username; the address is free"
    " for the newcomer, whom the provider's next try creates.",
    _needs_other_person,
    _change_email,
    "email",
)
CHANGE_EMAIL: Final = Remedy(
    "change_email",
    "Another person: give the local user another address",
    "The local user has the new address at once, with a notice to the former one; the"
    " provider's next try creates somebody new.",
    _needs_other_email,
    _change_email,
    "email",
)
CHANGE_USERNAME: Final = Remedy(
    "change_username",
    "Another person: give the local user another username",
    "The local user signs in by the new username from then on; the provider's next try"
    " creates somebody new.",
    _needs_clash_of_username,
    _change_username,
    "username",
)
UNLINK_AND_LINK: Final = Remedy(
    "unlink_and_link",
    "It is the same person: the new user was made by mistake",
    "The new user is deactivated and unlinked at once, and its SCIM id answers 404. When"
    " the provider creates the person again, its identity is linked to the old user, who"
    " keeps all they have. Entra ID does so in its next cycle; in Okta unassign and"
    " assign the person. The user made by mistake keeps its address until you give it"
    " another.",
    _needs_newcomer,
    _unlink_and_link,
)
APPROVE_ROLES: Final = Remedy(
    "approve_roles",
    "Give the roles again",
    "The roles named here are given from here again, as they were before the person was"
    " removed.",
    _needs_roles,
    _approve_roles,
)
IGNORE: Final = Remedy(
    "ignore",
    "Leave it as it is",
    "The entry is closed with your name and nothing changes; if the provider runs into"
    " it again, a new entry says so.",
    _always,
    _nothing,
)
WITHDRAW: Final = Remedy(
    "withdraw",
    "Take the decision back",
    "The provider's next try is judged as if nobody had decided.",
    _always,
    _withdraw,
)

"""What a person may do to a user, from the console or the command line.

Each function runs in the caller's transaction and goes through ``accounts``; the rules
refuse with the same sentences a provider gets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from scim_connector import accounts
from scim_connector.accounts import Account, Act, groups, settle
from scim_connector.accounts.account import WELCOME_BEST_BEFORE
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.proposals import proposed
from scim_connector.directory import (
    assignments,
    conflicts,
    connections,
    links,
    outbox,
    profiles,
    roles,
    sessions,
    users,
)
from scim_connector.rules import folding, lifecycle
from scim_connector.rules.access import may_request_reset
from scim_connector.rules.permissions import (
    ALL,
    may_hand_on,
    may_lead_to_administrator,
)
from scim_connector.rules.users import Draft, RulesViolated, UserType
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User


_NEVER = "never_logged_in"


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a person enters for a new user; empty initials or username are proposed."""

    email: str
    first_name: str = ""
    last_name: str = ""
    initials: str = ""
    username: str = ""
    user_type: UserType = UserType.ADMINISTRATIVE
    api_user: bool = False
    active: bool = True
    roles: tuple[str, ...] = ()
    profile: str | None = None
    mail: bool = True
    origins: Mapping[str, str] = field(default_factory=dict)


def find(tx: Reader, username: str) -> User:
    """The user of this username, in any case; raises NotPossible when there is none."""
    user = users.by_username_key(tx, folding.username_key(username))
    if user is None:
        message = f'There is no user "{username}"; look the username up.'
        raise NotPossible(message, "user list")
    return user


def add(tx: Transaction, new: NewUser, act: Act, *, own: Collection[str] = ALL) -> User:
    """Create a user; raises RulesViolated with every broken rule, or NotPossible.

    The roles they get allow no more than the *own* permissions of who adds them (R33).
    """
    for role_id in _role_ids(tx, new.roles):
        _refuse_more(tx, role_id, own)
    choices = proposed(new.first_name, new.last_name, new.email)
    username = new.username or settle(tx, "username", choices.username).value
    initials = new.initials or settle(tx, "initials", choices.initials).value
    draft = Draft(
        username=username or "",
        initials=initials or "",
        email=new.email.strip(),
        first_name=new.first_name.strip(),
        last_name=new.last_name.strip(),
        user_type=new.user_type,
        api_user=new.api_user,
        active=new.active,
    )
    account = accounts.create(tx, draft, new.origins, act, mail=new.mail)
    account.assign(_role_ids(tx, new.roles), source="console")
    if new.profile is not None:
        account.edit({"profile_id": _profile_id(tx, new.profile)})
    account.save()
    return account.user


def edit(
    tx: Transaction,
    user: User,
    values: Mapping[str, str],
    act: Act,
    *,
    override: bool = False,
) -> User:
    """Change local fields of a user.

    A field the provider manages is refused with whose it is (NotPossible); *override*
    writes it all the same, and it lives until the provider sends another value (D19).
    """
    refuse_erased(user)
    account = Account.open(tx, user.id, act)
    managed = _managed(tx, account, values)
    if managed and not override:
        command = f"user edit {user.username} --override"
        raise NotPossible(_whose(tx, account, managed), command)
    moved = [name for name, value in values.items() if getattr(user, name) != value]
    lifecycle.may_change(account.standing(), moved, act.actor)
    violations = account.violations(values)
    if violations:
        raise RulesViolated(violations)
    account.edit(values, origin="local")
    if managed:
        account.override(managed)
    account.save()
    return account.user


def refuse_erased(user: User) -> None:
    """Somebody who was erased is changed by nobody any more; raises NotPossible."""
    if user.erased_at is not None:
        message = f"{user.username} was erased and is changed no more (R34)"
        raise NotPossible(f"{message}; add the person anew.")


def _managed(
    tx: Transaction, account: Account, values: Mapping[str, str]
) -> tuple[str, ...]:
    """The fields among *values* that follow the provider of this user."""
    if account.link is None:
        return ()
    return tuple(
        name
        for name, value in values.items()
        if getattr(account.user, name) != value and account.follows_provider(name)
    )


def _whose(tx: Transaction, account: Account, managed: tuple[str, ...]) -> str:
    connection = _connection_name(tx, account.link)
    fields = ", ".join(managed).replace("_", " ")
    return (
        f"{fields}: managed by connection {connection}, change it there. Or override"
        " it here, until the provider sends another value."
    )


def _connection_name(tx: Transaction, link: Link | None) -> str:
    found = None if link is None else connections.by_id(tx, link.connection_id)
    return "" if found is None else found.name


def deactivate(tx: Transaction, user: User, act: Act) -> Account:
    """End every access of a user and hold them inactive against the provider (D28)."""
    account = Account.open(tx, user.id, act)
    account.deactivate(hold=True)
    account.save()
    return account


def reactivate(tx: Transaction, user: User, act: Act) -> Account:
    """Make a user active again; every rule is checked first (RulesViolated)."""
    account = Account.open(tx, user.id, act)
    present = {n: getattr(user, n) for n in ("username", "initials", "email")}
    violations = account.violations(present)
    if violations:
        raise RulesViolated(violations)
    account.reactivate()
    account.welcome()
    account.save()
    return account


def give_role(
    tx: Transaction, user: User, role: str, act: Act, *, own: Collection[str] = ALL
) -> User:
    """Give a role from here; it stands beside the roles a provider gives.

    Nobody gives a role that allows more than their *own* permissions do (R33).
    """
    (role_id,) = _role_ids(tx, (role,))
    _refuse_more(tx, role_id, own)
    return _move_role(tx, user, role, act, give=True)


def take_role(tx: Transaction, user: User, role: str, act: Act) -> User:
    """Take back a role that was given here; NotPossible when a provider gives it."""
    return _move_role(tx, user, role, act, give=False)


def _refuse_more(tx: Transaction, role_id: int, own: Collection[str]) -> None:
    found = roles.by_id(tx, role_id)
    if found is not None:
        may_hand_on(found.permissions, own, found.name)


def _move_role(tx: Transaction, user: User, role: str, act: Act, *, give: bool) -> User:
    refuse_erased(user)
    (role_id,) = _role_ids(tx, (role,))
    account = Account.open(tx, user.id, act)
    held = account.roles_from("console")
    if not give and role_id not in held:
        message = f"{user.username} does not hold {role} from here."
        raise NotPossible(f"{message} A role a provider gives is taken back there.")
    account.assign(held | {role_id} if give else held - {role_id}, source="console")
    account.save()
    return account.user


def set_profile(tx: Transaction, user: User, profile: str | None, act: Act) -> User:
    """Set or clear the profile of a user."""
    refuse_erased(user)
    account = Account.open(tx, user.id, act)
    profile_id = None if profile is None else _profile_id(tx, profile)
    account.edit({"profile_id": profile_id}, origin="local")
    account.save()
    return account.user


def _role_ids(tx: Transaction, names: tuple[str, ...]) -> frozenset[int]:
    found = roles.by_names(tx, names)
    missing = [name for name in names if name not in found]
    if missing:
        message = f"There is no role {', '.join(missing)}; add it first."
        raise NotPossible(message, "role add NAME")
    return frozenset(found.values())


def _profile_id(tx: Transaction, name: str) -> int:
    found = profiles.by_name(tx, name)
    if found is None:
        message = f'There is no profile "{name}"; add it first.'
        raise NotPossible(message, "profile add NAME")
    return found.id


# ------------------------------------------------------------------ signing in


def send_welcome(tx: Transaction, user: User, act: Act) -> None:
    """Mail the first link again, until somebody has signed in; raises NotPossible."""
    if user.is_api_user:
        raise NotPossible(f"{user.username} is an API user and is mailed no link.")
    if not user.active:
        raise NotPossible(f"{user.username} is inactive; reactivate them first.")
    if user.first_login_at is not None:
        message = f"{user.username} has signed in before; send a password link."
        raise NotPossible(message, f"user reset {user.username}")
    account = Account.open(tx, user.id, act)
    account.user = replace(account.user, welcomed=True)
    account.queue_welcome()
    account.note("mail:resent", topic="mail:welcome")
    account.save()


def send_reset(
    tx: Transaction, user: User, act: Act, *, second_factor: bool = True
) -> None:
    """Mail a link to choose a new password (R17); raises NotPossible.

    *second_factor* says whether the one who asks has one; whoever can run commands on
    this machine counts as having one.
    """
    standing = Account.open(tx, user.id, act).standing()
    refusal = may_request_reset(standing, second_factor=second_factor)
    if refusal is not None:
        sentence = f"{refusal.sentence} ({refusal.rule.id})"
        if refusal.code == _NEVER:
            sentence = f"{sentence} Send the welcome mail again."
            raise NotPossible(sentence, f"user welcome {user.username}")
        raise NotPossible(sentence)
    outbox.add(
        tx,
        "mail:reset",
        {"why": "admin"},
        user_id=user.id,
        now=act.now,
        best_before=act.now + WELCOME_BEST_BEFORE,
    )
    account = Account.open(tx, user.id, act)
    account.note("mail:resent", topic="mail:reset")
    account.save()


def expire_password(tx: Transaction, user: User, act: Act) -> None:
    """Let somebody choose another password at their next sign-in; NotPossible."""
    if user.password_hash is None:
        raise NotPossible(f"{user.username} has no password.")
    account = Account.open(tx, user.id, act)
    account.user = replace(account.user, password_expired=True)
    account.note("password:expired")
    account.save()


def recoverable(reader: Reader, username: str) -> User:
    """An active Administrator, whom a link from the machine may let in again."""
    user = find(reader, username)
    if not assignments.is_administrator(reader, user.id):
        message = f"{user.username} is no Administrator; send a password link."
        raise NotPossible(message, f"user reset {user.username}")
    if user.is_api_user or not user.active:
        message = f"{user.username} is inactive or an API user"
        raise NotPossible(f"{message} and cannot sign in; reactivate them first.")
    return user


def log_out(tx: Transaction, user: User, act: Act) -> int:
    """End every session of a user in all applications; returns how many."""
    account = Account.open(tx, user.id, act)
    ended = account.end_sessions()
    account.save()
    return ended


def end_session(tx: Transaction, user: User, session_id: str, act: Act) -> None:
    """End one session of a user and tell its application; raises NotPossible."""
    held = sessions.by_id(tx, session_id)
    if held is None or held.user_id != user.id:
        raise NotPossible(f"{user.username} has no such session; it may have ended.")
    account = Account.open(tx, user.id, act)
    account.end_session(held)
    account.save()


# --------------------------------------------------------------------------- links


def link(
    tx: Transaction, connection_name: str, identity: str, user: User, act: Act
) -> None:
    """Decide that an identity of a provider is this user; its next POST links them.

    *identity* is the userName the provider sends.  Raises NotPossible where decision 11
    forbids it, so that no decision waits that the provider's next try cannot carry out;
    RulesViolated for an Administrator, linked by somebody who is none (R35).
    """
    connection = connections.by_name(tx, connection_name)
    if connection is None:
        raise NotPossible(f'There is no connection "{connection_name}".')
    key = text_key(identity)
    _refuse_link(tx, connection, key, user)
    if assignments.is_administrator(tx, user.id):
        what = f"Linking {user.username}, who is an Administrator,"
        may_lead_to_administrator(act.actor, what)
    conflicts.decide(
        tx,
        connection_id=connection.id,
        identity=key,
        user_id=user.id,
        by=str(act.actor),
        now=act.now,
    )


def _refuse_link(
    tx: Transaction, connection: Connection, identity: str, user: User
) -> None:
    """Say why a user cannot become this identity: nothing else may stand for them."""
    refuse_erased(user)
    who, where = user.username, connection.name
    if links.of_user(tx, user.id) is not None:
        message = f"{who} is linked already; unlink them first."
        raise NotPossible(message, f"user unlink {who}")
    if user.is_api_user and not connection.allow_api_users:
        message = f"{who} is an API user and {where} may not link"
        raise NotPossible(
            f"{message} one; allow the connection first to act on API users.",
            f"connection set {where} --allow-api-users",
        )
    if not connection.may_act_as_administrator and assignments.is_administrator(
        tx, user.id
    ):
        message = f"{who} is an Administrator and {where} may not link one"
        raise NotPossible(
            f"{message}; take the role back, or allow the connection first to act on"
            " Administrators.",
            f"connection set {where} --may-act-as-administrator",
        )
    due = conflicts.decided_for(tx, user.id)
    if due is not None and (due.connection_id, due.identity) != (
        connection.id,
        identity,
    ):
        message = f"{who} is decided to be {due.identity} already"
        raise NotPossible(
            f"{message}; take that back first.", f"conflict decide {due.id} withdraw"
        )


def unlink(tx: Transaction, user: User, act: Act) -> User:
    """Undo a link: the user stays, unmanaged, and the old SCIM id answers 404."""
    account = Account.open(tx, user.id, act)
    if account.link is None:
        raise NotPossible(f"{user.username} is not linked to any connection.")
    account.note("user:unlinked", connection=_connection_name(tx, account.link))
    groups.hide_link(tx, account.link, act, why="unlinked")
    account.link = None
    account.save()
    return account.user


def overridden(user: User) -> frozenset[str]:
    """The managed fields a person changed here."""
    return frozenset(orjson.loads(user.overrides))

"""The rules of a user's life: create, change, deactivate, reactivate, never delete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scim_connector.rules.events import Event
from scim_connector.rules.users import (
    Draft,
    Kind,
    Rule,
    RulesViolated,
    Taken,
    UserType,
    Violation,
    check,
)

if TYPE_CHECKING:
    from scim_connector.rules.actors import Actor

_FLAG_IN_PROVIDER = "Send apiUser as it was at creation, or unmap it."
_ADMIN_IN_PROVIDER = (
    "Leave this person to an administrator here, or allow the connection:"
    " connection set NAME --may-act-as-administrator."
)

R9 = Rule(
    "R9",
    "Type at creation",
    "A provider and the console create administrative users only; other users come from"
    " the Classic application by import.",
    Kind.INVALID,
    "user_type",
    "Take this person out of the scope, or correct the mapping of the type.",
    "Take this person out of the assignment, or correct the mapping of the type.",
)
R10 = Rule(
    "R10",
    "Type never changes",
    "The type of a user is chosen at creation and never changes.",
    Kind.IMMUTABLE,
    "user_type",
    "Correct the mapping so that it derives the type the user has.",
    "Correct the mapping so that it derives the type the user has.",
)
R11 = Rule(
    "R11",
    "API user never changes",
    "Whether a user is an API user is chosen at creation and never changes.",
    Kind.IMMUTABLE,
    "api_user",
    _FLAG_IN_PROVIDER,
    _FLAG_IN_PROVIDER,
)
R12 = Rule(
    "R12",
    "API users by a provider",
    "A connection creates, adopts or reactivates API users only if it is allowed to.",
    Kind.FORBIDDEN,
    "api_user",
    "Unmap apiUser, or allow it: connection set NAME --allow-api-users.",
    "Unmap apiUser, or allow it: connection set NAME --allow-api-users.",
)
R19 = Rule(
    "R19",
    "A person's deactivation holds",
    "A user made inactive by a person here stays inactive until a person, or the"
    " provider's own later move from inactive to active, lifts it.",
    Kind.FORBIDDEN,
    "active",
    "Reactivate the person here, or disable and enable them in Entra.",
    "Reactivate the person here, or unassign and assign them in Okta.",
)
R21 = Rule(
    "R21",
    "Administrators",
    "A connection that may not act as an Administrator, or a person who is none,"
    " neither gives nor takes the Administrator role, nor reactivates a holder, nor"
    " changes their email, their username, or what their sign-in is found by.",
    Kind.FORBIDDEN,
    "administrator",
    _ADMIN_IN_PROVIDER,
    _ADMIN_IN_PROVIDER,
)
R22 = Rule(
    "R22",
    "Last Administrator",
    "The last active Administrator who can sign in is never deactivated and keeps the"
    " role.",
    Kind.FORBIDDEN,
    "active",
    "Give the Administrator role to somebody else first, then repeat.",
    "Give the Administrator role to somebody else first, then repeat.",
)
R31 = Rule(
    "R31",
    "Users of the Classic application",
    "A user of another type than the mapping derives is linked and changed only by a"
    " connection whose mapping manages that type.",
    Kind.FORBIDDEN,
    "user_type",
    "Leave this person to the Classic application.",
    "Leave this person to the Classic application.",
)

R34 = Rule(
    "R34",
    "Erasure",
    "Somebody who was erased stays inactive and without a name; a person who comes back"
    " is somebody new.",
    Kind.FORBIDDEN,
    "active",
    "Nothing: the person is created anew, under another address.",
    "Nothing: the person is created anew, under another address.",
)

#: What R21 protects of a holder of the Administrator role: local fields, and the
#: attributes of the SCIM resource a sign-in may be found by (R26).
PROTECTED = frozenset({"email", "username", "externalId", "userName"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the lifecycle rules know of a user; ``held_at`` in microseconds UTC."""

    user_type: UserType
    api_user: bool
    active: bool
    is_administrator: bool = False
    held_by: str | None = None
    held_at: int | None = None
    signed_in_before: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class CutOff:
    """What a deactivation ended: how many of each, and the API App's configuration.

    *at* says at which application how many of the sessions were.
    """

    sessions: int = 0
    resets: int = 0
    api_tokens: int = 0
    api_keys: int = 0
    api_app: bool = False
    at: Mapping[str, int] = field(default_factory=dict)


def create(draft: Draft, taken: Taken, actor: Actor) -> tuple[Event, ...]:
    """Decide a creation; raises RulesViolated with every broken rule (R1 to R12)."""
    violations = [*check(draft, taken), *_not_creatable(draft, actor)]
    if violations:
        raise RulesViolated(violations)
    facts = {
        "username": draft.username,
        "initials": draft.initials,
        "email": draft.email,
        "type": draft.user_type.value,
        "api_user": draft.api_user,
        "active": draft.active,
    }
    return (Event("user:created", facts),)


def _not_creatable(draft: Draft, actor: Actor) -> list[Violation]:
    violations = []
    if draft.user_type is not UserType.ADMINISTRATIVE and not actor.imports:
        message = f"Users of type {draft.user_type} are not created here"
        violations.append(
            Violation(R9, "type_not_creatable", f"{message}; import them (R9).")
        )
    if draft.api_user and draft.user_type is not UserType.ADMINISTRATIVE:
        message = "An API user is of type administrative; correct the type (R9)."
        violations.append(Violation(R9, "type_not_creatable", message))
    if draft.api_user and not actor.allow_api_users:
        violations.append(_api_user_not_allowed())
    return violations


def _api_user_not_allowed() -> Violation:
    message = "API users are not allowed on this connection; set --allow-api-users"
    return Violation(R12, "api_user_not_allowed", f"{message} or unmap apiUser (R12).")


def unchangeable(
    user: Standing, *, api_user: bool, user_type: str
) -> tuple[Violation, ...]:
    """What an update would change although it never may: API flag and type."""
    violations = []
    if api_user != user.api_user:
        message = "apiUser is chosen at creation and never changes (R11)."
        violations.append(Violation(R11, "api_flag_immutable", message))
    if user_type != user.user_type:
        message = f"The type is {user.user_type} and never changes (R10)."
        violations.append(Violation(R10, "type_immutable", message))
    return tuple(violations)


def may_change(user: Standing, moved: Collection[str], actor: Actor) -> None:
    """Refuse a limited connection what R21 protects of an Administrator.

    *moved* are names of local fields or of attributes of the SCIM resource.
    """
    if not user.is_administrator or actor.may_act_as_administrator:
        return
    protected = sorted(PROTECTED & set(moved))
    if protected:
        message = f"{' and '.join(protected)} of an Administrator cannot be changed"
        raise RulesViolated([_administrator_only(f"{message} by {actor.said}")])


def may_change_administrators(actor: Actor) -> None:
    """Refuse a limited connection to give or take the Administrator role (R21)."""
    if not actor.may_act_as_administrator:
        message = f"The Administrator role is not given or taken by {actor.said}"
        raise RulesViolated([_administrator_only(message)])


def _administrator_only(message: str) -> Violation:
    said = f"{message}; an administrator does it here (R21)."
    return Violation(R21, "administrator_only", said)


def may_deactivate(user: Standing, *, other_administrators: int) -> None:
    """Refuse to deactivate the last active Administrator who can sign in (R22)."""
    _keep_an_administrator(user, other_administrators)


def may_lose_administrator(user: Standing, *, other_administrators: int) -> None:
    """Refuse to take the role from the last Administrator who can sign in (R22).

    *user* is as before the change.  Ask only when no other source leaves them the role.
    """
    _keep_an_administrator(user, other_administrators)


def _keep_an_administrator(user: Standing, others: int) -> None:
    can_sign_in = user.active and not user.api_user
    if user.is_administrator and can_sign_in and others == 0:
        message = (
            "This is the last active Administrator; give the role to another first"
        )
        raise RulesViolated([Violation(R22, "last_administrator", f"{message} (R22).")])


def may_reactivate(user: Standing, actor: Actor) -> None:
    """Refuse whoever was erased, and a limited connection its Administrators."""
    violations = []
    if user.erased:
        message = "Somebody who was erased is not made active again (R34)."
        violations.append(Violation(R34, "erased", message))
    if user.is_administrator and not actor.may_act_as_administrator:
        message = f"An Administrator is not reactivated by {actor.said}"
        violations.append(_administrator_only(message))
    if user.api_user and not actor.allow_api_users:
        violations.append(_api_user_not_allowed())
    if violations:
        raise RulesViolated(violations)


def may_adopt(user: Standing, actor: Actor, *, user_type: str) -> None:
    """Refuse to link an API user, an Administrator, or a user of another type."""
    violations = []
    if user.api_user and not actor.allow_api_users:
        violations.append(_api_user_not_allowed())
    if user.is_administrator and not actor.may_act_as_administrator:
        message = "An Administrator is not linked by this connection"
        violations.append(_administrator_only(message))
    if user.user_type != user_type:
        message = f"A user of type {user.user_type} is not managed by this connection"
        violations.append(Violation(R31, "type_not_managed", f"{message} (R31)."))
    if violations:
        raise RulesViolated(violations)


def deactivated(ended: CutOff) -> tuple[Event, ...]:
    """A deactivated user lost all access at once (R18); what that was, as events."""
    events = [Event("user:deactivated")]
    if ended.sessions:
        facts = {"count": ended.sessions, "applications": dict(ended.at)}
        events.append(Event("sessions:ended", facts))
    if ended.resets:
        events.append(Event("resets:voided", {"count": ended.resets}))
    if ended.api_tokens:
        events.append(Event("api_tokens:revoked", {"count": ended.api_tokens}))
    if ended.api_keys:
        events.append(Event("api_keys:revoked", {"count": ended.api_keys}))
    if ended.api_app:
        events.append(Event("api_app:user_removed"))
    return tuple(events)

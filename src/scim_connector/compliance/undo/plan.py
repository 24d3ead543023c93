"""What undoing a batch would do: for each person what is, what would be, what cannot.

Nothing is locked and nothing is written while a plan is made; whatever carries it out
makes the plan of those people again inside its transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.accounts.drafting import draft_of
from scim_connector.compliance.undo import given, provider
from scim_connector.compliance.undo.places import settle
from scim_connector.compliance.undo.role_names import RoleNames
from scim_connector.compliance.undo.trace import trace
from scim_connector.compliance.undo.values import Change, Plan, Planned
from scim_connector.directory import assignments, audit, profiles, users
from scim_connector.rules import lifecycle
from scim_connector.rules.permissions import ALL
from scim_connector.rules.users import RulesViolated, Taken, UserType, check
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from scim_connector.compliance.undo.batch import Batch
    from scim_connector.compliance.undo.role_names import Names
    from scim_connector.compliance.undo.trace import Move, Trace
    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User
    from scim_connector.rules.actors import Actor

CHUNK: Final = 200


def make(
    reader: Reader,
    batch: Batch,
    actor: Actor,
    *,
    own: Collection[str] = ALL,
    among: Collection[int] | None = None,
    progress: Callable[[int], None] = lambda people: None,
) -> Plan:
    """Plan to undo a batch, for somebody who may do *own*; among some ids or all."""
    ids = batch.people(reader) if among is None else sorted(among)
    plan, names = Plan(), RoleNames(reader).now
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        people = users.by_ids(reader, chunk)
        for user_id in chunk:
            planned = _planned(reader, batch, people[user_id], actor, own, names)
            if planned is not None:
                plan.people.append(planned)
            progress(1)
    plan.groups = settle(reader, plan.people)
    provider.note_again(reader, plan.people)
    return plan


def _planned(
    reader: Reader,
    batch: Batch,
    user: User,
    actor: Actor,
    own: Collection[str],
    names: Names,
) -> Planned | None:
    """What there is to undo for one person; None when there is nothing at all."""
    found = trace(audit.of_user(reader, user.id), batch.chooses, names)
    if not found.moves and not found.left:
        return None
    if batch.role is not None and not _is_about(reader, batch, user, found):
        return None
    moves = [move for move in found.moves if _kind(move) in batch.only]
    planned = Planned(user, [], found.left)
    for move in moves:
        if move.role:
            change = given.change_of(reader, user, move, own)
        else:
            change = _change_of(reader, user, move)
        _judge(change, erased=found.is_erased)
        planned.changes.append(change)
    _check_rules(reader, planned, actor)
    return planned


def _kind(move: Move) -> str:
    return "roles" if move.role else move.field


def _is_about(reader: Reader, batch: Batch, user: User, found: Trace) -> bool:
    """Whether somebody holds the role of the batch, or it was given or taken in it."""
    name = batch.role.name if batch.role else ""
    if any(move.role == name and not move.is_gone for move in found.moves):
        return True
    return name in assignments.names_of(reader, [user.id]).get(user.id, [])


def _change_of(reader: Reader, user: User, move: Move) -> Change:
    if move.field == "profile":
        return _profile_change(reader, user, move)
    present = getattr(user, move.field)
    wanted = "" if move.before is None else str(move.before)
    change = Change(move, present, wanted, wanted, is_done=present == wanted)
    if not move.is_known or (not wanted and move.field in _NEVER_EMPTY):
        change.is_done = False
        change.why_not = "The former value is not on record any more."
    return change


#: What everybody has; a record without it was erased.
_NEVER_EMPTY: Final = frozenset({"username", "initials", "email"})


def _profile_change(reader: Reader, user: User, move: Move) -> Change:
    names = {each.id: each.name for each in profiles.every(reader)}
    now = names.get(user.profile_id or 0, "")
    change = Change(move, now, names.get(move.before or 0, ""), move.before)
    change.is_done = user.profile_id == move.before
    if move.before is not None and move.before not in names:
        change.why_not = "There is no such profile any more."
    return change


def _judge(change: Change, *, erased: bool) -> None:
    """Leave alone what is erased, and what another hand changed since."""
    later = change.move.later
    if change.is_done or change.why_not:
        return
    if erased:
        change.why_not = "The person was erased; nothing of theirs comes back."
    elif later is not None:
        day = timestamp(later.at)[:16].replace("T", " ")
        change.why_not = f"It was changed again since, by {later.actor} at {day} UTC."


def _check_rules(reader: Reader, planned: Planned, actor: Actor) -> None:
    """Judge every value by the rules of its form, and of Administrators (R21).

    Whether a value is taken is judged for all people of the batch together.
    """
    texts = {c.field: c for c in planned.open if c.field in _JUDGED}
    values = {name: str(change.value) for name, change in texts.items()}
    for violation in check(draft_of(planned.user, values), Taken()):
        if violation.attribute in texts:
            texts[violation.attribute].why_not = violation.message
    moved = [change for change in planned.open if change.field in lifecycle.PROTECTED]
    if not moved:
        return
    try:
        standing = _standing(reader, planned.user)
        lifecycle.may_change(standing, [change.field for change in moved], actor)
    except RulesViolated as refusal:
        for change in moved:
            change.why_not = refusal.violations[0].message


_JUDGED: Final = frozenset({"username", "initials", "email"})


def _standing(reader: Reader, user: User) -> lifecycle.Standing:
    return lifecycle.Standing(
        user_type=UserType(user.user_type),
        api_user=user.is_api_user,
        active=user.active,
        is_administrator=assignments.is_administrator(reader, user.id),
    )

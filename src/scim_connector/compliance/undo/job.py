"""Undoing a batch: each person by the rules, in a transaction of their own.

Nobody waits for the whole of it, and whoever stops it half way runs it again: what is
put back already is no change any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.accounts import Account, step_aside
from scim_connector.administration import connections as connection_doors
from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.compliance.undo import plan as plans
from scim_connector.compliance.undo.lines import (
    AS_IT_WAS,
    NOT_RESTORED,
    RESTORED,
    Line,
    Report,
    left_lines,
    line_of,
    lines_beside,
)
from scim_connector.compliance.undo.places import FOLD
from scim_connector.directory import audit
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import LostRace
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.rules import folding
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import ALL, MANAGE_PROVISIONING
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.compliance.undo.batch import Batch
    from scim_connector.compliance.undo.values import Change, Plan, Planned
    from scim_connector.directory.database import Database, Transaction

_BUSY: Final = "The database was busy or somebody was faster; undo the batch once more."


@dataclass(frozen=True, slots=True)
class Wish:
    """How a batch is to be undone.

    *keep* lets what a provider would write over stay, as values changed here; *pause*
    pauses its connection first.  Only whom *reactivate* names is made active again.
    *own* is what the one who undoes may do (R33).
    """

    keep: bool = False
    pause: bool = False
    reactivate: tuple[str, ...] = ()
    own: Collection[str] = ALL

    @classmethod
    def of(cls, how: str, *, own: Collection[str]) -> Wish:
        """The wish of somebody who chose "keep", "pause" or neither.

        Raises NotPossible where they may not pause a connection.
        """
        if how == "pause" and MANAGE_PROVISIONING.id not in own:
            name = MANAGE_PROVISIONING.name
            raise NotPossible(f'Pausing needs "{name}", which your roles do not carry.')
        return cls(keep=how == "keep", pause=how == "pause", own=own)


def run(
    database: Database,
    batch: Batch,
    act: Act,
    wish: Wish,
    *,
    progress: Callable[[int], None] = lambda people: None,
) -> Report:
    """Undo a batch as far as the rules allow; raises NotPossible for a wrong name.

    *progress* is told of everybody twice: looked at, and done with.
    """
    plan = plans.make(
        database.reader(), batch, act.actor, own=wish.own, progress=progress
    )
    named = _named(plan, wish.reactivate)
    if wish.pause:
        _pause(database, plan, act)
    carried = {user_id for group in plan.groups for user_id in group}
    report = Report(lines_beside(plan, carried))
    for group in plan.groups:
        report.lines += _attempt(database, batch, group, act, wish)
        progress(len(group))
    report.lines += [_reactivated(database, each, act) for each in named]
    report.lines += left_lines(plan, named)
    database.write(lambda tx: _tell(tx, batch, report, act))
    return report


def _named(plan: Plan, usernames: Collection[str]) -> list[Planned]:
    """Whom to make active again; raises NotPossible for anybody who is not there."""
    ended = {
        each.user.username_key: each
        for each, event in plan.left
        if event.name == "user:deactivated" and not each.user.active
    }
    found = []
    for name in usernames:
        key = folding.username_key(name)
        if key not in ended:
            raise NotPossible(f"{name} is not among those this batch deactivated.")
        found.append(ended[key])
    return found


def _pause(database: Database, plan: Plan, act: Act) -> None:
    def work(tx: Transaction) -> None:
        for connection in plan.connections:
            connection_doors.pause(tx, connection, act)

    database.write(work)


# --------------------------------------------------------------------- one transaction


def _attempt(
    database: Database, batch: Batch, group: Sequence[int], act: Act, wish: Wish
) -> list[Line]:
    """Carry one group out, or say why nothing of it was done."""
    try:
        return database.write(lambda tx: _carry_out(tx, batch, group, act, wish))
    except (DatabaseBusy, LostRace, ConstraintBroken):
        reader = database.reader()
        again = plans.make(reader, batch, act.actor, own=wish.own, among=group)
        for planned in again.people:
            for change in planned.open:
                change.why_not = _BUSY
        return lines_beside(again)


def _carry_out(
    tx: Transaction, batch: Batch, group: Sequence[int], act: Act, wish: Wish
) -> list[Line]:
    plan = plans.make(tx, batch, act.actor, own=wish.own, among=group)
    moving = [planned for planned in plan.people if planned.open]
    accounts = {each.user.id: Account.open(tx, each.user.id, act) for each in moving}
    if len(moving) > 1:
        for each in moving:
            step_aside(tx, each.user.id, {c.field for c in each.open} & FOLD.keys())
    lines = []
    for each in moving:
        lines += _put_back(accounts[each.user.id], each, wish)
    return lines + lines_beside(plan)


def _put_back(account: Account, planned: Planned, wish: Wish) -> list[Line]:
    """Give one person back what can be, roles last, and save."""
    fields = [change for change in planned.open if not change.move.role]
    values = {_COLUMNS.get(c.field, c.field): c.value for c in fields}
    freed = [name for c in fields if c.move.overrode for name in [c.field]]
    account.edit({n: v for n, v in values.items() if n not in freed})
    account.follow({n: v for n, v in values.items() if n in freed}, {})
    kept = [change for change in fields if change.again and wish.keep]
    for change in kept:
        change.is_kept = True
    if kept:
        account.override(change.field for change in kept)
    for change in planned.open:
        if change.move.role:
            _move_role(account, change)
    done = planned.open
    events = sorted({event for change in done for event in change.move.events})
    if done:
        names = sorted({change.field for change in done})
        account.note("user:values:restored", undoes=events, fields=names)
    account.save()
    name = account.user.username
    return [line_of(planned, change, RESTORED, name) for change in done]


_COLUMNS: Final = {"profile": "profile_id"}


def _move_role(account: Account, change: Change) -> None:
    """Give a role from here, or take the row of its origin; a rule may refuse it."""
    move, role_id = change.move, change.value
    given_by = "resource" if move.origin and not move.before else "console"
    origin = move.origin if given_by == "resource" else 0
    held = account.roles_from(given_by, origin)
    wanted = held | {role_id} if move.before else held - {role_id}
    try:
        account.assign(wanted, source=given_by, connection_id=origin)
    except RulesViolated as refusal:
        change.why_not = refusal.violations[0].message


# ---------------------------------------------------------------------------- by name


def _reactivated(database: Database, planned: Planned, act: Act) -> Line:
    user, why = planned.user, ""
    try:
        database.write(lambda tx: user_doors.reactivate(tx, user, act))
    except RulesViolated as refusal:
        why = refusal.violations[0].message
    except (DatabaseBusy, LostRace):
        why = _BUSY
    result = NOT_RESTORED if why else RESTORED
    return Line(user.id, user.username, "access", "inactive", "active", result, why)


def _tell(tx: Transaction, batch: Batch, report: Report, act: Act) -> None:
    """Keep in audit which batch was undone, and how far."""
    facts: dict[str, Any] = {
        "batch": batch.facts(),
        "people": report.people,
        "restored": len(report.of(RESTORED)),
        "as_it_was": len(report.of(AS_IT_WAS)),
        "not_restored": len(report.of(NOT_RESTORED)),
    }
    audit.record(
        tx,
        [Event("undo:done", facts)],
        at=act.now,
        actor=act.actor,
        connection_id=batch.connection.id if batch.connection else None,
    )

"""``import users.csv``: a list of people becomes local users, checked whole first.

The username says who a row is about, so the same file can be imported again: known
people are changed where the file differs, nobody is deleted.  Every row is judged
before the first is written, against the stored users and against the other rows, and
by what whoever imports may do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Account
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.import_plan import (
    changes,
    consequences,
    counts,
    deactivated,
    fingerprint,
    mailed,
    refuse,
    why,
)
from scim_connector.administration.import_rules import judge, objections
from scim_connector.administration.user_files import (
    COLUMNS,
    REQUIRED,
    TEMPLATE,
    TEXTS,
    Row,
    Unreadable,
    flag,
    listed,
    read,
    role_names,
    type_of,
)
from scim_connector.administration.users import NewUser
from scim_connector.directory import profiles, roles, users
from scim_connector.rules.permissions import ALL
from scim_connector.rules.users import RulesViolated, UserType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Transaction

__all__ = [
    "COLUMNS",
    "REQUIRED",
    "TEMPLATE",
    "Report",
    "Row",
    "Unreadable",
    "changes",
    "consequences",
    "counts",
    "deactivated",
    "fingerprint",
    "judge",
    "listed",
    "mailed",
    "read",
    "refuse",
    "why",
    "write",
]

BATCH = 200


@dataclass(slots=True)
class Report:
    """What an import did, row by row where it did not work."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)

    def take(self, other: Report) -> None:
        """Add what a batch did."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.refused += other.refused


def write(
    database: Database,
    rows: Sequence[Row],
    act: Act,
    *,
    own: Collection[str] = ALL,
    mail: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Write the rows that have no problem, in batches; *progress* gets rows done.

    Whoever may do *own* gives nobody more (R33).
    """
    act = replace(act, actor=act.actor.importing())
    report = Report()
    for row in rows:
        if row.problems:
            report.refused.append((row.line, row.username, " ".join(row.problems)))
    good = [row for row in rows if not row.problems]
    for start in range(0, len(good), BATCH):
        batch = good[start : start + BATCH]
        report.take(
            database.write(
                partial(_write_batch, batch=batch, act=act, own=own, mail=mail)
            )
        )
        progress(len(batch))
    return report


def _write_batch(
    tx: Transaction, batch: Sequence[Row], act: Act, own: Collection[str], mail: bool
) -> Report:
    report = Report()
    for row in batch:
        try:
            with tx.savepoint():
                _write_row(tx, row, act, own=own, mail=mail)
        except (RulesViolated, NotPossible) as refusal:
            report.refused.append((row.line, row.username, str(refusal)))
            continue
        match row.action:
            case "create":
                report.created += 1
            case "change":
                report.changed += 1
            case _:
                report.unchanged += 1
    return report


def _write_row(
    tx: Transaction, row: Row, act: Act, *, own: Collection[str], mail: bool
) -> None:
    if row.known is None:
        doors.add(tx, _new_user(row, mail=mail), act, own=own)
        return
    if not row.changes:
        return
    user = users.held(tx, row.known.id)
    wrong = objections(tx, row, user, own)
    if wrong:
        raise NotPossible(" ".join(wrong))
    _change(Account.open(tx, user.id, act), row)


def _change(account: Account, row: Row) -> None:
    tx = account.tx
    values: dict[str, Any] = {n: new for n, (_, new) in row.changes.items()}
    account.edit({n: v for n, v in values.items() if n in TEXTS}, origin="local")
    if "profile" in values:
        found = profiles.by_name(tx, values["profile"])
        account.edit({"profile_id": None if found is None else found.id})
    if "roles" in values:
        wanted = frozenset(roles.by_names(tx, role_names(row)).values())
        account.assign(account.roles_from("console") | wanted, source="console")
    if "active" in values:
        if values["active"]:
            account.reactivate()
        else:
            account.deactivate(hold=True)
    account.save()


def _new_user(row: Row, *, mail: bool) -> NewUser:
    return NewUser(
        email=row.cells["email"],
        first_name=row.cells.get("first_name", ""),
        last_name=row.cells.get("last_name", ""),
        initials=row.cells["initials"],
        username=row.username,
        user_type=type_of(row) or UserType.ADMINISTRATIVE,
        api_user=flag(row, "api_user", default=False),
        active=flag(row, "active", default=True),
        roles=role_names(row),
        profile=row.cells.get("profile") or None,
        mail=mail,
    )

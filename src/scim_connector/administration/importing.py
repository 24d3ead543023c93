"""``import users.csv``: a list of people becomes local users, checked whole first.

The username says who a row is about, so the same file can be imported again: known
people are changed where the file differs, nobody is deleted.  Every row is judged
before the first is written, against the stored users and against the other rows.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Account, Act
from scim_connector.accounts.drafting import draft_of
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.directory import names, profiles, roles, users
from scim_connector.rules import folding
from scim_connector.rules.users import (
    Draft,
    RulesViolated,
    Taken,
    UserType,
    check,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User

COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "initials",
    "type",
    "active",
    "roles",
    "profile",
    "api_user",
)
REQUIRED = ("username", "email", "initials")
TEMPLATE = (
    ",".join(COLUMNS) + "\n"
    "anna.virtanen,anna.virtanen@example.com,Anna,Virtanen,AV,administrative,yes,"
    '"registrar; finance",Standard office,no\n'
    "bo.teacher,bo@example.com,Bo,Teacher,BT,teacher,no,,,no\n"
)
YES = {"yes", "true", "1", "y", "active"}
NO = {"no", "false", "0", "n", "inactive", ""}
BATCH = 200
_TEXT = ("email", "first_name", "last_name", "initials")


class Unreadable(Exception):
    """The file is no such list at all; the text says what to change."""


@dataclass(slots=True)
class Row:
    """One line of the file, what is wrong with it, and what would change."""

    line: int
    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)
    known: User | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Who the row is about."""
        return self.cells.get("username", "")

    @property
    def action(self) -> str:
        """What importing the row would do: refuse, create, change or nothing."""
        if self.problems:
            return "refuse"
        if self.known is None:
            return "create"
        return "change" if self.changes else "nothing"


def read(text: str) -> list[Row]:
    """Read a CSV file with a header line; raises Unreadable.

    Columns may come in any order; an unknown one is refused with the nearest name.
    """
    source = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    header = [(name or "").strip().lower() for name in source.fieldnames or ()]
    _check_header(header)
    source.fieldnames = header
    rows = [
        Row(source.line_num, {k: (v or "").strip() for k, v in cells.items() if k})
        for cells in source
    ]
    if not rows:
        message = "The file has a header and no rows; see: scim-connector import"
        raise Unreadable(f"{message} --template")
    return rows


def _check_header(header: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        message = f"The first line must name the columns; missing: {', '.join(missing)}"
        raise Unreadable(f"{message}. See: scim-connector import --template")
    for name in header:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise Unreadable(f'Unknown column "{name}"{hint}')


# ----------------------------------------------------------------------- judging


def judge(
    reader: Reader,
    rows: Sequence[Row],
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Find every problem and every change of every row; writes nothing."""
    _refuse_twins(rows)
    for row in rows:
        progress(1)
        _judge_words(reader, row)
        key = folding.username_key(row.username)
        row.known = users.by_username_key(reader, key)
        if row.known is None:
            _judge_newcomer(reader, row)
        else:
            _judge_known(reader, row, row.known)


def _refuse_twins(rows: Sequence[Row]) -> None:
    """Two rows of one file must not claim the same value."""
    folds: dict[str, Callable[[str], str]] = {
        "username": folding.username_key,
        "initials": folding.initials_key,
        "email": folding.email_key,
    }
    for name, fold in folds.items():
        first: dict[str, int] = {}
        for row in rows:
            value = row.cells.get(name, "")
            if not value:
                continue
            line = first.setdefault(fold(value), row.line)
            if line != row.line:
                row.problems.append(f'{name} "{value}" stands in line {line} already.')


def _judge_words(reader: Reader, row: Row) -> None:
    for name in ("active", "api_user"):
        if row.cells.get(name, "").lower() not in YES | NO:
            row.problems.append(f'{name} is "{row.cells[name]}"; write yes or no.')
    if _type_of(row) is None:
        known = ", ".join(UserType)
        row.problems.append(f'type is "{row.cells["type"]}"; write one of {known}.')
    asked = role_names(row)
    for missing in set(asked) - set(roles.by_names(reader, asked)):
        row.problems.append(f'There is no role "{missing}"; add it first: role add.')
    profile = row.cells.get("profile")
    if profile and profiles.by_name(reader, profile) is None:
        row.problems.append(
            f'There is no profile "{profile}"; add it first: profile add.'
        )


def role_names(row: Row) -> tuple[str, ...]:
    """The roles of a row, written with semicolons between them."""
    cell = row.cells.get("roles", "")
    return tuple(name.strip() for name in cell.split(";") if name.strip())


def _type_of(row: Row) -> UserType | None:
    word = row.cells.get("type", "").lower().replace(" ", "_") or "administrative"
    return UserType(word) if word in set(UserType) else None


def _flag(row: Row, name: str, *, default: bool) -> bool:
    word = row.cells.get(name, "").lower()
    return default if word == "" else word in YES


def _judge_newcomer(reader: Reader, row: Row) -> None:
    draft = Draft(
        username=row.username,
        initials=row.cells.get("initials", ""),
        email=row.cells.get("email", ""),
        first_name=row.cells.get("first_name", ""),
        last_name=row.cells.get("last_name", ""),
        user_type=_type_of(row) or UserType.ADMINISTRATIVE,
        api_user=_flag(row, "api_user", default=False),
        active=_flag(row, "active", default=True),
    )
    taken = names.taken(
        reader,
        username_key=folding.username_key(draft.username),
        initials_key=folding.initials_key(draft.initials),
        email_key=folding.email_key(draft.email or ""),
    )
    row.problems += [violation.message for violation in check(draft, taken)]


def _judge_known(reader: Reader, row: Row, user: User) -> None:
    if "api_user" in row.cells:
        asked = _flag(row, "api_user", default=user.is_api_user)
        if asked != user.is_api_user:
            row.problems.append("api_user is chosen at creation and never changes.")
    kind = _type_of(row)
    if row.cells.get("type") and kind is not None and kind != user.user_type:
        row.problems.append(f"type is {user.user_type} and never changes.")
    for name in _TEXT:
        value = row.cells.get(name, "")
        if value and value != getattr(user, name):
            row.changes[name] = (getattr(user, name), value)
    if row.cells.get("active"):
        active = _flag(row, "active", default=user.active)
        if active != user.active:
            row.changes["active"] = (user.active, active)
    _judge_equipment(reader, row, user)
    values = {n: new for n, (_, new) in row.changes.items() if n in _TEXT}
    row.problems += [v.message for v in _violations(reader, user, values)]


def _judge_equipment(reader: Reader, row: Row, user: User) -> None:
    held = set(roles.names_held(reader, user.id))
    asked = {folding.name_key(name) for name in role_names(row)}
    if asked - {folding.name_key(name) for name in held}:
        row.changes["roles"] = (sorted(held), list(role_names(row)))
    profile = row.cells.get("profile")
    present = profiles.name(reader, user.profile_id) if user.profile_id else None
    if profile and profile != present:
        row.changes["profile"] = (present, profile)


def _violations(reader: Reader, user: User, values: dict[str, str]) -> Iterator[Any]:
    draft = draft_of(user, values)
    taken = (
        names.taken(
            reader,
            username_key=folding.username_key(draft.username),
            initials_key=folding.initials_key(draft.initials),
            email_key=folding.email_key(draft.email or ""),
            except_user=user.id,
        )
        if values
        else Taken()
    )
    return (v for v in check(draft, taken) if v.attribute in values)


# ----------------------------------------------------------------------- writing


@dataclass(slots=True)
class Report:
    """What an import did, row by row where it did not work."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def write(
    database: Database,
    rows: Sequence[Row],
    act: Act,
    *,
    mail: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Write the rows that have no problem, in batches; *progress* gets rows done."""
    report = Report()
    for row in rows:
        if row.problems:
            report.refused.append((row.line, row.username, " ".join(row.problems)))
    good = [row for row in rows if not row.problems]
    for start in range(0, len(good), BATCH):
        batch = good[start : start + BATCH]
        work = partial(_write_batch, batch=batch, act=act, mail=mail, report=report)
        database.write(work)
        progress(len(batch))
    return report


def _write_batch(
    tx: Transaction, batch: Sequence[Row], act: Act, mail: bool, report: Report
) -> None:
    for row in batch:
        try:
            _write_row(tx, row, act, mail=mail)
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


def _write_row(tx: Transaction, row: Row, act: Act, *, mail: bool) -> None:
    if row.known is None:
        doors.add(tx, _new_user(row, mail=mail), act)
        return
    if not row.changes:
        return
    account = Account.open(tx, row.known.id, act)
    values = {n: new for n, (_, new) in row.changes.items() if n in _TEXT}
    account.edit(values, origin="local")
    if "profile" in row.changes:
        found = profiles.by_name(tx, row.cells["profile"])
        account.edit({"profile_id": None if found is None else found.id})
    if "roles" in row.changes:
        wanted = frozenset(roles.by_names(tx, role_names(row)).values())
        account.assign(account.roles_from("console") | wanted, source="console")
    if "active" in row.changes:
        if row.changes["active"][1]:
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
        user_type=_type_of(row) or UserType.ADMINISTRATIVE,
        api_user=_flag(row, "api_user", default=False),
        active=_flag(row, "active", default=True),
        roles=role_names(row),
        profile=row.cells.get("profile") or None,
        mail=mail,
    )

"""Access reviews: a sheet for those who know their people, and what they decided.

A row is one thing somebody can do: have an account, or hold a role.  Whoever reviews
writes ``confirm`` or ``revoke`` beside it; the import carries it out through the rules.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.user_files import between
from scim_connector.compliance import sheets
from scim_connector.compliance.reports.report import instant
from scim_connector.compliance.reports.standing import everybody
from scim_connector.directory import audit, users
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.users import User

ACCOUNT: Final = "account"
CONFIRM, REVOKE = "confirm", "revoke"
FIELDS: Final = (
    *("user_id", "username", "first_and_last_name", "email", "kind", "managed_by"),
    *("item", "through", "last_sign_in", "reviewer", "decision", "comment"),
)
#: As many digits as fit the database.
_ID: Final = re.compile(r"[0-9]{1,18}")
_NEEDED: Final = ("user_id", "username", "item", "reviewer", "decision")


def sheet(
    database: Database,
    now: int,
    *,
    progress: Callable[[int], None] = lambda users: None,
) -> Iterator[str]:
    """The sheet to review, as CSV: the rows of :func:`to_review`."""
    return sheets.pieces(FIELDS, to_review(database, now, progress=progress))


def to_review(
    database: Database,
    now: int,
    *,
    progress: Callable[[int], None] = lambda users: None,
) -> list[tuple[Any, ...]]:
    """The rows of :data:`FIELDS`: every active user, and one for each of their roles."""
    with database.snapshot() as reader:
        people = everybody(reader, at=now, now=now, progress=progress)
        return [row for each in people if each.active for row in _rows(each)]


def _rows(each: Any) -> Iterator[tuple[Any, ...]]:
    user = each.user
    kind = "API user" if user.is_api_user else "person"
    who = (user.id, user.username, each.name, user.email, kind, each.managed_by)
    seen = instant(each.signed_in or each.key_used)
    yield *who, ACCOUNT, "", seen, "", "", ""
    for role in each.roles:
        through = "; ".join(
            said.removeprefix(f"{role}: ")
            for said in each.through
            if said.startswith(f"{role}: ")
        )
        yield *who, role, through, seen, "", "", ""


@dataclass(slots=True)
class Decision:
    """One row that came back; *problem* says why it cannot be carried out."""

    line: int
    user_id: int
    username: str
    item: str
    reviewer: str
    decision: str
    comment: str = ""
    problem: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a review: what was confirmed, revoked, and what was not."""

    confirmed: int = 0
    revoked: list[Decision] = field(default_factory=list)
    refused: list[Decision] = field(default_factory=list)
    open: int = 0


def read(text: str) -> list[Decision]:
    """The rows of a sheet that came back; raises NotPossible with what to change."""
    text = text.removeprefix("\ufeff")
    source = csv.DictReader(io.StringIO(text), delimiter=between(text))
    missing = [name for name in _NEEDED if name not in (source.fieldnames or ())]
    if missing:
        names = ", ".join(missing)
        raise NotPossible(f"The sheet lacks the columns {names}; export it anew.")
    return [_decision(source.line_num, row) for row in source]


def _decision(line: int, row: Mapping[str, Any]) -> Decision:
    values = {name: _plain(row.get(name)) for name in (*_NEEDED, "comment")}
    decision = values["decision"].lower()
    if decision not in {"", CONFIRM, REVOKE}:
        said = values["decision"]
        raise NotPossible(f'Line {line}: "{said}" is neither confirm nor revoke.')
    if decision and not values["reviewer"]:
        raise NotPossible(f"Line {line} has a decision and no reviewer; name them.")
    if not _ID.fullmatch(values["user_id"]):
        raise NotPossible(f'Line {line}: "{values["user_id"]}" is no user_id.')
    return Decision(
        line=line,
        user_id=int(values["user_id"]),
        username=values["username"],
        item=values["item"],
        reviewer=values["reviewer"],
        decision=decision,
        comment=values["comment"],
    )


def _plain(value: Any) -> str:
    """A cell without what was put before it against formulas."""
    text = str(value or "").strip()
    return text[1:] if text[:1] == "'" and sheets.cell(text[1:]) == text else text


def carry_out(
    database: Database,
    decisions: Sequence[Decision],
    act: Act,
    *,
    dry: bool = False,
    progress: Callable[[int], None] = lambda rows: None,
) -> Outcome:
    """Carry the decisions out, each in a transaction of its own; *dry* keeps nothing.

    Whoever reviewed is in audit beside who imported it.  What a rule or a provider
    stands against is in ``refused``, with what to do.
    """
    outcome = Outcome()
    digest = _digest(decisions)
    run = database.preview if dry else database.write
    for each in decisions:
        if not each.decision:
            outcome.open += 1
        else:
            try:
                run(partial(_carry_out, each=each, digest=digest, act=act))
            except (NotPossible, RulesViolated) as refusal:
                each.problem = str(refusal)
                outcome.refused.append(each)
            else:
                if each.decision == CONFIRM:
                    outcome.confirmed += 1
                else:
                    outcome.revoked.append(each)
        progress(1)
    return outcome


def _carry_out(tx: Transaction, each: Decision, digest: str, act: Act) -> None:
    user = users.by_id(tx, each.user_id)
    if user is None or user.username != each.username:
        message = f"There is no user {each.username} with the id {each.user_id} now"
        raise NotPossible(f"{message}; export the sheet anew.")
    if each.decision == REVOKE:
        _revoke(tx, user, each, act)
    facts = {
        "item": each.item,
        "decision": each.decision,
        "reviewer": each.reviewer,
        "comment": each.comment,
        "sheet": digest,
    }
    audit.record(
        tx,
        [Event("review:decided", facts)],
        at=act.now,
        actor=act.actor,
        user_id=user.id,
    )


def _revoke(tx: Transaction, user: User, each: Decision, act: Act) -> None:
    if each.item == ACCOUNT:
        if not user.active:
            raise NotPossible(f"{user.username} is inactive already.")
        doors.deactivate(tx, user, act)
    else:
        doors.take_role(tx, user, each.item, act)


def _digest(decisions: Sequence[Decision]) -> str:
    """Which sheet a decision came from: the hash of all its decisions."""
    said = sha256()
    for each in decisions:
        row = (each.user_id, each.item, each.reviewer, each.decision, each.comment)
        said.update(repr(row).encode())
    return said.hexdigest()

"""One act on several users at once: seen before for each, and told after for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.administration import leaving
from scim_connector.administration import users as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import users
from scim_connector.rules.permissions import (
    END_SESSIONS,
    RESET_PASSWORDS,
    UPDATE_USERS,
    Permission,
)
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User


@dataclass(frozen=True, slots=True)
class Deed:
    """What can be done with several: who may, what follows for each, and the doing.

    ``always`` holds for all of them; ``work`` returns what was done in a sentence, or
    raises what refuses it.
    """

    id: str
    label: str
    always: str
    permission: Permission
    foreseen: Callable[[Reader, User], Iterator[str]]
    work: Callable[[Transaction, User, Act, bool], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one user: ``done`` in a sentence, or ``why_not``."""

    user: User
    done: str | None = None
    why_not: str | None = None


def carry_out(
    tx: Transaction,
    deed: Deed,
    user_ids: Collection[int],
    act: Act,
    *,
    second_factor: bool,
) -> list[Outcome]:
    """Do it to each; whoever it cannot be done to leaves the others alone.

    *second_factor* says whether the one who asks has one (R17).
    """
    found = chosen(tx, user_ids)
    return [_tried(tx, deed, user, act, second_factor) for user in found]


def _tried(
    tx: Transaction, deed: Deed, user: User, act: Act, second_factor: bool
) -> Outcome:
    try:
        with tx.savepoint():
            done = deed.work(tx, users.held(tx, user.id), act, second_factor)
    except (NotPossible, RulesViolated) as refusal:
        return Outcome(user, why_not=str(refusal))
    return Outcome(user, done=done)


def preview(
    database: Database,
    deed: Deed,
    user_ids: Collection[int],
    act: Act,
    *,
    second_factor: bool,
) -> list[tuple[Outcome, list[str]]]:
    """What would become of each, by doing it and keeping nothing of it.

    Beside each stands what follows, as far as it can be done.
    """
    factor = second_factor
    tried = database.preview(
        lambda tx: carry_out(tx, deed, user_ids, act, second_factor=factor)
    )
    reader = database.reader()
    return [
        (each, [] if each.done is None else list(deed.foreseen(reader, each.user)))
        for each in tried
    ]


def chosen(reader: Reader, user_ids: Collection[int]) -> Sequence[User]:
    """The users of these ids, by username; raises NotPossible when there is none."""
    found = users.by_ids(reader, user_ids) if user_ids else {}
    if not found:
        raise NotPossible("Tick the users it is to be done with first.")
    return sorted(found.values(), key=lambda user: user.username_key)


# ------------------------------------------------------------------------- the deeds


def _end_sessions(tx: Transaction, user: User, act: Act, _: bool) -> str:
    if user.is_api_user:
        raise NotPossible(f"{user.username} is an API user and has no sessions.")
    ended = administration.log_out(tx, user, act)
    if not ended:
        raise NotPossible(f"{user.username} is signed in nowhere.")
    return f"Signed out: {ended} session{'s' * (ended > 1)} ended."


def _reset(tx: Transaction, user: User, act: Act, second_factor: bool) -> str:
    administration.send_reset(tx, user, act, second_factor=second_factor)
    return f"A mail is on its way to {user.email}."


def _mailed(_: Reader, user: User) -> Iterator[str]:
    yield f"{user.email} is mailed a link that works for one hour."


def _deactivate(tx: Transaction, user: User, act: Act, _: bool) -> str:
    if not user.active:
        raise NotPossible(f"{user.username} is inactive already.")
    administration.deactivate(tx, user, act)
    return "Inactive: every session, link and key ended."


DEEDS: Final = {
    deed.id: deed
    for deed in (
        Deed(
            "sessions",
            "End sessions",
            "They are signed out everywhere at once, and may sign in again.",
            END_SESSIONS,
            leaving.signed_in,
            _end_sessions,
        ),
        Deed(
            "reset",
            "Mail a password link",
            "The present password works until another is chosen.",
            RESET_PASSWORDS,
            _mailed,
            _reset,
        ),
        Deed(
            "deactivate",
            "Deactivate",
            f"Every access ends at once. {leaving.STAYS}",
            UPDATE_USERS,
            leaving.ends,
            _deactivate,
        ),
    )
}

"""The gate: the one place that asks ``rules.access.may_sign_in`` for every door.

Single sign-on, password sign-in, mailed links, the renewal of a session and token
exchange come through here; ``login.sessions`` alone makes sessions, and only of who was
admitted.  What a person reads is the same for every reason; audit keeps the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim_connector.directory import assignments, audit, users
from scim_connector.rules.access import OUTWARD, Refusal, may_sign_in
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.lifecycle import Standing
from scim_connector.rules.users import UserType

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User

#: The name of the gate's own pages among the applications.
OWN_PAGES = "account"


@dataclass(frozen=True, slots=True)
class Door:
    """Where somebody stands: at which application, from where, with what, and when.

    *road* is "sso", "password", "link", "renewal" or "exchange"; *now* in microseconds.
    """

    road: str
    client: str
    network: str
    agent: str
    now: int


class NotAdmitted(Exception):
    """Somebody may not come in; the text is for them, ``refusal`` for the log.

    ``user_id`` and ``facts`` are for the log too, as far as they are known.
    """

    def __init__(
        self, refusal: Refusal, user_id: int | None = None, **facts: Any
    ) -> None:
        """Say the same whatever the reason."""
        super().__init__(OUTWARD)
        self.refusal = refusal
        self.user_id = user_id
        self.facts = facts


def standing_of(reader: Reader, user: User) -> Standing:
    """The facts the rules judge a user by."""
    return Standing(
        user_type=UserType(user.user_type),
        api_user=user.is_api_user,
        active=user.active,
        is_administrator=assignments.is_administrator(reader, user.id),
        signed_in_before=user.first_login_at is not None,
    )


def admit(
    reader: Reader,
    user_id: int | None,
    *,
    token_wrong: str | None = None,
    linked: bool = True,
    limit_reached: bool = False,
) -> User:
    """The user, who may come in at this instant; raises NotAdmitted.

    Call it in the transaction that lets them in: what it reads is true there.
    """
    user = None if user_id is None else users.by_id(reader, user_id)
    refusal = may_sign_in(
        None if user is None else standing_of(reader, user),
        token_wrong=token_wrong,
        linked=linked,
        limit_reached=limit_reached,
    )
    if refusal is not None or user is None:
        raise NotAdmitted(refusal or refusal_of_nobody(), user_id)
    return user


def refusal_of_nobody() -> Refusal:
    """What the gate says of an identity that is nobody's."""
    refusal = may_sign_in(None)
    assert refusal is not None  # noqa: S101 - nobody is let in as nobody
    return refusal


def refusal_of_token(sentence: str) -> Refusal:
    """What the gate says of something that proves nothing."""
    refusal = may_sign_in(None, token_wrong=sentence)
    assert refusal is not None  # noqa: S101 - the gate asks for the token first
    return refusal


def keep_refusal(database: Database, refused: NotAdmitted, door: Door) -> None:
    """Write a refusal into audit, in a transaction of its own."""
    facts = {
        "road": door.road,
        "application": door.client,
        "reason": refused.refusal.code,
        "why": refused.refusal.sentence,
        "network": door.network,
        **refused.facts,
    }

    def work(tx: Transaction) -> None:
        audit.record(
            tx,
            [Event("sign_in:refused", facts)],
            at=door.now,
            actor=Actor.gate(door.road),
            user_id=refused.user_id,
        )

    database.write(work)

"""Mails, as an administrator deals with them: sent again, dropped, let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, installation, outbox
from scim_connector.rules.events import Event

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.outbox import Standing

TOPICS: Final = "mail:"
#: The fact that mail was configured once; what waited before that was held.
CONFIGURED: Final = "mail_configured"
DAY: Final = 24 * 3600 * 1_000_000
_WITH_LINK: Final = frozenset({"mail:welcome", "mail:reset", "mail:confirm-email"})


def hold_first(tx: Transaction, now: int) -> int:
    """Hold what waits when mail is configured for the first time; returns how many.

    A year of welcomes must not leave at once because somebody wrote a host name into a
    file: a person sends or drops them by one choice (decision 34).
    """
    if installation.read(tx, CONFIGURED) is not None:
        return 0
    installation.write(tx, CONFIGURED, str(now))
    return outbox.hold(tx, TOPICS, now=now)


def find(reader: Reader, message_id: int) -> Standing:
    """The mail of this number; raises NotPossible."""
    found = outbox.by_id(reader, message_id)
    if found is None or not found.message.topic.startswith(TOPICS):
        message = f"There is no mail {message_id}; look at those that wait."
        raise NotPossible(message, "mail list")
    return found


def resend(tx: Transaction, standing: Standing, act: Act) -> None:
    """Queue a mail again; where it holds a link, that will be a new one."""
    message = standing.message
    is_open = standing.delivered_at is None and standing.given_up_at is None
    if is_open:
        outbox.withdraw(tx, message.id, "Sent again by a person.", now=act.now)
    until = act.now + DAY if message.topic in _WITH_LINK else None
    outbox.add(
        tx,
        message.topic,
        orjson.loads(message.payload),
        user_id=message.user_id,
        now=act.now,
        best_before=until,
    )
    _tell(tx, "mail:resent", standing, act)


def drop(tx: Transaction, standing: Standing, act: Act) -> None:
    """Withdraw a mail; raises NotPossible for one that has gone."""
    why = "Dropped by a person."
    if not outbox.withdraw(tx, standing.message.id, why, now=act.now):
        raise NotPossible("This mail has been sent, or was given up before.")
    _tell(tx, "mail:dropped", standing, act)


def release_held(tx: Transaction, act: Act) -> int:
    """Send what was held after all, within a day; returns how many mails."""
    count = outbox.release(tx, now=act.now, until=act.now + DAY)
    _tell_of_many(tx, "mail:released", count, act)
    return count


def drop_held(tx: Transaction, act: Act) -> int:
    """Withdraw what was held; returns how many mails."""
    why = "Dropped by a person when mail was configured."
    count = outbox.drop_held(tx, why, now=act.now)
    _tell_of_many(tx, "mail:held-dropped", count, act)
    return count


def _tell_of_many(tx: Transaction, name: str, count: int, act: Act) -> None:
    if count:
        event = Event(name, {"mails": count})
        audit.record(tx, [event], at=act.now, actor=act.actor)


def _tell(tx: Transaction, name: str, standing: Standing, act: Act) -> None:
    message = standing.message
    audit.record(
        tx,
        [Event(name, {"mail": message.id, "topic": message.topic})],
        at=act.now,
        actor=act.actor,
        user_id=message.user_id,
    )

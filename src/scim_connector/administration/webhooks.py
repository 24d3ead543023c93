"""Webhooks: added, changed, given another secret, paused, sent to again by a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import told
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, webhooks
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.events import Event
from scim_connector.rules.webhooks import BY_ID
from scim_connector.tokens import webhooks as signing

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.webhooks import Tally, Webhook
    from scim_connector.tokens.secrets import SecretKeys

#: What the secret of a webhook is encrypted for.
SEALED_FOR: Final = "secret of a webhook"
HOUR: Final = 3600 * 1_000_000
#: How long the former secret signs beside a new one, and how long at most; hours.
OVERLAP: Final = 24
MOST_OVERLAP: Final = 7 * 24
_NO_FORMER: Final = {"former_secret": None, "former_until": None}


def find(reader: Reader, name: str) -> Webhook:
    """The webhook of this name; raises NotPossible with those there are."""
    return told.found(webhooks.ROWS, reader, name, "webhook")


def add(
    tx: Transaction,
    keys: SecretKeys,
    name: str,
    url: str,
    act: Act,
    *,
    kinds: Iterable[str],
) -> tuple[Webhook, str]:
    """Tell an address from now on; returns the secret, which is shown this once."""
    name = told.named(name, "webhook")
    told.refuse_address(url, "webhook")
    facts = {"name": name, "url": url, "kinds": known(kinds)}
    secret = signing.mint()
    try:
        with tx.savepoint():
            made = {**facts, "secret": _sealed(keys, secret)}
            webhooks.add(tx, made, now=act.now)
    except ConstraintBroken:
        raise NotPossible(f'There is a webhook "{name}" already.') from None
    _tell(tx, "webhook:added", act, **facts)
    return find(tx, name), secret


def change(
    tx: Transaction, keys: SecretKeys, webhook: Webhook, act: Act, **changes: Any
) -> tuple[Webhook, str | None]:
    """Set url, kinds or paused; raises NotPossible.

    Another address gets another secret, which is returned and shown this once: nobody
    may have messages for the former address signed by naming one of their own.
    """
    webhook = find(tx, webhook.name)  # as it is now, not as it was looked at
    moved = {n: v for n, v in changes.items() if getattr(webhook, n) != v}
    secret = None
    if moved:
        set_ = dict(moved)
        if "url" in moved:
            told.refuse_address(moved["url"], "webhook")
            secret = signing.mint()
            set_ |= {"secret": _sealed(keys, secret), **_NO_FORMER}
        webhooks.change(tx, webhook.id, set_)
        facts = {"secret": "changed"} if secret else {}
        _tell(tx, "webhook:changed", act, name=webhook.name, **moved, **facts)
    return find(tx, webhook.name), secret


def rotate(
    tx: Transaction, keys: SecretKeys, webhook: Webhook, act: Act, *, hours: int
) -> str:
    """Another secret, shown this once; the former one signs too for some hours."""
    if not 0 <= hours <= MOST_OVERLAP:
        message = f"The former secret may go on for 0 to {MOST_OVERLAP} hours"
        raise NotPossible(f"{message}; name a number among these.")
    webhook = find(tx, webhook.name)
    secret = signing.mint()
    former: dict[str, Any] = dict(_NO_FORMER)
    if hours:
        until = act.now + hours * HOUR
        former = {"former_secret": webhook.secret, "former_until": until}
    webhooks.change(tx, webhook.id, {"secret": _sealed(keys, secret), **former})
    _tell(tx, "webhook:secret", act, name=webhook.name, former_hours=hours)
    return secret


def resend(tx: Transaction, webhook: Webhook, message_id: int, act: Act) -> None:
    """Send a message once more, under the same id; raises NotPossible."""
    if not webhooks.again(tx, webhook.id, message_id, now=act.now):
        message = f"{webhook.name} has no message {message_id}"
        raise NotPossible(f"{message}; messages are kept for 30 days.")
    _tell(tx, "webhook:resent", act, name=webhook.name, message=message_id)


def resend_lost(tx: Transaction, webhook: Webhook, act: Act) -> int:
    """Send once more whatever was not delivered; returns how many messages."""
    count = webhooks.again_lost(tx, webhook.id, now=act.now)
    if not count:
        raise NotPossible(f"No message to {webhook.name} was given up.")
    _tell(tx, "webhook:resent", act, name=webhook.name, messages=count)
    return count


def remove(tx: Transaction, webhook: Webhook, act: Act) -> None:
    """Tell it nothing more, and forget what it was sent."""
    webhooks.remove(tx, webhook.id)
    _tell(tx, "webhook:removed", act, name=webhook.name, url=webhook.url)


# ------------------------------------------------------------------------ how it stands


def state_of(webhook: Webhook, tally: Tally) -> str:
    """One word: paused, trying, failed, waiting or sent."""
    lost, taken = tally.last_lost_at or 0, tally.last_delivered_at or 0
    for holds, word in (
        (webhook.paused, "paused"),
        (tally.trying, "trying"),
        (lost > taken, "failed"),
        (tally.waiting, "waiting"),
    ):
        if holds:
            return word
    return "sent"


def known(kinds: Iterable[str]) -> tuple[str, ...]:
    """What is asked to be told, in the order of the table; raises NotPossible."""
    asked = set(kinds)
    strange = sorted(asked - set(BY_ID))
    if strange or not asked:
        what = (
            f'A webhook hears nothing of "{strange[0]}"'
            if strange
            else "Say what the webhook is to hear of"
        )
        raise NotPossible(f"{what}; there are: {', '.join(BY_ID)}.")
    return tuple(each for each in BY_ID if each in asked)


def secrets_of(keys: SecretKeys, webhook: Webhook, now: int) -> list[str]:
    """The secrets that sign now: the present one first."""
    held = [webhook.secret]
    if webhook.former_secret is not None and now < (webhook.former_until or 0):
        held.append(webhook.former_secret)
    opened = (keys.decrypt(bytes.fromhex(each), SEALED_FOR) for each in held)
    return [each.decode() for each in opened]


def _sealed(keys: SecretKeys, secret: str) -> str:
    return keys.encrypt(secret.encode(), SEALED_FOR).hex()


def _tell(tx: Transaction, event: str, act: Act, **facts: Any) -> None:
    audit.record(tx, [Event(event, facts)], at=act.now, actor=act.actor)

"""Receivers of security events: added, changed, paused, replayed by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson

from scim_connector.administration import told
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, receivers, seals
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.events import Event
from scim_connector.rules.security_events import BY_ID
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.receivers import Receiver
    from scim_connector.tokens.secrets import SecretKeys

#: What a receiver's bearer token is encrypted for.
SEALED_FOR: Final = "bearer of a receiver"
DEFAULT: Final = ("deactivate", "session-revoked")
#: Among so many events behind its position one that a receiver is to be told is found,
#: unless it asked for something rare; then it is found a little late.
_LOOKED_AT: Final = 1000


def find(reader: Reader, name: str) -> Receiver:
    """The receiver of this name; raises NotPossible with those there are."""
    return told.found(receivers.ROWS, reader, name, "receiver")


def add(
    tx: Transaction,
    keys: SecretKeys,
    name: str,
    url: str,
    act: Act,
    *,
    audience: str | None = None,
    bearer: str | None = None,
    kinds: Iterable[str] = DEFAULT,
) -> Receiver:
    """Send security events to an address from now on; raises NotPossible.

    *bearer* is shown to the receiver and kept encrypted.  *audience* is whom the tokens
    are for, the address unless it is named.
    """
    told.refuse_address(url, "receiver")
    made = {
        "name": told.named(name, "receiver"),
        "url": url,
        "audience": audience or url,
        "bearer": sealed(keys, bearer),
        "kinds": known(kinds),
        "polls": False,
        "token_id": None,
        "token_hash": None,
    }
    return _added(tx, made, act)


def add_polling(
    tx: Transaction,
    keys: SecretKeys,
    name: str,
    act: Act,
    *,
    audience: str | None = None,
    kinds: Iterable[str] = DEFAULT,
) -> tuple[Receiver, opaque.Token]:
    """Keep security events from now on for a receiver that asks for them (RFC 8936).

    The token opens them for it and is shown once.  *audience* is whom the tokens of the
    events are for, the name unless it is given.  Raises NotPossible.
    """
    name, token = told.named(name, "receiver"), opaque.mint()
    made = {
        "name": name,
        "url": "",
        "audience": audience or name,
        "bearer": None,
        "kinds": known(kinds),
        "polls": True,
        **_kept(token, keys),
    }
    return _added(tx, made, act), token


def _kept(token: opaque.Token, keys: SecretKeys) -> dict[str, str]:
    """What is kept of a token: what finds its row, and a hash."""
    hashed = opaque.hashed(token, keys.peppers()[0])
    return {"token_id": token.id, "token_hash": hashed}


def _added(tx: Transaction, made: dict[str, Any], act: Act) -> Receiver:
    position = seals.last_event(tx)
    try:
        with tx.savepoint():
            receivers.add(tx, made, position=position, now=act.now)
    except ConstraintBroken:
        message = f'There is a receiver "{made["name"]}" already.'
        raise NotPossible(message) from None
    shown = ("name", "url", "audience", "kinds", "polls")
    _tell(tx, "receiver:added", act, **{name: made[name] for name in shown})
    return find(tx, made["name"])


def opens(keys: SecretKeys, receiver: Receiver | None, token: opaque.Token) -> bool:
    """Whether a token is that of a receiver; as slow for one that is not there."""
    kept = "" if receiver is None else receiver.token_hash or ""
    return any([opaque.opens(token, kept, pepper) for pepper in keys.peppers()])


def rotate(
    tx: Transaction, keys: SecretKeys, receiver: Receiver, act: Act
) -> opaque.Token:
    """Give a receiver that polls another token; the former one dies at once."""
    _refuse_pushed(receiver, "is opened by a token of its own")
    token = opaque.mint()
    receivers.change(tx, receiver.id, _kept(token, keys))
    facts = {"name": receiver.name, "token": token.id}
    _tell(tx, "receiver:token", act, **facts)
    return token


def leave_test(tx: Transaction, receiver: Receiver, act: Act) -> str:
    """Keep a test event for a receiver that polls, until it takes or refuses it."""
    _refuse_pushed(receiver, "is sent a test event at once")
    receivers.change(tx, receiver.id, {"test_jti": str(uuid4())})
    _tell(tx, "receiver:tested", act, name=receiver.name)
    return f"A verification event waits for {receiver.name} to ask for it."


def _refuse_pushed(receiver: Receiver, why: str) -> None:
    if not receiver.polls:
        raise NotPossible(f"{receiver.name} {why}; it does not poll.")


def change(tx: Transaction, receiver: Receiver, act: Act, **changes: Any) -> Receiver:
    """Set url, audience, kinds, bearer (sealed) or paused; raises NotPossible."""
    receiver = find(tx, receiver.name)  # as it is now, not as it was looked at
    if receiver.polls:
        refuse_road(changes)
    else:
        told.refuse_address(changes.get("url", receiver.url), "receiver")
    moved = {n: v for n, v in changes.items() if getattr(receiver, n) != v}
    if "url" in moved and "bearer" not in changes and receiver.bearer is not None:
        # Nobody may read the token by having it sent to an address of theirs.
        message = f"The bearer token of {receiver.name} is for {receiver.url}"
        raise NotPossible(f"{message}; give the token of the new address with it.")
    if moved:
        # Whoever changes something wants it tried now.
        receivers.change(tx, receiver.id, {**moved, "due_at": act.now, "attempts": 0})
        facts = {n: v for n, v in moved.items() if n != "bearer"}
        facts |= {"bearer": "changed"} if "bearer" in moved else {}
        _tell(tx, "receiver:changed", act, name=receiver.name, **facts)
    return find(tx, receiver.name)


def refuse_road(given: Mapping[str, Any]) -> None:
    """Who polls has no address, and shows a token instead of being shown one."""
    if given.get("url") or given.get("bearer"):
        message = "A receiver that polls has no address and no bearer token to be given"
        raise NotPossible(f"{message}; leave both out, or add one that is pushed to.")


def replay(tx: Transaction, receiver: Receiver, event_id: int, act: Act) -> int:
    """Send everything from an event of audit on once more, under the same ids.

    Returns the event it goes on behind.  Raises NotPossible for what was not sent yet.
    """
    receiver = receivers.held(tx, receiver.id) or receiver
    if not 0 < event_id <= receiver.position:
        message = f"{receiver.name} has been sent events up to {receiver.position}"
        raise NotPossible(f"{message}; name one of those.")
    changes = {
        "position": event_id - 1,
        "due_at": act.now,
        "attempts": 0,
        # What was taken before counts no more for one that polls.
        "settled_from": receivers.newest_delivery(tx, receiver.id),
    }
    receivers.change(tx, receiver.id, changes)
    _tell(tx, "receiver:replayed", act, name=receiver.name, from_event=event_id)
    return event_id - 1


def remove(tx: Transaction, receiver: Receiver, act: Act) -> None:
    """Send a receiver nothing more, and forget what it took."""
    receivers.remove(tx, receiver.id)
    _tell(tx, "receiver:removed", act, name=receiver.name, url=receiver.url)


def state_of(receiver: Receiver, last: int) -> str:
    """One word for how a receiver stands: paused, trying, waiting or sent.

    *last* is the last event that is sealed.
    """
    if receiver.paused:
        return "paused"
    if receiver.last_error is not None:
        return "trying"
    return "sent" if receiver.position >= last else "waiting"


def waiting_since(reader: Reader, receiver: Receiver) -> int | None:
    """When the oldest event was recorded that a receiver has never taken.

    Microseconds UTC; None when there is none.  What is only sent again counts as taken.
    """
    kinds = [BY_ID[kind] for kind in receiver.kinds]
    names = sorted({name for kind in kinds for name in kind.of})
    found = audit.named_after(reader, receiver.position, names, at_most=_LOOKED_AT)
    if not found:
        return None
    upto = found[-1].id
    taken = receivers.taken(reader, receiver.id, after=receiver.position, upto=upto)
    for event in (each for each in found if each.id not in taken):
        facts = orjson.loads(event.facts)
        if any(kind.is_caused_by(event.name, facts) for kind in kinds):
            return event.at
    return None


def known(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds of events that are asked for; raises NotPossible for an unknown one."""
    asked = tuple(dict.fromkeys(kinds))
    strange = [kind for kind in asked if kind not in BY_ID]
    if strange or not asked:
        names = ", ".join(BY_ID)
        what = f'There is no event "{strange[0]}"' if strange else "Name an event"
        raise NotPossible(f"{what}; there are: {names}.")
    return asked


def sealed(keys: SecretKeys, bearer: str | None) -> str | None:
    """A bearer token as it is kept; raises NotPossible for what fits no header."""
    if bearer is None:
        return None
    if not bearer or not bearer.isascii() or not bearer.isprintable():
        raise NotPossible("The bearer token has to be printable ASCII characters.")
    return keys.encrypt(bearer.encode(), SEALED_FOR).hex()


def opened(keys: SecretKeys, receiver: Receiver) -> str | None:
    """The bearer token of a receiver."""
    if receiver.bearer is None:
        return None
    return keys.decrypt(bytes.fromhex(receiver.bearer), SEALED_FOR).decode()


def _tell(tx: Transaction, event: str, act: Act, **facts: Any) -> None:
    audit.record(tx, [Event(event, facts)], at=act.now, actor=act.actor)

"""Security events out: each receiver is sent what audit tells, in its order (RFC 8935).

A receiver follows the sealed record of changes at its own pace.  So nothing is written
for it while a provider waits, what is committed is sent at least once, and the events
of a user come in the order in which they happened.  A receiver that does not answer
holds up nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog

from scim_connector.administration import receivers as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.delivery.backoff import next_try
from scim_connector.delivery.event_tokens import EventToken, EventTokens
from scim_connector.delivery.senders import NotSent, TryLater, Undeliverable
from scim_connector.delivery.worker import present
from scim_connector.directory import receivers, seals
from scim_connector.tokens import fetching
from scim_connector.tokens.fetching import CannotFetch

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.receivers import Receiver
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.tokens.signing import SigningKeys

MEDIA_TYPE: Final = "application/secevent+jwt"
#: RFC 8935 section 2.2 says 202; some servers say 200 or 204 to what they took.
_TAKEN: Final = frozenset({200, 202, 204})
_REFUSED: Final = 400
_SECOND: Final = 1_000_000
#: So long one receiver is sent events before others have their turn; microseconds.
_TURN: Final = 3 * _SECOND
#: A lease outlives a turn, and what the last event of it may take.
_LEASE: Final = 60 * _SECOND
_AT_ONCE: Final = 200
#: The errors that concern us and not the token: they are tried again.  So is a 400
#: that names no error: it comes from a proxy in between (RFC 8935 section 2.4).
_OURS: Final = frozenset({"authentication_failed", "access_denied"})

_log = structlog.get_logger("security_events")

Watch = Callable[["Receiver", "AuditEvent", str], AbstractContextManager[object]]
"""What is around the sending of an event of a kind, and sees what that raises."""


def unwatched(*_: object) -> AbstractContextManager[None]:
    """Nothing is around it."""
    return nullcontext()


class Transmitter:
    """Sends receivers their events; any number may work on one database."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        signing: SigningKeys,
        *,
        issuer: str,
        clock: Callable[[], int] = present,
        watch: Watch = unwatched,
    ) -> None:
        """Sign with *signing* in the name of *issuer*; *watch* sees each sending."""
        self._watch = watch
        self._database = database
        self._keys = keys
        self._tokens = EventTokens(database, signing, issuer)
        self._clock = clock

    def round(self) -> int:
        """Serve one receiver that is due; returns how many events it has passed."""
        now = self._clock()
        if not receivers.has_due(self._database.reader(), now=now):
            return 0
        take = partial(receivers.lease, now=now, until=now + _LEASE)
        receiver = self._database.write(take)
        return 0 if receiver is None else self._serve(receiver, now)

    def try_out(self, receiver: Receiver, act: Act) -> str:
        """Send a verification event now; raises NotPossible with what was answered.

        Who polls finds it when it asks the next time.
        """
        if receiver.polls:
            return self._database.write(lambda tx: doors.leave_test(tx, receiver, act))
        try:
            self._push(receiver, self._tokens.test(receiver, str(uuid4())))
        except NotSent as error:
            raise NotPossible(f"Not taken: {error}") from None
        return f"{receiver.name} took a verification event."

    def _serve(self, receiver: Receiver, now: int) -> int:
        reader = self._database.reader()
        found = seals.sealed_after(reader, receiver.position, at_most=_AT_ONCE)
        position = receiver.position
        for number, event in enumerate(found):
            if number and self._clock() > now + _TURN:
                break
            try:
                self._send(receiver, event)
            except NotSent as error:
                self._failed(receiver, str(error), position)
                return number
            position = event.id
        later = self._clock()
        self._database.write(
            lambda tx: receivers.passed(tx, receiver, position, now=later)
        )
        return len(found)

    def _send(self, receiver: Receiver, event: AuditEvent) -> None:
        """Send what an event causes; raises TryLater, with nothing passed over."""
        for token in self._tokens.of(receiver, event):
            try:
                with self._watch(receiver, event, token.mark.kind):
                    self._push(receiver, token)
            except Undeliverable as refusal:
                self._took(receiver, token, str(refusal))
            else:
                self._took(receiver, token, None)

    def _push(self, receiver: Receiver, token: EventToken) -> None:
        """Hand over one token; raises Undeliverable, TryLater."""
        text = self._tokens.signed(receiver, token, self._clock())
        bearer = doors.opened(self._keys, receiver)
        try:
            answer = fetching.post_token(receiver.url, text, MEDIA_TYPE, bearer=bearer)
        except CannotFetch as error:
            raise TryLater(f"{receiver.name} does not answer: {error}") from None
        if answer.status in _TAKEN:
            return
        code = str((answer.body or {}).get("err", ""))[:60]
        why = str((answer.body or {}).get("description", ""))[:200]
        said = f"{receiver.name} answered {answer.status} {code} {why}".strip()
        if answer.status == _REFUSED and code and code not in _OURS:
            raise Undeliverable(said)
        raise TryLater(said)

    def _took(self, receiver: Receiver, token: EventToken, refused: str | None) -> None:
        now = self._clock()

        def work(tx: Transaction) -> None:
            settled = token.mark.settled(receiver.id, at=now, refused=refused)
            receivers.took(tx, settled)
            receivers.delivered(tx, receiver.id, now=now)

        self._database.write(work)
        if refused is not None:
            _log.warning("security event refused", jti=token.mark.jti, reason=refused)

    def _failed(self, receiver: Receiver, why: str, position: int) -> None:
        # It is never given up: a receiver that comes back is sent what it missed.
        now = self._clock()

        def work(tx: Transaction) -> None:
            # What it took in this turn has set the count of its row to 0.
            held = receivers.held(tx, receiver.id) or receiver
            again_at = next_try(min(held.attempts + 1, 5), now, None) or now
            receivers.passed(tx, receiver, position, now=now)
            receivers.failed(tx, receiver.id, why, again_at=again_at)

        self._database.write(work)
        _log.warning("security event not delivered", reason=why)

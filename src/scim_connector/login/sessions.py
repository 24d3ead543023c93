"""Sessions of people at applications: opened, verified, renewed, ended (decision 37).

A session is good while its token fits, its two lifetimes run, and a join on the user
says so, asked anew on every request.  When it was last used is gathered and written in
batches, so that a request that only asks writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from scim_connector.accounts import Account, Act
from scim_connector.directory import applications, audit, sessions
from scim_connector.directory import users as users_rows
from scim_connector.directory.sessions import Session, SignedIn
from scim_connector.login.gate import Door, NotAdmitted, admit, keep_refusal
from scim_connector.rules.access import Lifetimes, session_over
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User
    from scim_connector.tokens.secrets import SecretKeys

#: A session's last use is written when it is this much older, microseconds.
SEEN_EVERY = 60 * 1_000_000
_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody proved who they are: the road's word, and what stands behind it.

    *connection_id* is the connection they came through, *linked* whether it still
    manages them.
    """

    method: str
    second_factor: bool = False
    connection_id: int | None = None
    linked: bool = True


class Sessions:
    """Opens and judges sessions; built once per process."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        lifetimes: Lifetimes,
        *,
        limit: int = 0,
    ) -> None:
        """Keep sessions in *database*; at most *limit* at once, 0 for any number."""
        self._database = database
        self._peppers = keys.peppers()
        self.lifetimes = lifetimes
        self._limit = limit
        self._seen: dict[str, int] = {}
        self._lock = Lock()

    # ------------------------------------------------------------------- opening

    def open(
        self,
        tx: Transaction,
        user_id: int | None,
        door: Door,
        proof: Proof,
        *,
        wrong: str | None = None,
    ) -> opaque.Token:
        """Let somebody in; raises NotAdmitted.  The only road to a session.

        *wrong* is what has become of their proof in the meantime.  The token is shown
        once; a first sign-in is remembered on the user.
        """
        user = admit(
            tx,
            user_id,
            token_wrong=wrong or _wrong_application(tx, door),
            linked=proof.linked,
            limit_reached=self._is_full(tx, door.now),
        )
        token = opaque.mint()
        sessions.add(tx, self._session(token, user, door, proof))
        if user.first_login_at is None:
            Account.open(tx, user.id, _act(user, door)).signed_in()
        facts = {
            "session": token.id,
            "application": door.client,
            "road": door.road,
            "second_factor": proof.second_factor,
            "network": door.network,
        }
        _tell(tx, Event("session:opened", facts), user, door)
        return token

    def _is_full(self, tx: Transaction, now: int) -> bool:
        if not self._limit:
            return False
        idle_since = now - self.lifetimes.idle
        return sessions.count_live(tx, now=now, idle_since=idle_since) >= self._limit

    def _session(
        self, token: opaque.Token, user: User, door: Door, proof: Proof
    ) -> Session:
        return Session(
            id=token.id,
            user_id=user.id,
            client=door.client,
            hash=opaque.hashed(token, self._peppers[0]),
            epoch=user.epoch,
            method=proof.method,
            second_factor=proof.second_factor,
            connection_id=proof.connection_id,
            network=door.network,
            agent=door.agent[:_LONGEST_AGENT],
            created_at=door.now,
            seen_at=door.now,
            expires_at=door.now + self.lifetimes.whole,
        )

    # ------------------------------------------------------------------ verifying

    def verify(self, text: str, *, client: str | None, now: int) -> SignedIn | None:
        """Who a token stands for at this instant, or None: one statement.

        *client* is the application it must be for, None for any.
        """
        token = opaque.parse(text)
        if token is None:
            return None
        found = sessions.valid(self._database.reader(), token.id)
        return self.judged(token, found, client=client, now=now)

    def judged(
        self,
        token: opaque.Token,
        found: SignedIn | None,
        *,
        client: str | None,
        now: int,
    ) -> SignedIn | None:
        """The session that was found, if its token, client and lifetimes are right."""
        if found is None or not self._fits(token, found.session):
            return None
        if client is not None and found.session.client != client:
            return None
        if self._over(found.session, now) is not None:
            return None
        if now - self._seen_at(found.session) >= SEEN_EVERY:
            with self._lock:
                self._seen[token.id] = now
        return found

    def _fits(self, token: opaque.Token, session: Session) -> bool:
        fits = [opaque.opens(token, session.hash, p) for p in self._peppers]
        return any(fits)

    def _seen_at(self, session: Session) -> int:
        return max(session.seen_at, self._seen.get(session.id, 0))

    def _over(self, session: Session, now: int) -> str | None:
        return session_over(
            seen_at=self._seen_at(session),
            expires_at=session.expires_at,
            lifetimes=self.lifetimes,
            now=now,
        )

    def flush(self, now: int) -> None:
        """Write when sessions were last used, and delete those that are over."""
        with self._lock:
            seen, self._seen = self._seen, {}
        if seen:
            self._database.write(lambda tx: sessions.saw(tx, seen.items()))
        idle_since = now - self.lifetimes.idle
        if sessions.has_ended(self._database.reader(), now=now, idle_since=idle_since):
            self._database.write(
                lambda tx: sessions.forget_ended(tx, now=now, idle_since=idle_since)
            )

    # ------------------------------------------------------------------- renewing

    def renew(self, text: str, door: Door) -> opaque.Token:
        """Give a session a new token; the former opens nothing more.

        Raises NotAdmitted.  The whole lifetime goes on, it does not begin anew.
        """
        token = opaque.parse(text)

        def work(tx: Transaction) -> opaque.Token:
            held = None if token is None else sessions.by_id(tx, token.id)
            wrong = self._wrong(token, held, door)
            admit(tx, None if held is None else held.user_id, token_wrong=wrong)
            assert token is not None  # noqa: S101 - nothing is wrong with it
            renewed = opaque.Token(token.id, opaque.mint().secret)
            hashed = opaque.hashed(renewed, self._peppers[0])
            sessions.renew(tx, token.id, hashed=hashed, now=door.now)
            return renewed

        try:
            return self._database.write(work)
        except NotAdmitted as refused:
            if refused.user_id is not None:  # a stranger's guess is written nowhere
                keep_refusal(self._database, refused, door)
            raise

    def _wrong(
        self, token: opaque.Token | None, held: Session | None, door: Door
    ) -> str | None:
        if token is None or held is None or not self._fits(token, held):
            return "The session is unknown or has ended."
        if held.client != door.client:
            return "The session belongs to another application."
        return self._over(held, door.now)

    # --------------------------------------------------------------------- ending

    def end(self, session: Session, door: Door) -> bool:
        """End one session and tell its application; False when it had ended."""

        def work(tx: Transaction) -> bool:
            if sessions.by_id(tx, session.id) is None:
                return False
            user = users_rows.required(tx, session.user_id)
            account = Account.open(tx, session.user_id, _act(user, door))
            account.end_session(session)
            account.save()
            return True

        return self._database.write(work)

    def end_all(self, user_id: int, door: Door, *, but: str | None = None) -> int:
        """End every session of a person, save one; returns how many there were."""

        def work(tx: Transaction) -> int:
            user = users_rows.required(tx, user_id)
            account = Account.open(tx, user_id, _act(user, door))
            ended = account.end_sessions(but=but)
            account.save()
            return ended

        return self._database.write(work)


def _wrong_application(reader: Reader, door: Door) -> str | None:
    """Nobody arrives at an application that was retired on their way to it."""
    if applications.is_retired(reader, door.client):
        return f"The application {door.client} was retired."
    return None


def _act(user: User, door: Door) -> Act:
    return Act(Actor.person(user.username, user.id), door.now)


def _tell(tx: Transaction, event: Event, user: User, door: Door) -> None:
    actor = Actor.person(user.username, user.id)
    audit.record(tx, [event], at=door.now, actor=actor, user_id=user.id)

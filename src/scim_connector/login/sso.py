"""Single sign-on: a person comes back from their provider, and is somebody here or not.

No account is made by signing in.  Whom an identity stands for is found in
``login.identities``; whether they may come in is decided by the gate.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scim_connector.directory import connections, sso, users
from scim_connector.login import identities, throttle
from scim_connector.login.gate import Door, NotAdmitted, admit, keep_refusal
from scim_connector.login.identities import refused_token
from scim_connector.login.sessions import Proof, Sessions
from scim_connector.login.tickets import Tickets
from scim_connector.login.trials import as_facts, of_facts, opened_secret
from scim_connector.tokens import authorization, id_token
from scim_connector.tokens.assertions import BadAssertion, KeysUnavailable
from scim_connector.tokens.authorization import Attempt, CodeRefused
from scim_connector.tokens.fetching import CannotFetch
from scim_connector.tokens.id_token import Expected
from scim_connector.tokens.turns import TooBusy

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.sso import SignIn
    from scim_connector.directory.users import User
    from scim_connector.tokens.assertions import KeyOf
    from scim_connector.tokens.discovery import Metadata, MetadataSource
    from scim_connector.tokens.id_token import Identity
    from scim_connector.tokens.opaque import Token
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.tokens.turns import Turns

CALLBACK: Final = "/login/callback"
_AGAIN: Final = "Begin again from the sign-in page."
#: Browsers keep no cookie that is longer, with its name.
_LONGEST_COOKIE: Final = 3800
_BAD_GATEWAY: Final = 502
_UNAVAILABLE: Final = 503
T = TypeVar("T")


class CannotSignIn(Exception):
    """Signing in did not come to a decision; the text is for the person."""

    def __init__(self, text: str, status: int = 400) -> None:
        """*status* is of the answer."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the ticket it brings back."""

    address: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A session that was opened, and where the person was going."""

    token: Token
    client: str
    going: str
    nonce: str


@dataclass(slots=True)
class Trial:
    """How far a sign-in would have come: who the provider names, whom that is here."""

    connection: Connection
    settings: SignIn
    identity: Identity | None = None
    user: User | None = None
    refused: NotAdmitted | None = None


class SingleSignOn:
    """Signs people in through the providers of connections; built once per process."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        sessions: Sessions,
        metadata: MetadataSource,
        key_of: KeyOf,
        turns: Turns,
        *,
        address: str,
    ) -> None:
        """Providers send people back to *address*; they are asked in *turns*."""
        self._database = database
        self._keys = keys
        self._sessions = sessions
        self._metadata = metadata
        self._key_of = key_of
        self._turns = turns
        self._redirect_uri = f"{address}{CALLBACK}"
        self._tickets = Tickets(keys, "single sign-on")

    # ----------------------------------------------------------------------- there

    def begin(self, name: str, client: str, going: str, nonce: str, now: int) -> Begun:
        """Where somebody signs in through a connection; raises CannotSignIn."""
        settings, connection = self._offered(name)
        facts = {"client": client, "going": going, "back": nonce}
        return self._begun(settings, connection, facts, now)

    def begin_trial(
        self, connection: Connection, settings: SignIn, tester: int, now: int
    ) -> Begun:
        """Where *tester* signs in to see each step; nobody will be signed in here.

        The settings need not be those that are kept, and those may be switched off.
        Raises CannotSignIn.
        """
        facts = {"tester": tester, "settings": as_facts(settings)}
        begun = self._begun(settings, connection, facts, now)
        if len(begun.ticket) > _LONGEST_COOKIE:
            raise CannotSignIn("These settings are too long to be tried.")
        return begun

    def _begun(
        self,
        settings: SignIn,
        connection: Connection,
        more: dict[str, Any],
        now: int,
    ) -> Begun:
        metadata = self._in_turn(lambda: self._provider(settings))
        attempt = Attempt.fresh()
        facts = {
            **more,
            "connection": connection.name,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "provider": [settings.issuer, settings.client_id],
        }
        address = authorization.address(
            metadata,
            client_id=settings.client_id,
            redirect_uri=self._redirect_uri,
            scopes=settings.scopes,
            attempt=attempt,
        )
        return Begun(address, self._tickets.seal(facts, now))

    def _offered(self, name: str) -> tuple[SignIn, Connection]:
        for settings, connection in sso.offered(self._database.reader()):
            if connection.name == name:
                return settings, connection
        raise CannotSignIn(f"Signing in through {name[:60]} is not possible now.")

    def _provider(self, settings: SignIn) -> Metadata:
        try:
            return self._metadata.metadata(settings.issuer)
        except CannotFetch:
            text = "The sign-in service of your organisation does not answer."
            raise CannotSignIn(f"{text} Try again in a moment.", _BAD_GATEWAY) from None

    def _in_turn(self, ask: Callable[[], T]) -> T:
        """Ask a provider, which may take seconds, in turn; raises CannotSignIn."""
        try:
            with self._turns.one():
                return ask()
        except TooBusy as busy:
            raise CannotSignIn(str(busy), _UNAVAILABLE) from None

    # ------------------------------------------------------------------------ back

    def finish(self, ticket: str, answer: Mapping[str, str], door: Door) -> Arrived:
        """Open a session for whoever came back; raises NotAdmitted, CannotSignIn."""
        facts = self._tickets.open(ticket, door.now)
        if facts is None or "client" not in facts:
            raise CannotSignIn(f"That took too long, or began elsewhere. {_AGAIN}")
        attempt = Attempt(facts["state"], facts["nonce"], facts["verifier"])
        _check_state(answer, attempt)
        settings, connection = self._offered(facts["connection"])
        if facts.get("provider") != [settings.issuer, settings.client_id]:
            raise CannotSignIn(f"The settings changed in the meantime. {_AGAIN}")
        here = Door(door.road, facts["client"], door.network, door.agent, door.now)
        try:
            identity = self._in_turn(
                lambda: self._identity(settings, attempt, answer, door.now)
            )
            token = self._open(settings, connection, identity, here)
        except NotAdmitted as refused:
            refused.facts["connection"] = connection.name
            self._keep(refused, here)
            raise
        return Arrived(token, facts["client"], facts["going"], facts["back"])

    def tested(
        self,
        ticket: str,
        answer: Mapping[str, str],
        tester: Callable[[], int | None],
        now: int,
    ) -> Trial | None:
        """What a trial has shown; None where the ticket is of a real sign-in.

        Only whoever began it, *tester*, is told.  Nothing is bound, opened or written.
        Raises CannotSignIn.
        """
        facts = self._tickets.open(ticket, now)
        if facts is None or "tester" not in facts:
            return None
        if facts["tester"] != tester():
            raise CannotSignIn(f"This trial was begun by somebody else. {_AGAIN}")
        attempt = Attempt(facts["state"], facts["nonce"], facts["verifier"])
        _check_state(answer, attempt)
        reader = self._database.reader()
        connection = connections.by_name(reader, facts["connection"])
        if connection is None:
            raise CannotSignIn(f"The connection is not there any more. {_AGAIN}")
        settings = of_facts(connection, facts["settings"], now)
        trial = Trial(connection, settings)
        try:
            identity = self._in_turn(
                lambda: self._identity(settings, attempt, answer, now)
            )
            trial.identity = identity
            user_id, linked = identities.find(reader, settings, connection, identity)
            trial.user = users.by_id(reader, user_id)
            admit(reader, user_id, linked=linked)
        except NotAdmitted as refused:
            trial.refused = refused
        return trial

    def _keep(self, refused: NotAdmitted, door: Door) -> None:
        """Write a refusal into audit; of what proves nothing, so many of a network.

        Anybody can make up answers, and each would be a row for ever.
        """
        if refused.refusal.code == "token_invalid":
            answer = throttle.of_answer(throttle.network_of(door.network))
            if throttle.wait(self._database.reader(), answer, door.now):
                return
            self._database.write(lambda tx: throttle.failed(tx, answer, door.now))
        keep_refusal(self._database, refused, door)

    def _identity(
        self,
        settings: SignIn,
        attempt: Attempt,
        answer: Mapping[str, str],
        now: int,
    ) -> Identity:
        """Who the provider says has signed in; raises NotAdmitted, CannotSignIn."""
        _check_answer(settings, answer)
        metadata = self._provider(settings)
        try:
            text = authorization.redeem(
                metadata,
                client_id=settings.client_id,
                client_secret=self._secret(settings),
                redirect_uri=self._redirect_uri,
                code=answer["code"],
                verifier=attempt.verifier,
            )
            expected = Expected(
                issuer=settings.issuer,
                client_id=settings.client_id,
                jwks_url=metadata.jwks_uri,
                algorithm=settings.algorithm,
                nonce=attempt.nonce,
            )
            return id_token.verify(text, expected, self._key_of, now=now)
        except CodeRefused as error:
            raise refused_token(f"The provider refused the code: {error}") from None
        except BadAssertion as error:
            raise refused_token(f"The ID token is refused. {error}") from None
        except (CannotFetch, KeysUnavailable):
            text = "The sign-in service of your organisation does not answer."
            raise CannotSignIn(f"{text} {_AGAIN}", _BAD_GATEWAY) from None

    def _secret(self, settings: SignIn) -> str | None:
        if settings.client_secret is None:
            return None
        return opened_secret(self._keys, settings.client_secret)

    # -------------------------------------------------------- brought by an application

    @property
    def lasts(self) -> int:
        """How long a session lasts at most, microseconds."""
        return self._sessions.lifetimes.whole

    def judge(
        self, settings: SignIn, text: str, *, client_id: str, oldest: int, now: int
    ) -> Identity:
        """Whom an ID token names that was given to *client_id*, not asked for by us.

        It was issued *oldest* seconds ago at most.  Raises NotAdmitted, CannotSignIn.
        """

        def verified() -> Identity:
            expected = Expected(
                issuer=settings.issuer,
                client_id=client_id,
                jwks_url=self._provider(settings).jwks_uri,
                algorithm=settings.algorithm,
                oldest=oldest,
            )
            return id_token.verify(text, expected, self._key_of, now=now)

        try:
            return self._in_turn(verified)
        except BadAssertion as error:
            raise refused_token(f"The ID token is refused. {error}") from None
        except KeysUnavailable:
            text = "The sign-in service of your organisation does not answer."
            raise CannotSignIn(f"{text} {_AGAIN}", _BAD_GATEWAY) from None

    # -------------------------------------------------------------------- deciding

    def _open(
        self, settings: SignIn, connection: Connection, identity: Identity, door: Door
    ) -> Token:
        def work(tx: Transaction) -> Token:
            return self.admit_identity(tx, settings, connection, identity, door)

        return self._database.write(work)

    def admit_identity(
        self,
        tx: Transaction,
        settings: SignIn,
        connection: Connection,
        identity: Identity,
        door: Door,
    ) -> Token:
        """Open a session for a verified identity; raises NotAdmitted."""
        user_id, linked = identities.find(tx, settings, connection, identity)
        proof = Proof(
            door.road,
            second_factor=_showed_factor(settings, identity),
            connection_id=connection.id,
            linked=linked,
        )
        token = self._sessions.open(tx, user_id, door, proof)
        identities.bind(tx, connection, identity, user_id, door.now)
        return token


def _showed_factor(settings: SignIn, identity: Identity) -> bool:
    """Whether the provider says that a second factor was shown (amr, acr)."""
    methods = identity.claims.get("amr")
    listed = methods if isinstance(methods, list) else []
    said = [*listed, identity.claims.get("acr")]
    return any(word in settings.second_factor for word in said)


def _check_state(answer: Mapping[str, str], attempt: Attempt) -> None:
    state = answer.get("state", "")
    if not hmac.compare_digest(state.encode(), attempt.state.encode()):
        text = "This answer belongs to another sign-in."
        raise CannotSignIn(f"{text} {_AGAIN}")


def _check_answer(settings: SignIn, answer: Mapping[str, str]) -> None:
    """Refuse an error, a missing code, and another issuer (RFC 9207)."""
    if "error" in answer:
        said = f"{answer['error']} {answer.get('error_description', '')}".strip()
        raise refused_token(f"The provider answered: {said[:300]}")
    if answer.get("iss", settings.issuer) != settings.issuer:
        raise refused_token("The answer is of another issuer.")
    if not answer.get("code"):
        raise CannotSignIn(f"The answer holds no code. {_AGAIN}")

"""The token endpoint: a secret or an assertion becomes an access token (RFC 6749 §4.4).

An access token is opaque, lives for an hour, and dies with the secret, the trust or the
connection it was issued for (decision 37).  What is refused is told to the client in the
words of RFC 6749, and to the administrator with the exact reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import audit, credentials, trusts
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens import assertions, opaque
from scim_connector.tokens.assertions import BadAssertion, KeysUnavailable, Terms

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.credentials import Credential
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.trusts import Trust
    from scim_connector.tokens.assertions import KeyOf, Proof
    from scim_connector.tokens.secrets import SecretKeys

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - an address
LIVES: Final = 3600
"""Seconds an access token lives."""

SCOPE: Final = "scim"
CLIENT_PREFIX: Final = "scim-"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECOND: Final = 1_000_000
_NONE = opaque.mint()
_USED: Final = "This assertion was exchanged before; sign a new one for each token."


class Refused(Exception):
    """A token request is refused (RFC 6749 section 5.2).

    ``error`` is the word of the standard, the text says what to change; ``reason`` is
    what the refusal is counted by.
    """

    def __init__(
        self, error: str, reason: str, text: str, *, status: int = 400, wait: int = 0
    ) -> None:
        """Keep the words; *wait* are seconds after which to try again."""
        super().__init__(text)
        self.error = error
        self.reason = reason
        self.status = status
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Request:
    """A token request: its form, and the client of an ``Authorization: Basic``."""

    form: Mapping[str, str]
    basic: tuple[str, str] | None
    now: int


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token, shown this once."""

    token: opaque.Token
    lives: int
    scope: str = SCOPE


def client_id(connection: Connection) -> str:
    """The public name of a connection at the token endpoint; it never changes."""
    return f"{CLIENT_PREFIX}{connection.id}"


class ClientCredentials:
    """Issues access tokens; built once per process."""

    def __init__(self, database: Database, keys: SecretKeys, key_of: KeyOf) -> None:
        """Look secrets and trusts up in *database*; *key_of* finds issuers' keys."""
        self._database = database
        self._peppers = keys.peppers()
        self._key_of = key_of

    def exchange(self, request: Request) -> Issued:
        """The access token for a request; raises Refused."""
        _refuse_other_scopes(request.form)
        if (
            "client_assertion" in request.form
            or "client_assertion_type" in request.form
        ):
            return self._by_assertion(request)
        return self._by_secret(request)

    # ------------------------------------------------------------------------- secrets

    def _by_secret(self, request: Request) -> Issued:
        name, text = presented(request)
        secret = opaque.parse(text) or _NONE
        found = credentials.caller(self._database.reader(), secret.id)
        opens = [
            opaque.opens(secret, found[0].hash if found else "", pepper)
            for pepper in self._peppers
        ]
        if found is None or not any(opens) or found[0].kind != "secret":
            raise _unknown("unknown_secret", "This client secret is not known here")
        held, connection = found
        _refuse_dead(held, connection, request.now)
        if name != client_id(connection):
            raise _unknown(
                "other_client", f"The client_id is not {client_id(connection)!r}"
            )
        return self._issue(connection, held.id, request.now, ends=held.expires_at)

    # ---------------------------------------------------------------------- assertions

    def _by_assertion(self, request: Request) -> Issued:
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            message = f"client_assertion_type must be {ASSERTION_TYPE}."
            raise Refused("invalid_request", "assertion_type", message)
        if request.basic is not None or "client_secret" in form:
            message = "Send a secret or an assertion, not both."
            raise Refused("invalid_request", "two_credentials", message)
        try:
            trust, connection, proof = self._proved(request)
        except BadAssertion as error:
            reason = f"assertion_{error.reason}"
            raise _unknown(reason, f"The assertion is refused. {error}") from None
        except KeysUnavailable as error:
            message = f"The keys of the issuer cannot be fetched now: {error}"
            raise Refused(
                "temporarily_unavailable",
                "keys_unavailable",
                message,
                status=503,
                wait=error.retry_after,
            ) from None
        return self._issue(connection, trust.id, request.now, proof=proof)

    def _proved(self, request: Request) -> tuple[Trust, Connection, Proof]:
        """The trust an assertion fits; raises BadAssertion with what is nearest."""
        text = request.form.get("client_assertion", "")
        issuer = assertions.claimed(text).issuer
        nearest = BadAssertion("issuer", f"No connection trusts {issuer[:120]!r}.")
        wanted = request.form.get("client_id")
        for trust, connection in trusts.of_issuer(self._database.reader(), issuer):
            if trust.is_direct:
                continue
            if wanted is not None and wanted != client_id(connection):
                message = f"The client_id is not {client_id(connection)!r}."
                nearest = BadAssertion("client", message)
                continue
            try:
                proof = assertions.verify(
                    text, terms_of(trust), self._key_of, now=request.now
                )
            except BadAssertion as error:
                nearest = error
                continue
            _refuse_retired(connection)
            return trust, connection, proof
        raise nearest

    # ------------------------------------------------------------------------- issuing

    def _issue(
        self,
        connection: Connection,
        parent_id: str,
        now: int,
        *,
        ends: int | None = None,
        proof: Proof | None = None,
    ) -> Issued:
        """Write a token that ends with its parent at the latest."""
        lives = LIVES if ends is None else min(LIVES, (ends - now) // _SECOND)
        token = opaque.mint()

        def work(tx: Transaction) -> None:
            if proof is not None:
                if trusts.is_used(tx, proof.digest):
                    raise _unknown("assertion_replayed", _USED)
                until = (proof.expires + assertions.LEEWAY) * _SECOND
                trusts.use(tx, proof.digest, expires_at=until)
            parent = credentials.by_id(tx, parent_id)
            if parent is None or parent.state_at(now) != "live":
                raise _unknown("revoked_meanwhile", "It was revoked a moment ago")
            credentials.add(
                tx,
                token.id,
                connection_id=connection.id,
                hashed=opaque.hashed(token, self._peppers[0]),
                now=now,
                expires_at=now + lives * _SECOND,
                kind="access",
                parent_id=parent_id,
            )
            credentials.touch(tx, {parent_id: now})
            facts = {"token": token.id, "for": parent_id}
            audit.record(
                tx,
                [Event("access_token:issued", facts)],
                at=now,
                actor=Actor("connection", connection.name),
                connection_id=connection.id,
            )

        try:
            self._database.write(work)
        except ConstraintBroken:
            raise _unknown("assertion_replayed", _USED) from None
        return Issued(token, lives)


def terms_of(trust: Trust) -> Terms:
    """What was agreed on with the issuer of a trust."""
    return Terms(
        issuer=trust.issuer,
        jwks_url=trust.jwks_url,
        subject=trust.subject,
        audiences=frozenset(trust.audiences),
        tenant=trust.tenant,
        algorithm=trust.algorithm,
    )


def _refuse_other_scopes(form: Mapping[str, str]) -> None:
    for scope in form.get("scope", SCOPE).split():
        if scope != SCOPE and not scope.endswith("/.default"):
            message = f'The only scope is "{SCOPE}"; leave scope out, or send that.'
            raise Refused("invalid_scope", "other_scope", message)


def presented(request: Request) -> tuple[str, str]:
    """The client and its secret, from the header or the form, never from both."""
    in_form = "client_secret" in request.form
    if request.basic is not None:
        if in_form:
            message = "Send the secret in the header or in the form, not in both."
            raise Refused("invalid_request", "two_credentials", message)
        return request.basic
    if not in_form:
        text = "Send client_id and client_secret, or a client_assertion"
        raise _unknown("no_credentials", text)
    return request.form.get("client_id", ""), request.form["client_secret"]


def _refuse_dead(held: Credential, connection: Connection, now: int) -> None:
    state = held.state_at(now)
    if state != "live":
        raise _unknown(f"secret_{state}", f"This client secret is {state}")
    _refuse_retired(connection)


def _refuse_retired(connection: Connection) -> None:
    if connection.state == "retired":
        raise _unknown("connection_retired", f"Connection {connection.name} is retired")


def _unknown(reason: str, text: str) -> Refused:
    """401 invalid_client, with the way to a new secret where that may help."""
    sentence = text if text.endswith(".") else f"{text}."
    return Refused(
        "invalid_client",
        reason,
        f"{sentence} Make a secret on the page of the connection, or with:"
        " scim-connector oauth secret CONNECTION"
        if "secret" in text or "revoked" in text
        else sentence,
        status=401,
    )

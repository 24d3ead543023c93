"""Client secrets and trusts of connections: made and ended by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from scim_connector.administration.connections import guard_credential, tell
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import credentials, trusts
from scim_connector.directory.trusts import Trust
from scim_connector.tokens import jwks, opaque
from scim_connector.tokens.assertions import ALGORITHMS

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction

_ENTRA: Final = "https://login.microsoftonline.com"
_ENTRA_OLD: Final = "https://sts.windows.net"
#: What Entra ID names as audience in its own token for an application of no gallery.
_ENTRA_AUDIENCE: Final = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"


def entra_terms(tenant: str) -> tuple[str, str]:
    """Issuer and JWKS URL of a tenant of Entra ID; raises NotPossible for no GUID."""
    tid = _tenant(tenant)
    return f"{_ENTRA}/{tid}/v2.0", f"{_ENTRA}/{tid}/discovery/v2.0/keys"


def entra_own_token(tenant: str) -> Trust:
    """The trust in Entra's own token, sent when its secret is left blank (test only)."""
    tid = _tenant(tenant)
    return Trust(
        id="",
        issuer=f"{_ENTRA_OLD}/{tid}/",
        jwks_url=f"{_ENTRA}/{tid}/discovery/v2.0/keys",
        subject=None,
        audiences=(_ENTRA_AUDIENCE,),
        tenant=tid,
        algorithm="RS256",
        is_direct=True,
    )


def _tenant(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        message = f'"{text}" is no tenant id'
        raise NotPossible(
            f"{message}; Entra shows it under Overview, as a GUID."
        ) from None


def terms_of(
    *,
    tenant: str | None,
    issuer: str,
    jwks_url: str,
    subject: str | None,
    audiences: Sequence[str],
    algorithm: str,
) -> Trust:
    """The terms a person gave; a *tenant* of Entra ID fills what they left empty.

    Raises NotPossible for a tenant that is none; the rest is judged when it is added.
    """
    tenant = None if tenant is None else _tenant(tenant)
    filled = ("", "") if tenant is None else entra_terms(tenant)
    return Trust(
        id="",
        issuer=issuer or filled[0],
        jwks_url=jwks_url or filled[1],
        subject=subject,
        audiences=tuple(audiences),
        tenant=tenant,
        algorithm=algorithm,
        is_direct=False,
    )


def find_trust(reader: Reader, connection: Connection, trust_id: str) -> Trust:
    """The live trust of this id; raises NotPossible with those there are."""
    held = {trust.id: trust for trust in trusts.of_connection(reader, connection.id)}
    if trust_id not in held:
        names = ", ".join(held) or "none"
        message = f"{connection.name} has no trust {trust_id}"
        raise NotPossible(f"{message}; there are: {names}.")
    return held[trust_id]


def add_trust(tx: Transaction, connection: Connection, terms: Trust, act: Act) -> Trust:
    """Let assertions on these terms open a connection; raises NotPossible."""
    _refuse_retired(connection)
    guard_credential(connection, act)
    refusal = jwks.refuse_address(terms.jwks_url)
    if refusal is not None:
        raise NotPossible(refusal)
    if not terms.issuer or not terms.audiences or not all(terms.audiences):
        raise NotPossible("A trust needs an issuer and at least one audience.")
    if terms.algorithm not in ALGORITHMS:
        raise NotPossible(f"The algorithm must be one of {', '.join(ALGORITHMS)}.")
    if not terms.is_direct and not terms.subject:
        raise NotPossible("A trust needs the subject that assertions are about.")
    made = opaque.mint()
    trust = Trust(
        id=made.id,
        issuer=terms.issuer,
        jwks_url=terms.jwks_url,
        subject=terms.subject,
        audiences=terms.audiences,
        tenant=terms.tenant,
        algorithm=terms.algorithm,
        is_direct=terms.is_direct,
    )
    credentials.add(
        tx,
        trust.id,
        connection_id=connection.id,
        hashed="",
        now=act.now,
        expires_at=None,
        kind="trust",
    )
    trusts.add(tx, trust)
    facts = {"trust": trust.id, "issuer": trust.issuer, "subject": trust.subject}
    tell(tx, "trust:added", connection.id, act, **facts)
    return trust


def remove_trust(
    tx: Transaction, connection: Connection, trust: Trust, act: Act
) -> None:
    """End a trust, and every access token that was issued for it."""
    credentials.revoke(tx, trust.id, now=act.now)
    tell(tx, "trust:removed", connection.id, act, trust=trust.id, issuer=trust.issuer)


def _refuse_retired(connection: Connection) -> None:
    if connection.state == "retired":
        message = f"Connection {connection.name} is retired"
        raise NotPossible(f"{message}; nothing opens it any more.")

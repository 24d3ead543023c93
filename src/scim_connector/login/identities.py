"""Whom an identity of a provider stands for: found by what was provisioned, then bound.

The first sign-in binds (issuer, subject) to the user whom provisioning stored under the
same externalId, or userName where that was chosen; an email address alone binds nobody
(R26).  Where something else was stored the refusal says what an administrator changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.directory import audit, sso
from scim_connector.login.gate import NotAdmitted, refusal_of_nobody, refusal_of_token
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.sso import SignIn
    from scim_connector.tokens.id_token import Identity


def find(
    reader: Reader, settings: SignIn, connection: Connection, identity: Identity
) -> tuple[int, bool]:
    """The user of an identity, and whether its connection still manages them.

    Raises NotAdmitted where provisioning stored something else, with what to change.
    """
    known = sso.bound(reader, identity.issuer, identity.subject)
    if known is not None:
        user_id, through = known
        return user_id, sso.is_linked(reader, through, user_id)
    value = identity.claims.get(settings.claim)
    if not isinstance(value, str) or not value:
        raise refused_token(f"The ID token has no claim {settings.claim!r}.")
    folded = text_key(value) if settings.equals == "userName" else value
    found = sso.candidates(reader, connection.id, equals=settings.equals, value=folded)
    if len(found) == 1:
        return found[0], True
    hint = _hint(settings, connection, value, len(found))
    raise NotAdmitted(refusal_of_nobody(), hint=hint)


def _hint(settings: SignIn, connection: Connection, value: str, count: int) -> str:
    """What an administrator changes so that an identity is found."""
    many = "Several identities have" if count else "Nobody has"
    said = f"{many} the {settings.equals} {value[:80]!r} ({settings.claim})."
    return f"{said} {advice(connection.kind, settings)}".strip()


def advice(kind: str, settings: SignIn) -> str:
    """The sentence that says how the identities come to match."""
    if settings.equals != "externalId":
        return f"Compare the claim {settings.claim} with the userName that is sent."
    if kind == "entra":
        return (
            "In Entra: Attribute mapping > externalId: source objectId, then Restart"
            " provisioning."
        )
    return "Let the provider send the id of the user as externalId."


def bind(
    tx: Transaction, connection: Connection, identity: Identity, user_id: int, now: int
) -> None:
    """Tie an identity to its user at the first sign-in."""
    if sso.bound(tx, identity.issuer, identity.subject) is not None:
        return
    sso.bind(
        tx,
        identity.issuer,
        identity.subject,
        user_id=user_id,
        connection_id=connection.id,
        now=now,
    )
    facts = {"issuer": identity.issuer, "subject": identity.subject}
    audit.record(
        tx,
        [Event("sign_in:bound", facts)],
        at=now,
        actor=Actor.gate("sso"),
        connection_id=connection.id,
        user_id=user_id,
    )


def refused_token(sentence: str) -> NotAdmitted:
    """The refusal of something that proves nothing."""
    return NotAdmitted(refusal_of_token(sentence))

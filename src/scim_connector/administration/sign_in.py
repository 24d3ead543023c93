"""Signing in through a connection: set up, checked, switched on by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from scim_connector.administration.connections import tell
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import sso
from scim_connector.directory.sso import SignIn
from scim_connector.tokens import fetching
from scim_connector.tokens.assertions import ALGORITHMS

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction

SCOPES: Final = "openid profile email"
#: Which claim names the identity, by the kind of provider.
CLAIMS: Final = {"entra": "oid", "okta": "sub", "generic": "sub"}
#: What Entra's default externalId does not hold, and how it comes to.
REMEDY: Final = (
    "In Entra: Attribute mapping > externalId: source objectId, then Restart"
    " provisioning"
)


@dataclass(frozen=True, slots=True)
class Match:
    """How many people of a connection can be found by what their provider says."""

    people: int
    strange: int

    @property
    def is_enough(self) -> bool:
        """Whether most can."""
        return self.strange * 2 <= self.people


def required(reader: Reader, connection: Connection) -> SignIn:
    """The settings of a connection; raises NotPossible when there are none."""
    found = sso.settings_of(reader, connection.id)
    if found is None:
        message = f"Signing in through {connection.name} is not set up"
        raise NotPossible(f"{message}; see: scim-connector sign-in set --help")
    return found


def configure(
    tx: Transaction, connection: Connection, settings: SignIn, act: Act
) -> None:
    """Set up signing in through a connection; raises NotPossible."""
    refusal = fetching.refuse_address(settings.issuer, "The issuer")
    if refusal is not None:
        raise NotPossible(refusal)
    if settings.claim.lower() == "email":
        raise NotPossible(
            "An email address binds nobody, because people can often choose it (R26)."
            " Name the claim of an id, such as oid or sub."
        )
    if settings.algorithm not in ALGORITHMS:
        raise NotPossible(f"The algorithm must be one of {', '.join(ALGORITHMS)}.")
    if "openid" not in settings.scopes.split():
        raise NotPossible("The scopes must hold openid, or no ID token is given.")
    sso.configure(tx, settings)
    facts = {
        "issuer": settings.issuer,
        "client_id": settings.client_id,
        "claim": settings.claim,
        "equals": settings.equals,
    }
    tell(tx, "sign_in:configured", connection.id, act, **facts)


def match(reader: Reader, connection: Connection, settings: SignIn) -> Match:
    """How many stored values cannot be what the claim says.

    Only Entra's object id has a form of its own: a GUID.
    """
    held = sso.external_ids(reader, connection.id)
    if (connection.kind, settings.equals, settings.claim) != (
        "entra",
        "externalId",
        "oid",
    ):
        missing = settings.equals == "externalId"
        return Match(len(held), held.count(None) if missing else 0)
    return Match(len(held), sum(1 for value in held if not _is_guid(value)))


def _is_guid(value: str | None) -> bool:
    try:
        return value is not None and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def advice(found: Match, connection: Connection) -> str:
    """What an administrator reads about people who cannot be found; empty for none."""
    if not found.strange:
        return ""
    what = "no GUID" if connection.kind == "entra" else "missing"
    sentence = (
        f"The externalId of {found.strange} of {found.people} people is {what}, so they"
        " cannot sign in."
    )
    remedy = (
        REMEDY if connection.kind == "entra" else "Send the user's id as externalId"
    )
    return f"{sentence} {remedy}. Or choose --equals userName."


def switch_on(tx: Transaction, connection: Connection, act: Act) -> None:
    """Let people sign in; raises NotPossible while most could not."""
    settings = required(tx, connection)
    found = match(tx, connection, settings)
    if not found.is_enough:
        raise NotPossible(advice(found, connection))
    sso.enable(tx, connection.id, whether=True, now=act.now)
    facts = {"people": found.people, "strange": found.strange}
    tell(tx, "sign_in:enabled", connection.id, act, **facts)


def switch_off(tx: Transaction, connection: Connection, act: Act) -> None:
    """Let nobody sign in through a connection any more; open sessions go on."""
    required(tx, connection)
    sso.enable(tx, connection.id, whether=False, now=act.now)
    tell(tx, "sign_in:disabled", connection.id, act)


def settings_from(
    connection: Connection, given: Mapping[str, Any], *, now: int
) -> SignIn:
    """The settings a person gave, completed for the kind of provider; off at first."""
    return SignIn(
        connection_id=connection.id,
        issuer=given["issuer"],
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        scopes=given["scopes"] or SCOPES,
        claim=given["claim"] or CLAIMS[connection.kind],
        equals=given["equals"],
        algorithm=given["algorithm"],
        second_factor=tuple(given["second_factor"]),
        enabled=False,
        changed_at=now,
    )

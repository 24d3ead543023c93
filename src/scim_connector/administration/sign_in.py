"""Signing in through a connection: set up, checked, switched on by a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from scim_connector.administration.connections import tell
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import installation, sso
from scim_connector.directory.sso import SignIn
from scim_connector.rules.permissions import may_lead_to_administrator
from scim_connector.tokens import fetching
from scim_connector.tokens.assertions import ALGORITHMS

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction

#: As many of the newest people are looked at for a page; all before it is switched on.
NEWEST: Final = 1_000
EVERYBODY: Final = 1 << 40
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
    """How many people of a connection can be found by what their provider says.

    *is_part* says that only the newest were looked at.
    """

    people: int
    strange: int
    is_part: bool = False

    @property
    def said(self) -> str:
        """Of whom it is told, in words."""
        newest = "the newest " if self.is_part else ""
        return f"{newest}{self.people:,} people"

    @property
    def is_enough(self) -> bool:
        """Whether most can."""
        return self.strange * 2 <= self.people


def required(reader: Reader, connection: Connection) -> SignIn:
    """The settings of a connection; raises NotPossible when there are none."""
    found = sso.settings_of(reader, connection.id)
    if found is None:
        message = f"Signing in through {connection.name} is not set up; do that first."
        raise NotPossible(message, "sign-in set --help")
    return found


def configure(
    tx: Transaction,
    connection: Connection,
    settings: SignIn,
    act: Act,
    *,
    mark: str = "",
) -> None:
    """Set up signing in through a connection; raises NotPossible.

    *mark* is the hash of settings that have passed a trial; empty without one.
    """
    may_lead_to_administrator(act.actor, "How people sign in")
    refuse_settings(settings)
    sso.configure(tx, settings)
    remember_trial(tx, connection, mark)
    facts = {
        "issuer": settings.issuer,
        "client_id": settings.client_id,
        "claim": settings.claim,
        "equals": settings.equals,
        "tried": bool(mark),
    }
    tell(tx, "sign_in:configured", connection.id, act, **facts)


def has_passed(reader: Reader, connection: Connection, marks: Collection[str]) -> bool:
    """Whether settings of one of these hashes passed the last trial that was kept."""
    return installation.read(reader, _passed(connection)) in marks


def remember_trial(tx: Transaction, connection: Connection, mark: str) -> None:
    """Keep that settings of this hash have passed; empty where the kept ones have not."""
    installation.write(tx, _passed(connection), mark)


def _passed(connection: Connection) -> str:
    return f"sign_in_passed:{connection.id}"


def refuse_settings(settings: SignIn) -> None:
    """Refuse settings that could never work (NotPossible)."""
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


def match(reader: Reader, connection: Connection, settings: SignIn) -> Match:
    """How many stored values cannot be what the claim says."""
    held = sso.external_ids(reader, connection.id, at_most=EVERYBODY)
    return Match(len(held), _strange(connection, settings, held))


def glance(reader: Reader, connection: Connection, settings: SignIn) -> Match:
    """The same of the newest people alone, where there are many: quick at any number."""
    held = sso.external_ids(reader, connection.id, at_most=NEWEST + 1)
    newest = held[:NEWEST]
    strange = _strange(connection, settings, newest)
    return Match(len(newest), strange, is_part=len(held) > NEWEST)


def _strange(
    connection: Connection, settings: SignIn, held: Sequence[str | None]
) -> int:
    """Only Entra's object id has a form of its own: a GUID."""
    if (connection.kind, settings.equals, settings.claim) != (
        "entra",
        "externalId",
        "oid",
    ):
        return held.count(None) if settings.equals == "externalId" else 0
    return sum(1 for value in held if not _is_guid(value))


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
        f"The externalId of {found.strange:,} of {found.said} is {what}, so they"
        " cannot sign in."
    )
    remedy = (
        REMEDY if connection.kind == "entra" else "Send the user's id as externalId"
    )
    return f"{sentence} {remedy}. Or choose userName as what the claim must equal."


def switch_on(
    tx: Transaction, connection: Connection, act: Act, *, mark: str = ""
) -> None:
    """Let people sign in; raises NotPossible while most could not.

    *mark* is the hash of the settings where they have passed a trial.
    """
    may_lead_to_administrator(act.actor, "How people sign in")
    settings = required(tx, connection)
    found = match(tx, connection, settings)
    if not found.is_enough:
        raise NotPossible(advice(found, connection))
    sso.enable(tx, connection.id, whether=True, now=act.now)
    if mark:
        remember_trial(tx, connection, mark)
    facts = {"people": found.people, "strange": found.strange}
    tell(tx, "sign_in:enabled", connection.id, act, **facts)


def switch_off(tx: Transaction, connection: Connection, act: Act) -> None:
    """Let nobody sign in through a connection any more; open sessions go on."""
    required(tx, connection)
    sso.enable(tx, connection.id, whether=False, now=act.now)
    tell(tx, "sign_in:disabled", connection.id, act)


def kept_secret(former: SignIn | None, *, issuer: str, client_id: str) -> str | None:
    """The stored secret where none is given; raises NotPossible for another client.

    It is sent to the issuer, so a secret is never kept for one that it is not of.
    """
    if former is None or former.client_secret is None:
        return None
    if (former.issuer, former.client_id) != (issuer, client_id):
        message = f"The kept client secret is that of {former.client_id}"
        raise NotPossible(f"{message} at {former.issuer}; give that of the new client.")
    return former.client_secret


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

"""The setup guides of Entra ID and Okta: every step, in the words of the vendor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scim_connector.administration.guide import Ticks

_OURS: Final = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"


@dataclass(frozen=True, slots=True)
class Value:
    """One field at the provider: its name there, and what to put into it."""

    name: str
    text: str
    copied: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a guide; ``seen`` says whether requests show that it is done."""

    title: str
    lines: Sequence[str]
    values: Sequence[Value] = ()
    seen: Callable[[Ticks], bool] = field(default=lambda _: False)


def of(kind: str, base_url: str) -> Sequence[Step]:
    """The guide of a kind of provider for the SCIM base URL of this server."""
    return {"entra": _entra, "okta": _okta}.get(kind, _generic)(base_url)


def _entra(base_url: str) -> Sequence[Step]:
    return (
        Step(
            "Make the application in Entra",
            (
                "Entra admin center > Enterprise applications > New application > Create"
                " your own application > Integrate any other application you don't find"
                " in the gallery. Then open Provisioning.",
            ),
            seen=lambda t: t.called,
        ),
        Step(
            "Connect",
            (
                "Provisioning mode: Automatic. Paste address and token, then press Test"
                " Connection. Nothing else is needed at the end of the address.",
            ),
            (
                Value("Tenant URL", base_url),
                Value(
                    "Secret Token", "the token, without the word Bearer", copied=False
                ),
            ),
            seen=lambda t: t.called,
        ),
        Step(
            "Change the attribute mapping before the first cycle",
            (
                "Mappings > Provision Microsoft Entra ID Users. The object id never"
                " changes; Entra's own default for externalId changes with the name."
                " Leave the row of active as it is: it is what cuts off leavers.",
                "To choose initials or username in Entra, add a custom attribute (Edit"
                " attribute list), type String, and map it.",
            ),
            (
                Value("externalId: source attribute", "objectId"),
                Value(
                    'emails[type eq "work"].value: expression',
                    "Coalesce([mail], [userPrincipalName])",
                ),
                Value(
                    "userName: source attribute, matching precedence 1",
                    "userPrincipalName",
                ),
                Value("Custom attribute for initials", f"{_OURS}:initials"),
                Value("Custom attribute for the username", f"{_OURS}:username"),
            ),
            seen=lambda t: t.has_good_ids,
        ),
        Step(
            "Leave groups off, unless you want them",
            (
                "Mappings > Provision Microsoft Entra ID Groups: Enabled = No. A group"
                " that is sent gives a role only where it is tied to one under Roles.",
            ),
            seen=lambda t: t.created and not t.grouped,
        ),
        Step(
            "Scope: assigned users and groups",
            (
                "Settings > Scope: Sync only assigned users and groups. Guests come with"
                " #EXT# in their name; leave them unassigned, or let the mapping refuse"
                " them.",
            ),
            seen=lambda t: t.created,
        ),
        Step(
            "One person first",
            (
                "Provision on demand sends one person at once. Look at them here, then"
                " press Start provisioning. A cycle comes about every 40 minutes.",
            ),
            seen=lambda t: t.created,
        ),
        Step(
            "See somebody leave",
            (
                "Unassign a test person. For an urgent leaver Deactivate here is faster,"
                " and it holds whatever Entra repeats.",
            ),
            seen=lambda t: t.deactivated,
        ),
    )


def _okta(base_url: str) -> Sequence[Step]:
    return (
        Step(
            "Make the application in Okta",
            (
                "Applications > Browse App Catalog > SCIM 2.0 Test App (Header Auth); or"
                " Create App Integration and tick Enable SCIM provisioning. An app of"
                " your own sends PUT for every change, one of the catalog PATCH; both"
                " work.",
            ),
            seen=lambda t: t.called,
        ),
        Step(
            "Provisioning > Integration",
            (
                "Tick Push New Users and Push Profile Updates, then press Test API"
                " Credentials. Import lists the people linked here, and no others.",
            ),
            (
                Value("SCIM connector base URL", base_url),
                Value("Unique identifier field for users", "userName"),
                Value("Authentication mode: HTTP Header", "the token", copied=False),
            ),
            seen=lambda t: t.called,
        ),
        Step(
            "Provisioning > To App",
            (
                "Tick Create Users, Update User Attributes and Deactivate Users. Without"
                " the last one leavers keep their access. Leave Sync Password off.",
            ),
            seen=lambda t: t.created,
        ),
        Step(
            "Profile Editor, only to choose initials or username in Okta",
            ("Profile Editor > the app > Add Attribute, type string, then map it.",),
            (
                Value("External name", "initials (or username)"),
                Value("External namespace", _OURS),
            ),
            seen=lambda t: t.created,
        ),
        Step(
            "Assign one person",
            (
                "Assignments > Assign. The person appears here at once. A red mark beside"
                " them opens our sentence; after the repair press Retry in Tasks.",
            ),
            seen=lambda t: t.created,
        ),
        Step(
            "See somebody leave",
            (
                "Unassign or deactivate a test person. Suspending somebody in Okta sends"
                " nothing at all: deactivate them, there or here.",
            ),
            seen=lambda t: t.deactivated,
        ),
    )


def _generic(base_url: str) -> Sequence[Step]:
    return (
        Step(
            "Connect",
            ("SCIM 2.0 with a bearer token. Discovery tells the rest.",),
            (
                Value("Base URL", base_url),
                Value("Authorization header", "Bearer, then the token", copied=False),
            ),
            seen=lambda t: t.called,
        ),
        Step(
            "Send one person",
            ("POST /Users with userName, name and one email address.",),
            seen=lambda t: t.created,
        ),
        Step(
            "See somebody leave",
            ("PATCH active to false, or DELETE the user.",),
            seen=lambda t: t.deactivated,
        ),
    )

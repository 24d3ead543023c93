"""What a role lets a person do in the console, as values: id, name, sentence.

The names are those of the local system.  A role carries permissions; the Administrator
role carries all of them, and only its holders give or take it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.rules.users import Kind, Rule, RulesViolated, Violation

if TYPE_CHECKING:
    from scim_connector.rules.actors import Actor


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a person may do; ``changes`` says whether it is more than looking."""

    id: str
    name: str
    sentence: str
    changes: bool = True


VIEW_USERS = Permission(
    "users.view",
    "View users",
    "See users, what they can reach, and their history.",
    changes=False,
)
CREATE_USERS = Permission("users.create", "Create users", "Add people and API users.")
UPDATE_USERS = Permission(
    "users.update",
    "Update users",
    "Edit, deactivate and reactivate users, and give them roles.",
)
END_SESSIONS = Permission(
    "sessions.end", "Log other users out", "End sessions of others."
)
RESET_PASSWORDS = Permission(
    "passwords.reset",
    "Reset passwords",
    "Mail a password link to others, or let their password expire.",
)
VIEW_ROLES = Permission(
    "roles.view",
    "View roles",
    "See roles and profiles, and who holds them.",
    changes=False,
)
CREATE_ROLES = Permission(
    "roles.create", "Create roles", "Add, change and remove roles and profiles."
)
VIEW_APPS = Permission(
    "apps.view",
    "View apps",
    "See applications, the API App and what was sent to them.",
    changes=False,
)
MANAGE_APPS = Permission(
    "apps.manage", "Manage apps", "Register applications and set up the API App."
)
VIEW_PROVISIONING = Permission(
    "provisioning.view",
    "View provisioning",
    "See connections, mappings, and every request of a provider.",
    changes=False,
)
MANAGE_PROVISIONING = Permission(
    "provisioning.manage",
    "Manage provisioning",
    "Set up connections, decide conflicts, apply mappings: who does this decides over"
    " every role but Administrator.",
)
COMPLIANCE = Permission(
    "compliance.view",
    "Compliance",
    "See who had access, who lost it and how fast.",
    changes=False,
)
VIEW_SETTINGS = Permission(
    "settings.view",
    "View settings",
    "See how this installation is set up.",
    changes=False,
)
MANAGE_SETTINGS = Permission(
    "settings.manage",
    "Manage settings",
    "Send a test mail, send or drop mail, change and silence alerts.",
)

PERMISSIONS: Final = (
    VIEW_USERS,
    CREATE_USERS,
    UPDATE_USERS,
    END_SESSIONS,
    RESET_PASSWORDS,
    VIEW_ROLES,
    CREATE_ROLES,
    VIEW_APPS,
    MANAGE_APPS,
    VIEW_PROVISIONING,
    MANAGE_PROVISIONING,
    COMPLIANCE,
    VIEW_SETTINGS,
    MANAGE_SETTINGS,
)
ALL: Final = frozenset(each.id for each in PERMISSIONS)
#: What the built-in Auditor role carries: it sees everything and changes nothing.
AUDITOR: Final = frozenset(each.id for each in PERMISSIONS if not each.changes)

R33 = Rule(
    "R33",
    "Nobody gives more than they have",
    "Nobody gives a role, puts a permission into one, or makes a key of an API user,"
    " that allows more than they may do themselves; the Administrator role is given and"
    " taken by Administrators.",
    Kind.FORBIDDEN,
    "roles",
    "This is about people here, not about Entra: ask an Administrator.",
    "This is about people here, not about Okta: ask an Administrator.",
)
R35 = Rule(
    "R35",
    "What leads to Administrator",
    "That a connection may act as an Administrator, the credentials, the mapping and the"
    " links of Administrators of one that may, and how people sign in through a"
    " connection, are set by Administrators.",
    Kind.FORBIDDEN,
    "administrator",
    "This is set here, not in Entra: ask an Administrator.",
    "This is set here, not in Okta: ask an Administrator.",
)


def may_lead_to_administrator(actor: Actor, what: str) -> None:
    """Refuse somebody who is no Administrator what would make them one (R35).

    *what* begins the sentence, "A token of entra".
    """
    if not actor.may_act_as_administrator:
        message = f"{what} leads to Administrator, so an Administrator does it (R35)."
        raise RulesViolated([Violation(R35, "leads_to_administrator", message)])


def known(ids: Iterable[str]) -> frozenset[str]:
    """Those of *ids* that are permissions; others are of another version."""
    return ALL & frozenset(ids)


def named(permission_id: str) -> Permission:
    """The permission of this id; raises KeyError for an unknown one."""
    return {each.id: each for each in PERMISSIONS}[permission_id]


def may_hand_on(carried: Collection[str], own: Collection[str], role: str) -> None:
    """Refuse somebody with *own* permissions to hand on more (R33).

    *carried* is what the role allows.
    """
    missing = frozenset(carried) - frozenset(own)
    if missing:
        names = ", ".join(p.name for p in PERMISSIONS if p.id in missing)
        message = f"{role} allows what you may not do yourself: {names} (R33)."
        raise RulesViolated([Violation(R33, "more_than_own", message)])

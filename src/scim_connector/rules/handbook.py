"""The handbook: every rule in order, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping

from scim_connector.rules.access import R14, R16, R17, R25, R28
from scim_connector.rules.lifecycle import R9, R10, R11, R12, R19, R21, R22, R31, R34
from scim_connector.rules.passwords import R32
from scim_connector.rules.permissions import R33, R35
from scim_connector.rules.users import R1, R2, R3, R4, R5, R6, R7, Kind, Rule


def _note(
    number: int,
    title: str,
    sentence: str,
    *,
    in_entra: str,
    in_okta: str,
    attribute: str | None = None,
) -> Rule:
    """A rule that decides without refusing a field."""
    rule_id = f"R{number}"
    return Rule(rule_id, title, sentence, Kind.INVALID, attribute, in_entra, in_okta)


HANDBOOK: tuple[Rule, ...] = (
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    _note(
        8,
        "Names",
        "First and last name may be empty; the mapping then falls back"
        " to the display name and the userName.",
        in_entra="Keep givenName and surname mapped to name.givenName and"
        " name.familyName, and fill them: initials and username follow"
        " them.",
        in_okta="Keep firstName and lastName mapped to givenName and"
        " familyName, and fill them: initials and username follow them.",
        attribute="name",
    ),
    R9,
    R10,
    R11,
    R12,
    _note(
        13,
        "API users without the API App",
        "An API user may be created while the API App is not installed;"
        " it is of use only once it is.",
        in_entra="Unmap the extension attribute apiUser, or install the app"
        " here: api-app install.",
        in_okta="Unmap the extension attribute apiUser, or install the app"
        " here: api-app install.",
        attribute="api_user",
    ),
    R14,
    _note(
        15,
        "First password link",
        "A person who is created active, or activated for the first"
        " time, is mailed a password link; an API user never.",
        in_entra="Keep the active row as it is and map mail to emails[type eq"
        ' "work"].value: the link goes to that address.',
        in_okta="Fill the primary email: the link goes to that address.",
    ),
    R16,
    R17,
    _note(
        18,
        "Deactivation",
        "Deactivation ends every session, password link, token and API"
        " App use of the user in the same transaction, whatever else"
        " the request holds.",
        in_entra='Keep the active row, Switch([IsSoftDeleted], , "False",'
        ' "True", "True", "False"); without it leavers are never'
        " deactivated.",
        in_okta="Tick Deactivate Users under Provisioning > To App; without it"
        " leavers keep their access.",
        attribute="active",
    ),
    R19,
    _note(
        20,
        "Users are never deleted",
        "Users are never deleted: a DELETE hides the identity and"
        " deactivates the user, who keeps initials, email and username.",
        in_entra="Disabling or unassigning the person deactivates; deleting them"
        " for good hides the identity. Assign them again if they"
        " return.",
        in_okta="Unassigning the person deactivates; Okta deletes nobody."
        " Assign them again if they return.",
    ),
    R21,
    R22,
    _note(
        23,
        "Unknown roles and profiles",
        "A role or profile the mapping or the local system does not"
        " know is warned about and not given; it is never created"
        " silently.",
        in_entra="Correct the value sent in roles, or add the role here (role"
        " add NAME) and the value to [roles.map] of the mapping.",
        in_okta="Correct the value of the attribute mapped to roles, or add the"
        " role here (role add NAME) and the value to [roles.map] of the"
        " mapping.",
        attribute="roles",
    ),
    _note(
        24,
        "Passwords from a provider",
        "A password a provider sends is accepted, never stored and never logged.",
        in_entra="Delete the row that maps to password.",
        in_okta="Switch off Sync Password under Provisioning > To App.",
        attribute="password",
    ),
    R25,
    _note(
        26,
        "Who an identity is",
        "A sign-in is tied by issuer and subject, first through what"
        " provisioning stored; an email address alone never ties"
        " anybody.",
        in_entra="Map objectId to externalId before the first cycle.",
        in_okta="Keep externalId as Okta sends it, the id of the Okta user.",
        attribute="external_id",
    ),
    _note(
        27,
        "API users and passwords",
        "No password, session or sign-in link is ever given to an API user.",
        in_entra="Take API users out of the assignment of the single sign-on"
        " application.",
        in_okta="Take API users out of the assignment of the single sign-on"
        " application.",
        attribute="api_user",
    ),
    R28,
    _note(
        29,
        "Licence limit",
        "When a limit of active administrative users is set and"
        " reached, nobody is created or activated beyond it; no limit"
        " is set by default.",
        in_entra="Take somebody out of the scope, or deactivate somebody here.",
        in_okta="Unassign somebody, or deactivate somebody here.",
    ),
    _note(
        30,
        "What a connection sees",
        "A connection sees the identities it has linked and no others;"
        " values that others hold still count as taken.",
        in_entra="If a person exists here but Entra cannot find them, link them"
        " here (conflict list).",
        in_okta="If a person exists here but Okta cannot find them, link them"
        " here (conflict list).",
    ),
    R31,
    R32,
    R33,
    R34,
    R35,
)


#: Which rule each code of a violation belongs to, for whoever reads a log.
BY_CODE: Mapping[str, Rule] = {
    "initials_length": R1,
    "initials_taken": R2,
    "initials_exhausted": R3,
    **dict.fromkeys(("email_missing", "email_invalid"), R4),
    "email_taken": R5,
    **dict.fromkeys(("username_length", "username_charset", "username_first"), R6),
    "username_taken": R7,
    "type_not_creatable": R9,
    "type_immutable": R10,
    "api_flag_immutable": R11,
    "api_user_not_allowed": R12,
    "administrator_only": R21,
    "last_administrator": R22,
    "type_not_managed": R31,
    "erased": R34,
}


def rule(rule_id: str) -> Rule:
    """The rule of this id, "R6"; raises KeyError for an unknown one."""
    return {entry.id: entry for entry in HANDBOOK}[rule_id]


def render() -> str:
    """The handbook as Markdown, for ``docs/handbook.md``."""
    parts = [
        "# The handbook",
        "",
        "Every rule of the local system. A refusal says what is wrong with the value,"
        " names the rule, such as (R6), and gives it in the words below. This page is"
        " generated: `scim-connector rules --markdown`.",
    ]
    for entry in HANDBOOK:
        parts += ["", f"## {entry.id} {entry.title}", "", entry.sentence, ""]
        parts += [f"- In Entra ID: {entry.in_entra}", f"- In Okta: {entry.in_okta}"]
    return "\n".join(parts) + "\n"

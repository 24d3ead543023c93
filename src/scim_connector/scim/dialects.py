"""The habits of real providers: every tolerance of the protocol core, as a row.

A row says who sends what, how it is handled, where that is known from, and what the
answer is when the row is switched off on a connection. Rows with an empty ``strict``
are not leniency: RFC 7643 or RFC 7644 asks for (or allows) the behaviour, and they
stand here because servers get them wrong; they cannot be switched off. ``Notes``
counts the rows with a ``strict`` answer by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["entra", "okta", "generic"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One habit of one or more providers.

    *number* is the row in the table of known quirks (None: found later), *strict* the
    answer while the row is switched off.
    """

    number: int | None
    name: str
    vendors: str
    sent: str
    handled: str
    source: str
    strict: str = ""
    on_by_default: bool = True

    @property
    def switchable(self) -> bool:
        """True when a connection may switch the row off."""
        return bool(self.strict)


_MS_USE: Final = "Microsoft: Develop and plan provisioning for a SCIM endpoint"
_MS_COMPAT: Final = "Microsoft: Known issues with SCIM 2.0 protocol compliance"
_MS_CUST: Final = "Microsoft: Customize application attributes"
_MS_POSTMAN: Final = "AzureAD/SCIMReferenceCode, PostmanCollection.json"
_OKTA: Final = "Okta: SCIM 2.0 protocol reference"

QUIRKS: Final = (
    Quirk(
        1,
        "capitalised-op",
        "Entra ID",
        '"op": "Replace"',
        "read without case",
        _MS_USE,
        "400 invalidSyntax",
    ),
    Quirk(
        2,
        "string-boolean",
        "Entra ID",
        '"active": "False", also "True" and "false"',
        "becomes the boolean; any other text is 400 invalidValue",
        _MS_COMPAT,
        "400 invalidValue",
    ),
    Quirk(
        None,
        "string-number",
        "Entra ID",
        "every custom attribute as text",
        "becomes a number where an operator declared integer or decimal",
        _MS_CUST,
        "400 invalidValue",
    ),
    Quirk(
        3,
        "dotted-key",
        "Entra ID with aadOptscim062020",
        '"value": {"name.givenName": "Kim"} without a path',
        "each key is taken as if it were the path",
        _MS_COMPAT,
        "the key is an unknown attribute",
    ),
    Quirk(
        3,
        "urn-key",
        "Entra ID with aadOptscim062020",
        '"value": {"urn:...:enterprise:2.0:User:department": "Sales"} without a path',
        "each key is taken as if it were the path",
        _MS_COMPAT,
        "the key is an unknown attribute",
    ),
    Quirk(
        4,
        "read-only-in-value",
        "Okta",
        "id, meta and groups inside the value of a PATCH without a path",
        "ignored; an explicit path to one of them is 400 mutability",
        _OKTA,
        "400 mutability",
    ),
    Quirk(
        5,
        "filtered-path-creates",
        "Entra ID",
        'path phoneNumbers[type eq "work"].value while there is no such number',
        "the element is made, with what the filter compares to; never primary "
        "unless the filter asks for it",
        "github.com/better-auth/better-auth/issues/10682",
        "400 noTarget",
    ),
    Quirk(
        6,
        "string-boolean-in-filter",
        "Entra ID",
        'path roles[primary eq "True"].value',
        "compared as a boolean",
        _MS_CUST,
        "400 invalidFilter",
    ),
    Quirk(
        7,
        "add-replaces",
        "Entra ID",
        '"op": "Add" on a value that exists',
        "replaces it, as RFC 7644 section 3.5.2.1 says for single values",
        "github.com/wireapp/wire-server/issues/5419",
    ),
    Quirk(
        8,
        "manager-string",
        "Entra ID",
        '"manager": "<id>"',
        'becomes {"value": "<id>"}, and is answered so',
        "github.com/apache/directory-scimple/issues/1242",
        "400 invalidValue",
    ),
    Quirk(
        8,
        "manager-list",
        "Entra ID (old)",
        '"manager": [{"value": "<id>"}]',
        'becomes {"value": "<id>"}, and is answered so',
        _MS_USE,
        "400 invalidValue",
    ),
    Quirk(
        None,
        "manager-in-core",
        "Entra ID (old)",
        'path "manager" without the enterprise URN',
        "taken for the manager of the enterprise extension",
        _MS_USE,
        "the path is an unknown attribute",
    ),
    Quirk(
        9,
        "role-json-text",
        "Entra ID",
        '"roles": [{"value": "{\\"value\\":\\"Admin\\",...}"}]',
        "the text is read; value, displayName and type are taken from it",
        _MS_CUST,
        "kept as text",
    ),
    Quirk(
        None,
        "role-display-name",
        "Entra ID",
        '"roles": [{"displayName": "Admin"}]',
        "taken for display",
        _MS_CUST,
        "an unknown sub-attribute",
    ),
    Quirk(
        None,
        "member-string",
        "Microsoft's test collection",
        '"members": "<id>" or a list of ids, each as plain text',
        'becomes {"value": "<id>"}, and is answered so',
        _MS_POSTMAN,
        "400 invalidValue",
    ),
    Quirk(
        None,
        "member-display-name",
        "Microsoft's test collection",
        '"members": [{"value": "<id>", "displayName": "Kim"}]',
        "taken for display",
        _MS_POSTMAN,
        "an unknown sub-attribute",
    ),
    Quirk(
        None,
        "okta-role-urn",
        "Okta",
        "looks in /ResourceTypes for urn:okta:scim:schemas:core:1.0:Role and Entitlement",
        "/Roles and /Entitlements are published under these URNs to a connection of "
        "kind okta, under those of the IETF draft to others",
        "Okta: entitlement management with SCIM",
    ),
    Quirk(
        10,
        "remove-with-value",
        "Entra ID, JumpCloud",
        '"op": "Remove" with a path and a list of values',
        "only the listed values are removed",
        "github.com/MicrosoftDocs/azure-docs/issues/30826",
        "400 invalidSyntax (never the loss of all values)",
    ),
    Quirk(
        11,
        "dotted-urn",
        "Entra ID (before 2018)",
        "path urn:...:enterprise:2.0:User.manager",
        "read like a colon; the longest known URN is cut off first",
        _MS_POSTMAN,
        "400 invalidPath",
    ),
    Quirk(
        12,
        "empty-is-absent",
        "Entra ID, Okta",
        "null, an empty list, or an empty string",
        "the attribute is absent, or cleared (RFC 7643 section 2.5)",
        f"{_MS_USE}; {_OKTA}",
    ),
    Quirk(
        13,
        "attribute-case",
        "all",
        '"UserName", "emails[].Primary"',
        "names are read without case, answered in their canonical spelling",
        "RFC 7643 section 2.1",
    ),
    Quirk(
        14,
        "unknown-attribute",
        "Entra ID, OneLogin",
        "attributes and extensions nothing declares",
        "ignored and counted by name; declare them with [[attribute]]",
        _MS_CUST,
        "400 invalidSyntax, in a path 400 invalidPath",
    ),
    Quirk(
        15,
        "user-name-case",
        "all",
        "userName in another case",
        "unique and found without case, kept as sent",
        "RFC 7643 section 4.1.1",
    ),
    Quirk(
        16,
        "external-id",
        "all",
        "externalId that is a GUID, changes, repeats, or is missing",
        "kept for each connection and found exactly, indexed, never unique, never the id",
        "RFC 7643 section 3.1",
    ),
    Quirk(
        17,
        "inactive-visible",
        "all",
        "a search for somebody who is inactive",
        "found as everybody else; an inactive user is not hidden",
        _MS_USE,
    ),
    Quirk(
        18,
        "round-trip",
        "Okta",
        "PUT of our own answer, every attribute included",
        "states nothing new and raises no version",
        _OKTA,
    ),
    Quirk(
        19,
        "put-without-active",
        "Okta",
        "PUT of a user without active",
        "keeps the present state",
        "docs.delinea.com: Okta endpoint reference",
    ),
    Quirk(
        20,
        "patch-answers-user",
        "all",
        "PATCH of a user",
        "200 with the whole user",
        "RFC 7644 section 3.5.2",
    ),
    Quirk(
        21,
        "patch-answers-no-group",
        "Entra ID, Okta",
        "PATCH of a group",
        "204 to Entra ID and Okta; 200 with the group to others, and to whoever asks "
        "for attributes",
        _MS_USE,
    ),
    Quirk(
        22,
        "json-content-type",
        "all",
        "application/json, any charset, no Accept",
        "read like application/scim+json, which is always the answer",
        "RFC 7644 section 3.1",
    ),
    Quirk(
        23,
        "errors-are-scim",
        "all",
        "anything that is refused, 401, 404, 405, 413 and 500 included",
        "a SCIM error with a sentence and a request id",
        "github.com/Metatavu/keycloak-scim-server/issues/101",
    ),
    Quirk(
        24,
        "status-is-text",
        "all",
        "reads status in an error",
        "text, as RFC 7644 section 3.12 says",
        _OKTA,
    ),
    Quirk(
        25,
        "odd-filter-values",
        "Entra ID",
        "a filter for a value of any characters",
        "200 with an empty list when nobody has it",
        "Microsoft: Known issues for provisioning",
    ),
    Quirk(
        26,
        "unknown-query",
        "Entra ID",
        "?aadOptscim062020 left in the tenant URL",
        "query parameters nothing knows are ignored",
        _MS_COMPAT,
    ),
    Quirk(
        27,
        "trailing-slash",
        "Microsoft's test collection",
        "/Users/?filter=...",
        "served without a redirect",
        _MS_POSTMAN,
    ),
    Quirk(
        28,
        "base-url-probed",
        "several",
        "GET of the base URL itself",
        "the ServiceProviderConfig",
        "github.com/lightdash/lightdash/issues/15753",
    ),
    Quirk(
        29,
        "bearer-twice",
        "admins",
        '"Bearer Bearer TOKEN", the word pasted with the token',
        "401 that says so",
        "github.com/grokability/snipe-it/issues/13968",
    ),
    Quirk(
        30,
        "both-patch-dialects",
        "Entra ID",
        "provision on demand ignores aadOptscim062020",
        "both forms are read on one connection",
        _MS_COMPAT,
    ),
    Quirk(
        31,
        "stored-as-sent",
        "Entra ID",
        "compares what it reads with what it wrote",
        "values are answered as they were sent, under their canonical names",
        _MS_USE,
    ),
    Quirk(
        32,
        "nested-groups",
        "Entra ID",
        "a group as member of a group",
        "kept and read back; only direct members hold the role",
        "Microsoft: How provisioning works",
    ),
    Quirk(
        33,
        "guest-user-name",
        "Entra ID",
        "anna_home.example#EXT#@tenant.onmicrosoft.com",
        "kept as sent; the mapping takes the guest's own address from it",
        "Microsoft: How provisioning works",
    ),
    Quirk(
        34,
        "active-again",
        "Entra ID",
        "active: true for somebody who is active",
        "nothing changes, 200",
        "github.com/getsentry/sentry-docs/issues/16258",
    ),
    Quirk(
        35,
        "same-attribute-twice",
        "any",
        "one PATCH that sets an attribute twice",
        "applied in order, the last one wins, all or nothing",
        "RFC 7644 section 3.5.2",
    ),
    Quirk(
        36,
        "remove-absent",
        "Entra ID",
        "removal of something that is not there",
        "success, nothing changes",
        "github.com/better-auth/better-auth/issues/10682",
        "400 noTarget where a filter matches nothing",
    ),
    Quirk(
        37,
        "missing-schemas",
        "hand-made clients",
        "a body without schemas",
        "read by its address",
        "github.com/wso2/product-is/issues/19409",
        "400 invalidSyntax",
    ),
    Quirk(
        38,
        "email-choice",
        "Okta, OneLogin",
        "emails without a type, or of another type than work",
        "the mapping picks the primary, else work, else the first",
        "github.com/Metatavu/keycloak-scim-server/issues/40",
    ),
)

BY_NAME: Final = {quirk.name: quirk for quirk in QUIRKS}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one connection is read: its kind, and the rows switched off on it."""

    kind: Kind = "generic"
    off: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse names that no switchable row has, with ValueError."""
        for name in self.off:
            if name not in BY_NAME or not BY_NAME[name].switchable:
                names = ", ".join(row.name for row in QUIRKS if row.switchable)
                message = f"{name!r} cannot be switched off; choose from: {names}"
                raise ValueError(message)

    def allows(self, name: str) -> bool:
        """Say whether the tolerance called *name* is on."""
        return name not in self.off


DIALECTS: Final[dict[Kind, Dialect]] = {
    "entra": Dialect("entra"),
    "okta": Dialect("okta"),
    "generic": Dialect("generic"),
}
"""One dialect per kind. All tolerances are on for each of them: an administrator may
put any provider behind any kind, and no two rows contradict each other."""

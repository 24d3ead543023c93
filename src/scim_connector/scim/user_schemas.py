"""The attribute tables of a user: core, enterprise and our own extension.

The core table is that of RFC 7643 section 4.1 without ``password``: it is accepted
and dropped, so it is not published. ``emails`` and ``emails.value`` are published as
required, because a local user needs an address. The enterprise table is section 4.3.
"""

from __future__ import annotations

from typing import Final

from scim_connector.scim.attributes import Attribute, AttributeType, Schema
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL


def _plural(
    name: str,
    description: str,
    value: Attribute,
    *,
    types: tuple[str, ...] = (),
    required: bool = False,
) -> Attribute:
    """A multi-valued attribute with the sub-attributes of RFC 7643 section 2.4."""
    return Attribute(
        name,
        "complex",
        description,
        multi_valued=True,
        required=required,
        sub_attributes=(
            value,
            Attribute("display", description="A name for people to read."),
            _kind(types),
            _PRIMARY,
        ),
    )


def _kind(canonical: tuple[str, ...]) -> Attribute:
    return Attribute(
        "type",
        description="What the value is used for.",
        canonical_values=canonical,
    )


def _value(description: str, kind: AttributeType = "string") -> Attribute:
    exact = kind in {"binary", "reference"}
    references = ("external",) if kind == "reference" else ()
    return Attribute(
        "value", kind, description, case_exact=exact, reference_types=references
    )


_PRIMARY: Final = Attribute(
    "primary", "boolean", "True for the preferred one; at most one may say so."
)

COMMON: Final = (
    Attribute(
        "schemas",
        "reference",
        "The URNs of the schemas this resource uses.",
        multi_valued=True,
        case_exact=True,
        returned="always",
        reference_types=("uri",),
    ),
    Attribute(
        "id",
        description="The identifier given by this server; it never changes.",
        case_exact=True,
        mutability="readOnly",
        returned="always",
        uniqueness="server",
    ),
    Attribute(
        "externalId",
        description="The identifier the provider uses for this resource.",
        case_exact=True,
    ),
    Attribute(
        "meta",
        "complex",
        "Facts about the resource, kept by this server.",
        mutability="readOnly",
        sub_attributes=(
            Attribute(
                "resourceType",
                description="The kind of resource.",
                case_exact=True,
                mutability="readOnly",
            ),
            Attribute(
                "created",
                "dateTime",
                "When the resource was created.",
                mutability="readOnly",
            ),
            Attribute(
                "lastModified",
                "dateTime",
                "When the resource last changed.",
                mutability="readOnly",
            ),
            Attribute(
                "location",
                "reference",
                "The address of the resource.",
                case_exact=True,
                mutability="readOnly",
                reference_types=("uri",),
            ),
            Attribute(
                "version",
                description="The version, as in the ETag header.",
                case_exact=True,
                mutability="readOnly",
            ),
        ),
    ),
)
"""What every resource has (RFC 7643 section 3.1); published by no schema."""

NAME: Final = Attribute(
    "name",
    "complex",
    "The parts of the person's name.",
    sub_attributes=(
        Attribute("formatted", description="The whole name as it is written."),
        Attribute("familyName", description="The family name, or last name."),
        Attribute("givenName", description="The given name, or first name."),
        Attribute("middleName", description="The middle names."),
        Attribute("honorificPrefix", description="A title before the name."),
        Attribute("honorificSuffix", description="A suffix after the name."),
    ),
)

EMAILS: Final = _plural(
    "emails",
    "E-mail addresses; the local address is chosen from them.",
    Attribute("value", description="The address.", required=True),
    types=("work", "home", "other"),
    required=True,
)

ADDRESSES: Final = Attribute(
    "addresses",
    "complex",
    "Postal addresses.",
    multi_valued=True,
    sub_attributes=(
        Attribute("formatted", description="The whole address as it is written."),
        Attribute("streetAddress", description="Street, house number, floor."),
        Attribute("locality", description="City or town."),
        Attribute("region", description="State, province or county."),
        Attribute("postalCode", description="Postal code."),
        Attribute("country", description="Country, best as an ISO 3166-1 code."),
        _kind(("work", "home", "other")),
        _PRIMARY,
    ),
)

GROUPS: Final = Attribute(
    "groups",
    "complex",
    "The groups the user belongs to; changed through the groups alone.",
    multi_valued=True,
    mutability="readOnly",
    sub_attributes=(
        Attribute("value", description="The id of the group.", mutability="readOnly"),
        Attribute(
            "$ref",
            "reference",
            "The address of the group.",
            case_exact=True,
            mutability="readOnly",
            reference_types=("User", "Group"),
        ),
        Attribute(
            "display", description="The name of the group.", mutability="readOnly"
        ),
        Attribute(
            "type",
            description="Whether the membership is direct.",
            canonical_values=("direct", "indirect"),
            mutability="readOnly",
        ),
    ),
)

USER_SCHEMA: Final = Schema(
    CORE,
    "User",
    "User Account",  # Microsoft's collection looks for the words of RFC 7643
    (
        Attribute(
            "userName",
            description="The name the provider knows the user by, kept as sent.",
            required=True,
            uniqueness="server",
        ),
        NAME,
        Attribute("displayName", description="The name shown to other people."),
        Attribute("nickName", description="What the person is casually called."),
        Attribute(
            "profileUrl",
            "reference",
            "The address of a page about the user.",
            case_exact=True,
            reference_types=("external",),
        ),
        Attribute("title", description="The job title."),
        Attribute("userType", description="The provider's own word for the user."),
        Attribute("preferredLanguage", description="Preferred language to read."),
        Attribute("locale", description="Where dates and numbers are shown for."),
        Attribute("timezone", description="Time zone, as in the IANA database."),
        Attribute(
            "active",
            "boolean",
            "False ends every access of the user at once; true when it is not sent.",
            required=True,  # always there in an answer, and never removed by a client
        ),
        EMAILS,
        _plural(
            "phoneNumbers",
            "Telephone numbers, kept as sent.",
            _value("The number."),
            types=("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "Instant messaging addresses.",
            _value("The address."),
            types=("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "Pictures of the user.",
            _value("The address of the picture.", "reference"),
            types=("photo", "thumbnail"),
        ),
        ADDRESSES,
        GROUPS,
        _plural("entitlements", "Things the user is entitled to.", _value("One.")),
        _plural(
            "roles",
            "Roles of the user; the mapping ties them to local ones.",
            _value("The role."),
        ),
        _plural(
            "x509Certificates",
            "Certificates of the user.",
            _value("A certificate: DER, written in base64.", "binary"),
        ),
    ),
)

MANAGER: Final = Attribute(
    "manager",
    "complex",
    "The person the user reports to.",
    sub_attributes=(
        Attribute("value", description="The id of the manager."),
        Attribute(
            "$ref",
            "reference",
            "The address of the manager.",
            case_exact=True,
            reference_types=("User",),
        ),
        Attribute("displayName", description="The manager's name, as sent."),
    ),
)

ENTERPRISE_SCHEMA: Final = Schema(
    ENTERPRISE,
    "EnterpriseUser",
    "What an organisation keeps about its people.",
    (
        Attribute("employeeNumber", description="The number given by the employer."),
        Attribute("costCenter", description="The cost centre."),
        Attribute("organization", description="The organisation."),
        Attribute("division", description="The division."),
        Attribute("department", description="The department."),
        MANAGER,
    ),
)

LOCAL_SCHEMA: Final = Schema(
    LOCAL,
    "LocalUser",
    "The provider's wishes for the local user, and what became of them.",
    (
        Attribute("initials", description="The initials the user is to have."),
        Attribute("username", description="The local username the user is to have."),
        Attribute("profile", description="The profile the user is to have."),
        Attribute(
            "apiUser",
            "boolean",
            "True for a programmatic account; set at creation and never changed.",
            mutability="immutable",
        ),
        Attribute(
            "local",
            "complex",
            "The local user as it is; answered when asked for by its name.",
            mutability="readOnly",
            returned="request",
            sub_attributes=tuple(
                Attribute(name, description=text, mutability="readOnly")
                for name, text in (
                    ("initials", "The initials in use."),
                    ("username", "The username in use."),
                    ("email", "The e-mail address in use."),
                    ("type", "The local type of the user."),
                    ("profile", "The profile in use."),
                )
            ),
        ),
    ),
)

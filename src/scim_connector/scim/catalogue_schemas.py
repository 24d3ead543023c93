"""Roles and entitlements a provider may assign: read-only lists of what there is.

The attributes are those of draft-ietf-scim-roles-entitlements that can be told
truthfully.  Okta reads the same table under URNs of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from scim_connector.scim.attributes import Attribute, Schema
from scim_connector.scim.schemas import ResourceType

_IETF: Final = "urn:ietf:params:scim:schemas:core:2.0"
_OKTA: Final = "urn:okta:scim:schemas:core:1.0"

_ATTRIBUTES: Final = (
    Attribute(
        "value",
        description="What a user's attribute of the same name holds.",
        required=True,
        mutability="readOnly",
        uniqueness="server",
    ),
    Attribute("display", description="Its name here.", mutability="readOnly"),
    Attribute(
        "supported",
        "boolean",
        "Whether it can be assigned.",
        mutability="readOnly",
    ),
)


def _type(name: str, plural: str, description: str) -> ResourceType:
    schema = Schema(f"{_IETF}:{name}", name, description, _ATTRIBUTES)
    return ResourceType(name, name, f"/{plural}", description, schema)


ROLE: Final = _type("Role", "Roles", "A role that users can be given.")
ENTITLEMENT: Final = _type(
    "Entitlement", "Entitlements", "A profile that users can be given."
)


def _as_okta(known: ResourceType) -> ResourceType:
    schema = replace(known.schema, id=f"{_OKTA}:{known.name}")
    return replace(known, schema=schema)


OKTA_ROLE: Final = _as_okta(ROLE)
OKTA_ENTITLEMENT: Final = _as_okta(ENTITLEMENT)

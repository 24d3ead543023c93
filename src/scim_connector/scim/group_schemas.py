"""The attribute table of a group (RFC 7643 section 4.2).

``members.display`` is not in the standard's table and is what every provider sends;
``$ref`` and ``type`` follow from whom a member names, so only the server sets them.
"""

from __future__ import annotations

from typing import Final

from scim_connector.scim.attributes import Attribute, Schema
from scim_connector.scim.types import GROUP

MEMBERS: Final = Attribute(
    "members",
    "complex",
    "Who belongs to the group.",
    multi_valued=True,
    sub_attributes=(
        Attribute(
            "value",
            description="The id of the user or group.",
            case_exact=True,
            mutability="immutable",
        ),
        Attribute(
            "$ref",
            "reference",
            "The address of the user or group.",
            case_exact=True,
            mutability="readOnly",
            reference_types=("User", "Group"),
        ),
        Attribute("display", description="A name for people to read."),
        Attribute(
            "type",
            description="Whether the member is a user or a group.",
            canonical_values=("User", "Group"),
            mutability="readOnly",
        ),
    ),
)

GROUP_SCHEMA: Final = Schema(
    GROUP,
    "Group",
    "A group of the provider. It gives a local role where it is tied to one.",
    (
        Attribute(
            "displayName",
            description="The name of the group, for people to read.",
            required=True,
        ),
        MEMBERS,
    ),
)

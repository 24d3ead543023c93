"""What the service tells about itself (RFC 7643 sections 5 to 7, RFC 9865).

Only what is stored and supported is published. The three addresses are read-only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import bulk
from scim_connector.scim.cursors import LIFETIME
from scim_connector.scim.errors import NotFound
from scim_connector.scim.paging import DEFAULT_COUNT, MOST_RESULTS
from scim_connector.scim.types import (
    LIST_RESPONSE,
    RESOURCE_TYPE,
    SCHEMA,
    SERVICE_PROVIDER_CONFIG,
    Json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scim_connector.scim.attributes import Attribute, Schema
    from scim_connector.scim.schemas import ResourceType

_WITH_CASE: Final = {"string", "reference", "binary"}


def schemas(types: Iterable[ResourceType], base_url: str) -> Json:
    """Return the list of all schemas of *types*, for GET /Schemas."""
    known = [schema for each in types for schema in each.schemas]
    return _listed([_schema(schema, base_url) for schema in known])


def schema(types: Iterable[ResourceType], urn: str, base_url: str) -> Json:
    """Return one schema by its URN in any case; NotFound when there is none."""
    for known in (schema for each in types for schema in each.schemas):
        if known.id.lower() == urn.lower():
            return _schema(known, base_url)
    raise NotFound("There is no schema with this URN; see /Schemas.")


def resource_types(types: Iterable[ResourceType], base_url: str) -> Json:
    """Return the list of resource types, for GET /ResourceTypes."""
    return _listed([_resource_type(known, base_url) for known in types])


def resource_type(types: Iterable[ResourceType], name: str, base_url: str) -> Json:
    """Return one resource type by its id; NotFound when there is none."""
    for known in types:
        if known.id.lower() == name.lower():
            return _resource_type(known, base_url)
    raise NotFound("There is no such resource type; see /ResourceTypes.")


def service_provider_config(
    base_url: str,
    *,
    documentation: str | None = None,
    assignable: bool = False,
    event_uris: Sequence[str] = (),
    takes_async: bool = False,
) -> Json:
    """Return what the service supports, for GET /ServiceProviderConfig.

    *documentation* is the address of a page for people; with *assignable* it tells of
    /Roles and /Entitlements, and with *event_uris* of the security events that receivers
    are sent (RFC 9967 section 4): a strict reader of RFC 7643 knows neither.  *takes_async*
    says whether a request is carried out later when that is preferred.
    """
    config: Json = {"schemas": [SERVICE_PROVIDER_CONFIG]}
    if documentation:
        config["documentationUri"] = documentation
    if assignable:
        config["RolesAndEntitlements"] = {
            "roles": {"multipleRolesSupported": True, **_ASSIGNABLE},
            "entitlements": {"multipleEntitlementsSupported": True, **_ASSIGNABLE},
        }
    if event_uris:
        on_request = "request" if takes_async else "none"
        events = {"asyncRequest": on_request, "eventUris": list(event_uris)}
        config["securityEvents"] = events
    return config | {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": bulk.MOST_OPERATIONS,
            "maxPayloadSize": bulk.LARGEST,
        },
        "filter": {"supported": True, "maxResults": MOST_RESULTS},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MOST_RESULTS,
            "cursorTimeout": LIFETIME,
        },
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [_BEARER, _OAUTH],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base_url}/ServiceProviderConfig",
        },
    }


#: draft-ietf-scim-roles-entitlements: what can be said of /Roles and /Entitlements.
_ASSIGNABLE: Final[Json] = {
    "supported": True,
    "primarySupported": False,
    "typeSupported": False,
}

_BEARER: Final[Json] = {
    "type": "oauthbearertoken",
    "name": "Bearer token",
    "description": "A token of the connection, in the Authorization header.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
    "primary": True,
}

_OAUTH: Final[Json] = {
    "type": "oauth2",
    "name": "OAuth 2.0 client credentials",
    "description": "A client secret, or a signed assertion (RFC 7523), is exchanged for"
    " an access token at /oauth2/token.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
    "primary": False,
}


def _listed(resources: list[Json]) -> Json:
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": len(resources),
        "startIndex": 1,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _schema(known: Schema, base_url: str) -> Json:
    return {
        "schemas": [SCHEMA],
        "id": known.id,
        "name": known.name,
        "description": known.description,
        "attributes": [_attribute(attribute) for attribute in known.attributes],
        "meta": {
            "resourceType": "Schema",
            "location": f"{base_url}/Schemas/{known.id}",
        },
    }


def _resource_type(known: ResourceType, base_url: str) -> Json:
    described: Json = {
        "schemas": [RESOURCE_TYPE],
        "id": known.id,
        "name": known.name,
        "endpoint": known.endpoint,
        "description": known.description,
        "schema": known.schema.id,
        "meta": {
            "resourceType": "ResourceType",
            "location": f"{base_url}/ResourceTypes/{known.id}",
        },
    }
    if known.extensions:
        described["schemaExtensions"] = [
            {"schema": extension.id, "required": False}
            for extension in known.extensions
        ]
    return described


def _attribute(attribute: Attribute) -> Json:
    """Describe one attribute; characteristics that say nothing are left out."""
    described: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
    }
    if attribute.type != "complex":
        described["uniqueness"] = attribute.uniqueness
    if attribute.type in _WITH_CASE:
        described["caseExact"] = attribute.case_exact
    if attribute.canonical_values:
        described["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        described["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub_attributes:
        subs = [_attribute(sub) for sub in attribute.sub_attributes]
        described["subAttributes"] = subs
    return described

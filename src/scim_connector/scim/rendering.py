"""The served resource: rendered once as JSON text, stored, and spliced when answered.

Two control characters stand for what is not known yet when the text is stored: U+0001
for the base URL of the service, U+0002 for the whole ``groups`` member. JSON text
escapes control characters inside strings, so no value can contain them raw.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.scim.types import LOCAL, Json
from scim_connector.scim.versions import etag

if TYPE_CHECKING:
    from scim_connector.scim.schemas import ResourceType

BASE_URL_MARK: Final = "\x01"
GROUPS_MARK: Final = "\x02"
LOCAL_MARK: Final = "\x03"

_KINDS: Final = {"/Users": "User", "/Groups": "Group"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SERVER_MEMBERS: Final = {"schemas", "id", "meta", "groups"}


@dataclass(frozen=True, slots=True)
class Local:
    """What the provider's wishes became; the readOnly ``local`` of our extension."""

    initials: str
    username: str
    email: str | None
    type: str
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server adds to a document; times in microseconds UTC.

    *active* and *local* are None for a group; *local* is, too, while no local user
    stands behind the resource (rehearsal).
    """

    id: str
    version: int
    created: int
    last_modified: int
    active: bool | None = None
    local: Local | None = None


def served(resource_type: ResourceType, document: Json, facts: Facts) -> str:
    """Return the stored text of a resource, with its marks in it.

    ``active`` is that of *facts*, whatever the document says; what is joined when the
    text is answered (``groups`` of a user, ``members`` of a group) is last.  The
    readOnly ``local`` is returned on request only (RFC 7643 section 7), so it stands
    behind the resource.
    """
    body = _body(resource_type, document, facts)
    meta = orjson.dumps(_meta(resource_type, facts)).decode()
    location = f'"location":"{BASE_URL_MARK}{resource_type.endpoint}/{facts.id}"'
    text = orjson.dumps(body).decode()
    local = LOCAL_MARK + _local(facts.local) if facts.local else ""
    return f'{text[:-1]},"meta":{meta[:-1]},{location}}}{GROUPS_MARK}}}{local}'


def with_groups(text: str, references: str | None) -> str:
    """Return a stored text with the groups of a user in place.

    *references* are the JSON texts of the entries with commas between, which may hold
    the base URL mark; None or empty leaves the member out when the text is expanded.
    """
    if not references:
        return text
    return text.replace(GROUPS_MARK, f',"groups":[{references}]', 1)


def expand(text: str, base_url: str) -> str:
    """Return the answer: *text* with the base URL in place.

    Without groups (see ``with_groups``) there is no such member. *base_url* has no
    slash at its end.
    """
    text = text.partition(LOCAL_MARK)[0]
    return text.replace(GROUPS_MARK, "").replace(BASE_URL_MARK, base_url)


def with_members(text: str, members: str) -> str:
    """Return the stored text of a group with its members: JSON texts and commas."""
    member = f',"members":[{members}]' if members else ""
    return text.replace(GROUPS_MARK, member)


def member(value: str, display: str | None, endpoint: str | None) -> str:
    """Return the JSON text of one member; *endpoint* of whom it names, if known."""
    text = f'{{"value":{_quoted(value)}'
    if endpoint is not None:
        text += (
            f',"$ref":"{BASE_URL_MARK}{endpoint}/{value}","type":"{_KINDS[endpoint]}"'
        )
    if display is not None:
        text += f',"display":{_quoted(display)}'
    return f"{text}}}"


def reference(group_id: str, display_name: str) -> str:
    """Return the JSON text by which a user answers that they belong to a group."""
    ref = f'"$ref":"{BASE_URL_MARK}/Groups/{group_id}"'
    shown = _quoted(display_name)
    return f'{{"value":"{group_id}",{ref},"display":{shown},"type":"direct"}}'


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def resource_of(text: str, base_url: str = "", *, local: bool = True) -> Json:
    """Return a stored text as a resource, with ``local`` or not."""
    resource: Json = orjson.loads(expand(text, base_url))
    became = text.partition(LOCAL_MARK)[2] if local else ""
    if became:
        resource[LOCAL] = {**resource.get(LOCAL, {}), "local": orjson.loads(became)}
    return resource


def document_of(resource: Json) -> Json:
    """Return the document inside a full resource, the inverse of ``served``.

    ``active`` comes out as it was answered. The values are shared, not copied.
    """
    document = {
        name: value for name, value in resource.items() if name not in _SERVER_MEMBERS
    }
    if LOCAL in document:
        wishes = {n: v for n, v in document[LOCAL].items() if n != "local"}
        document[LOCAL] = wishes
        if not wishes:
            del document[LOCAL]
    return document


def timestamp(microseconds: int) -> str:
    """Return a moment as RFC 3339 text in UTC with all its microseconds.

    All of them, so that a filter on what was answered finds the resource again.
    """
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _body(resource_type: ResourceType, document: Json, facts: Facts) -> Json:
    members = dict(document)
    if facts.active is not None:
        members["active"] = facts.active
    return {"schemas": _schemas(resource_type, members), "id": facts.id, **members}


def _local(became: Local) -> str:
    shown = {
        "initials": became.initials,
        "username": became.username,
        "email": became.email,
        "type": became.type,
        "profile": became.profile,
    }
    told = {name: value for name, value in shown.items() if value is not None}
    return orjson.dumps(told).decode()


def _schemas(resource_type: ResourceType, members: Json) -> list[str]:
    used = [schema.id for schema in resource_type.extensions if schema.id in members]
    return [resource_type.schema.id, *used]


def _meta(resource_type: ResourceType, facts: Facts) -> Json:
    return {
        "resourceType": resource_type.name,
        "created": timestamp(facts.created),
        "lastModified": timestamp(facts.last_modified),
        "version": etag(facts.version),
    }

"""What the tests of the RFCs have in common: people, messages and ways to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from tests.server import Reply, Server

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LOCAL: Final = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
TYPED: Final = "urn:example:rfc:2.0:User"
_MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0"
LIST: Final = f"{_MESSAGES}:ListResponse"
SEARCH: Final = f"{_MESSAGES}:SearchRequest"
PATCH: Final = f"{_MESSAGES}:PatchOp"
ERROR: Final = f"{_MESSAGES}:Error"

Json = dict[str, Any]
_NUMBERS: Final = count(1)
_RUN: Final = uuid4().hex[:8]


def name() -> str:
    """A name that no other test uses: lower-case letters and digits."""
    return f"n{next(_NUMBERS)}x{_RUN}"


def person(**more: Any) -> Json:
    """The body of a user whom nobody else is; *more* wins, None takes out."""
    own = name()
    body = {
        "schemas": [CORE],
        "userName": f"{own}@example.com",
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"value": f"{own}@example.com", "type": "work", "primary": True}],
    } | more
    return {key: value for key, value in body.items() if value is not None}


def created(scim: Server, body: Json | None = None, **more: Any) -> Json:
    """Create a user and return it as it was answered."""
    reply = scim.send("POST", "/Users", person(**more) if body is None else body)
    assert reply.status == 201, reply.content[:500]
    made: Json = reply.body
    return made


def at(user: Json) -> str:
    """The address of a user below the base URL."""
    return f"/Users/{user['id']}"


def read(scim: Server, user: Json, **query: str) -> Json:
    """The user as it is now."""
    reply = scim.send("GET", f"{at(user)}{asked(**query)}")
    assert reply.status == 200, reply.content[:500]
    now: Json = reply.body
    return now


def asked(**query: object) -> str:
    """A query string with its question mark; empty without parameters."""
    return f"?{urlencode(query)}" if query else ""


def name_here(scim: Server, user_id: str, token: str) -> str:
    """The local username of a user of a connection."""
    path = f"/Users/{user_id}{asked(attributes=f'{LOCAL}:local')}"
    reply = scim.send("GET", path, token=token)
    assert reply.status == 200, reply.content[:500]
    return str(reply.body[LOCAL]["local"]["username"])


def operation(op: str, path: str | None = None, value: Any = ...) -> Json:
    """One operation of a PATCH; the value ... leaves it out."""
    made: Json = {"op": op}
    if path is not None:
        made["path"] = path
    if value is not ...:
        made["value"] = value
    return made


def patched(scim: Server, user: Json, *operations: Json, **query: str) -> Reply:
    """Send a PATCH with these operations."""
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return scim.send("PATCH", f"{at(user)}{asked(**query)}", body)


def found(scim: Server, expression: str, **query: object) -> list[Json]:
    """The users that a filter finds, 200 or fewer of them."""
    path = f"/Users{asked(filter=expression, count=200, **query)}"
    reply = scim.send("GET", path)
    assert reply.status == 200, reply.content[:500]
    resources: list[Json] = reply.body["Resources"]
    return resources


def ids(users: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of users, in their order."""
    return [user["id"] for user in users]


def refused(reply: Reply, status: int, scim_type: str | None = None) -> bool:
    """Say whether an answer is this SCIM error; shows the answer when it is not."""
    body = reply.body or {}
    seen = (reply.status, body.get("status"), body.get("scimType"))
    assert seen == (status, str(status), scim_type), reply.content[:500]
    return bool(body["schemas"] == [ERROR])


def new_group(scim: Server, *members: Mapping[str, Any], **more: Any) -> Json:
    """Create a group of these users and return it as it was answered."""
    listed = [{"value": member["id"]} for member in members]
    body = {"schemas": [GROUP], "displayName": name(), "members": listed} | more
    reply = scim.send("POST", "/Groups", body)
    assert reply.status == 201, reply.content[:500]
    made: Json = reply.body
    return made


def group_patched(scim: Server, group: Json, *operations: Json, **query: str) -> Reply:
    """Send a PATCH of a group with these operations."""
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return scim.send("PATCH", f"/Groups/{group['id']}{asked(**query)}", body)


def members(group: Json) -> set[str]:
    """The ids of those who belong to a group, as it was answered."""
    return {member["value"] for member in group.get("members", [])}

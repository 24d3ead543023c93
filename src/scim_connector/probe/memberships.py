"""What both providers do with groups and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.probe.judging import (
    NO_CONTENT,
    NOT_FOUND,
    OK,
    Fault,
    Skip,
    expect,
    listing,
    resource,
)
from scim_connector.probe.people import NOT_BUILT

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

#: The people of a run who become members; the checks of people have made them.
MEMBERS = ("kim", "lee", "max")


def create(talk: Conversation, body: Json) -> None:
    """POST the group of this run; Skip where a server has no groups."""
    answer = talk.send("POST", "/Groups", body)
    if answer.status in NOT_BUILT:
        message = f"the server has no groups (POST /Groups answers {answer.status})"
        raise Skip(message)
    found = resource(answer, 201)
    talk.group = found["id"]
    talk.made(f"/Groups/{found['id']}", talk.group_name)
    if found.get("displayName") != talk.group_name:
        message = "the answer has another displayName than was sent"
        raise Fault(message)


def find(talk: Conversation, **query: str) -> list[Json]:
    """The groups with the name of ours."""
    expression = f'displayName eq "{talk.group_name}"'
    return listing(talk.get("/Groups", filter=expression, **query))


def absent(talk: Conversation, **query: str) -> None:
    """No group of that name before it is made."""
    expression = f'displayName eq "{talk.group_name}"'
    answer = talk.get("/Groups", filter=expression, **query)
    if answer.status in NOT_BUILT:
        message = f"the server has no groups (GET /Groups answers {answer.status})"
        raise Skip(message)
    if listing(answer):
        message = "a group is found that was not made yet"
        raise Fault(message)


def present(talk: Conversation, **query: str) -> Json:
    """The group, found by its name, once."""
    group_id = talk.the_group()
    found = find(talk, **query)
    if len(found) != 1 or found[0].get("id") != group_id:
        message = f"the lookup by name finds {len(found)} groups, not this one"
        raise Fault(message)
    return found[0]


def change(talk: Conversation, *operations: Json) -> None:
    """PATCH the group; 200 or 204."""
    expect(talk.patch(f"/Groups/{talk.the_group()}", *operations), OK, NO_CONTENT)


def members(talk: Conversation) -> list[str]:
    """The ids of the members, as a GET answers them."""
    group = resource(talk.get(f"/Groups/{talk.the_group()}"), OK)
    found = group.get("members") or []
    if not isinstance(found, list) or not all(isinstance(m, dict) for m in found):
        message = "members is no list of objects"
        raise Fault(message)
    return sorted(str(member.get("value")) for member in found)


def must_hold(talk: Conversation, *words: str) -> None:
    """Fault unless exactly these people are members."""
    wanted = sorted(talk.person(word) for word in words)
    found = members(talk)
    if found != wanted:
        lost, extra = set(wanted) - set(found), set(found) - set(wanted)
        doubled = len(found) - len(set(found))
        message = (
            f"the group should have {len(wanted)} members and has {len(found)}"
            f" ({len(lost)} lost, {len(extra)} too many, {doubled} twice)"
        )
        raise Fault(message)


def gather(talk: Conversation) -> list[str]:
    """Make all people of the run members, whatever an earlier check left."""
    ids = [talk.person(word) for word in MEMBERS]
    value = [{"value": one} for one in ids]
    for op in ("add", "replace"):
        if members(talk) != sorted(ids):
            change(talk, {"op": op, "path": "members", "value": value})
    if members(talk) != sorted(ids):
        message = "its members could not be put in place first"
        raise Skip(message)
    return ids


def delete(talk: Conversation) -> None:
    """DELETE the group: 204, and then 404."""
    path = f"/Groups/{talk.the_group()}"
    expect(talk.send("DELETE", path), NO_CONTENT)
    expect(talk.get(path), NOT_FOUND)
    talk.gone(path)

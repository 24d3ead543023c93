"""What Okta does with groups, one function for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.probe import memberships
from scim_connector.probe.judging import OK, Fault, expect, listing, resource
from scim_connector.scim.types import GROUP

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json


def absent(talk: Conversation) -> None:
    memberships.absent(talk, startIndex="1", count="100")


def create(talk: Conversation) -> None:
    sent = {"schemas": [GROUP], "displayName": talk.group_name, "members": []}
    memberships.create(talk, sent)


def find(talk: Conversation) -> None:
    memberships.present(talk, startIndex="1", count="100")


def import_groups(talk: Conversation) -> None:
    listing(talk.get("/Groups", startIndex="1", count="100"))


def add(talk: Conversation) -> None:
    value = _values(talk, *memberships.MEMBERS)
    memberships.change(talk, {"op": "add", "path": "members", "value": value})
    memberships.must_hold(talk, *memberships.MEMBERS)


def add_again(talk: Conversation) -> None:
    memberships.gather(talk)
    value = _values(talk, "kim", "lee")
    memberships.change(talk, {"op": "add", "path": "members", "value": value})
    memberships.must_hold(talk, *memberships.MEMBERS)


def remove_and_add(talk: Conversation) -> None:
    memberships.gather(talk)
    path = f'members[value eq "{talk.person("kim")}"]'
    remove = {"op": "remove", "path": path}
    again = {"op": "add", "path": "members", "value": _values(talk, "max")}
    memberships.change(talk, remove, again)
    memberships.must_hold(talk, "lee", "max")


def rename(talk: Conversation) -> None:
    memberships.gather(talk)
    name = f"{talk.group_name} EU"
    value = {"id": talk.the_group(), "displayName": name}
    memberships.change(talk, {"op": "replace", "value": value})
    _called(talk, name)
    memberships.must_hold(talk, *memberships.MEMBERS)


def push(talk: Conversation) -> None:
    memberships.gather(talk)
    value = _values(talk, "kim", "lee")
    memberships.change(talk, {"op": "replace", "path": "members", "value": value})
    memberships.must_hold(talk, "kim", "lee")


def push_without_path(talk: Conversation) -> None:
    memberships.gather(talk)
    value = {"members": _values(talk, "lee", "max")}
    memberships.change(talk, {"op": "replace", "value": value})
    memberships.must_hold(talk, "lee", "max")


def put(talk: Conversation) -> None:
    memberships.gather(talk)
    group_id, name = talk.the_group(), f"{talk.group_name} AIW"
    listed = [{"value": talk.person(w), "display": None} for w in ("kim", "max")]
    body = {"schemas": [GROUP], "id": group_id, "displayName": name, "members": listed}
    expect(talk.send("PUT", f"/Groups/{group_id}", body), OK)
    _called(talk, name)
    memberships.must_hold(talk, "kim", "max")


def _called(talk: Conversation, name: str) -> None:
    found = resource(talk.get(f"/Groups/{talk.the_group()}"), OK).get("displayName")
    if found != name:
        message = f"the group is still called {found!r}"
        raise Fault(message)


def _values(talk: Conversation, *words: str) -> list[Json]:
    return [{"value": talk.person(w), "display": talk.name(w)} for w in words]

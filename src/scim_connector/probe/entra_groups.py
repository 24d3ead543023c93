"""What Entra ID does with groups, one function for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.probe import memberships
from scim_connector.probe.judging import CREATED, OK, Fault, resource
from scim_connector.scim.types import GROUP

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

OLD_URN = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def absent(talk: Conversation) -> None:
    memberships.absent(talk, excludedAttributes="members")


def create(talk: Conversation) -> None:
    memberships.create(talk, _group(talk, talk.group_name))


def create_with_urn(talk: Conversation) -> None:
    name = f"{talk.prefix} Legacy"
    sent = _group(talk, name)
    sent["schemas"] = [GROUP, OLD_URN]
    made = resource(talk.send("POST", "/Groups", sent), CREATED)
    talk.made(f"/Groups/{made['id']}", name)


def add(talk: Conversation) -> None:
    value = _references(talk, *memberships.MEMBERS)
    memberships.change(talk, {"op": "Add", "path": "members", "value": value})
    memberships.must_hold(talk, *memberships.MEMBERS)


def add_again(talk: Conversation) -> None:
    memberships.gather(talk)
    value = _references(talk, "kim", "lee")
    memberships.change(talk, {"op": "Add", "path": "members", "value": value})
    memberships.must_hold(talk, *memberships.MEMBERS)


def find(talk: Conversation) -> None:
    _without_members(memberships.present(talk, excludedAttributes="members"))


def read_excluded(talk: Conversation) -> None:
    answer = talk.get(f"/Groups/{talk.the_group()}", excludedAttributes="members")
    _without_members(resource(answer, OK))


def remove_listed(talk: Conversation) -> None:
    memberships.gather(talk)
    value = _references(talk, "kim")
    memberships.change(talk, {"op": "Remove", "path": "members", "value": value})
    memberships.must_hold(talk, "lee", "max")


def remove_by_filter(talk: Conversation) -> None:
    memberships.gather(talk)
    path = f'members[value eq "{talk.person("kim")}"]'
    memberships.change(talk, {"op": "Remove", "path": path})
    memberships.must_hold(talk, "lee", "max")


def rename(talk: Conversation) -> None:
    memberships.gather(talk)
    name = f"{talk.group_name} EU"
    memberships.change(talk, {"op": "Replace", "path": "displayName", "value": name})
    found = resource(talk.get(f"/Groups/{talk.the_group()}"), OK).get("displayName")
    if found != name:
        message = f"the group is still called {found!r}"
        raise Fault(message)
    memberships.must_hold(talk, *memberships.MEMBERS)


def _group(talk: Conversation, name: str) -> Json:
    return {
        "schemas": [GROUP],
        "externalId": talk.guid(),
        "displayName": name,
        "meta": {"resourceType": "Group"},
    }


def _references(talk: Conversation, *words: str) -> list[Json]:
    return [{"$ref": None, "value": talk.person(word)} for word in words]


def _without_members(group: Json) -> None:
    if "members" in group:
        message = "members is in the answer although it was excluded"
        raise Fault(message)

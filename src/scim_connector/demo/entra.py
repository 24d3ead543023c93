"""Entra ID, as it speaks without the flag ``aadOptscim062020``.

The shapes are those that ``probe`` sends, for the people of the play; where they are
known from stands in ``probe.entra``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.probe import judging
from scim_connector.probe.entra_groups import OLD_URN
from scim_connector.probe.entra_users import WORK_EMAIL
from scim_connector.probe.people import find, read
from scim_connector.scim.types import CORE, ENTERPRISE, GROUP

if TYPE_CHECKING:
    from scim_connector.demo.people import Person
    from scim_connector.probe.client import Answer
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

_DEPARTMENT: Final = f"{ENTERPRISE}:department"


@dataclass(frozen=True, slots=True)
class Entra:
    """What Entra ID says, a method for each occasion."""

    talk: Conversation

    def greet(self) -> None:
        """Test Connection: a filter nobody fits."""
        self.lookup(self.talk.guid())

    def lookup(self, user_name: str) -> str | None:
        """The id of whoever has this userName already."""
        found = find(self.talk, f'userName eq "{user_name}"')
        return str(found[0]["id"]) if found else None

    def create(self, person: Person) -> Answer:
        """POST somebody with the default mapping."""
        return self.talk.send("POST", "/Users", resource(person))

    def change(self, user_id: str, before: Person, after: Person) -> Answer:
        """Read them, then PATCH what differs, each with an operation of its own."""
        read(self.talk, user_id)
        old, new = _flat(before), _flat(after)
        operations = [
            {"op": "Replace" if path in old else "Add", "path": path, "value": value}
            for path, value in new.items()
            if old.get(path) != value
        ]
        return self.talk.patch(f"/Users/{user_id}", *operations)

    def disable(self, user_id: str) -> Answer:
        """``active`` becomes the text "False"."""
        return self._turn(user_id, "False")

    def restore(self, user_id: str) -> Answer:
        """``active`` becomes the text "True"."""
        return self._turn(user_id, "True")

    def _turn(self, user_id: str, active: str) -> Answer:
        change = {"op": "Replace", "path": "active", "value": active}
        return self.talk.patch(f"/Users/{user_id}", change)

    def look(self, user_id: str) -> None:
        """A quiet cycle only reads."""
        read(self.talk, user_id)

    def form(self, name: str) -> str:
        """Make a group and return its id."""
        named = f'displayName eq "{name}"'
        self.talk.get("/Groups", excludedAttributes="members", filter=named)
        sent = {
            "schemas": [GROUP, OLD_URN],
            "externalId": f"group-{name}",
            "displayName": name,
            "meta": {"resourceType": "Group"},
        }
        made = judging.resource(
            self.talk.send("POST", "/Groups", sent), judging.CREATED
        )
        return str(made["id"])

    def join(self, group_id: str, *user_ids: str) -> Answer:
        """Add members, all in one request."""
        return self._members(group_id, "Add", user_ids)

    def part(self, group_id: str, *user_ids: str) -> Answer:
        """Remove the members that are listed, and only them."""
        return self._members(group_id, "Remove", user_ids)

    def _members(self, group_id: str, op: str, user_ids: tuple[str, ...]) -> Answer:
        value = [{"$ref": None, "value": one} for one in user_ids]
        change = {"op": op, "path": "members", "value": value}
        return self.talk.patch(f"/Groups/{group_id}", change)


def resource(person: Person) -> Json:
    """Somebody as Entra ID creates them."""
    found: Json = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": person.external_id,
        "userName": person.user_name,
        "active": True,
        "displayName": person.display,
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": person.display,
            "familyName": person.family,
            "givenName": person.given,
        },
        "roles": [],
        "title": person.title,
        "userType": person.user_type,
        ENTERPRISE: {
            "employeeNumber": person.number,
            "department": person.department,
        },
    }
    if person.email is not None:
        found["emails"] = [{"primary": True, "type": "work", "value": person.email}]
    return found


def _flat(person: Person) -> dict[str, str]:
    """What changes, by the path Entra ID names it with."""
    values = {
        "displayName": person.display,
        "name.familyName": person.family,
        "name.formatted": person.display,
        "title": person.title,
        _DEPARTMENT: person.department,
    }
    if person.email is not None:
        values[WORK_EMAIL] = person.email
    return values

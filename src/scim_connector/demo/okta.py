"""Okta, as an app made in its wizard speaks: whole resources by PUT.

The shapes are those that ``probe`` sends, for the people of the play; where they are
known from stands in ``probe.okta``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim_connector.probe import judging
from scim_connector.probe.people import find, read
from scim_connector.scim.types import CORE, ENTERPRISE, GROUP

if TYPE_CHECKING:
    from scim_connector.demo.people import Person
    from scim_connector.probe.client import Answer
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Okta:
    """What Okta says, a method for each occasion."""

    talk: Conversation

    def greet(self) -> None:
        """Test API Credentials: the first two users."""
        self.talk.get("/Users", startIndex="1", count="2")

    def lookup(self, user_name: str) -> str | None:
        """The id of whoever has this userName already."""
        found = find(self.talk, f'userName eq "{user_name}"')
        return str(found[0]["id"]) if found else None

    def create(self, person: Person) -> Answer:
        """POST somebody."""
        return self.talk.send("POST", "/Users", posted(person))

    def change(self, user_id: str, _before: Person, after: Person) -> Answer:
        """Read them, merge what Okta has into the answer, and PUT it all back."""
        present = read(self.talk, user_id)
        merged = {**present, **resource(after), "active": present.get("active", True)}
        return self.talk.send("PUT", f"/Users/{user_id}", merged)

    def disable(self, user_id: str) -> Answer:
        """PATCH without a path, as the apps of the catalog do."""
        return self._turn(user_id, active=False)

    def restore(self, user_id: str) -> Answer:
        """The same shape, with true."""
        return self._turn(user_id, active=True)

    def _turn(self, user_id: str, *, active: bool) -> Answer:
        change = {"op": "replace", "value": {"active": active}}
        return self.talk.patch(f"/Users/{user_id}", change)

    def look(self, user_id: str) -> None:
        """Read somebody, as before a profile push that finds no difference."""
        read(self.talk, user_id)

    def form(self, name: str) -> str:
        """Push a group and return its id."""
        named = f'displayName eq "{name}"'
        self.talk.get("/Groups", filter=named, startIndex="1", count="100")
        sent: Json = {"schemas": [GROUP], "displayName": name, "members": []}
        made = judging.resource(
            self.talk.send("POST", "/Groups", sent), judging.CREATED
        )
        return str(made["id"])

    def join(self, group_id: str, *user_ids: str) -> Answer:
        """Add members, all in one request."""
        value = [{"value": one} for one in user_ids]
        change = {"op": "add", "path": "members", "value": value}
        return self.talk.patch(f"/Groups/{group_id}", change)

    def part(self, group_id: str, *user_ids: str) -> Answer:
        """Remove members, an operation for each."""
        return self.talk.patch(
            f"/Groups/{group_id}",
            *(
                {"op": "remove", "path": f'members[value eq "{one}"]'}
                for one in user_ids
            ),
        )


def posted(person: Person) -> Json:
    """Somebody as Okta creates them: with a password that nobody uses."""
    return {**resource(person), "groups": [], "password": "1mz050nq"}


def resource(person: Person) -> Json:
    """What Okta knows of somebody, as it creates and replaces them."""
    found: Json = {
        "schemas": [CORE, ENTERPRISE],
        "userName": person.user_name,
        "name": {"givenName": person.given, "familyName": person.family},
        "displayName": person.display,
        "locale": "en-US",
        "externalId": f"00u{person.external_id.replace('-', '')[:17]}",
        "title": person.title,
        "userType": person.user_type,
        "active": True,
        ENTERPRISE: {
            "employeeNumber": person.number,
            "department": person.department,
        },
    }
    if person.email is not None:
        found["emails"] = [{"primary": True, "value": person.email, "type": "work"}]
    return found

"""What Okta does with users, one function for each check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scim_connector.probe import people
from scim_connector.probe.judging import (
    CONFLICT,
    CREATED,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    Caution,
    Fault,
    complaints,
    expect,
    is_active,
    kept,
    listing,
    resource,
    total,
    typed_as_scim,
)
from scim_connector.scim.types import CORE

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

MOST_PAGES = 5
PAGE = 100


def person(talk: Conversation, word: str) -> Json:
    """A user as Okta creates it."""
    name = talk.name(word)
    return {
        "schemas": [CORE],
        "userName": name,
        "name": {"givenName": word.capitalize(), "familyName": "Probe"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": f"{word.capitalize()} Probe",
        "locale": "en-US",
        "externalId": f"00u-{talk.prefix}-{word}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }


def test_credentials(talk: Conversation) -> None:
    found = listing(talk.get("/Users", startIndex="1", count="2"))
    if len(found) > 2:  # noqa: PLR2004 - as many as were asked for
        message = f"count=2 was answered with {len(found)} users"
        raise Fault(message)


def content_type(talk: Conversation) -> None:
    answer = talk.get("/Users", startIndex="1", count="2")
    expect(answer, OK)
    typed_as_scim(answer)


def absent(talk: Conversation) -> None:
    expression = f'userName eq "{talk.name("kim")}"'
    answer = talk.get("/Users", filter=expression, startIndex="1", count="100")
    if answer.status == NOT_FOUND and not complaints(answer):
        message = "answered 404 where an empty list is better"
        raise Caution(message)
    if listing(answer):
        message = "somebody is found who was not made yet"
        raise Fault(message)


def create(talk: Conversation) -> None:
    for word in ("kim", "lee", "max"):
        made = people.create(talk, word, person(talk, word))
        if not is_active(made):
            message = "the user was created inactive"
            raise Fault(message)
    if "password" in made:
        message = "the answer shows the password"
        raise Fault(message)


def exists(talk: Conversation) -> None:
    people.find_one(talk, f'userName eq "{talk.name("kim")}"', talk.person("kim"))


def capitals(talk: Conversation) -> None:
    name = talk.name("kim").upper()
    if not people.find(talk, f'userName eq "{name}"'):
        message = "answered 200, but the user is not found in capitals"
        raise Caution(message)


def read_back(talk: Conversation) -> None:
    sent = person(talk, "kim")
    names = ("userName", "name", "emails", "displayName", "externalId", "active")
    kept({name: sent[name] for name in names}, people.read(talk, talk.person("kim")))


def duplicate(talk: Conversation) -> None:
    people.duplicate(talk, person(talk, "kim"))


def round_trip(talk: Conversation) -> None:
    path = f"/Users/{talk.person('kim')}"
    before = talk.get(path)
    user = resource(before, OK)
    resource(talk.send("PUT", path, before.content), OK)
    kept({k: v for k, v in user.items() if k != "meta"}, people.read(talk, user["id"]))


def profile_push(talk: Conversation) -> None:
    user = people.read(talk, talk.person("kim"))
    name = talk.name("kim")
    changed = {
        "name": {"givenName": "Kim", "middleName": "", "familyName": "Smith"},
        "displayName": "Kim Smith",
        "emails": [{"primary": True, "value": name, "type": "work", "display": name}],
    }
    body = {**user, **changed}
    resource(talk.send("PUT", f"/Users/{user['id']}", body), OK)
    wanted = {
        "name": {"givenName": "Kim", "familyName": "Smith"},
        "displayName": "Kim Smith",
        "emails": [{"value": name, "type": "work"}],
        "externalId": f"00u-{talk.prefix}-kim",
        "active": True,
    }
    kept(wanted, people.read(talk, user["id"]))


def put_without_active(talk: Conversation) -> None:
    user = people.read(talk, people.must_be_active(talk, "lee"))
    del user["active"]
    expect(talk.send("PUT", f"/Users/{user['id']}", user), OK)
    if not is_active(people.read(talk, user["id"])):
        message = "a PUT without active made the user inactive"
        raise Fault(message)


def password(talk: Conversation) -> None:
    value = {"op": "replace", "value": {"password": "2nz161or"}}
    answer = talk.patch(f"/Users/{talk.person('kim')}", value)
    if answer.status not in {OK, NO_CONTENT}:
        message = f"answered {answer.status}; switch off Sync Password"
        raise Caution(message)


def deactivate(talk: Conversation) -> None:
    user_id = people.must_be_active(talk, "kim")
    people.must_turn(people.change(talk, user_id, _active(False)), active=False)


def found_inactive(talk: Conversation) -> None:
    people.find_one(talk, f'userName eq "{talk.name("kim")}"', talk.person("kim"))


def reactivate(talk: Conversation) -> None:
    user_id = talk.person("kim")
    answer = talk.patch(f"/Users/{user_id}", _active(True))
    expect(answer, OK, NO_CONTENT)
    if answer.status == OK:
        people.must_turn(resource(answer, OK), active=True)
    people.must_turn(people.read(talk, user_id), active=True)


def deactivate_put(talk: Conversation) -> None:
    user_id = people.must_be_active(talk, "kim")
    for active in (False, True):
        body = {**people.read(talk, user_id), "active": active}
        resource(talk.send("PUT", f"/Users/{user_id}", body), OK)
        people.must_turn(people.read(talk, user_id), active=active)


def create_again(talk: Conversation) -> None:
    user_id = people.must_be_active(talk, "max")
    people.must_turn(people.change(talk, user_id, _active(False)), active=False)
    answer = talk.send("POST", "/Users", person(talk, "max"))
    posted = talk.last
    if answer.status == CONFLICT:
        people.find_one(talk, f'userName eq "{talk.name("max")}"', user_id)
        talk.last = posted
        message = "answered 409; the lookup finds the user, so that Okta links to them"
        raise Caution(message)
    people.remember(talk, answer, "max")
    people.must_turn(resource(answer, OK, CREATED), active=True)
    found = people.find(talk, f'userName eq "{talk.name("max")}"')
    if len(found) != 1:
        message = f"{len(found)} users have the name now"
        raise Fault(message)


def import_pages(talk: Conversation) -> None:
    seen: list[str] = []
    end = 0
    for number in range(MOST_PAGES):
        answer = talk.get("/Users", startIndex=str(number * PAGE + 1), count=str(PAGE))
        page = listing(answer)
        seen += [json.dumps(user.get("id")) for user in page]
        end = total(answer)
        if not page or len(seen) >= end:
            break
    if len(set(seen)) != len(seen):
        message = f"{len(seen) - len(set(seen))} users stand on two pages"
        raise Fault(message)
    if len(seen) < min(end, MOST_PAGES * PAGE):
        message = f"totalResults is {end}, but the pages hold {len(seen)} users"
        raise Fault(message)


def import_order(talk: Conversation) -> None:
    pair = _ids(talk, 1, 2)
    if pair != _ids(talk, 1, 2) or pair != [*_ids(talk, 1, 1), *_ids(talk, 2, 1)]:
        message = "the same page asked for again holds other users"
        raise Fault(message)


def import_end(talk: Conversation) -> None:
    before = talk.get("/Users", startIndex="1", count="1")
    listing(before)
    beyond = talk.get("/Users", startIndex=str(total(before) + 1000), count="100")
    if found := listing(beyond):
        message = f"a page past the end holds {len(found)} users"
        raise Fault(message)
    after = talk.get("/Users", startIndex="1", count="1")
    listing(after)
    if total(before) == total(after) != total(beyond):
        message = f"totalResults past the end is {total(beyond)}, not {total(after)}"
        raise Fault(message)
    if beyond.body.get("itemsPerPage", 0) != 0:
        message = f"itemsPerPage past the end is {beyond.body['itemsPerPage']}, not 0"
        raise Fault(message)


def _ids(talk: Conversation, start: int, count: int) -> list[str]:
    found = listing(talk.get("/Users", startIndex=str(start), count=str(count)))
    return [str(user.get("id")) for user in found]


def _active(value: bool) -> Json:
    return {"op": "replace", "value": {"active": value}}

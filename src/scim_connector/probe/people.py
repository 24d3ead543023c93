"""What both providers do with people: find, read, make, and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.probe.judging import (
    CONFLICT,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    Caution,
    Fault,
    Skip,
    complaints,
    expect,
    is_active,
    listing,
    resource,
)

if TYPE_CHECKING:
    from scim_connector.probe.client import Answer
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

NOT_BUILT = frozenset({404, 405, 501})


def find(talk: Conversation, expression: str) -> list[Json]:
    """The users a filter selects, asked as the provider asks."""
    paging: dict[str, str] = {}
    if talk.client.provider == "okta":
        paging = {"startIndex": "1", "count": "100"}
    return listing(talk.get("/Users", filter=expression, **paging))


def find_one(talk: Conversation, expression: str, user_id: str) -> None:
    """Fault unless a filter selects this user and nobody else."""
    found = find(talk, expression)
    if not found:
        message = f"nobody is found by {expression}"
        raise Fault(message)
    if len(found) > 1 or found[0].get("id") != user_id:
        message = f"{expression} selects {len(found)} users, not the one it names"
        raise Fault(message)


def find_nobody(talk: Conversation, expression: str) -> None:
    """Fault when a filter selects anybody."""
    if found := find(talk, expression):
        message = f"{len(found)} users are found by {expression}, who are not there"
        raise Fault(message)


def read(talk: Conversation, user_id: str) -> Json:
    """A user as a GET answers it."""
    user = resource(talk.get(f"/Users/{user_id}"), OK)
    if user["id"] != user_id:
        message = "the GET answers another id than was asked for"
        raise Fault(message)
    return user


def create(talk: Conversation, word: str, body: Json) -> Json:
    """POST a user and remember who it is."""
    answer = talk.send("POST", "/Users", body)
    remember(talk, answer, word)
    return resource(answer, 201)


def remember(talk: Conversation, answer: Answer, word: str) -> None:
    """Whatever else is wrong with it: what was made has to be cleaned up."""
    body = answer.body
    if answer.status in {200, 201} and isinstance(body, dict) and body.get("id"):
        talk.people[word] = str(body["id"])
        talk.made(f"/Users/{body['id']}", talk.name(word))


def change(talk: Conversation, user_id: str, *operations: Json) -> Json:
    """PATCH a user; the user as a GET answers it afterwards."""
    expect(talk.patch(f"/Users/{user_id}", *operations), OK, NO_CONTENT)
    return read(talk, user_id)


def must_be_active(talk: Conversation, word: str) -> str:
    """The id of a user who is active; Skip when an earlier check left them otherwise."""
    user_id = talk.person(word)
    if read(talk, user_id).get("active") is not True:
        turn_on = {"op": "replace", "path": "active", "value": True}
        talk.patch(f"/Users/{user_id}", turn_on)
    if read(talk, user_id).get("active") is not True:
        message = "the user it works on could not be restored"
        raise Skip(message)
    return user_id


def must_turn(user: Json, *, active: bool) -> None:
    """Fault unless a user now is active, or inactive."""
    if is_active(user) is not active:
        state = "active" if user["active"] else "inactive"
        message = f"answered as done, but the user is still {state}"
        raise Fault(message)


def unknown_user(talk: Conversation) -> None:
    """404 for an id nobody has, as a SCIM error."""
    refused(talk, talk.get(f"/Users/{talk.guid()}"), NOT_FOUND)


def unknown_place(talk: Conversation) -> None:
    """404 for an address that is none, as a SCIM error."""
    refused(talk, talk.get(f"/{talk.prefix}"), NOT_FOUND, strict=False)


def wrong_token(talk: Conversation) -> None:
    """401 without a good token, as a SCIM error."""
    answer = talk.send("GET", "/Users?startIndex=1&count=1", token=talk.guid())
    refused(talk, answer, UNAUTHORIZED)


def duplicate(talk: Conversation, body: Json) -> None:
    """409 for a name that is taken, as a SCIM error that says uniqueness."""
    answer = talk.send("POST", "/Users", body)
    if answer.status != CONFLICT:
        _remember_double(talk, answer)
    refused(talk, answer, CONFLICT, scim_type="uniqueness")


def _remember_double(talk: Conversation, answer: Answer) -> None:
    body = answer.body
    if isinstance(body, dict) and isinstance(body.get("id"), str):
        talk.created.setdefault(f"/Users/{body['id']}", f"a second {talk.name('kim')}")


def refused(
    talk: Conversation,
    answer: Answer,
    status: int,
    *,
    scim_type: str = "",
    strict: bool = True,
) -> None:
    """Fault for another status; for a body that is no SCIM error by the provider.

    Okta shows the body's detail and hides what it cannot read; for Entra it is a
    Caution. *strict* False makes it one for both.
    """
    expect(answer, status)
    found = complaints(answer)
    if found and talk.client.provider == "okta":
        found = [text for text in found if not text.startswith("status")]
    if found:
        message = "; ".join(found)
        if strict and talk.client.provider == "okta":
            raise Fault(message)
        raise Caution(message)
    if scim_type and answer.body.get("scimType") != scim_type:
        message = f"scimType is {answer.body.get('scimType')!r}, not {scim_type!r}"
        raise Caution(message)

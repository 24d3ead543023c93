"""What an answer must look like, whichever check asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.probe.client import SCIM_JSON
from scim_connector.scim.types import ERROR, LIST_RESPONSE

if TYPE_CHECKING:
    from scim_connector.probe.client import Answer
    from scim_connector.scim.types import Json

COUNTERS: Final = ("totalResults", "startIndex", "itemsPerPage")
OK: Final = 200
CREATED: Final = 201
NO_CONTENT: Final = 204
BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
CONFLICT: Final = 409


class Fault(Exception):
    """The provider cannot work with this; the text is what was found."""


class Caution(Exception):
    """The provider lives with this, somebody else does not."""


class Skip(Exception):
    """The check says nothing about this server; the text is why."""


def expect(answer: Answer, *statuses: int) -> None:
    """Fault unless the status is one of these."""
    if answer.status not in statuses:
        wanted = " or ".join(str(status) for status in statuses)
        message = f"answered {answer.status} where {wanted} is needed{_detail(answer)}"
        raise Fault(message)


def listing(answer: Answer) -> list[Json]:
    """The resources of a list; Fault when it is no ListResponse with its counters."""
    expect(answer, OK)
    body = answer.body
    if not isinstance(body, dict) or LIST_RESPONSE not in _strings(body.get("schemas")):
        message = "the answer is no SCIM ListResponse"
        raise Fault(message)
    total(answer)
    for name in COUNTERS:
        if name in body and type(body[name]) is not int:
            message = f"{name} is {body[name]!r}, not a JSON integer"
            raise Fault(message)
    found = body.get("Resources", None if body["totalResults"] else [])
    if not isinstance(found, list) or not all(isinstance(r, dict) for r in found):
        message = f"Resources is {_kind(found)}, not a list of objects"
        raise Fault(message)
    return found


def total(answer: Answer) -> int:
    """The totalResults of a list; Fault when it is no integer."""
    found = answer.body.get("totalResults")
    if type(found) is not int:
        message = f"totalResults is {found!r}, not a JSON integer"
        raise Fault(message)
    return found


def resource(answer: Answer, *statuses: int) -> Json:
    """The resource of an answer; Fault when it is none with an id."""
    expect(answer, *statuses)
    body = answer.body
    if not isinstance(body, dict):
        message = "the answer has no resource in it"
        raise Fault(message)
    if not isinstance(body.get("id"), str) or not body["id"]:
        message = f"the resource has no id that is text (it is {body.get('id')!r})"
        raise Fault(message)
    return body


def is_active(user: Json) -> bool:
    """Whether a user is active; Fault when ``active`` is no JSON boolean."""
    found = user.get("active")
    if not isinstance(found, bool):
        shown = "missing" if found is None else f"{found!r}"
        message = f"active is {shown}, not a JSON boolean"
        raise Fault(message)
    return found


def complaints(answer: Answer) -> list[str]:
    """What is missing for an answer to be a SCIM error (RFC 7644 section 3.12)."""
    body = answer.body
    if not isinstance(body, dict) or ERROR not in _strings(body.get("schemas")):
        return ["the body is no SCIM error"]
    found = []
    if body.get("status") != str(answer.status):
        found.append(f'status is {body.get("status")!r}, not "{answer.status}"')
    if not isinstance(body.get("detail"), str) or not body["detail"]:
        found.append("there is no detail to show to an administrator")
    return found


def is_scim(answer: Answer) -> bool:
    """Whether an answer can come from a SCIM server at all."""
    body = answer.body
    if not isinstance(body, dict):
        return False
    schemas = _strings(body.get("schemas"))
    return any(urn.startswith("urn:ietf:params:scim:") for urn in schemas)


def typed_as_scim(answer: Answer) -> None:
    """Caution for application/json, Fault for any other content type."""
    if answer.media_type == "application/json":
        message = f"the content type is application/json, not {SCIM_JSON}"
        raise Caution(message)
    if answer.media_type != SCIM_JSON:
        message = f"the content type is {answer.media_type or 'missing'}"
        raise Fault(message)


def differences(sent: Json, read: Json, where: str = "") -> list[str]:
    """Which values of *sent* do not stand in *read*, as paths.

    Lists of objects are compared by their ``type`` and ``value`` as providers do:
    each sent element must have one in *read* that holds all it says.
    """
    found = []
    for name, value in sent.items():
        path = f"{where}{name}"
        other = read.get(name)
        if isinstance(value, dict):
            below = other if isinstance(other, dict) else {}
            found += differences(value, below, f"{path}.")
        elif isinstance(value, list) and all(isinstance(e, dict) for e in value):
            if not all(_holds(other, element) for element in value):
                found.append(path)
        elif value != other or isinstance(value, bool) is not isinstance(other, bool):
            found.append(path)
    return found


def kept(sent: Json, read: Json) -> None:
    """Fault when a GET does not return what was written."""
    if lost := differences(sent, read):
        message = f"a GET does not return what was written: {', '.join(lost)}"
        raise Fault(message)


def _detail(answer: Answer) -> str:
    body = answer.body
    if isinstance(body, dict) and isinstance(body.get("detail"), str):
        return f": {body['detail']}"
    return ""


def _holds(elements: Any, sent: Json) -> bool:
    if not isinstance(elements, list):
        return False
    return any(isinstance(e, dict) and not differences(sent, e) for e in elements)


def _strings(value: Any) -> list[str]:
    return [e for e in value if isinstance(e, str)] if isinstance(value, list) else []


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"

"""Entries of the request log: what came, what became of it, and why.

Nothing secret is kept: a password and every attribute that could hold one is blotted
out, and the credential is named by its public id only.
"""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.directory.request_log import Entry
from scim_connector.provisioning.course import Course, greet
from scim_connector.provisioning.steps import State, Step, Steps, Taken
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import rendering

if TYPE_CHECKING:
    from scim_connector.provisioning.calls import Call
    from scim_connector.scim.errors import ScimError

BLOT = "(not kept)"
REHEARSAL = "rehearsal"
#: Compared after removing everything but letters, so "user_password" is caught too.
SECRET_WORDS = ("password", "secret", "token", "credential")
LONGEST_BODY = 65_536
#: What a request that came to nothing was to do, by its method.
ACTIONS = {"POST": "Create", "PUT": "Update", "PATCH": "Update", "DELETE": "Delete"}


def of_read(
    call: Call,
    status: int,
    *,
    link_id: str | None = None,
    found: int | None = None,
    told: str | None = None,
    action: str = "Read",
    refusal: ScimError | None = None,
) -> Entry:
    """The entry of a GET or a search, or of what says itself what it was (*told*)."""
    state, sentence = State.PASSED, "Found by id."
    if refusal is not None:
        state, sentence = State.FAILED, refusal.detail
    elif found is not None:
        sentence = f"{found} found."
    elif told is not None:
        sentence = told
    connection = call.connection
    return Entry(
        request_id=call.request_id,
        at=call.now,
        connection_id=connection.id,
        credential_id=call.credential_id,
        method=call.method,
        path=call.path,
        action=action,
        outcome="Success" if refusal is None else "Failure",
        status=status,
        reason=_reason(refusal, rehearsing=connection.is_rehearsing),
        identity=None,
        link_id=link_id,
        user_id=None,
        duration_us=(perf_counter_ns() - call.started) // 1000,
        steps=_read_steps(
            (connection.name, call.credential_id, call.source),
            state,
            sentence,
            rehearsing=connection.is_rehearsing,
            taken_at=call.taken_at,
        ),
        request_body=None if call.body is None else _kept(call.body),
        response_body=None if refusal is None else refusal.detail,
    )


@lru_cache(maxsize=512)
def _read_steps(
    caller: tuple[str, str, str],
    state: State,
    sentence: str,
    *,
    rehearsing: bool,
    taken_at: int | None,
) -> str:
    """The steps of a read, which are few and the same ones again and again."""
    steps = Steps()
    greet(steps, *caller, rehearsing=rehearsing, taken_at=taken_at)
    steps.taken[Step.MATCH] = Taken(state, sentence, {})
    return orjson.dumps(steps.as_json()).decode()


def of_course(
    course: Course,
    status: int,
    *,
    text: str | None = None,
    refusal: ScimError | RulesViolated | None = None,
) -> Entry:
    """The entry of a finished course: a success, a warning, or a refusal."""
    call = course.call
    return Entry(
        request_id=call.request_id,
        at=call.now,
        connection_id=call.connection.id,
        credential_id=call.credential_id,
        method=call.method,
        path=call.path,
        action=course.action,
        outcome=_outcome(course, refusal),
        status=status,
        reason=_reason(refusal, rehearsing=call.connection.is_rehearsing),
        identity=course.identity,
        link_id=course.link_id,
        user_id=course.user_id,
        duration_us=(perf_counter_ns() - call.started) // 1000,
        steps=orjson.dumps(course.steps.as_json()).decode(),
        request_body=_kept(call.body),
        response_body=_answered(text) if refusal is None else refusal.detail,
    )


def _outcome(course: Course, refusal: ScimError | RulesViolated | None) -> str:
    if refusal is not None:
        return "Failure"
    if course.steps.warnings:
        return "Warning"
    return "Success"


def _reason(
    refusal: ScimError | RulesViolated | None, *, rehearsing: bool
) -> str | None:
    """The reason code an admin filters by: the rule's, else the protocol's.

    What a rehearsal answered well has a reason, too: why nothing came of it.
    """
    if isinstance(refusal, RulesViolated):
        return ",".join(violation.code for violation in refusal.violations)
    if refusal is None:
        return REHEARSAL if rehearsing else None
    return refusal.scim_type or type(refusal).__name__


def _answered(text: str | None) -> str | None:
    return None if text is None else rendering.expand(text, "")


def _kept(body: Any) -> str | None:
    if body is None:
        return None
    return orjson.dumps(redacted(body)).decode()[:LONGEST_BODY]


def redacted(value: Any) -> Any:
    """*value* with every member that may hold a secret blotted out, at any depth."""
    if isinstance(value, dict):
        if _names_secret(value.get("path")):
            value = {**value, "value": BLOT}
        return {
            key: BLOT if _names_secret(key) else redacted(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [redacted(member) for member in value]
    return value


def _names_secret(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    letters = "".join(c for c in name.lower() if c.isalpha())
    return any(word in letters for word in SECRET_WORDS)

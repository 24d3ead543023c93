"""Who a POST is about: somebody new, somebody known, or somebody coming back.

The order is that of decision 10: a live link of the connection, a hidden one (decision
12), an existing local user (decision 11); everybody else is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim_connector.accounts import representation
from scim_connector.directory import assignments, conflicts, links, users
from scim_connector.provisioning.steps import Step
from scim_connector.rules import folding
from scim_connector.rules.users import is_email
from scim_connector.scim.errors import Uniqueness
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.provisioning.course import Course
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Nobody this connection, or the local system, knows."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The inactive identity of the same externalId, re-posted (Okta does so)."""

    link: Link


@dataclass(frozen=True, slots=True)
class Revived:
    """A user whose link a DELETE hid comes back under a new link."""

    user: User


@dataclass(frozen=True, slots=True)
class Adopted:
    """An existing local user becomes managed; ``former`` is the link it moves from."""

    user: User
    why: str
    former: Link | None = None


Match = NewPerson | Restored | Revived | Adopted


def match(tx: Transaction, course: Course, document: Json) -> Match:
    """Decide who *document* is about.

    Raises Uniqueness (409) when the connection has the userName already, or when the
    local user it fits must not be adopted.
    """
    found = _match(tx, course, document)
    match found:
        case NewPerson():
            course.steps.passed(Step.MATCH, "Nobody matches: a new user.")
        case Restored(link):
            course.steps.passed(
                Step.MATCH, "Matched the inactive user of this userName.", id=link.id
            )
        case Revived(user):
            course.steps.passed(
                Step.MATCH, f"Matched {user.username}, who was inactive and comes back."
            )
        case Adopted(user, why):
            course.steps.passed(Step.MATCH, f"Matched {user.username}: {why}.")
    return found


def _match(tx: Transaction, course: Course, document: Json) -> Match:
    connection = course.call.connection
    key = text_key(document["userName"])
    known = links.matches(tx, connection.id, document.get("externalId"), key)
    for link in known:
        if link.hidden_at is None and link.user_name_key == key:
            if link.user_id is not None:
                return already_known(link, document)
            course.unlinked = link
    waiting = conflicts.waiting(tx, connection.id, key)
    course.has_questions = bool(waiting)
    if "decided" in waiting:
        return _decided(tx, waiting["decided"])
    removed = [link for link in known if link.hidden_at and link.user_id]
    hidden = _hidden(tx, removed, document, key)
    if hidden is not None:
        return Revived(hidden)
    return _adoption(tx, course, document) or NewPerson()


def already_known(live: Link, document: Json) -> Restored:
    """A live identity is in the way, unless it is inactive and clearly the same one."""
    name = document["userName"]
    external_id = document.get("externalId")
    if live.active:
        message = f'userName "{name}" is already in use by an active user.'
        raise Uniqueness(f"{message} Match it by userName and update it instead.")
    if external_id is None or external_id != live.external_id:
        message = f'userName "{name}" belongs to a user who is inactive'
        raise Uniqueness(f"{message}: set active=true on it instead of creating it.")
    return Restored(live)


def with_free_user_name(
    tx: Transaction, course: Course, link: Link, after: Json, *, refuse: bool
) -> Json:
    """*after* with a userName that no other live identity of the connection has.

    Raises Uniqueness for a taken one; without *refuse* the old one is kept instead, and
    a step says so (decision 27).
    """
    key = text_key(after["userName"])
    if key == link.user_name_key:
        return after
    if links.live_by_user_name(tx, link.connection_id, key) is None:
        return after
    message = f'userName "{after["userName"]}" is already in use by another user.'
    if refuse:
        raise Uniqueness(message)
    course.steps.warn(Step.CHECK_RULES, f"{message} The old one is kept.")
    return {**after, "userName": representation.stated(link)["userName"]}


def _decided(tx: Transaction, user_id: int | None) -> Match:
    """An admin linked this identity to a user; the provider's retry carries it out."""
    user = users.by_id(tx, user_id) if user_id else None
    if user is None or links.of_user(tx, user.id) is not None:
        return NewPerson()
    if user.active:
        return Adopted(user, "linked by an administrator")
    return Revived(user)


def _hidden(
    tx: Transaction, hidden: list[Link], document: Json, key: str
) -> User | None:
    """The one removed user who comes back, if it is certain who (decision 12)."""
    external_id = document.get("externalId")
    same_id = [h for h in hidden if external_id and h.external_id == external_id]
    if len({h.user_id for h in same_id}) == 1:
        return _free_user(tx, same_id[-1])
    by_name = [
        h
        for h in hidden
        if h.user_name_key == key
        and _same_name(h, document)
        and (not external_id or not h.external_id or h in same_id)
    ]
    if len({h.user_id for h in by_name}) != 1:
        return None
    return _free_user(tx, by_name[-1])


def _same_name(hidden: Link, document: Json) -> bool:
    name = document.get("name") or {}
    given, family = name.get("givenName"), name.get("familyName")
    return (
        given is not None
        and family is not None
        and hidden.given_name_key == text_key(given)
        and hidden.family_name_key == text_key(family)
    )


def _free_user(tx: Transaction, hidden: Link) -> User | None:
    if hidden.user_id is None or links.of_user(tx, hidden.user_id) is not None:
        return None
    return users.by_id(tx, hidden.user_id)


# ---------------------------------------------------------------------- adoption


def _adoption(tx: Transaction, course: Course, document: Json) -> Match | None:
    """An existing local user, where the connection is allowed to take them over."""
    connection = course.call.connection
    candidates = {
        user.id: (user, why) for user, why in _candidates(tx, course, document)
    }
    if len(candidates) != 1:
        return None
    user, why = next(iter(candidates.values()))
    former = links.of_user(tx, user.id)
    if not _adoptable(tx, connection, user, former):
        return None
    if not user.active:
        detail = f"{why}, but that user is inactive."
        course.ask("inactive_match", detail, user_id=user.id)
        message = "An inactive local user matches"
        raise Uniqueness(
            f"{message}; an administrator has to reactivate or link them first."
        )
    return Adopted(user, why, former)


def _candidates(
    tx: Transaction, course: Course, document: Json
) -> Iterator[tuple[User, str]]:
    connection = course.call.connection
    if connection.takes_over is not None:
        key = text_key(document["userName"])
        former = links.live_by_user_name(tx, connection.takes_over, key)
        if former is not None and former.user_id is not None:
            user = users.by_id(tx, former.user_id)
            if user is not None:
                yield user, "taken over from the connection before"
    if not connection.links_existing_at(course.call.now):
        return
    if connection.link_existing == "email":
        yield from _by_email(tx, document)
    else:
        key = folding.username_key(document["userName"])
        user = users.by_username_key(tx, key)
        if user is not None:
            yield user, "the local username equals the userName"


def _by_email(tx: Transaction, document: Json) -> Iterator[tuple[User, str]]:
    for email in document.get("emails", ()):
        value = email.get("value")
        if not value or not is_email(value.strip()):
            continue
        user = users.by_email_key(tx, folding.email_key(value))
        if user is not None and user.email_trusted:
            yield user, "the email address is equal"


def _adoptable(
    tx: Transaction, connection: Connection, user: User, former: Link | None
) -> bool:
    if user.is_api_user:
        return False
    if former is not None and former.connection_id != connection.takes_over:
        return False
    return connection.may_act_as_administrator or not assignments.is_administrator(
        tx, user.id
    )

"""Differences: where the local system holds another value than the provider sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from scim_connector.accounts import representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.accounts.settling import Field, is_candidate
from scim_connector.compliance.reports.report import Kind
from scim_connector.directory import connections, links, users
from scim_connector.mapping.drafts import derive

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.mapping.choices import Choices
    from scim_connector.mapping.drafts import Derived

DIFFERENCES: Final = Kind(
    "differences",
    "Differences",
    "Where a managed user differs from what the provider sent and the mapping makes of"
    " it.",
    ("username", "connection", "field", "provider", "here", "why"),
    (
        "Values the provider holds and never sent are not known here.",
        "Roles are not compared: each has its source beside it in the access list.",
    ),
)
_HELD: Final = "Held inactive"
_CHANGED_HERE: Final = "Changed here"
_KEPT: Final = "Kept from an earlier time"
_PLAIN: Final = ("first_name", "last_name", "email")
_CHOSEN: Final = ("username", "initials")
_BATCH: Final = 500


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows by connection, in the order people came."""
    del asked
    found: list[tuple[Any, ...]] = []
    people = 0
    for connection in connections.every(reader):
        if connection.state in {"retired", "rehearsing"}:
            continue
        for link, user in _managed(reader, connection):
            found += _of_user(reader, connection, link, user)
            people += 1
            progress(1)
    different = len({row[0] for row in found})
    return found, (f"{different} of {people} managed users differ.",)


def _managed(reader: Reader, connection: Connection) -> Iterator[tuple[Link, User]]:
    after = 0
    while batch := links.batch(reader, connection.id, after=after, at_most=_BATCH):
        ids = [link.user_id for link in batch if link.user_id is not None]
        here = users.by_ids(reader, ids)
        for link in batch:
            if link.user_id is not None:
                yield link, here[link.user_id]
        after = batch[-1].seq


def _of_user(
    reader: Reader, connection: Connection, link: Link, user: User
) -> Iterator[tuple[Any, ...]]:
    derived = derive(mapping_of(reader, connection), representation.stated(link))
    said = (user.username, connection.name)
    if link.asked_active != user.active:
        sent, here = _standing(active=link.asked_active), _standing(active=user.active)
        yield *said, "active", sent, here, _HELD if user.held_by else _KEPT
    for field in (*_PLAIN, *_CHOSEN):
        sent, here = _sent(derived, field, user), getattr(user, field)
        if sent != here:
            why = _CHANGED_HERE if field in user.overridden else _KEPT
            yield *said, field, sent, here, why


def _standing(*, active: bool) -> str:
    return "active" if active else "inactive"


def _sent(derived: Derived, field: str, user: User) -> str:
    """What the mapping makes of the provider's value; the present one where it may be."""
    if field in _PLAIN:
        return getattr(derived, field) or ""
    choices: Choices = getattr(derived, field)
    present = str(getattr(user, field))
    if choices.stated is not None:
        return choices.stated
    if choices.apply == "on_create" or not choices.ladder:
        return present
    name: Field = "username" if field == "username" else "initials"
    return present if is_candidate(name, present, choices) else choices.ladder[0].value

"""What a deactivation will end, said before it is done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from scim_connector.administration import api_app
from scim_connector.directory import api_keys, assignments, links, sessions
from scim_connector.directory import connections as connections_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User


#: What no deactivation takes.
STAYS: Final = "Initials, username and email stay theirs. No user is ever deleted."


def consequences(reader: Reader, user: User) -> list[str]:
    """What ends at once when a user is made inactive by a person, in sentences."""
    return [*ends(reader, user), STAYS]


def ends(reader: Reader, user: User) -> Iterator[str]:
    """What is over for this user at once; what stays of everybody is :data:`STAYS`."""
    yield from signed_in(reader, user)
    keys = api_keys.of_user(reader, user.id)
    if keys:
        yield f"{len(keys)} API key{'s' * (len(keys) > 1)} and their tokens die."
    lost = api_app.consequence(reader, {user.id})
    if lost:
        yield f"{lost}. Give it another API user first."
    if user.password_hash is not None:
        yield "The password and every mailed link stop working."
    link = links.of_user(reader, user.id)
    if link is not None:
        name = connections_rows.required(reader, link.connection_id).name
        yield f"They are held inactive: {name} cannot bring them back by repeating it."
    roles = assignments.names_of(reader, [user.id]).get(user.id, [])
    if roles:
        yield f"Roles stay on record ({', '.join(roles)}), and let nobody do anything."


def signed_in(reader: Reader, user: User) -> Iterator[str]:
    """The sessions that end, by application."""
    at = Counter(each.client for each in sessions.of_user(reader, user.id))
    for name, count in sorted(at.items()):
        many = count > 1
        yield f"{count} session{'s' * many} at {name} end{'s' * (not many)} at once."

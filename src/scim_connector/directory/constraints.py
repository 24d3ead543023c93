"""Which rule of the database a refused write broke, in the words of both drivers.

SQLite names the columns, PostgreSQL the constraint; both are turned into one short name.
The database's unique indexes are the second lock behind the rules: a race that passes
the check in Python ends here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "users.username_key": "username",
    "uq_users_username_key": "username",
    "users.initials_key": "initials",
    "uq_users_initials_key": "initials",
    "users.email_key": "email",
    "uq_users_email_key": "email",
    "links.connection_id, links.user_name_key": "user_name",
    "uq_links_live_user_name": "user_name",
    "links.user_id": "live_user",
    "uq_links_live_user": "live_user",
    "connections.name_key": "connection",
    "uq_connections_name_key": "connection",
    "roles.name_key": "role",
    "uq_roles_name_key": "role",
    "profiles.name_key": "profile",
    "uq_profiles_name_key": "profile",
}
_SQLITE = re.compile(r"UNIQUE constraint failed: (?P<columns>.+)$")
_POSTGRES = re.compile(r'constraint "(?P<name>[^"]+)"')


class ConstraintBroken(Exception):
    """A write that the database refused; ``name`` says by which rule."""

    def __init__(self, name: str) -> None:
        """Keep the short name: "username", "email", "user_name", "live_user" …."""
        super().__init__(name)
        self.name = name


def broken_by(message: str) -> str:
    """The short name of the constraint in a driver's *message*; else the message."""
    first = message.splitlines()[0] if message else ""
    for pattern, group in ((_SQLITE, "columns"), (_POSTGRES, "name")):
        found = pattern.search(first)
        if found is not None:
            return _NAMES.get(found[group], found[group])
    return first

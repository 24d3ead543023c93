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
    "conflicts.connection_id, conflicts.kind, conflicts.identity": "conflict",
    "uq_conflicts_open": "conflict",
    "alerts.condition, alerts.subject": "alert",
    "uq_alerts_open": "alert",
    "request_log.request_id": "request",
    "uq_request_log_request_id": "request",
}
_SQLITE = re.compile(r"(?:UNIQUE|CHECK) constraint failed: (?P<columns>.+)$")
_POSTGRES = re.compile(r'constraint "(?P<name>[^"]+)"')


class ConstraintBroken(Exception):
    """A write that the database refused; ``name`` says by which rule.

    ``may_be_race`` is True where another transaction may have been first: the same
    work, run again, may see that and decide otherwise.
    """

    def __init__(self, name: str, *, may_be_race: bool = False) -> None:
        """Keep the short name: "username", "email", "user_name", "live_user" …."""
        super().__init__(name)
        self.name = name
        self.may_be_race = may_be_race


def named(constraint: str) -> str:
    """The short name of a constraint, or the constraint's own."""
    return _NAMES.get(constraint, constraint)


def broken_by(message: str) -> str:
    """The short name of the constraint in a driver's *message*; else the message."""
    first = message.splitlines()[0] if message else ""
    for pattern, group in ((_SQLITE, "columns"), (_POSTGRES, "name")):
        found = pattern.search(first)
        if found is not None:
            return named(found[group])
    return first

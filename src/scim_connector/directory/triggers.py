"""What the database itself refuses: deleting users, touching audit, flipping API users.

Events of audit are deleted from the oldest on, and only up to a boundary that is kept in
``installation``, so that pruning is one act that is told, and everything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_APPEND_ONLY: Final = "audit is append only"
#: The last event that pruning may take (``installation.PRUNED``).
_BOUNDARY: Final = (
    "(SELECT CAST(value AS bigint) FROM installation WHERE name = 'audit_pruned')"
)
_REFUSALS: Final = (
    ("users_delete", "DELETE", "users", "users are never deleted (R20)"),
    ("audit_events_update", "UPDATE", "audit_events", _APPEND_ONLY),
    ("audit_seals_update", "UPDATE", "audit_seals", _APPEND_ONLY),
    ("audit_seals_delete", "DELETE", "audit_seals", _APPEND_ONLY),
)
_FLIP: Final = "apiUser is chosen at creation and never changes (R11)"


def _sqlite() -> list[str]:
    made = [
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{why}'); END"
        for name, verb, table, why in _REFUSALS
    ]
    made.append(
        "CREATE TRIGGER users_api_user BEFORE UPDATE OF is_api_user ON users"
        " WHEN OLD.is_api_user <> NEW.is_api_user"
        f" BEGIN SELECT RAISE(ABORT, '{_FLIP}'); END"
    )
    return made


def _postgresql() -> list[str]:
    made = [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = '23514'; END $$"
    ]
    made += [
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION refuse('{why}')"
        for name, verb, table, why in _REFUSALS
    ]
    made += [
        f"CREATE TRIGGER {table}_delete_all BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION refuse('{why}')"
        for table, why in (
            ("users", "users are never deleted (R20)"),
            ("audit_events", _APPEND_ONLY),
            ("audit_seals", _APPEND_ONLY),
        )
    ]
    made.append(
        "CREATE TRIGGER users_api_user BEFORE UPDATE ON users FOR EACH ROW"
        " WHEN (OLD.is_api_user <> NEW.is_api_user)"
        f" EXECUTE FUNCTION refuse('{_FLIP}')"
    )
    return made


_AUDIT_SQLITE: Final = [
    "CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events"
    f" WHEN OLD.id > coalesce({_BOUNDARY}, 0)"
    f" BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END",
    "CREATE TRIGGER audit_personal_update BEFORE UPDATE ON audit_personal"
    f" BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END",
]
_AUDIT_POSTGRESQL: Final = [
    "CREATE FUNCTION refuse_unpruned() RETURNS trigger LANGUAGE plpgsql AS $$"
    f" BEGIN IF OLD.id > coalesce({_BOUNDARY}, 0) THEN"
    f" RAISE EXCEPTION '{_APPEND_ONLY}' USING ERRCODE = '23514'; END IF;"
    " RETURN OLD; END $$",
    "CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events"
    " FOR EACH ROW EXECUTE FUNCTION refuse_unpruned()",
    "CREATE TRIGGER audit_personal_update BEFORE UPDATE ON audit_personal"
    f" FOR EACH ROW EXECUTE FUNCTION refuse('{_APPEND_ONLY}')",
]

TRIGGERS: Final[Mapping[str, list[str]]] = {
    "sqlite": _sqlite(),
    "postgresql": _postgresql(),
}

#: What came with pruning and erasure, after the others.
AUDIT: Final[Mapping[str, list[str]]] = {
    "sqlite": _AUDIT_SQLITE,
    "postgresql": _AUDIT_POSTGRESQL,
}

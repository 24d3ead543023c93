"""What the database itself refuses: deleting users, touching audit, flipping API users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_REFUSALS: Final = (
    ("users_delete", "DELETE", "users", "users are never deleted (R20)"),
    ("audit_events_update", "UPDATE", "audit_events", "audit is append only"),
    ("audit_events_delete", "DELETE", "audit_events", "audit is append only"),
    ("audit_seals_update", "UPDATE", "audit_seals", "audit is append only"),
    ("audit_seals_delete", "DELETE", "audit_seals", "audit is append only"),
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
        f"CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION refuse('{why}')"
        for name, verb, table, why in _REFUSALS
        if verb == "DELETE"
    ]
    made.append(
        "CREATE TRIGGER users_api_user BEFORE UPDATE ON users FOR EACH ROW"
        " WHEN (OLD.is_api_user <> NEW.is_api_user)"
        f" EXECUTE FUNCTION refuse('{_FLIP}')"
    )
    return made


TRIGGERS: Final[Mapping[str, list[str]]] = {
    "sqlite": _sqlite(),
    "postgresql": _postgresql(),
}

"""A list of users as JSON: what would become of each row, and the writing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import importing
from scim_connector.administration.errors import NotPossible
from scim_connector.rules.permissions import CREATE_USERS
from scim_connector.rules.users import UserType
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.progress import Work
from scim_connector.web.admin_api.routes import Route

if TYPE_CHECKING:
    from scim_connector.administration.importing import Row
    from scim_connector.web.admin_api.routes import Visit
    from scim_connector.web.long_work import Count

_ACTIONS: Final = ("create", "change", "nothing", "refuse")
#: What is sent to agree, with what it is called where rows are refused.
_AGREED: Final = {"without_refused": "good", "deactivate": "sure"}
_HOW: Final = {
    "good": "send `without_refused` as true to import the good rows all the same",
    "sure": "Look at who loses access and send `deactivate` as true",
}


def _rows(visit: Visit) -> list[Row]:
    """The rows that were sent; raises NotPossible for none."""
    rows = importing.listed(visit.body["users"])
    if not rows:
        raise NotPossible("The list is empty; send a row for each user.")
    return rows


def check_import(visit: Visit) -> Work:
    """What would become of each row; nothing is written."""
    rows, own, database = _rows(visit), visit.me.permissions, visit.office.database

    def do(count: Count) -> dict[str, Any]:
        reader = database.reader()
        importing.judge(reader, rows, own=own, progress=count)
        counts = importing.counts(rows)
        return {
            "counts": {action: counts[action] for action in _ACTIONS},
            "consequences": importing.consequences(reader, rows),
            "deactivated": len(importing.deactivated(rows)),
            "mailed": importing.mailed(rows),
            "seen": importing.fingerprint(rows),
            "rows": [_judged(row) for row in rows],
        }

    return Work(len(rows), do)


def _judged(row: Row) -> dict[str, Any]:
    moved = [] if row.problems else importing.changes(row)
    return {
        "line": row.line,
        "username": row.username,
        "action": row.action,
        "problems": list(row.problems),
        "changes": [
            {"field": name, "before": before, "after": after}
            for name, before, after in moved
        ],
    }


def apply_import(visit: Visit) -> Work:
    """Write the rows as they were seen; whoever is not refused stays written."""
    rows, act, own, body = _rows(visit), visit.act(), visit.me.permissions, visit.body
    agreed = {word for name, word in _AGREED.items() if body.get(name)}

    def do(count: Count) -> dict[str, Any]:
        database = visit.office.database
        importing.judge(database.reader(), rows, own=own, progress=count)
        importing.refuse(rows, body["seen"], agreed, _HOW)
        mail = body.get("mail", False)
        did = importing.write(database, rows, act, own=own, mail=mail, progress=count)
        return {
            "created": did.created,
            "changed": did.changed,
            "unchanged": did.unchanged,
            "refused": [
                {"line": line, "username": username, "why": why}
                for line, username, why in did.refused
            ],
        }

    return Work(2 * len(rows), do)


# ---------------------------------------------------------------------------- as data

_USER: Final = shapes.given(
    importing.REQUIRED,
    username=shapes.text("Who the row is about: a known one is changed.", least=1),
    **{name: shapes.text() for name in ("email", "first_name", "last_name")},
    initials=shapes.text(),
    type=shapes.one_of(sorted(UserType), "It never changes; administrative without."),
    active=shapes.flag(),
    roles=shapes.many(shapes.text("A role by its name.")),
    profile=shapes.text("By its name."),
    api_user=shapes.flag("It never changes."),
)
_USERS: Final = shapes.many(_USER, "What is left out stays as it is.")
_LINE: Final = shapes.number("The place in the list, from 1.")
_CHANGE: Final = shapes.answer(
    **{name: shapes.told() for name in ("field", "before", "after")}
)
_JUDGED: Final = shapes.answer(
    line=_LINE,
    username=shapes.told(),
    action=shapes.one_of(_ACTIONS),
    problems=shapes.many(shapes.told(), "Why it is refused."),
    changes=shapes.many(_CHANGE),
)
_REFUSED: Final = shapes.answer(
    line=_LINE, username=shapes.told(), why=shapes.told("What to change.")
)
SHAPES: Final = {
    "ImportCheck": shapes.answer(
        counts=shapes.answer(**{action: shapes.number() for action in _ACTIONS}),
        consequences=shapes.many(shapes.told(), "What follows for people."),
        deactivated=shapes.number("How many users become inactive."),
        mailed=shapes.number("How many new people `mail` would send a link to."),
        seen=shapes.told("Send this with the same rows to import them."),
        rows=shapes.many(_JUDGED),
    ),
    "Imported": shapes.answer(
        created=shapes.number(),
        changed=shapes.number(),
        unchanged=shapes.number(),
        refused=shapes.many(_REFUSED),
    ),
}

ROUTES: Final = (
    Route(
        "POST",
        "/users/import/check",
        check_import,
        CREATE_USERS,
        "What would become of each row of a list of users; nothing is written.",
        shapes.ref("ImportCheck"),
        body=shapes.given(("users",), users=_USERS),
        is_large=True,
        is_long=True,
    ),
    Route(
        "POST",
        "/users/import",
        apply_import,
        CREATE_USERS,
        "Write the rows of a list as they were checked; nobody is deleted.",
        shapes.ref("Imported"),
        body=shapes.given(
            ("users", "seen"),
            users=_USERS,
            seen=shapes.text("`seen` of the check: what becomes of each is the same."),
            without_refused=shapes.flag(
                "Import the good rows, where some are refused."
            ),
            deactivate=shapes.flag("Users of the list may become inactive."),
            mail=shapes.flag("Send new people a link to choose a password."),
        ),
        is_large=True,
        is_long=True,
    ),
)

"""The applications that rely on the gate, and the secrets they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import and_, bindparam, delete, insert, select, update

from scim_connector.directory import sessions as sessions_rows
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    application_clients,
    application_secrets,
    applications,
    connections,
    sessions,
    users,
)
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from sqlalchemy.sql.selectable import FromClause

    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Application:
    """One application; *redirects* are where people may be sent after signing in."""

    id: int
    name: str
    kind: str
    address: str | None
    redirects: tuple[str, ...]
    logout_url: str | None
    created_at: int
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class ApplicationSecret:
    """One secret of an application; instants in microseconds UTC."""

    id: str
    application_id: int
    hash: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def state_at(self, now: int) -> str:
        """How the secret stands: live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        return "live"


_NAMES = tuple(field.name for field in fields(Application))
_COLUMNS = tuple(applications.c[name] for name in _NAMES)
_REDIRECTS = _NAMES.index("redirects")
_SECRET = tuple(field.name for field in fields(ApplicationSecret))
_SECRET_COLUMNS = tuple(application_secrets.c[name] for name in _SECRET)
_LIVE = applications.c.retired_at.is_(None)

_ALL = Statement(select(*_COLUMNS).where(_LIVE).order_by(applications.c.id))
_BY_ID = Statement(
    select(*_COLUMNS).where(applications.c.id == bindparam("of_id"), _LIVE)
)
_BY_NAME = Statement(
    select(*_COLUMNS).where(applications.c.name_key == bindparam("key"), _LIVE)
)
_RETIRED = Statement(
    select(applications.c.id).where(
        applications.c.name_key == bindparam("key"),
        applications.c.retired_at.is_not(None),
    )
)
_TOLD_OF_LOGOUT = Statement(
    select(applications.c.name)
    .where(_LIVE, applications.c.logout_url.is_not(None))
    .order_by(applications.c.id)
)
_ADD = Statement(
    insert(applications).returning(applications.c.id),
    (*(name for name in _NAMES if name != "id"), "name_key"),
)
_RETIRE = Statement(
    update(applications)
    .where(applications.c.id == bindparam("of_id"))
    .values(retired_at=bindparam("at"))
)
_CHANGE = Statement(
    update(applications)
    .where(applications.c.id == bindparam("of_id"))
    .values(
        address=bindparam("new_address"),
        redirects=bindparam("new_redirects"),
        logout_url=bindparam("new_logout_url"),
    )
)
_ADD_SECRET = Statement(insert(application_secrets), _SECRET)
_SECRETS = Statement(
    select(*_SECRET_COLUMNS)
    .where(application_secrets.c.application_id == bindparam("of_application"))
    .order_by(application_secrets.c.created_at)
)
_REVOKE = Statement(
    update(application_secrets)
    .where(
        application_secrets.c.id == bindparam("of_id"),
        application_secrets.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_CALLER: FromClause = application_secrets.join(
    applications,
    and_(applications.c.id == application_secrets.c.application_id, _LIVE),
)
_OF_SECRET = Statement(
    select(*_SECRET_COLUMNS, *_COLUMNS)
    .select_from(_CALLER)
    .where(application_secrets.c.id == bindparam("of_secret"))
)
#: The caller and the session it asks about, in one statement.
_ASKING = Statement(
    select(*_SECRET_COLUMNS, *_COLUMNS, *sessions_rows.SIGNED_IN)
    .select_from(
        _CALLER.outerjoin(
            sessions.join(users, sessions_rows.VALID_USER),
            sessions.c.id == bindparam("of_session"),
        )
    )
    .where(application_secrets.c.id == bindparam("of_secret"))
)
_SET_CLIENT = Statement(
    insert(application_clients), ("application_id", "connection_id", "client_id")
)
_DROP_CLIENT = Statement(
    delete(application_clients).where(
        application_clients.c.application_id == bindparam("of_application"),
        application_clients.c.connection_id == bindparam("of_connection"),
    )
)
_CLIENTS = Statement(
    select(connections.c.id, connections.c.name, application_clients.c.client_id)
    .join(connections, connections.c.id == application_clients.c.connection_id)
    .where(application_clients.c.application_id == bindparam("of_application"))
    .order_by(connections.c.id)
)


def _application(row: Sequence[Any]) -> Application:
    values = list(row)
    values[_REDIRECTS] = tuple(orjson.loads(values[_REDIRECTS]))
    return Application(*values)


def every(reader: Reader) -> list[Application]:
    """The applications, the oldest first; retired ones are left out."""
    return [_application(row) for row in reader.rows(_ALL)]


def by_id(reader: Reader, application_id: int) -> Application | None:
    """The application of this number, unless it was retired."""
    row = reader.row(_BY_ID, of_id=application_id)
    return None if row is None else _application(row)


def by_name(reader: Reader, name: str) -> Application | None:
    """The application of this name, in any case."""
    row = reader.row(_BY_NAME, key=name_key(name))
    return None if row is None else _application(row)


def is_retired(reader: Reader, name: str) -> bool:
    """Whether an application of this name was retired; the name never comes back."""
    return reader.row(_RETIRED, key=name_key(name)) is not None


def told_of_logout(reader: Reader) -> list[str]:
    """The names of the applications that want to be told when somebody is out."""
    return [row[0] for row in reader.rows(_TOLD_OF_LOGOUT)]


def add(tx: Transaction, made: Mapping[str, Any], *, now: int) -> int:
    """Insert an application; ConstraintBroken "application" when the name is taken.

    *made* has name, kind, address, redirects and logout_url.
    """
    return tx.insert(
        _ADD,
        **{**made, "redirects": orjson.dumps(list(made["redirects"])).decode()},
        name_key=name_key(made["name"]),
        created_at=now,
        retired_at=None,
    )


def change(
    tx: Transaction,
    application_id: int,
    *,
    address: str | None,
    redirects: Sequence[str],
    logout_url: str | None,
) -> None:
    """Set the addresses of an application."""
    tx.run(
        _CHANGE,
        of_id=application_id,
        new_address=address,
        new_redirects=orjson.dumps(list(redirects)).decode(),
        new_logout_url=logout_url,
    )


def retire(tx: Transaction, application_id: int, *, now: int) -> None:
    """Let an application rely on the gate no more; its name stays taken."""
    tx.run(_RETIRE, of_id=application_id, at=now)


# ---------------------------------------------------------------------------- secrets


def add_secret(tx: Transaction, secret: ApplicationSecret) -> None:
    """Insert a secret by its hash."""
    tx.run(_ADD_SECRET, **{name: getattr(secret, name) for name in _SECRET})


def secrets(reader: Reader, application_id: int) -> list[ApplicationSecret]:
    """The secrets of an application, the oldest first."""
    rows = reader.rows(_SECRETS, of_application=application_id)
    return [ApplicationSecret(*row) for row in rows]


def revoke_secret(tx: Transaction, secret_id: str, *, now: int) -> bool:
    """Revoke a secret at once; False when it was already."""
    return tx.run(_REVOKE, of_id=secret_id, at=now) == 1


def of_secret(
    reader: Reader, secret_id: str
) -> tuple[ApplicationSecret, Application] | None:
    """The secret of this public id and whose it is: one statement."""
    row = reader.row(_OF_SECRET, of_secret=secret_id)
    return None if row is None else _caller(row)


def asking(
    reader: Reader, secret_id: str, session_id: str
) -> tuple[ApplicationSecret, Application, SignedIn | None] | None:
    """Who asks, and the valid session they ask about, if any: one statement."""
    row = reader.row(_ASKING, of_secret=secret_id, of_session=session_id)
    if row is None:
        return None
    about = row[len(_SECRET) + len(_NAMES) :]
    found = None if about[0] is None else sessions_rows.of_row(about)
    return (*_caller(row), found)


def _caller(row: Sequence[Any]) -> tuple[ApplicationSecret, Application]:
    cut = len(_SECRET)
    return (
        ApplicationSecret(*row[:cut]),
        _application(row[cut : cut + len(_NAMES)]),
    )


# ------------------------------------------------------------- client ids at providers


def set_client(
    tx: Transaction, application_id: int, connection_id: int, client_id: str | None
) -> None:
    """Set, or with None forget, the client id an application has at a provider."""
    tx.run(_DROP_CLIENT, of_application=application_id, of_connection=connection_id)
    if client_id is not None:
        tx.run(
            _SET_CLIENT,
            application_id=application_id,
            connection_id=connection_id,
            client_id=client_id,
        )


def clients(reader: Reader, application_id: int) -> list[tuple[int, str, str]]:
    """The client ids of an application: connection id, its name, client id."""
    return [tuple(row) for row in reader.rows(_CLIENTS, of_application=application_id)]

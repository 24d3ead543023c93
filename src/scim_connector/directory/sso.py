"""How people of a connection sign in at their provider, and who they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, bindparam, delete, insert, select, update

from scim_connector.directory import connections
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections as connections_table
from scim_connector.directory.tables import links, sign_in_settings, sso_identities

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class SignIn:
    """The OpenID Connect settings of a connection.

    *claim* of the ID token names the identity, *equals* the provisioned value it must
    be: "externalId" or "userName".  *client_secret* is encrypted.  *second_factor* holds
    the values of ``amr`` and ``acr`` that count as one.
    """

    connection_id: int
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str
    claim: str
    equals: str
    algorithm: str
    second_factor: tuple[str, ...]
    enabled: bool
    changed_at: int


_NAMES = tuple(field.name for field in fields(SignIn))
_COLUMNS = tuple(sign_in_settings.c[name] for name in _NAMES)
_FACTOR, _ENABLED = _NAMES.index("second_factor"), _NAMES.index("enabled")
_OF = Statement(
    select(*_COLUMNS).where(
        sign_in_settings.c.connection_id == bindparam("of_connection")
    )
)
_OFFERED = Statement(
    select(*_COLUMNS, *connections.COLUMNS)
    .select_from(
        connections.SOURCE.join(
            sign_in_settings,
            sign_in_settings.c.connection_id == connections_table.c.id,
        )
    )
    .where(
        sign_in_settings.c.enabled,
        connections_table.c.state.not_in(("retired", "rehearsing")),
    )
    .order_by(connections_table.c.id)
)
_ADD = Statement(insert(sign_in_settings), _NAMES)
_DROP = Statement(
    delete(sign_in_settings).where(
        sign_in_settings.c.connection_id == bindparam("of_connection")
    )
)
_ENABLE = Statement(
    update(sign_in_settings)
    .where(sign_in_settings.c.connection_id == bindparam("of_connection"))
    .values(enabled=bindparam("whether"), changed_at=bindparam("at"))
)
_BOUND = Statement(
    select(sso_identities.c.user_id, sso_identities.c.connection_id).where(
        sso_identities.c.issuer == bindparam("of_issuer"),
        sso_identities.c.subject == bindparam("of_subject"),
    )
)
_OF_USER = Statement(
    select(sso_identities.c.issuer, sso_identities.c.subject)
    .where(sso_identities.c.user_id == bindparam("of_user"))
    .order_by(sso_identities.c.issuer)
)
_BIND = Statement(
    insert(sso_identities),
    ("issuer", "subject", "user_id", "user_is_api", "connection_id", "bound_at"),
)
_MATCHING = {
    "externalId": links.c.external_id,
    "userName": links.c.user_name_key,
}
_CANDIDATES = {
    name: Statement(
        select(links.c.user_id)
        .where(
            links.c.connection_id == bindparam("of_connection"),
            links.c.hidden_at.is_(None),
            links.c.user_id.is_not(None),
            column == bindparam("value"),
        )
        .limit(2)
    )
    for name, column in _MATCHING.items()
}
_EXTERNAL_IDS = Statement(
    select(links.c.external_id)
    .where(
        links.c.connection_id == bindparam("of_connection"),
        links.c.hidden_at.is_(None),
        links.c.user_id.is_not(None),
    )
    .order_by(links.c.seq.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)
_IS_LINKED = Statement(
    select(links.c.seq).where(
        links.c.connection_id == bindparam("of_connection"),
        links.c.user_id == bindparam("of_user"),
        links.c.hidden_at.is_(None),
    )
)


def _settings(row: Sequence[Any]) -> SignIn:
    values = list(row)
    values[_FACTOR] = tuple(orjson.loads(values[_FACTOR]))
    values[_ENABLED] = bool(values[_ENABLED])
    return SignIn(*values)


def settings_of(reader: Reader, connection_id: int) -> SignIn | None:
    """The sign-in settings of a connection, switched on or not."""
    row = reader.row(_OF, of_connection=connection_id)
    return None if row is None else _settings(row)


def offered(reader: Reader) -> list[tuple[SignIn, Connection]]:
    """The connections people can sign in through, the oldest first."""
    cut = len(_NAMES)
    return [
        (_settings(row[:cut]), connections.of_row(row[cut:]))
        for row in reader.rows(_OFFERED)
    ]


def configure(tx: Transaction, settings: SignIn) -> None:
    """Set the sign-in settings of a connection in place of the former ones."""
    values = {name: getattr(settings, name) for name in _NAMES}
    values["second_factor"] = orjson.dumps(list(settings.second_factor)).decode()
    tx.run(_DROP, of_connection=settings.connection_id)
    tx.run(_ADD, **values)


def enable(tx: Transaction, connection_id: int, *, whether: bool, now: int) -> None:
    """Switch sign-in through a connection on or off."""
    tx.run(_ENABLE, of_connection=connection_id, whether=whether, at=now)


# ------------------------------------------------------------------------- identities


def bound(reader: Reader, issuer: str, subject: str) -> tuple[int, int] | None:
    """The user an identity is bound to, and through which connection."""
    row = reader.row(_BOUND, of_issuer=issuer, of_subject=subject)
    return None if row is None else (int(row[0]), int(row[1]))


def of_user(reader: Reader, user_id: int) -> list[tuple[str, str]]:
    """The identities of a user, as issuer and subject."""
    return [(row[0], row[1]) for row in reader.rows(_OF_USER, of_user=user_id)]


def bind(
    tx: Transaction,
    issuer: str,
    subject: str,
    *,
    user_id: int,
    connection_id: int,
    now: int,
) -> None:
    """Tie an identity to a user for good; the keys refuse an API user."""
    tx.run(
        _BIND,
        issuer=issuer,
        subject=subject,
        user_id=user_id,
        user_is_api=False,
        connection_id=connection_id,
        bound_at=now,
    )


def candidates(
    reader: Reader, connection_id: int, *, equals: str, value: str
) -> list[int]:
    """The users a provisioned value stands for, two at most; *value* is folded."""
    rows = reader.rows(_CANDIDATES[equals], of_connection=connection_id, value=value)
    return [int(row[0]) for row in rows]


def external_ids(
    reader: Reader, connection_id: int, *, at_most: int
) -> list[str | None]:
    """The externalId of the newest people a connection manages; None for none."""
    rows = reader.rows(_EXTERNAL_IDS, of_connection=connection_id, at_most=at_most)
    return [row[0] for row in rows]


def is_linked(reader: Reader, connection_id: int, user_id: int) -> bool:
    """Whether a user is managed through a connection now."""
    return (
        reader.row(_IS_LINKED, of_connection=connection_id, of_user=user_id) is not None
    )

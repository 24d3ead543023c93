"""The rows of ``connections``: one per identity provider, with its applied mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import orjson
from sqlalchemy import bindparam, insert, select, text, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections, mapping_versions
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


Kind = Literal["entra", "okta", "generic"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection; instants in microseconds UTC."""

    id: int
    name: str
    kind: Kind
    state: str
    link_existing: str
    link_until: int | None
    allow_api_users: bool
    may_act_as_administrator: bool
    strict: bool
    password_mail: bool
    quirks_off: tuple[str, ...]
    takes_over: int | None
    created_at: int
    guard: Mapping[str, Mapping[str, Any]] = field(hash=False)
    mapping_number: int
    mapping_sha256: str

    @property
    def is_rehearsing(self) -> bool:
        """Whether requests are judged and answered, and not carried out (D14)."""
        return self.state == "rehearsing"

    @property
    def is_retired(self) -> bool:
        """Whether it is over: its links stand for a takeover, and manage nobody."""
        return self.state == "retired"

    def links_existing_at(self, now: int) -> bool:
        """Whether existing local users may be adopted at *now* (decision 11)."""
        if self.link_existing == "never":
            return False
        return self.link_until is None or now < self.link_until


#: The columns of a Connection, in the order of its fields; credentials joins them too.
COLUMNS = (
    connections.c.id,
    connections.c.name,
    connections.c.kind,
    connections.c.state,
    connections.c.link_existing,
    connections.c.link_until,
    connections.c.allow_api_users,
    connections.c.may_act_as_administrator,
    connections.c.strict,
    connections.c.password_mail,
    connections.c.quirks_off,
    connections.c.takes_over,
    connections.c.created_at,
    connections.c.guard,
    mapping_versions.c.number,
    mapping_versions.c.sha256,
)
SOURCE = connections.outerjoin(
    mapping_versions, connections.c.mapping_id == mapping_versions.c.id
)

_NAMES = tuple(Connection.__dataclass_fields__)
_FLAGS = ("allow_api_users", "may_act_as_administrator", "strict", "password_mail")
_ALL = Statement(select(*COLUMNS).select_from(SOURCE).order_by(connections.c.id))
_BY_ID = Statement(
    select(*COLUMNS).select_from(SOURCE).where(connections.c.id == bindparam("of_id"))
)
_BY_NAME = Statement(
    select(*COLUMNS)
    .select_from(SOURCE)
    .where(connections.c.name_key == bindparam("key"))
)
_SETTINGS = (
    *("kind", "state", "link_existing", "link_until", "allow_api_users"),
    *("may_act_as_administrator", "strict", "password_mail", "quirks_off"),
    "takes_over",
)
_ADD = Statement(
    insert(connections).returning(connections.c.id),
    ("name", "name_key", "created_at", *_SETTINGS),
)


# On PostgreSQL a rehearsed change and going live must not overlap, or an identity could
# be left without its user.  Both wait for a lock before their snapshot is taken; the row
# is locked as well, which fails where it changed after the snapshot.
_REHEARSE_BESIDE_OTHERS = Statement(
    text("LOCK TABLE connections IN ROW EXCLUSIVE MODE")
)
_REHEARSE_NO_MORE = Statement(
    text("LOCK TABLE connections IN SHARE ROW EXCLUSIVE MODE")
)
_STATE = Statement(
    select(connections.c.state)
    .where(connections.c.id == bindparam("of_id"))
    .with_for_update(read=True)
)


def of_row(row: Sequence[Any]) -> Connection:
    """A connection from a row of :data:`COLUMNS`."""
    values = dict(zip(_NAMES, row, strict=True))
    off = values["quirks_off"]
    values["quirks_off"] = () if off == "[]" else tuple(orjson.loads(off))
    guard = values["guard"]
    values["guard"] = {} if guard == "{}" else orjson.loads(guard)
    for name in _FLAGS:
        values[name] = bool(values[name])
    values["mapping_number"] = values["mapping_number"] or 0
    values["mapping_sha256"] = values["mapping_sha256"] or ""
    return Connection(**values)


def every(reader: Reader) -> list[Connection]:
    """All connections, the oldest first."""
    return [of_row(row) for row in reader.rows(_ALL)]


def by_id(reader: Reader, connection_id: int) -> Connection | None:
    """The connection of this id."""
    row = reader.row(_BY_ID, of_id=connection_id)
    return None if row is None else of_row(row)


def required(reader: Reader, connection_id: int) -> Connection:
    """The connection of this id, which must exist; raises LookupError."""
    found = by_id(reader, connection_id)
    if found is None:
        message = f"there is no connection {connection_id}"
        raise LookupError(message)
    return found


def by_name(reader: Reader, name: str) -> Connection | None:
    """The connection of this name, in any case."""
    row = reader.row(_BY_NAME, key=name_key(name))
    return None if row is None else of_row(row)


def add(tx: Transaction, name: str, *, kind: str, now: int, **settings: Any) -> int:
    """Insert a connection; raises ConstraintBroken "connection" when the name is taken.

    Its mapping is applied afterwards (``mapping_versions.apply``).
    """
    values: dict[str, Any] = {
        "state": "live",
        "link_existing": "never",
        "link_until": None,
        "allow_api_users": False,
        "may_act_as_administrator": False,
        "strict": False,
        "password_mail": True,
        "quirks_off": (),
        "takes_over": None,
    } | settings
    values["quirks_off"] = orjson.dumps(list(values["quirks_off"])).decode()
    return tx.insert(
        _ADD, name=name, name_key=name_key(name), kind=kind, created_at=now, **values
    )


@lru_cache(maxsize=64)
def _update(names: tuple[str, ...]) -> Statement:
    return Statement(
        update(connections)
        .where(connections.c.id == bindparam("of_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )


def change(tx: Transaction, connection_id: int, changes: Mapping[str, Any]) -> None:
    """Set columns of one connection."""
    values = dict(changes)
    if "quirks_off" in values:
        values["quirks_off"] = orjson.dumps(list(values["quirks_off"])).decode()
    if "guard" in values:
        values["guard"] = orjson.dumps(values["guard"]).decode()
    statement = _update(tuple(sorted(values)))
    tx.run(statement, of_id=connection_id, **{f"new_{n}": v for n, v in values.items()})


def held_state(tx: Transaction, connection_id: int) -> str:
    """The state of a connection, which stays until the transaction ends.

    To be asked before anything else is read.
    """
    if tx.dialect == "postgresql":
        tx.run(_REHEARSE_BESIDE_OTHERS)
    return str(tx.value(_STATE, of_id=connection_id))


def hold_states(tx: Transaction) -> None:
    """Wait for everybody who relies on a state, and let nobody do so until the end.

    To be the first thing a transaction does.
    """
    if tx.dialect == "postgresql":
        tx.run(_REHEARSE_NO_MORE)

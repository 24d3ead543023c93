"""Facts of this installation that outlive a process, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import installation

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

TABLE = str(installation.name)
#: The check value of the secret key (``tokens.secrets``).
KEY_CHECK = "key_check"
#: When a head of audit was signed last, and the event it ended with.
LAST_HEAD = "audit_head"
#: The last event that pruning may delete; a trigger reads it, too (``triggers``).
PRUNED = "audit_pruned"
#: The seal that ends with it, by its id.
PRUNED_SEAL = "audit_pruned_seal"
#: The request of the log up to which bodies were emptied.
EMPTIED = "requests_emptied"

_READ = Statement(
    select(installation.c.value).where(installation.c.name == bindparam("of_name"))
)
_WRITE = Statement(
    update(installation)
    .where(installation.c.name == bindparam("of_name"))
    .values(value=bindparam("new_value"))
)
_ADD = Statement(insert(installation), ("name", "value"))


def read(reader: Reader, name: str) -> str | None:
    """The value of a fact, or None."""
    found = reader.value(_READ, of_name=name)
    return None if found is None else str(found)


def number(reader: Reader, name: str) -> int:
    """The value of a fact that is a number; 0 when there is none."""
    return int(read(reader, name) or 0)


def write(tx: Transaction, name: str, value: str) -> None:
    """Set a fact."""
    if not tx.run(_WRITE, of_name=name, new_value=value):
        tx.run(_ADD, name=name, value=value)

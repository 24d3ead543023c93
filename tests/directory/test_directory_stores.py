"""A transaction that stands in for its database."""

from __future__ import annotations

import pytest

from scim_connector.directory import users
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.stores import Within
from scim_connector.rules.users import Draft


def _add(tx: Transaction, name: str) -> int:
    draft = Draft(name, name[0].upper(), f"{name}@x.example")
    return users.add(tx, draft, {}, trusted=True, now=1).id


def test_what_is_written_within_is_read_within_and_ends_with_it(
    database: Database,
) -> None:
    """A preview around it keeps nothing, though each write was whole in itself."""

    def work(tx: Transaction) -> tuple[bool, bool]:
        store = Within(tx)
        store.write(lambda inner: _add(inner, "first"))
        found = users.by_username_key(store.reader(), "first")
        return found is not None, store.reader() is tx

    assert database.preview(work) == (True, True)
    assert users.by_username_key(database.reader(), "first") is None


def test_a_write_within_that_raises_undoes_only_itself(database: Database) -> None:
    """As with a database: all of it, or nothing, and what was before stays."""

    def refuse(inner: Transaction) -> None:
        _add(inner, "second")
        raise LookupError

    def work(tx: Transaction) -> None:
        store = Within(tx)
        store.write(lambda inner: _add(inner, "first"))
        with pytest.raises(LookupError):
            store.write(refuse)
        store.write(lambda inner: _add(inner, "third"))

    database.write(work)

    names = ("first", "second", "third")
    found = [users.by_username_key(database.reader(), name) for name in names]
    assert [user is not None for user in found] == [True, False, True]

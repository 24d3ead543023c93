"""Rows in one form for both databases, and a filled database made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from scim_connector.directory import (
    connections,
    founding,
    portable,
    seals,
    snapshots,
    upgrade,
)
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.founding import BeingMade, Fill, NotProven
from scim_connector.directory.portable import NotLoaded, Sum
from scim_connector.directory.shapes import SHAPES, BadShape, Shape
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import metadata
from scim_connector.directory.upgrade import NotEmpty
from tests.house import Provider, now, patch_of, person, provider

Place = Callable[[str], str]
KINDS = ("sqlite", "postgresql")


def _silent(rows: int) -> None:
    """Nobody looks at the progress."""


def _sums(database: Database) -> dict[str, Sum]:
    with snapshots.snapshot(database) as tx:
        return {s.table: portable.summed(tx, s, _silent) for s in SHAPES}


def _from(source: Database) -> Fill:
    """Fill a new database with all that is in another one."""

    def fill(tx: Transaction, made: frozenset[str]) -> None:
        assert made == {shape.table for shape in SHAPES}
        with snapshots.snapshot(source) as read:
            for shape in SHAPES:
                portable.load(tx, shape, portable.read(read, shape))

    return fill


def _filled(database: Database) -> None:
    """People, groups, a removal, names of other scripts, sealed and unsealed audit."""
    entra = provider(database)
    ids = [str(entra.post(person(f"user{n}@contoso.com")).id) for n in range(5)]
    strange = 'a\tb "c" \\ ÿ \U0001f600 \u2028'
    entra.post(person("strange@contoso.com", title=strange, displayName="ß"))
    entra.patch(ids[0], patch_of(active=False))
    entra.delete(ids[1])
    entra.post_group("Alle", ids[2], ids[3])
    seals.seal(database, now=now())
    entra.patch(ids[4], patch_of(title="Head"))


@pytest.mark.parametrize("to", KINDS)
def test_a_database_filled_from_another_holds_the_same(
    database: Database, place: Place, to: str
) -> None:
    """Equal counts and sums of every table, sound audit and counters, either way.

    SQLite has one row for the counters of a block, PostgreSQL as many as there are.
    """
    _filled(database)
    target = Database(place(to))

    founding.found(target, upgrade.head(), _from(database))

    sums, wanted = _sums(target), _sums(database)
    findings = founding.findings(target.reader()) + upgrade.damage(target)
    state = upgrade.schema(target)
    target.close()
    if (database.dialect, to) == ("postgresql", "sqlite"):
        assert sums.pop("link_counts").rows < wanted.pop("link_counts").rows
    assert sums == wanted
    assert sums["links"].rows == 6
    assert findings == []
    assert state is upgrade.Schema.CURRENT


@pytest.mark.parametrize("to", KINDS)
def test_work_goes_on_in_what_was_filled(
    database: Database, place: Place, to: str
) -> None:
    """New rows get new numbers, and audit and users still refuse to be deleted.

    The counters, too: SQLite keeps one row a block, PostgreSQL one a change.
    """
    _filled(database)
    target = Database(place(to))
    founding.found(target, upgrade.head(), _from(database))

    provider(target, "okta").post(person("new@contoso.com"))
    entra = connections.required(target.reader(), 1)
    Provider(target, entra).post(person("another@contoso.com"))
    seals.seal(target, now=now())

    findings = founding.findings(target.reader())
    for name in ("users", "audit_events", "audit_seals"):
        removal = Statement(delete(metadata.tables[name]))
        with pytest.raises(Exception, match=r"never deleted|append only"):
            target.write(lambda tx, removal=removal: tx.run(removal))
    target.close()
    assert findings == []


def test_a_snapshot_sees_one_state(database: Database) -> None:
    """What others write meanwhile is not in it, and they do not wait."""
    _filled(database)
    entra = provider(database, "second")
    users = next(shape for shape in SHAPES if shape.table == "users")

    with snapshots.snapshot(database) as tx:
        before = portable.summed(tx, users, _silent)
        entra.post(person("later@contoso.com"))
        meanwhile = portable.summed(tx, users, _silent)

    after = _sums(database)["users"]
    assert meanwhile == before
    assert after.rows == before.rows + 1


def test_sums_do_not_depend_on_the_order_of_the_database(
    database: Database, place: Place
) -> None:
    """Text keys are read by code point, whatever the collation of the server."""
    shape = next(s for s in SHAPES if s.table == "refused_callers")
    add = Statement(
        text("INSERT INTO refused_callers VALUES (1, :why, 'x', 1, 1, NULL)")
    )
    for why in ("b", "B", "a b", "a-b", "ä", "_", "Z"):
        database.write(lambda tx, why=why: tx.run(add, why=why))

    with snapshots.snapshot(database) as tx:
        rows = [row for batch in portable.read(tx, shape) for row in batch]

    assert [row[1] for row in rows] == sorted(row[1] for row in rows)


_DOCUMENTS = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("a"), inner),
    max_leaves=5,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=_DOCUMENTS)
def test_a_document_is_the_same_on_both_databases(
    postgres_reader: Database, value: object
) -> None:
    """What SQLite keeps as text and PostgreSQL as jsonb gives one line."""
    written = orjson.dumps({"a": value}).decode()
    back = postgres_reader.reader().value(
        Statement(text("SELECT CAST(CAST(:written AS jsonb) AS text)")), written=written
    )

    here = portable.lines([[portable._document(written)]])
    assert portable.lines([[portable._document(back)]]) == here


@pytest.fixture
def postgres_reader(place: Place) -> Database:
    return Database(place("postgresql"))


@pytest.mark.parametrize("to", KINDS)
def test_what_fails_leaves_nothing(database: Database, place: Place, to: str) -> None:
    """A broken-off filling leaves an empty place, and the next one succeeds."""
    _filled(database)
    target = Database(place(to))

    def breaks(tx: Transaction, made: frozenset[str]) -> None:
        _from(database)(tx, made)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        founding.found(target, upgrade.head(), breaks)
    left = founding.is_empty(target)
    files = list(target.path.parent.glob(f"{target.path.name}*")) if target.path else []
    founding.found(target, upgrade.head(), _from(database))

    rows = _sums(target)["links"]
    target.close()
    assert left
    assert files == []
    assert rows == _sums(database)["links"]


@pytest.mark.parametrize("to", KINDS)
def test_what_is_not_sound_is_not_kept(
    database: Database, place: Place, to: str
) -> None:
    """Counters that lie, audit that was changed: named, and nothing is made."""
    _filled(database)
    target = Database(place(to))

    def lies(tx: Transaction, made: frozenset[str]) -> None:
        _from(database)(tx, made)
        tx.run(Statement(text("UPDATE link_counts SET live = live + 1")))

    with pytest.raises(NotProven, match=r"links, .* but counted"):
        founding.found(target, upgrade.head(), lies)
    assert founding.is_empty(target)
    target.close()


@pytest.mark.parametrize("to", KINDS)
def test_nothing_is_written_over(place: Place, to: str) -> None:
    """Where tables are, or a file or a journal of SQLite, nothing is made."""
    target = Database(place(to))
    upgrade.upgrade(target)

    with pytest.raises(NotEmpty):
        founding.found(target, upgrade.head(), lambda tx, made: None)
    target.close()


def test_an_old_journal_is_in_the_way(tmp_path: Path) -> None:
    """SQLite would play it into the new file."""
    target = Database(f"sqlite:///{tmp_path / 'x.db'}")
    journal = tmp_path / "x.db-wal"
    journal.touch()

    assert founding.occupied_by(target) == journal
    with pytest.raises(NotEmpty):
        founding.found(target, upgrade.head(), lambda tx, made: None)


def test_two_do_not_make_the_same_file(tmp_path: Path) -> None:
    """The second is told; what a dead one left is written over."""
    target = Database(f"sqlite:///{tmp_path / 'x.db'}")
    (tmp_path / "x.db.unfinished").write_bytes(b"left by a dead one")
    (tmp_path / "x.db.unfinished-journal").write_bytes(b"left by a dead one")

    def meanwhile(tx: Transaction, made: frozenset[str]) -> None:
        with pytest.raises(BeingMade):
            founding.found(target, upgrade.head(), lambda tx, made: None)

    founding.found(target, upgrade.head(), meanwhile)

    assert upgrade.schema(target) is upgrade.Schema.CURRENT
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]
    assert (tmp_path / "x.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("to", KINDS)
def test_a_row_that_does_not_fit_is_named(place: Place, to: str) -> None:
    """The table and the reason, in one line."""
    target = Database(place(to))
    users = next(shape for shape in SHAPES if shape.table == "users")

    def bad(tx: Transaction, made: frozenset[str]) -> None:
        portable.load(tx, users, [[[None] * len(users.columns)]])

    with pytest.raises(NotLoaded, match="the table users refuses a row") as told:
        founding.found(target, upgrade.head(), bad)
    target.close()
    assert "\n" not in str(told.value)


def test_every_column_of_every_table_is_carried() -> None:
    """Nothing is forgotten, and each shape is read again as it was written."""
    carried = {shape.table: set(shape.columns) for shape in SHAPES}

    assert carried == {
        t.name: {c.name for c in t.columns} for t in metadata.sorted_tables
    }
    assert all(Shape.of_json(shape.as_json()) == shape for shape in SHAPES)
    kinds = {s.table: s.columns for s in SHAPES}
    assert kinds["links"]["search"] == kinds["group_links"]["search"] == "json"
    assert kinds["users"]["active"] == "boolean"
    assert kinds["links"]["user_id"] == "integer"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"table": "users", "columns": {"id": "integer"}, "key": []},
        {"table": "users", "columns": {"id": "integer"}, "key": ["other"]},
        {"table": 'users"; DROP', "columns": {"id": "integer"}, "key": ["id"]},
        {"table": "users", "columns": {'id"': "integer"}, "key": ['id"']},
        {"table": "users", "columns": {"id": "blob"}, "key": ["id"]},
    ],
)
def test_a_shape_from_elsewhere_is_not_believed(value: dict[str, object]) -> None:
    """Names and kinds go into SQL, so odd ones are refused."""
    with pytest.raises(BadShape):
        Shape.of_json(value)

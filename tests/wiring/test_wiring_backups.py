"""Backups: whole, checked before they are used, and put back only where nothing is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from alembic import command
from sqlalchemy import inspect, text

from scim_connector.accounts import Act
from scim_connector.administration import backups
from scim_connector.directory import archive, audit, founding, portable, upgrade
from scim_connector.directory.archive import Made
from scim_connector.directory.database import Database
from scim_connector.directory.portable import Told
from scim_connector.directory.shapes import SHAPES, Shape
from scim_connector.directory.statements import Statement
from scim_connector.directory.upgrade import Schema
from scim_connector.rules.actors import Actor
from scim_connector.settings import Settings
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.wiring import House, NotReady, open_house, prepare
from scim_connector.wiring.backups import Restored, back_up, restore
from tests.house import now

Place = Callable[[str], str]


@contextmanager
def _silent(length: int, label: str) -> Iterator[Told]:
    yield lambda rows: None


def _act() -> Act:
    return Act(Actor.operator("ann"), now())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A new house of its own, on SQLite."""
    folder = tmp_path / "house"
    folder.mkdir()
    settings = _settings(f"sqlite:///{folder / 'house.db'}", folder / "house.key")
    prepare(settings)
    made = open_house(settings)
    yield made
    made.database.close()


def _settings(url: str, key: Path) -> Settings:
    return Settings(database_url=url, secret_key_file=key)


def _backup(house: House, file: Path, *, with_key: bool = True) -> Path:
    back_up(house, file, with_key=with_key, act=_act(), bars=_silent)
    return file


def _restore(settings: Settings, file: Path) -> Restored:
    return restore(settings, file, act=_act(), bars=_silent)


def _elsewhere(tmp_path: Path) -> Settings:
    return _settings(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "new.key")


def _names(database: Database) -> list[str]:
    found = [each.name for each in audit.newest(database.reader(), at_most=99)]
    return found[::-1]


# ---------------------------------------------------------------------------- whole


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_opens_elsewhere_with_its_key(
    house: House, tmp_path: Path, place: Place, kind: str
) -> None:
    """Of either kind; the house opens with the key of the backup, and audit tells."""
    file = _backup(house, tmp_path / "b.zip")
    settings = _settings(place(kind), tmp_path / "new.key")

    restored = _restore(settings, file)

    opened = open_house(settings)
    names, findings = (
        _names(opened.database),
        founding.findings(opened.database.reader()),
    )
    opened.database.close()
    assert names == [*_names(house.database), "database:restored"]
    assert names[-2] == "database:backup"
    assert findings == []
    assert restored.key_file == settings.secret_key_file
    assert settings.secret_key_file.stat().st_mode & 0o777 == 0o600
    assert opened.keys.text() == house.keys.text()


def test_a_backup_is_private_and_says_what_is_in_it(
    house: House, tmp_path: Path
) -> None:
    """Mode 0600; README and manifest name the key, the schema, counts and sums."""
    file = _backup(house, tmp_path / "b.zip")
    without = _backup(house, tmp_path / "without.zip", with_key=False)

    with zipfile.ZipFile(file) as opened, zipfile.ZipFile(without) as other:
        about, about_other = opened.read("README.txt"), other.read("README.txt")
        manifest = orjson.loads(opened.read("manifest.json"))
        everything = b"".join(other.read(name) for name in other.namelist())
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"The secret key is in it" in about
    assert b"The secret key is NOT in it" in about_other
    assert house.keys.text().strip().encode() not in everything
    assert manifest["revision"] == upgrade.head()
    (roles,) = [each for each in manifest["tables"] if each["table"] == "roles"]
    assert roles["rows"] == 2
    assert len(roles["sha256"]) == 64
    facts = [e.facts for e in audit.newest(house.database.reader(), at_most=2)]
    assert [orjson.loads(each)["with_key"] for each in facts] == [False, True]


def test_a_backup_that_fails_leaves_no_file(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has its name when it is whole; one that is there is not touched."""
    (tmp_path / "there.zip").write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        _backup(house, tmp_path / "there.zip")

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(portable, "lines", full)
    with pytest.raises(OSError, match="No space left"):
        _backup(house, tmp_path / "b.zip")

    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["house", "there.zip"]
    assert (tmp_path / "there.zip").read_bytes() == b"kept"


# ----------------------------------------------------------------------------- keys


def test_the_last_backup_is_remembered(house: House, tmp_path: Path) -> None:
    """From when it is whole, so that alerts and `doctor` notice an old one."""
    assert backups.last(house.database.reader()) is None
    with pytest.raises(FileExistsError):
        _backup(house, _backup(house, tmp_path / "a.zip"))
    first = backups.last(house.database.reader())
    assert first is not None

    _backup(house, tmp_path / "b.zip")

    assert (backups.last(house.database.reader()) or 0) > first


def test_without_its_key_a_backup_needs_the_key_file(
    house: House, tmp_path: Path
) -> None:
    """It names the place; with the right file there it opens, with another it does not."""
    file = _backup(house, tmp_path / "b.zip", with_key=False)
    settings = _elsewhere(tmp_path)

    with pytest.raises(NotReady, match=r"put the key file at .*new\.key first"):
        _restore(settings, file)
    settings.secret_key_file.write_text(SecretKeys.fresh().text())
    with pytest.raises(NotReady, match="is not that of the backup"):
        _restore(settings, file)
    assert not (tmp_path / "new.db").exists()
    settings.secret_key_file.write_text(house.keys.text())
    restored = _restore(settings, file)

    assert restored.key_file is None
    open_house(settings).database.close()


def test_another_key_is_not_written_over(house: House, tmp_path: Path) -> None:
    """Where a key of somebody else lies, nothing is restored and it stays."""
    file = _backup(house, tmp_path / "b.zip")
    settings = _elsewhere(tmp_path)
    other = SecretKeys.fresh().text()
    settings.secret_key_file.write_text(other)

    with pytest.raises(NotReady, match="take it away"):
        _restore(settings, file)

    assert settings.secret_key_file.read_text() == other
    assert not (tmp_path / "new.db").exists()


# ------------------------------------------------------------------- what is refused


def test_nothing_is_written_over(house: House, tmp_path: Path) -> None:
    """A database, or any file of this name, stays as it is; the way out is named."""
    file = _backup(house, tmp_path / "b.zip")
    settings = _elsewhere(tmp_path)
    (tmp_path / "new.db").write_bytes(b"mine")

    with pytest.raises(NotReady, match="exists already, and nothing is written over"):
        _restore(settings, file)

    assert (tmp_path / "new.db").read_bytes() == b"mine"
    assert not settings.secret_key_file.exists()


def test_tables_on_postgresql_are_not_written_over(
    house: House, tmp_path: Path, place: Place
) -> None:
    """A database in which there are tables, ours or others', is refused."""
    file = _backup(house, tmp_path / "b.zip")
    url = place("postgresql")
    database = Database(url)
    database.write(lambda tx: tx.run(Statement(text("CREATE TABLE others (id int)"))))
    database.close()

    with pytest.raises(NotReady, match="has tables already"):
        _restore(_settings(url, tmp_path / "new.key"), file)

    assert not (tmp_path / "new.key").exists()


def _rewritten(file: Path, to: Path, change: dict[str, bytes | None]) -> Path:
    """The same archive with members replaced, or left out where they are None."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            content = change.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return to


def _changed_manifest(file: Path, **changes: object) -> bytes:
    with zipfile.ZipFile(file) as opened:
        manifest = orjson.loads(opened.read("manifest.json"))
    return orjson.dumps({**manifest, **changes})


def _flipped(file: Path) -> Path:
    """One bit of the middle is wrong."""
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 4
    file.write_bytes(content)
    return file


def _cut(file: Path) -> Path:
    file.write_bytes(file.read_bytes()[:-2000])
    return file


def _a_row_less(file: Path) -> Path:
    with zipfile.ZipFile(file) as opened:
        rows = opened.read("tables/audit_events.jsonl").splitlines(keepends=True)
    less = {"tables/audit_events.jsonl": b"".join(rows[:-1])}
    return _rewritten(file, file.with_name("less.zip"), less)


def _no_users(file: Path) -> Path:
    gone: dict[str, bytes | None] = {"tables/users.jsonl": None}
    return _rewritten(file, file.with_name("none.zip"), gone)


def _no_table(file: Path) -> Path:
    with zipfile.ZipFile(file) as opened:
        tables = orjson.loads(opened.read("manifest.json"))["tables"]
    kept = [each for each in tables if each["table"] != "outbox"]
    manifest = {"manifest.json": _changed_manifest(file, tables=kept)}
    return _rewritten(file, file.with_name("no.zip"), manifest)


def _newer(file: Path) -> Path:
    manifest = {"manifest.json": _changed_manifest(file, revision="9999")}
    return _rewritten(file, file.with_name("newer.zip"), manifest)


def _newer_format(file: Path) -> Path:
    manifest = {"manifest.json": _changed_manifest(file, format=2)}
    return _rewritten(file, file.with_name("format.zip"), manifest)


def _another_key(file: Path) -> Path:
    key = {"secret.key": SecretKeys.fresh().text().encode()}
    return _rewritten(file, file.with_name("key.zip"), key)


def _no_manifest(file: Path) -> Path:
    none: dict[str, bytes | None] = {"manifest.json": None}
    return _rewritten(file, file.with_name("nothing.zip"), none)


def _text_file(file: Path) -> Path:
    file.write_text("no backup")
    return file


@pytest.mark.parametrize(
    ("spoiled", "told"),
    [
        (_flipped, "damaged|not as it was written"),
        (_cut, "damaged, or no backup"),
        (_a_row_less, "the table audit_events is not as it was written"),
        (_no_users, "there is no tables/users.jsonl in it"),
        (_no_table, "its tables are not those of its schema"),
        (_newer, "which is newer; install that version"),
        (_newer_format, "newer format"),
        (_another_key, "its secret key is not that of its database"),
        (_no_manifest, "there is no manifest.json in it"),
        (_text_file, "damaged, or no backup"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(
    house: House, tmp_path: Path, spoiled: Callable[[Path], Path], told: str
) -> None:
    """One sentence that names the file and what is wrong; nothing is made."""
    file = spoiled(_backup(house, tmp_path / "b.zip"))

    with pytest.raises(NotReady, match=told):
        _restore(_elsewhere(tmp_path), file)

    assert not list(tmp_path.glob("new.*"))


def test_a_copied_database_is_told_from_a_backup(house: House, tmp_path: Path) -> None:
    """A file of SQLite needs no restoring, and it is said how it is used."""
    assert house.database.path is not None

    with pytest.raises(NotReady, match="no backup archive; to use it, copy it"):
        _restore(_elsewhere(tmp_path), house.database.path)


# --------------------------------------------------------------------- older backups


def test_a_backup_of_an_older_schema_is_upgraded(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes into the tables of its time, and they are brought to this program's."""
    old = Database(f"sqlite:///{tmp_path / 'old.db'}")
    shapes = _older_tables(old)
    remembered = house.keys.check_values()[0]
    add = Statement(text("INSERT INTO installation VALUES ('key_check', :value)"))
    old.write(lambda tx: tx.run(add, value=remembered))
    monkeypatch.setattr(archive, "SHAPES", shapes)
    made = Made("0.0.1", "2026-01-01T00:00:00+00:00", "sqlite", "0006", with_key=True)
    file, key = tmp_path / "old.zip", house.keys.text()
    archive.write(old.reader(), file, made, key=key, told=lambda rows: None)
    old.close()
    settings = _elsewhere(tmp_path)

    _restore(settings, file)

    opened = open_house(settings)
    state, names = upgrade.schema(opened.database), _names(opened.database)
    opened.database.close()
    assert (state, names) == (Schema.CURRENT, ["database:restored"])


def _older_tables(database: Database) -> tuple[Shape, ...]:
    """Make the tables of an older schema; returns what they consist of."""
    database.reader()
    with upgrade._engine(database).begin() as connection:
        command.upgrade(upgrade._config(connection), "0006")
        seen = inspect(connection)
        found = {
            name: {column["name"] for column in seen.get_columns(name)}
            for name in seen.get_table_names()
        }
    older = tuple(
        replace(s, columns={n: k for n, k in s.columns.items() if n in found[s.table]})
        for s in SHAPES
        if s.table in found
    )
    assert len(older) < len(SHAPES)
    return older

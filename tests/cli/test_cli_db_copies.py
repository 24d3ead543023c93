"""``db backup``, ``db restore`` and ``db copy`` as an operator types them."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import main
from tests.server import ROOT

Run = Callable[..., Result]


def _backups(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("scim-connector-backup-*.zip"))


def test_a_backup_is_put_back(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dated private file; in an empty folder it makes database and key again."""
    run("user", "add", "--email", "ann@example.com", "--last", "Ann")
    told = run("db", "backup").stdout
    (name,) = _backups(tmp_path)
    there = run("db", "restore", name, code=2).stderr
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    restored = run("db", "restore", f"../{name}").stdout

    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert f"rows are in {name}" in told
    assert "The secret key is in it." in told
    assert "exists already, and nothing is written over. Move it away" in there
    assert "each table and the chain of audit proven" in restored
    assert "The secret key is in scim-connector.key." in restored
    assert "let each provider run a whole cycle" in restored
    assert run("db", "check").stdout.strip() == "All is well."
    assert "ann@example.com" in run("user", "list").stdout
    assert "database:restored" in run("audit", "list").stdout


def test_a_backup_without_the_key_says_so(run: Run, tmp_path: Path) -> None:
    """And where the key file belongs, when it is restored without it."""
    told = run("db", "backup", "b.zip", "--without-key").stdout
    for file in ("scim-connector.db", "scim-connector.key"):
        (tmp_path / file).rename(tmp_path / f"old.{file}")
    for file in tmp_path.glob("scim-connector.db-*"):
        file.unlink()

    refused = run("db", "restore", "b.zip", code=2).stderr

    assert "The secret key is not in it." in told
    assert "put the key file at scim-connector.key first" in refused


def test_the_oldest_dated_backups_are_removed(run: Run, tmp_path: Path) -> None:
    """Of the names that this command gives, and of no other file."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"scim-connector-backup-2026010{day}-000000.zip").touch()
    (folder / "scim-connector-backup-mine.zip").touch()

    told = run("db", "backup", "backups", "--keep", "2").stdout

    kept = _backups(folder)
    assert "scim-connector-backup-20260103-000000.zip" in kept
    assert "scim-connector-backup-mine.zip" in kept
    assert len(kept) == 3
    assert told.count("Removed") == 2
    assert "name a folder" in run("db", "backup", "x.zip", "--keep", "2", code=2).stderr


def test_the_nightly_backup_runs_as_its_unit_says(run: Run, tmp_path: Path) -> None:
    """The command of deploy/systemd, with another folder."""
    unit = (ROOT / "deploy/systemd/scim-connector-backup.service").read_text()
    (line,) = [x for x in unit.splitlines() if x.startswith("ExecStart=")]
    program, *arguments = shlex.split(line.partition("=")[2])
    (tmp_path / "night").mkdir()
    folder = "/var/backups/scim-connector"

    run(*("night" if each == folder else each for each in arguments))

    assert program.endswith("/scim-connector")
    assert folder in arguments
    assert len(_backups(tmp_path / "night")) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("backup", "scim-connector.db"), "exists already; name another file"),
        (("backup", "none/b.zip"), "cannot be written: No such file"),
        (
            ("copy", "--to", "sqlite:///scim-connector.db"),
            "exists already, and nothing",
        ),
        (
            ("copy", "--to", "mysql://host/x"),
            "--to cannot be used: mysql is not supported",
        ),
        (("copy", "--to", "sqlite:///none/new.db"), "cannot be made"),
        (("copy", "--to", "postgresql://x@127.0.0.1:1/x"), "cannot be reached"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    """Exit code 2 and what to do; nothing is made."""
    result = run("db", *arguments, code=2)

    assert told in result.stderr
    assert "Traceback" not in result.output


def test_a_backup_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder, too, where restoring begins."""
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["db", "restore", "none.zip"])

    assert result.exit_code == 2
    assert "There is no file none.zip." in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_held_until_enter(run: Run, tmp_path: Path) -> None:
    """The copy is proven and told first; the source has the same rows as before."""
    before = _dump(tmp_path / "scim-connector.db")

    told = run("db", "copy", "--to", "sqlite:///moved.db", "--hold").stdout

    assert "are in sqlite:///moved.db" in told
    assert "then press Enter" in told
    assert _dump(tmp_path / "scim-connector.db") == before
    moved = _dump(tmp_path / "moved.db")
    assert len(set(moved) - set(before)) == 1  # the event of the copy


def _dump(file: Path) -> list[str]:
    with sqlite3.connect(file) as raw:
        return list(raw.iterdump())

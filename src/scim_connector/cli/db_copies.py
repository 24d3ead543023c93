"""``db backup``, ``db restore`` and ``db copy``: the whole database, elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from scim_connector.cli.context import act, explaining, fail, load_settings, opens
from scim_connector.cli.output import progress
from scim_connector.wiring import backups, copying

if TYPE_CHECKING:
    from scim_connector.directory.portable import Told
    from scim_connector.wiring import House
    from scim_connector.wiring.copying import Copied

_NAME: Final = "scim-connector-backup"


@contextmanager
def _bar(length: int, label: str) -> Iterator[Told]:
    with progress(length, label) as bar:
        yield bar.update


# --------------------------------------------------------------------------- backup


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--without-key", is_flag=True, help="Leave the secret key out.")
@click.option(
    "--keep",
    type=click.IntRange(1, 10_000),
    help="Afterwards remove all but the newest N dated backups of the folder.",
)
@opens
def backup(
    house: House, file: Path | None, without_key: bool, keep: int | None
) -> None:
    """Write everything to FILE while the server is in use.

    FILE may be a folder: the backup gets a dated name in it; so it does beside the
    database, or here, without FILE. The secret key is in it: keep it as you keep the
    server. It is a ZIP file; README.txt and manifest.json in it say what else there is.
    """
    folder = _folder(house, file)
    if keep is not None and folder is None:
        raise fail("--keep is for dated names; name a folder instead of a file.")
    to = file if folder is None else folder / _dated()
    assert to is not None  # noqa: S101 - a folder or a file
    began = monotonic()
    made = _write(house, to, with_key=not without_key)
    key = "The secret key is not in it." if without_key else "The secret key is in it."
    size, took = to.stat().st_size / 1e6, monotonic() - began
    click.echo(f"{made:,} rows are in {to} ({size:,.1f} MB, {took:.1f} s). {key}")
    if folder is not None and keep is not None:
        _remove_old(folder, keep)


def _write(house: House, to: Path, *, with_key: bool) -> int:
    try:
        made = backups.back_up(house, to, with_key=with_key, act=act(), bars=_bar)
    except FileExistsError:
        raise fail(f"{to} exists already; name another file.") from None
    except OSError as error:
        raise fail(f"{to} cannot be written: {error.strerror}.") from None
    return made.rows


def _folder(house: House, file: Path | None) -> Path | None:
    """Where a dated name goes; None when FILE is a file."""
    if file is None:
        path = house.database.path
        return Path() if path is None else path.parent
    return file if file.is_dir() else None


def _dated() -> str:
    return f"{_NAME}-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"


def _remove_old(folder: Path, keep: int) -> None:
    """Remove the oldest dated backups; their names are in the order of time."""
    mark = "[0-9]"
    pattern = f"{_NAME}-{mark * 8}-{mark * 6}.zip"
    for old in sorted(folder.glob(pattern))[:-keep]:
        old.unlink()
        click.echo(f"Removed {old}.")


# -------------------------------------------------------------------------- restore


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Make the database of the settings from the backup FILE.

    Only where no database is yet: nothing is written over. Of either kind: a backup of
    SQLite restores into PostgreSQL, and the other way round. Everything is checked
    before, and proven after.
    """
    settings = load_settings(ctx.find_root().obj)
    began = monotonic()
    with explaining():
        restored = backups.restore(settings, file, act=act(), bars=_bar)
    made = restored.manifest.made
    click.echo(
        f"{restored.manifest.rows:,} rows of {made.made_at} are in {restored.place}"
        f" ({monotonic() - began:.1f} s), each table and the chain of audit proven."
    )
    if restored.key_file is not None:
        click.echo(f"The secret key is in {restored.key_file}.")
    click.echo(
        "What happened after that time is not in it: let each provider run a whole"
        " cycle, and end sessions that should not last."
    )


# ----------------------------------------------------------------------------- copy


@click.command()
@click.option("--to", "url", required=True, metavar="URL", help="An empty database.")
@click.option(
    "--hold",
    is_flag=True,
    help="When it is copied, let nobody write here until Enter is pressed.",
)
@opens
def copy(house: House, url: str, hold: bool) -> None:
    """Copy everything into the empty database URL, from SQLite or PostgreSQL to either.

    Meanwhile reads are answered here and writes are refused with 503 and Retry-After.
    The copy is kept only when every table is proven equal. To move, use --hold: point
    the server at URL and restart it before you press Enter.

    A password in URL is seen by others of this machine: use PGPASSWORD or ~/.pgpass.
    """
    began = monotonic()

    def then(copied: Copied) -> None:
        click.echo(
            f"{copied.rows:,} rows of {len(copied.tables)} tables are in {copied.place}"
            f" ({monotonic() - began:.1f} s), each table and the chain of audit proven."
        )
        if hold:
            _wait()

    copying.copy(house, url, act=act(), bars=_bar, then=then)


def _wait() -> None:
    """Hold the old database still until somebody says that nobody uses it any more."""
    click.echo(
        "Nobody writes here while this waits. Put the new address into the settings,"
        " restart the server, then press Enter."
    )
    sys.stdout.flush()
    sys.stdin.readline()

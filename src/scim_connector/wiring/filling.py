"""What restoring and copying share: an empty place, its rows counted, and the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from scim_connector.directory import founding, portable
from scim_connector.directory.founding import BeingMade, NotProven
from scim_connector.directory.portable import NotLoaded
from scim_connector.directory.upgrade import NotEmpty
from scim_connector.settings import PREFIX
from scim_connector.wiring.house import NotReady, cannot_be_made

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.portable import Row, Sum, Told
    from scim_connector.directory.shapes import Shape

Bars = Callable[[int, str], AbstractContextManager["Told"]]
"""Shows progress: how many rows there are, and what happens to them."""


@contextmanager
def open_place(database: Database) -> Iterator[Database]:
    """A place for a new database, closed again at the end; raises NotReady, if used.

    Whatever goes wrong while it is made there is said in one sentence.
    """
    where = database.path or database.url.render_as_string(hide_password=True)
    try:
        if not founding.is_empty(database):
            raise NotEmpty
        yield database
    except NotEmpty:
        raise NotReady(_in_the_way(database)) from None
    except BeingMade:
        raise NotReady(
            f"Somebody makes the database {where} at this moment; nothing was changed."
        ) from None
    except (NotProven, NotLoaded) as error:
        raise NotReady(f"Nothing was kept at {where}: {error}.") from None
    except (SQLAlchemyError, OSError) as error:
        raise NotReady(
            f"{cannot_be_made(database, error)}. Nothing was kept."
        ) from None
    finally:
        database.close()


def _in_the_way(database: Database) -> str:
    file = founding.occupied_by(database)
    if file is not None:
        return (
            f"{file} exists already, and nothing is written over. Move it away, or name"
            f" another database in {PREFIX}DATABASE_URL."
        )
    where = database.url.render_as_string(hide_password=True)
    return (
        f"The database {where} has tables already, and nothing is written over."
        " Name an empty one."
    )


def counted(batches: Iterable[list[Row]], told: Told) -> Iterator[list[Row]]:
    """The same rows, each batch told when it was taken."""
    for rows in batches:
        yield rows
        told(len(rows))


def prove(tx: Transaction, tables: Iterable[tuple[Shape, Sum]], told: Told) -> None:
    """Read everything again; raises NotProven where a table is not as it should be."""
    for shape, wanted in tables:
        found = portable.summed(tx, shape, told)
        if found != wanted:
            raise NotProven(
                f"the table {shape.table} has {found.rows} rows of {wanted.rows},"
                " or they are not the same"
            )

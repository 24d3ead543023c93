"""One server for all tests of the RFCs; the names in them never meet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests import server
from tests.rfc.asking import TYPED
from tests.server import Server

_DECLARED = {
    "rank": "integer",
    "share": "decimal",
    "since": "dateTime",
    "page": "reference",
    "trusted": "boolean",
}
"""An attribute of each type that the core schema does not have for certain."""


@pytest.fixture(scope="session")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an empty directory, asked by its first connection."""
    with server.running(tmp_path_factory.mktemp("rfc")) as running:
        yield running


@pytest.fixture(scope="session")
def other(scim: Server) -> Iterator[Server]:
    """The same server, asked by another connection."""
    with _asked_by(scim, scim.connection("other", "--kind", "generic")) as asked:
        yield asked


@pytest.fixture(scope="session")
def by_the_book(scim: Server) -> Iterator[Server]:
    """The same server, asked by a connection without our leniencies."""
    off = ("filtered-path-creates", "missing-schemas", "remove-absent")
    flags = [word for quirk in off for word in ("--quirk-off", quirk)]
    token = scim.connection("by-the-book", "--kind", "generic", "--strict", *flags)
    with _asked_by(scim, token) as asked:
        yield asked


@pytest.fixture(scope="session")
def typed(scim: Server) -> Iterator[Server]:
    """The same server, asked by a connection that declares attributes of each type."""
    shipped = (server.ROOT / "mappings" / "generic.toml").read_text("utf-8")
    tables = [
        f'[[attribute]]\nurn = "{TYPED}"\nname = "{name}"\ntype = "{kind}"\n'
        for name, kind in _DECLARED.items()
    ]
    mapping = scim.folder / "typed.toml"
    mapping.write_text("\n".join([shipped, *tables]))
    flags = ("--kind", "generic", "--mapping", str(mapping))
    with _asked_by(scim, scim.connection("typed", *flags)) as asked:
        yield asked


@contextmanager
def _asked_by(scim: Server, token: str) -> Iterator[Server]:
    asked = replace(scim, token=token, _client=None)
    yield asked
    asked.disconnect()

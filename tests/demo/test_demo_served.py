"""``serve --demo`` as somebody meets it who only wants to look."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scim_connector.directory import conflicts, receipts, request_log
from scim_connector.directory.database import Database
from scim_connector.directory.request_log import Entry
from scim_connector.directory.users import Query, search
from tests import server
from tests.browser import Browser, Page
from tests.server import PROGRAM, Server

SECONDS = 40.0
_FOLDER = re.compile(r"^Everything is in (\S+) and vanishes", re.MULTILINE)
_PASSWORD = re.compile(r"^Password:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """A running demo: its server, what it said, and its database, only read."""

    scim: Server
    said: str
    folder: Path
    database: Database

    @property
    def address(self) -> str:
        return self.scim.base_url.removesuffix("/scim/v2")

    def log(self) -> list[Entry]:
        return request_log.newest(self.database.reader(), at_most=2000)

    def linked(self) -> int:
        query = Query(managed=True, api_user=False, at_most=500)
        return len(search(self.database.reader(), query))

    def open_kinds(self) -> Counter[str]:
        return Counter(c.kind for c in conflicts.every(self.database.reader()))

    def has_receipt(self) -> bool:
        """Whether a provider's deactivation has ended a session."""
        return any(
            receipt.connection_id is not None and receipt.controls["sessions"]
            for receipt in receipts.newest(self.database.reader())
        )

    def lives(self) -> bool:
        """Whether everything that a screen shows has happened."""
        return self.has_receipt() and self.linked() > 40 and bool(self.open_kinds())

    def sign_in(self, browser: Browser) -> Page:
        password = _PASSWORD.search(self.said)
        assert password is not None
        page = browser.get(f"{self.address}/login")
        fields = {"username": "administrator", "password": password[1]}
        return browser.fill(page, "/login/password", **fields)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that has played until every screen has something to show, 40 s at most."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "scim-connector.toml").write_text('smtp_host = "mail.invalid"\n')
    with server.running(folder, arguments=["--demo"]) as scim:
        said = (folder / "server.out").read_text()
        place = _FOLDER.search(said)
        assert place is not None
        database = Database(f"sqlite:///{place[1]}/scim-connector.db")
        demo = Demo(scim, said, Path(place[1]), database)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and not demo.lives():
            time.sleep(0.5)
        yield demo
        database.close()
    assert not demo.folder.exists()


def test_every_screen_lives_within_forty_seconds(demo: Demo) -> None:
    """Linked people, conflicts of each kind, and a receipt that ended a session."""
    kinds = demo.open_kinds()

    assert demo.linked() > 40
    assert demo.has_receipt()
    assert kinds["email_taken"] >= 3
    assert kinds["inactive_match"] == kinds["possible_duplicate"] == 1


def test_the_log_shows_refusals_of_each_kind_and_no_failure_of_ours(demo: Demo) -> None:
    """An address taken, one missing, a teacher refused by the mapping; no 5xx."""
    log = demo.log()
    refused = Counter(e.reason for e in log if e.status in {400, 409})

    assert refused["email_taken"] >= 1
    assert refused["email_missing"] >= 1
    assert refused["invalidValue"] >= 2
    assert [e for e in log if e.status >= 500] == []
    assert {e.action for e in log} >= {"Create", "Link", "Read", "Update", "Disable"}


def test_the_printed_administrator_sees_the_console(demo: Demo) -> None:
    """The password stands in the output, and needs no second factor."""
    browser = Browser()

    page = demo.sign_in(browser)
    console = browser.get(f"{demo.address}/admin")

    assert page.status == console.status == 200
    assert console.path == "/admin"
    assert {"entra", "okta"} <= set(console.words.split())


def test_nothing_is_made_where_it_was_started(demo: Demo) -> None:
    """The folder keeps what it had, its settings count for nothing."""
    made = {p.name for p in demo.scim.folder.iterdir()}

    assert made == {"scim-connector.toml", "server.out", "server.err"}
    assert (demo.folder / "mail").is_dir()


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ((), {"SCIM_CONNECTOR_DATABASE_URL": "sqlite:///real.db"}),
        (("--config", "real.toml"), {}),
        (("--host", "0.0.0.0"), {}),  # noqa: S104 - it is refused
    ],
)
def test_a_demo_refuses_whatever_is_real(
    tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str]
) -> None:
    """With a database, settings or an address of one's own it ends and makes nothing."""
    run = subprocess.run(
        [*PROGRAM, "serve", "--demo", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(server.SOURCE), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 2
    assert (list(settings) or [arguments[0]])[0] in run.stderr
    assert "Nothing was changed" in run.stderr
    assert list(tmp_path.iterdir()) == []

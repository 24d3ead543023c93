"""Backups and copies of a house that is being written to, on real servers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep, time_ns
from typing import IO
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests import authenticator, server
from tests.browser import Browser, Page
from tests.house import person
from tests.mailroom import PASSWORD
from tests.server import PROGRAM, Reply, Server

Place = Callable[[str], str]
ROADS = [("sqlite", "postgresql"), ("postgresql", "sqlite")]
URL, KEY = "SCIM_CONNECTOR_DATABASE_URL", "SCIM_CONNECTOR_SECRET_KEY_FILE"
_KEY = re.compile(r"<code>([A-Z2-7 ]{32,})</code>")
_SETUP = re.compile(r"(http://\S+/setup/\S+)")


@dataclass
class Provider:
    """A provider that never stops: it creates somebody, and lists, again and again."""

    scim: Server
    created: list[str] = field(default_factory=list)
    wrong: list[tuple[str, int]] = field(default_factory=list)
    waited: float = 0.0
    _ended: Event = field(default_factory=Event)

    def run(self) -> None:
        mine = replace(self.scim, _client=None)
        while not self._ended.is_set():
            email = f"{uuid4().hex}@contoso.com"
            began = monotonic()
            posted = mine.send("POST", "/Users", person(email))
            listed = mine.send("GET", "/Users?count=1")
            self.waited = max(self.waited, monotonic() - began)
            if posted.status == 201:
                self.created.append(email)
            elif posted.status == 503 and "retry-after" in posted.headers:
                self._ended.wait(0.05)  # at full speed it would meet the rate limit
            else:
                self.wrong.append(("POST", posted.status))
            if listed.status != 200:
                self.wrong.append(("GET", listed.status))
        mine.disconnect()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work in the background; at the end nothing may have gone wrong."""
        thread = Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(30)
        assert self.wrong == []


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def _cli(scim: Server, url: str, *arguments: str) -> str:
    """Run a command on another database with the key of *scim*."""
    key = str(scim.folder / "scim-connector.key")
    return replace(
        scim, environment={**scim.environment, URL: url, KEY: key}, _client=None
    ).cli(*arguments)


def _finds(scim: Server, email: str) -> int:
    wanted = quote(f'userName eq "{email}"')
    found: Reply = scim.send("GET", f"/Users?filter={wanted}")
    assert found.status == 200, found.content
    total: int = found.body["totalResults"]
    return total


@dataclass
class Administrator:
    """The first administrator, with a password and an authenticator app."""

    email: str = "ann.lee@contoso.com"
    secret: bytes = b""

    @classmethod
    def made(cls, scim: Server) -> Administrator:
        """Make them behind the printed link, and sign in for the first time."""
        found = _SETUP.search((scim.folder / "server.out").read_text())
        assert found is not None
        ann, browser = cls(), Browser()
        page = browser.get(found[1])
        form = {"first_name": "Ann", "last_name": "Lee", "email": ann.email}
        words = {"password": PASSWORD, "again": PASSWORD}
        browser.post(page.url, {**page.fields, **form, **words})
        page = ann._password(browser, scim)
        key = _KEY.search(page.text)
        assert key is not None
        ann.secret = authenticator.typed(key[1])
        code = {"code": authenticator.code(ann.secret, _present())}
        browser.post(_at(scim, "/login/set-up"), {**page.fields, **code})
        return ann

    def signs_in(self, scim: Server) -> str:
        """Sign in by the pages; returns the words of the own account."""
        browser = Browser()
        page = self._password(browser, scim)
        code = {"code": authenticator.code(self.secret, _present() + 30_000_000)}
        browser.post(_at(scim, "/login/code"), {**page.fields, **code})
        return browser.get(_at(scim, "/account")).words

    def is_told(self, scim: Server) -> tuple[int, str | None, str]:
        """Sign in while that cannot be: status, when to come again, and the reason."""
        page = self._password(Browser(), scim)
        told = re.search(r"The database [\w ;]+", page.words)
        return page.status, page.headers["retry-after"], told[0] if told else ""

    def _password(self, browser: Browser, scim: Server) -> Page:
        page = browser.get(_at(scim, "/login"))
        form = {**page.fields, "username": self.email, "password": PASSWORD}
        return browser.post(_at(scim, "/login/password"), form)


def _at(scim: Server, path: str) -> str:
    return f"http://127.0.0.1:{scim.port}{path}"


def _present() -> int:
    return time_ns() // 1000


# --------------------------------------------------------------------------- backup


@pytest.mark.parametrize(("kind", "to"), ROADS)
def test_the_drill(tmp_path: Path, place: Place, kind: str, to: str) -> None:
    """A backup of a server in use, restored elsewhere: sound, and everybody gets in.

    Whoever was answered 201 before the backup began is in it; writers never waited for
    it, and a head of audit that was kept before is in the chain.
    """
    source = {URL: place(kind)}
    with server.running(_folder(tmp_path, "old"), environment=source) as scim:
        ann = Administrator.made(scim)
        provider = Provider(scim)
        with provider.at_work():
            _until(lambda: len(provider.created) >= 20)
            sleep(1.2)  # a seal a second
            (tmp_path / "head").write_text(scim.cli("audit", "head"))
            before = list(provider.created)
            scim.cli("db", "backup", str(tmp_path / "b.zip"))
            after = len(provider.created)
        token = scim.token

    folder, new = _folder(tmp_path, "new"), {URL: place(to)}
    restored = replace(scim, folder=folder, environment={**scim.environment, **new})
    said = restored.cli("db", "restore", str(tmp_path / "b.zip"))
    checked = restored.cli("db", "check")
    verified = restored.cli("audit", "verify", "--head", str(tmp_path / "head"))
    with server.running(folder, environment=new, token=token) as again:
        found = [_finds(again, email) for email in (before[0], before[-1])]
        later = again.send("POST", "/Users", person("later@contoso.com")).status
        account = ann.signs_in(again)
    rechecked = restored.cli("db", "check")

    assert after > len(before)
    assert provider.waited < 5
    assert "each table and the chain of audit proven" in said
    assert checked.strip() == rechecked.strip() == "All is well."
    assert "and 1 heads are in the chain" in verified
    assert (found, later) == ([1, 1], 201)
    assert "Ann Lee" in account


def _until(holds: Callable[[], bool]) -> None:
    ends = monotonic() + 30
    while not holds():
        assert monotonic() < ends
        sleep(0.05)


# ----------------------------------------------------------------------------- copy


@contextmanager
def _copying(scim: Server, url: str) -> Iterator[IO[str]]:
    """A copy that is held; at the end Enter is pressed, and it ends well."""
    process = subprocess.Popen(
        [*PROGRAM, "db", "copy", "--to", url, "--hold"],
        cwd=scim.folder,
        env=dict(scim.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield process.stdout
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize(("kind", "to"), ROADS)
def test_a_house_moves(tmp_path: Path, place: Place, kind: str, to: str) -> None:
    """Writers are told to come again, readers answered; nothing that was 201 is lost."""
    source, url = {URL: place(kind)}, place(to)
    with server.running(_folder(tmp_path, "old"), environment=source) as scim:
        ann = Administrator.made(scim)
        provider = Provider(scim)
        with provider.at_work():
            _until(lambda: len(provider.created) >= 20)
            with _copying(scim, url) as said:
                lines = [said.readline(), said.readline()]
                created = list(provider.created)
                began = monotonic()
                posted = scim.send("POST", "/Users", person("no@contoso.com"))
                took = monotonic() - began
                told = ann.is_told(scim)
                key = {KEY: str(scim.folder / "scim-connector.key"), URL: url}
                new = _folder(tmp_path, "new")
                with server.running(new, environment=key, token=scim.token) as moved:
                    there = [_finds(moved, created[0]), _finds(moved, created[-1])]
                    more = moved.send("POST", "/Users", person("yes@contoso.com"))
                    account = ann.signs_in(moved)
                total = _finds(scim, "no@contoso.com")
                assert len(provider.created) == len(created)
            _until(lambda: len(provider.created) > len(created))
        checked = _cli(scim, url, "db", "check"), _cli(scim, url, "audit", "verify")
        old = scim.cli("db", "check"), scim.cli("audit", "list")

    assert "each table and the chain of audit proven" in lines[0]
    assert "then press Enter" in lines[1]
    assert posted.status == 503
    assert posted.headers["retry-after"] == "30"
    assert "The database is being copied; nothing was changed" in posted.body["detail"]
    assert took < 1
    assert told == (503, "30", "The database is being copied; nothing was changed")
    assert (there, more.status, total) == ([1, 1], 201, 0)
    assert "Ann Lee" in account
    assert checked[0].strip() == old[0].strip() == "All is well."
    assert "events are as they were written" in checked[1]
    assert "database:copied" not in old[1]


#: A copy that gets as far as the proof, and stays there.
_STALLS = """
import time
from scim_connector.cli import main
from scim_connector.directory import portable

def stall(*_):
    print("filled", flush=True)
    time.sleep(60)

portable.summed = stall
main()
"""


@pytest.mark.parametrize(("kind", "to"), ROADS)
def test_a_copy_that_is_killed_leaves_nothing(
    tmp_path: Path, place: Place, kind: str, to: str
) -> None:
    """The source is written to again at once, and the next copy begins anew."""
    source, url = {URL: place(kind)}, place(to)
    with server.running(_folder(tmp_path, "old"), environment=source) as scim:
        assert scim.send("POST", "/Users", person("one@contoso.com")).status == 201
        process = subprocess.Popen(
            [sys.executable, "-c", _STALLS, "db", "copy", "--to", url],
            cwd=scim.folder,
            env=dict(scim.environment),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        filled = process.stdout.readline()
        during = scim.send("POST", "/Users", person("two@contoso.com")).status
        process.kill()
        process.communicate(timeout=10)
        _until(
            lambda: scim.send("POST", "/Users", person("two@contoso.com")).status == 201
        )
        again = scim.cli("db", "copy", "--to", url)
        checked = _cli(scim, url, "db", "check")

    assert filled == "filled\n"
    assert during == 503
    assert "each table and the chain of audit proven" in again
    assert checked.strip() == "All is well."
    assert not list(tmp_path.glob("*.unfinished*"))

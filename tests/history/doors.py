"""Every door of two server processes, as clients knock at them."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.history.recorder import Unclear
from tests.provider import OpenIdProvider
from tests.server import PROGRAM, START_SECONDS, Server, ServerFailed, free_port

APPLICATION = "nextgen"
_SESSION = f"__Host-session-{APPLICATION}"
_NETWORKS = cycle(range(1, 0xFFFF))
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as anybody here looks."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies it sets."""
        lines = self.headers.get_all("Set-Cookie") or []
        pairs = [line.partition(";")[0].partition("=") for line in lines]
        return {name: value for name, _, value in pairs}

    @property
    def granted(self) -> bool:
        """Yes or no; raises Unclear for neither."""
        if self.status >= 500 or self.status == 429:
            raise Unclear(self.status)
        return self.status < 400


def send(
    address: str,
    method: str,
    path: str,
    form: Mapping[str, str] | None = None,
    **headers: str,
) -> Reply:
    """Send one request on a connection of its own, as if from a network of its own.

    What fails makes a network wait, and that is not what is tested here.
    """
    place = urlsplit(address)
    client = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["X-Forwarded-For"] = f"2001:db8:{next(_NETWORKS):x}::1"
    if form is not None:
        sent |= {"Content-Type": _FORM, "Origin": address}
    try:
        body = None if form is None else urlencode(form)
        client.request(method, path, body, sent)
        answer = client.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        client.close()


@contextmanager
def second(scim: Server) -> Iterator[str]:
    """A further server process on the same database; yields its address."""
    port = free_port()
    with (scim.folder / "second.err").open("wb") as said:
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", str(port), "--workers", "1"],
            cwd=scim.folder,
            env=dict(scim.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            send(address, "GET", "/healthz")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ServerFailed("the second server did not start")


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors for people and programs at one server; *secrets* of applications by name.

    Each returns what it gave, or None where it refused; raises Unclear.
    """

    address: str
    provider: OpenIdProvider
    secrets: Mapping[str, str]

    # ------------------------------------------------------------------- signing in

    def sso(self, subject: str) -> str | None:
        """Sign in at the provider; gives the token of a session."""
        path = f"/login/at/default?application={APPLICATION}"
        begun = send(self.address, "GET", path)
        if not begun.granted:
            return None
        ticket = begun.cookies["__Host-sign-in"]
        there = urlsplit(begun.headers["Location"])
        agreed = send(
            self.provider.issuer,
            "POST",
            f"{there.path}?{there.query}",
            {"sub": subject},
        )
        back = urlsplit(agreed.headers["Location"])
        cookie = f"__Host-sign-in={ticket}"
        done = send(self.address, "GET", f"{back.path}?{back.query}", Cookie=cookie)
        return done.cookies.get(_SESSION) if done.granted else None

    def password(self, username: str, password: str) -> str | None:
        """Sign in with a password; gives the token of a session."""
        form = {"username": username, "password": password, "application": APPLICATION}
        done = send(self.address, "POST", "/login/password", form)
        return done.cookies.get(_SESSION) if done.granted else None

    def link(self, path: str, password: str) -> str | None:
        """Use a mailed link up; gives the password it set."""
        form = {"password": password, "again": password}
        return password if send(self.address, "POST", path, form).granted else None

    # --------------------------------------------------------------------- sessions

    def verify(self, session: str) -> bool | None:
        """Ask as a proxy does."""
        path = f"/auth/verify?application={APPLICATION}"
        asked = send(self.address, "GET", path, Cookie=f"{_SESSION}={session}")
        return True if asked.granted else None

    def renew(self, session: str) -> str | None:
        """Exchange the token of a session for the next one."""
        path = f"/auth/renew?application={APPLICATION}"
        done = send(self.address, "POST", path, Authorization=f"Bearer {session}")
        return str(json.loads(done.body)["access_token"]) if done.granted else None

    def introspect(self, token: str, application: str = APPLICATION) -> bool | None:
        """Ask as an application does (RFC 7662)."""
        shown = _basic(application, self.secrets[application])
        form = {"token": token}
        asked = send(
            self.address, "POST", "/oauth2/introspect", form, Authorization=shown
        )
        if not asked.granted:
            raise Unclear(asked.status)
        return True if json.loads(asked.body)["active"] else None

    # --------------------------------------------------------------------- programs

    def exchange(self, username: str, key: str) -> str | None:
        """Exchange the key of an API user for a token."""
        form = {"grant_type": "client_credentials"}
        shown = _basic(username, key)
        done = send(self.address, "POST", "/oauth2/token", form, Authorization=shown)
        return str(json.loads(done.body)["access_token"]) if done.granted else None


def _basic(name: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


def mailed_links(folder: Path) -> dict[str, str]:
    """The newest password link mailed to each address, as a path."""
    found: dict[str, str] = {}
    for file in sorted(
        (folder / "mail").glob("*.eml"), key=lambda f: f.stat().st_mtime
    ):
        text = file.read_text().replace("=\n", "")
        to = re.search(r"^To: .*?<?([\w.@-]+)>?$", text, re.MULTILINE)
        link = re.search(r"http://[\w.:]+(/password/[\w-]+)", text)
        if to and link:
            found[to[1]] = link[1]
    return found


def cli(scim: Server, *arguments: str) -> Any:
    """Run one command; True if it worked, None if it refused."""
    run = subprocess.run(
        [sys.executable, *PROGRAM[1:], *arguments],
        cwd=scim.folder,
        env=dict(scim.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return True if run.returncode == 0 else None

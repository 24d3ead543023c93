"""A whole site: the gate and an application behind nginx, and a provider beside it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urljoin

from tests import server, tls
from tests.browser import Browser, Page
from tests.e2e import application, certified, nginx
from tests.e2e.application import Application
from tests.e2e.certified import CertifiedProvider
from tests.server import Server, free_port

PASSWORD = "seven wooden herons at noon"
CONNECTION = "default"
_MAIL_SECONDS = 20.0


class _Here(http.client.HTTPSConnection):
    """An https connection to this machine, whatever the host is called."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


@dataclass
class SiteBrowser(Browser):
    """A browser for which every https host is this machine.

    *accepts* and *fetch_site* are the headers it sends under these names.
    """

    accepts: str = "text/html"
    fetch_site: str = ""

    def _headers(
        self, place: SplitResult, origin: str | None, kind: str
    ) -> dict[str, str]:
        headers = super()._headers(place, origin, kind) | {"Accept": self.accepts}
        if self.fetch_site:
            headers["Sec-Fetch-Site"] = self.fetch_site
        return headers

    def _connection(self, place: SplitResult) -> http.client.HTTPConnection:
        if place.scheme == "https":
            return _Here(str(place.hostname), place.port, timeout=30)
        return super()._connection(place)

    def sign_in_at(self, page: Page, name: str) -> Page:
        """Type a name at the sign-in page of the provider."""
        assert "Contoso sign-in" in page.text, page.words
        return self.post(page.url, {"login": name})


@dataclass(slots=True)
class Site:
    """The parts of a running site, and its two addresses."""

    gate: str
    there: str
    scim: Server
    application: Application
    provider: CertifiedProvider
    folder: Path

    def person(self, login: str, **more: Any) -> str:
        """Provision somebody by SCIM; returns the SCIM id."""
        email = f"{login}@contoso.com"
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": email,
            "externalId": login,
            "name": {"givenName": login.capitalize(), "familyName": "Virtanen"},
            "emails": [{"type": "work", "value": email, "primary": True}],
            **more,
        }
        answer = self.scim.send("POST", "/Users", body)
        assert answer.status == 201, answer.content
        return str(answer.body["id"])

    def deactivate(self, scim_id: str) -> None:
        """What a provider sends when access is taken away."""
        change = {"op": "replace", "path": "active", "value": False}
        answer = self.scim.send("PATCH", f"/Users/{scim_id}", {"Operations": [change]})
        assert answer.status == 200, answer.content

    def link_of(self, name: str, count: int = 1) -> str:
        """The link in the newest of *count* mails to a person of Contoso."""
        return self.link_to(f"{name}@contoso.com", count)

    def link_to(self, address: str, count: int = 1) -> str:
        """The link in the newest of *count* mails to an address, once they are there."""
        deadline = time.monotonic() + _MAIL_SECONDS
        while time.monotonic() < deadline:
            mails = _mails_to(self.folder / "mail", address)
            if len(mails) >= count:
                found = re.search(r"https://\S+/(?:password|email)/\S+", mails[-1])
                assert found is not None, mails[-1]
                return found[0]
            time.sleep(0.1)
        told = self.scim.cli("mail", "list")
        raise AssertionError(f"no mail to {address} in {_MAIL_SECONDS} s:\n{told}")

    def choose_password(self, browser: SiteBrowser, name: str) -> Page:
        """Open the first mailed link, as somebody does who was just provisioned."""
        link = self.link_of(name)
        page = browser.get(link)
        return browser.fill(page, link, password=PASSWORD, again=PASSWORD)

    def through_provider(
        self, browser: SiteBrowser, name: str, path: str = "/"
    ) -> Page:
        """Open the application, choose the provider, sign in there, come back."""
        choice = browser.get(f"{self.there}{path}")
        return browser.sign_in_at(browser.get(way_to_provider(choice)), name)

    def last_reason(self) -> str:
        """Why somebody was refused last, as an administrator reads it."""
        told = json.loads(self.scim.cli("sign-in", "log", "--refused", "--json"))
        return str(told[0]["why"])


def way_to_provider(choice: Page) -> str:
    """Where the button of the provider on the sign-in page leads."""
    found = re.search(r'href="(/login/at/[^"]+)"', choice.text)
    assert found is not None, choice.words
    return urljoin(choice.url, unescape(found[1]))


def _mails_to(folder: Path, address: str) -> list[str]:
    """The plain texts of the mails to an address, the oldest first."""
    texts = []
    for file in sorted(folder.glob("*.eml"), key=lambda each: each.stat().st_mtime_ns):
        message = message_from_bytes(file.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        part = message.get_body(("plain",))
        if address in str(message["To"]) and part is not None:
            texts.append(str(part.get_content()))
    return texts


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Site]:
    """Run a site in *folder*; *settings* are those of the gate."""
    port, inner = free_port(), free_port()
    gate = f"https://{nginx.GATE_HOST}:{port}"
    there = f"https://{nginx.APPLICATION_HOST}:{port}"
    inside = folder / "gate"
    inside.mkdir()
    environment = {
        "SCIM_CONNECTOR_PUBLIC_URL": gate,
        "SCIM_CONNECTOR_TRUSTED_PROXIES": "127.0.0.1",
        "SCIM_CONNECTOR_ORGANISATION": "Contoso College",
        **settings,
    }
    with ExitStack() as parts:
        app = parts.enter_context(application.running())
        scim = parts.enter_context(
            server.running(inside, environment=environment, port=inner)
        )
        text = nginx.placed(port, inner, app.port, tls.certificate(folder))
        parts.enter_context(nginx.running(folder, port, text))
        provider = CertifiedProvider.at(gate, folder)
        parts.callback(provider.stop)
        provider.start()
        site = Site(gate, there, scim, app, provider, inside)
        _register(site)
        yield site


def _register(site: Site) -> None:
    secret = site.folder / "client-secret"
    secret.write_text(certified.CLIENT_SECRET)
    back = ("--redirect", f"{site.there}/auth/accept")
    told = ("--logout-url", site.application.logout_url)
    issuer = ("--issuer", site.provider.issuer, "--client-id", certified.CLIENT_ID)
    by = ("--client-secret-file", str(secret), "--claim", "sub")
    site.scim.cli_batch(
        [
            ["application", "add", "nextgen", "--address", site.there, *back, *told],
            ["sign-in", "set", CONNECTION, *issuer, *by],
            ["sign-in", "on", CONNECTION],
        ]
    )

"""A real server with its console, and people of each role who sit at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

from tests import server
from tests.browser import Browser, Page
from tests.server import Server

PASSWORD = "seven wooden herons at noon"
#: A name that would be a script, if anything ran it.
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
_SETUP = re.compile(r"http\S+/setup/\S+")
_LINK = re.compile(r"http\S+/password/\S+")


@dataclass(slots=True)
class Desk:
    """One person at the console."""

    address: str
    browser: Browser = field(default_factory=Browser)

    def get(self, path: str, *, follow: bool = True) -> Page:
        """Open a page of the console."""
        return self.browser.get(f"{self.address}{path}", follow=follow)

    def post(self, path: str, fields: dict[str, str] | None = None, **how: Any) -> Page:
        """Press a button of the console."""
        return self.browser.post(f"{self.address}{path}", fields or {}, **how)

    def upload(
        self, path: str, fields: dict[str, str], files: dict[str, bytes] | None = None
    ) -> Page:
        """Send a form that holds files."""
        return self.browser.upload(f"{self.address}{path}", fields, files or {})

    def mapping_text(self, connection: int) -> str:
        """The mapping in force for a connection, as its page has it."""
        page = self.get(f"/admin/mapping?connection={connection}")
        whole = page.text.split('name="text"')[1]
        text = whole.partition(">")[2].partition("</textarea>")[0]
        return unescape(text).strip("\n")

    def sign_in(self, name: str) -> Page:
        """Sign in with the password that everybody has here."""
        fields = {"username": name, "password": PASSWORD, "return_to": "/admin"}
        return self.browser.post(f"{self.address}/login/password", fields)


@dataclass(slots=True)
class Office:
    """The server, and the administrator who set it up."""

    scim: Server
    address: str
    admin: Desk

    def setup_link(self) -> str:
        """The link that ``serve`` printed."""
        found = _SETUP.search((self.scim.folder / "server.out").read_text())
        assert found is not None
        return found[0]

    def somebody(self, name: str, *permissions: str, role: str = "") -> Desk:
        """A person who holds one role, with a password and signed in."""
        email = f"{name}@contoso.com"
        held = role or f"Role of {name}"
        allowed = [part for each in permissions for part in ("--allow", each)]
        commands = [] if role else [["role", "add", held, *allowed]]
        commands += [
            ["user", "add", "--email", email, "--last", name.capitalize()],
            ["user", "role", "add", email, held],
        ]
        self.scim.cli_batch(commands)
        self.choose_password(email)
        desk = Desk(self.address)
        desk.sign_in(email)
        return desk

    def choose_password(self, username: str) -> None:
        """Open the link a person was mailed, and choose the password."""
        link = _mailed(self.scim.folder, username)
        page = Browser().get(link)
        assert page.status == 200, page.words
        Browser().fill(page, link, password=PASSWORD, again=PASSWORD)

    def person(self, user_name: str, **more: Any) -> str:
        """Provision somebody by SCIM; returns the SCIM id."""
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
            "externalId": user_name,
            "name": {"givenName": "Kim", "familyName": "Doe"},
            "emails": [{"type": "work", "value": user_name, "primary": True}],
            **more,
        }
        answer = self.scim.send("POST", "/Users", body)
        assert answer.status == 201, answer.content
        return str(answer.body["id"])

    def user_id(self, username: str) -> int:
        """The number of a local user, as it stands in addresses."""
        page = self.admin.get(f"/admin/users?words={username}&format=json")
        return int(re.findall(r'"id":(\d+)', page.text)[0])


def _mailed(folder: Path, address: str) -> str:
    for _ in range(200):
        for file in sorted((folder / "mail").glob("*.eml"), reverse=True):
            text = file.read_text()
            found = _LINK.search(text.replace("=\n", "").replace("=3D", "="))
            if found and f"To: {address}" in text:
                return found[0]
        server.time.sleep(0.05)
    raise AssertionError(f"no mail to {address}")


def set_up(scim: Server) -> Office:
    """Make the first administrator by the printed link, and sign in."""
    address = scim.base_url.removesuffix("/scim/v2")
    office = Office(scim, address, Desk(address))
    page = Browser().get(office.setup_link())
    made = Browser().fill(
        page,
        office.setup_link(),
        first_name="Ada",
        last_name="Lindqvist",
        email="ada@contoso.com",
        password=PASSWORD,
        again=PASSWORD,
    )
    assert made.status == 200, made.words
    office.admin.sign_in("ada@contoso.com")
    return office


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Office]:
    """A console in *folder*, set up."""
    environment = {
        "SCIM_CONNECTOR_SECOND_FACTOR": "off",
        "SCIM_CONNECTOR_ORGANISATION": "Contoso College",
        **settings,
    }
    with server.running(folder, environment=environment) as scim:
        yield set_up(scim)


def live(office: Office) -> None:
    """Let something of everything happen, with a name that would be a script."""
    office.person("anna.virtanen@contoso.com", name={"givenName": "Anna"})
    leaver = office.person("bo.larsen@contoso.com")
    evil = {"givenName": EVIL, "familyName": EVIL}
    names = ("displayName", "nickName", "title", "userType", "locale", "externalId")
    texts = dict.fromkeys(names, EVIL)
    scim_id = office.person(
        "evil@contoso.com", name=evil, **texts, roles=[{"value": EVIL}]
    )
    office.scim.send(
        "POST", "/Groups", {"displayName": EVIL, "members": [{"value": scim_id}]}
    )
    office.scim.send("DELETE", f"/Users/{leaver}")
    body = {
        "userName": "anna.other@contoso.com",
        "name": {"givenName": "Anna", "familyName": EVIL},
        "emails": [{"type": "work", "value": "anna.virtanen@contoso.com"}],
    }
    assert office.scim.send("POST", "/Users", body).status == 409
    office.scim.cli("user", "add", "--email", "old@contoso.com", "--last", "Old")
    office.scim.cli("application", "add", "nextgen", "--address", "https://n.example")
    token = office.scim.connection("entra-rehearsed", "--kind", "entra", "--rehearse")
    office.scim.send(
        "POST", "/Users", body | {"userName": "r@contoso.com"}, token=token
    )
    body |= {"userName": "old.sent@contoso.com"}
    body["emails"] = [{"type": "work", "value": "old@contoso.com"}]
    assert office.scim.send("POST", "/Users", body).status == 409

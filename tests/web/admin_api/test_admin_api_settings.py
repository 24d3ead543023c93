"""Settings and mails by the Admin API: told, never with a secret; sent or dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scim_connector.rules.permissions import PERMISSIONS
from scim_connector.settings import SETTINGS
from tests import admin_api, console, mail_server
from tests.admin_api import Caller
from tests.console import Office
from tests.mail_server import MailServer

# -------------------------------------------------------------------------- settings


def test_every_setting_is_told(machine: Caller) -> None:
    """Name, variable, value, default and meaning, in the order of the documentation."""
    told = machine.get("/settings")
    known = {each["name"]: each for each in told["items"]}

    assert list(known) == [each.name for each in SETTINGS]
    assert known["organisation"]["value"] == "Contoso College"
    assert known["smtp_host"]["value"] == "not set"
    assert known["organisation"]["is_default"] is False
    assert known["session_idle"]["is_default"] is True
    assert "./mail" in told["mail"]["road"]
    assert told["mail"]["held"] == 0


def test_no_secret_is_told(tmp_path: Path) -> None:
    """Of a password and of a key only that they are set."""
    password = {
        "SCIM_CONNECTOR_SMTP_USER": "mailer",
        "SCIM_CONNECTOR_SMTP_PASSWORD": "zebra-crossing",
    }
    with (
        mail_server.running() as server,
        console.running(tmp_path, **mailed(server), **password) as office,
    ):
        caller = admin_api.browser(office.admin, office)
        answer = caller.ask("GET", "/settings")
    known = {each["name"]: each["value"] for each in answer.body["items"]}

    assert (known["smtp_user"], known["smtp_password"]) == ("mailer", "set")
    assert b"zebra-crossing" not in answer.content
    for secret in (each for each in SETTINGS if each.secret):
        assert known[secret.name] in {"set", _default(secret.default)}


def _default(value: Any) -> str:
    return "not set" if value is None else str(value)


def test_permissions_stand_with_their_roles(
    api_office: Office, machine: Caller
) -> None:
    """Which roles carry each is told to whoever may see roles."""
    listed = machine.get("/permissions")["items"]
    looker = admin_api.program(api_office, "settings.looker", "settings.view")
    without = looker.get("/permissions")["items"]

    assert [each["id"] for each in listed] == [each.id for each in PERMISSIONS]
    for each in listed:
        assert "Administrator" in each["roles"]
        assert ("Auditor" in each["roles"]) is not each["changes"]
    assert all(each["roles"] is None for each in without)


# ----------------------------------------------------------------------------- mails


def mailed(server: MailServer) -> dict[str, str]:
    """The settings by which mails leave through *server*."""
    return {
        "SCIM_CONNECTOR_SMTP_HOST": "127.0.0.1",
        "SCIM_CONNECTOR_SMTP_PORT": str(server.port),
        "SCIM_CONNECTOR_SMTP_SECURITY": "none",
    }


@pytest.fixture(scope="module")
def posted(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Office, MailServer]]:
    """An office whose mails leave through a real server."""
    folder = tmp_path_factory.mktemp("api-posted")
    with (
        mail_server.running() as server,
        console.running(folder, **mailed(server)) as office,
    ):
        yield office, server


def until(caller: Caller, email: str, state: str, **asked: Any) -> dict[str, Any]:
    """The newest mail to somebody, once it stands so."""
    for _ in range(200):
        rows = caller.get("/mails", **asked)["items"]
        for row in rows:
            if row["user"]["username"] == email and row["state"] == state:
                return dict(row)
        time.sleep(0.05)
    raise AssertionError(json.dumps(rows))


def test_a_test_mail_goes_to_whoever_asks(machine: Caller, api_office: Office) -> None:
    """By the road of all mails, and where it went is told."""
    told = machine.done("POST", "/settings/test-mail")

    assert told["sent"].startswith("Sent to machine.one@contoso.com. Mails are written")
    texts = [file.read_text() for file in (api_office.scim.folder / "mail").iterdir()]
    assert any("To: machine.one@contoso.com" in text for text in texts)


def test_a_mail_that_did_not_leave_is_sent_again(
    posted: tuple[Office, MailServer],
) -> None:
    """It stands there with why; what was given up cannot be dropped, but sent again."""
    office, server = posted
    caller = admin_api.browser(office.admin, office)
    server.replies["RCPT"] = "550 no such mailbox"
    refused = caller.refused(400, "POST", "/settings/test-mail")
    body = {"kind": "person", "email": "vera@contoso.com"}
    caller.done("POST", "/users", body)
    row = until(caller, "vera@contoso.com", "failed")
    server.replies.clear()
    dropped = caller.refused(400, "POST", f"/mails/{row['id']}/drop")
    told = caller.get("/settings")["mail"]["not_sent"]
    caller.done("POST", f"/mails/{row['id']}/resend")

    assert "no such mailbox" in refused["detail"]
    assert (row["kind"], row["stands"]) == ("welcome", "Not delivered")
    assert "no such mailbox" in row["why"]
    assert "was given up before" in dropped["detail"]
    assert told == [{"state": "failed", "mails": 1}]
    sent = until(caller, "vera@contoso.com", "sent", show="all")
    assert sent["id"] > row["id"]
    to = [recipient for mail in server.received for recipient in mail.recipients]
    assert to.count("vera@contoso.com") == 1


def test_a_mail_that_waits_is_dropped(posted: tuple[Office, MailServer]) -> None:
    """It is withdrawn, says so, and counts as no failure."""
    office, server = posted
    caller = admin_api.browser(office.admin, office)
    server.replies["RCPT"] = "450 try later"
    caller.done("POST", "/users", {"kind": "person", "email": "wim@contoso.com"})
    row = until(caller, "wim@contoso.com", "trying")
    server.replies.clear()
    dropped = caller.done("POST", f"/mails/{row['id']}/drop")

    assert row["is_open"] is True
    assert row["next_try"]
    assert (dropped["state"], dropped["is_open"]) == ("withdrawn", False)
    assert dropped["why"] == "Dropped by a person."


def test_mails_are_listed_page_by_page(posted: tuple[Office, MailServer]) -> None:
    """The newest first, each once."""
    office, _ = posted
    caller = admin_api.browser(office.admin, office)
    for name in ("page.one", "page.two"):
        body = {"kind": "person", "email": f"{name}@contoso.com"}
        caller.done("POST", "/users", body)
    whole = [each["id"] for each in caller.get("/mails", show="all")["items"]]
    pages: list[int] = []
    page = caller.get("/mails", show="all", limit=1)
    while page["next"] is not None:
        pages.append(page["items"][0]["id"])
        page = caller.get("/mails", show="all", limit=1, after=page["next"])

    assert [*pages, page["items"][0]["id"]] == whole == sorted(whole, reverse=True)
    assert len(whole) >= 2


def test_only_mails_are_decided_here(machine: Caller) -> None:
    """A number of nothing is 404, and the sentence names no command."""
    for doing in ("resend", "drop"):
        told = machine.refused(404, "POST", f"/mails/999999/{doing}")

        assert told["detail"] == "There is no mail 999999; look at those that wait."


@pytest.mark.parametrize(("choice", "arrives"), [("send", True), ("drop", False)])
def test_held_mails_are_sent_or_dropped_by_one_choice(
    tmp_path: Path, choice: str, *, arrives: bool
) -> None:
    """What waited before mail was set up goes by one call, or never (D34)."""
    off = {"SCIM_CONNECTOR_DELIVER": "no"}
    with mail_server.running() as server, console.running(tmp_path, **off) as office:
        caller = admin_api.browser(office.admin, office)
        caller.done("POST", "/users", {"kind": "person", "email": "xeno@contoso.com"})
        environment = {**office.scim.environment, **mailed(server)}
        worker = replace(office.scim, environment=environment)
        worker.cli("worker", "--once")  # the first with a mail server: it holds
        held = caller.get("/settings")["mail"]["held"]
        maybe = caller.refused(400, "POST", "/mails/held", {"choice": "maybe"})
        done = caller.done("POST", "/mails/held", {"choice": choice})
        worker.cli("worker", "--once")

    assert held == 1
    assert 'choice cannot be "maybe"; there are: send, drop' in maybe["detail"]
    assert done == {"mails": 1}
    assert bool(server.received) is arrives

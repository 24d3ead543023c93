"""Settings and mails, as somebody at the console reads and decides them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scim_connector.settings import SETTINGS
from tests import console, mail_server
from tests.browser import Page
from tests.console import Desk, Office
from tests.mail_server import MailServer

EVIL = '"><script>alert(1)</script>'
MAIL = "/admin/settings/mail"


@pytest.fixture(scope="module")
def sigrid(office: Office) -> Desk:
    """Somebody who looks after the installation."""
    return office.somebody("sigrid", "settings.view", "settings.manage")


# -------------------------------------------------------------------------- settings


def test_every_setting_is_shown_and_no_secret(office: Office, sigrid: Desk) -> None:
    """Name, value, default and variable; of a secret only whether it is set."""
    page = sigrid.get("/admin/settings")
    rows = json.loads(sigrid.get("/admin/settings?format=json").text)

    assert [row["name"] for row in rows] == [each.name for each in SETTINGS]
    assert all(each.variable in page.words for each in SETTINGS)
    known = {row["name"]: row for row in rows}
    assert known["organisation"]["value"] == "Contoso College"
    assert known["smtp_host"]["value"] == "not set"
    assert known["secret_key"]["value"] in {"set", "not set"}
    for name, secret in office.scim.environment.items():
        if "SECRET_KEY" in name or "PASSWORD" in name:
            assert secret not in page.text
    changed = json.loads(sigrid.get("/admin/settings?set=here&format=json").text)
    names = {row["name"] for row in changed}
    assert "organisation" in names
    assert "session_idle" not in names


def test_a_secret_is_set_and_nothing_more(tmp_path: Path) -> None:
    """Neither the page nor its files hold a password or the address of a database."""
    with (
        mail_server.running() as server,
        console.running(
            tmp_path,
            **_mailed(server),
            SCIM_CONNECTOR_SMTP_USER="mailer",
            SCIM_CONNECTOR_SMTP_PASSWORD="zebra-crossing",
        ) as office,
    ):
        texts = [
            office.admin.get(f"/admin/settings{query}").text
            for query in ("", "?format=json", "?format=csv")
        ]

    assert all("zebra-crossing" not in text for text in texts)
    rows = {row["name"]: row["value"] for row in json.loads(texts[1])}
    assert (rows["smtp_user"], rows["smtp_password"]) == ("mailer", "set")


def test_a_filter_that_makes_no_sense_is_told(sigrid: Desk) -> None:
    """A plain error state."""
    page = sigrid.get("/admin/settings?set=yesterday")

    assert page.status == 400
    assert 'set cannot be "yesterday"; there are: here, default' in page.words
    assert sigrid.get(f"{MAIL}?show=none").status == 400


def test_the_permissions_stand_with_their_roles(office: Office, sigrid: Desk) -> None:
    """What each allows, and who carries it for whoever may see roles."""
    page = office.admin.get("/admin/settings/permissions")

    assert "See users, what they can reach, and their history." in page.words
    assert ">Auditor</a>" in page.text
    assert ">Auditor</a>" not in sigrid.get("/admin/settings/permissions").text


# --------------------------------------------------------------------------- sending


def test_a_test_mail_goes_by_the_road_of_all_mails(
    office: Office, sigrid: Desk
) -> None:
    """To whoever presses; where it went is told."""
    folder = office.scim.folder / "mail"
    page = sigrid.post("/admin/settings/test-mail")

    assert "Sent to sigrid@contoso.com. Mails are written to ./mail" in page.words
    texts = [file.read_text() for file in folder.glob("*.eml")]
    assert any(
        "To: sigrid@contoso.com" in text and "Test of the mail settings" in text
        for text in texts
    )


def _mailed(server: MailServer) -> dict[str, str]:
    return {
        "SCIM_CONNECTOR_SMTP_HOST": "127.0.0.1",
        "SCIM_CONNECTOR_SMTP_PORT": str(server.port),
        "SCIM_CONNECTOR_SMTP_SECURITY": "none",
    }


@pytest.fixture(scope="module")
def posted(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Office, MailServer]]:
    """A console whose mails leave through a real server."""
    with (
        mail_server.running() as server,
        console.running(tmp_path_factory.mktemp("posted"), **_mailed(server)) as office,
    ):
        yield office, server


def _until(desk: Desk, path: str, words: str) -> Page:
    for _ in range(200):
        page = desk.get(path)
        if words in page.words:
            return page
        time.sleep(0.05)
    raise AssertionError(page.words)


def test_why_a_test_mail_was_refused(posted: tuple[Office, MailServer]) -> None:
    """What the mail server said stands on the page."""
    office, server = posted
    server.replies["RCPT"] = "550 no such mailbox"
    try:
        page = office.admin.post("/admin/settings/test-mail")
    finally:
        server.replies.clear()

    assert page.status == 400
    assert "no such mailbox" in page.words
    assert "Settings in force" in page.words


def test_a_mail_that_did_not_leave_is_sent_again(
    posted: tuple[Office, MailServer],
) -> None:
    """It stands there with why, until it is sent again; what left cannot be dropped."""
    office, server = posted
    server.replies["RCPT"] = "550 no such mailbox"
    office.scim.cli("user", "add", "--email", "vera@contoso.com")
    page = _until(office.admin, MAIL, "vera@contoso.com Welcome Not delivered")
    server.replies.clear()
    again = re.search(rf'action="({MAIL}/\d+)/resend"', page.text)
    assert again is not None
    dropped = office.admin.post(f"{again[1]}/drop")
    resent = office.admin.post(f"{again[1]}/resend")

    assert "no such mailbox" in page.words
    assert dropped.status == 400
    assert "was given up before" in dropped.words
    assert "It is being sent again." in resent.words
    _until(office.admin, f"{MAIL}?show=all", "vera@contoso.com Welcome sent")
    to = [recipient for mail in server.received for recipient in mail.recipients]
    assert "vera@contoso.com" in to
    rows = json.loads(office.admin.get(f"{MAIL}?show=all&format=json").text)
    assert {row["state"] for row in rows if row["user"] == "vera@contoso.com"} == {
        "sent",
        "Not delivered",
    }


def test_a_mail_that_waits_is_dropped(posted: tuple[Office, MailServer]) -> None:
    """It is given up, and says so."""
    office, server = posted
    server.replies["RCPT"] = "450 try later"
    office.scim.cli("user", "add", "--email", "wim@contoso.com")
    page = _until(office.admin, MAIL, "wim@contoso.com Welcome will be tried again")
    server.replies.clear()
    row = page.text.partition("wim@contoso.com")[2]
    drop = re.search(rf'action="({MAIL}/\d+/drop)"', row)
    assert drop is not None

    dropped = office.admin.post(drop[1])

    assert "It was dropped." in dropped.words
    assert "Dropped by a person." in dropped.words


@pytest.mark.parametrize(
    ("choice", "told", "arrives"),
    [("send", "1 mail is being sent.", True), ("drop", "1 mail is dropped.", False)],
)
def test_held_mails_are_sent_or_dropped_by_one_choice(
    tmp_path: Path, choice: str, told: str, *, arrives: bool
) -> None:
    """What waited before mail was set up goes by one press, or never (D34)."""
    off = {"SCIM_CONNECTOR_DELIVER": "no"}
    with mail_server.running() as server, console.running(tmp_path, **off) as office:
        office.scim.cli("user", "add", "--email", "xeno@contoso.com")
        environment = {**office.scim.environment, **_mailed(server)}
        worker = replace(office.scim, environment=environment)
        worker.cli("worker", "--once")  # the first with a mail server: it holds
        page = office.admin.get(MAIL)
        nothing = office.admin.post(f"{MAIL}/held", {"choice": "maybe"})
        done = office.admin.post(f"{MAIL}/held", {"choice": choice})
        worker.cli("worker", "--once")

    assert "1 mail held" in page.words
    assert nothing.status == 400
    assert told in done.words
    assert bool(server.received) is arrives


# ------------------------------------------------------------------- who may do what


def test_looking_is_not_changing(office: Office, auditor: Desk) -> None:
    """The Auditor sees every page of the room and no button; a POST is 403."""
    for path in ("/admin/settings", MAIL, "/admin/settings/permissions"):
        page = auditor.get(path)
        assert page.status == 200
        assert '<form method="post" action="/admin' not in page.text
    for path in (
        "/admin/settings/test-mail",
        *(f"{MAIL}/held", f"{MAIL}/1/resend", f"{MAIL}/1/drop"),
    ):
        page = auditor.post(path, {"choice": "send"})
        assert page.status == 403
        assert '"Manage settings"' in page.words


def test_without_the_permission_there_is_nothing_to_see(office: Office) -> None:
    """View settings is needed for all of it."""
    desk = office.somebody("nosettings", "users.view")

    for path in ("/admin/settings", MAIL, "/admin/settings/permissions"):
        assert desk.get(path).status == 403


def test_what_is_not_there(sigrid: Desk) -> None:
    """A mail of a number that was never given is told."""
    page = sigrid.post(f"{MAIL}/999999/resend")

    assert page.status == 400
    assert "There is no mail 999999" in page.words


def test_values_are_only_text(tmp_path: Path) -> None:
    """A script in a setting does nothing on any page."""
    with console.running(tmp_path, SCIM_CONNECTOR_ORGANISATION=EVIL) as office:
        pages = [office.admin.get(path) for path in ("/admin/settings", MAIL)]

    for page in pages:
        assert EVIL not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[0].text

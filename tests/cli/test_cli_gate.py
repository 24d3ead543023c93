"""The gate at the command line: mails, sessions, recovery, receipts, sign-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests import mail_server
from tests.mail_server import MailServer

Run = Callable[..., Result]
LINK = re.compile(r"/password/(scimc_[\w-]+)")


@pytest.fixture(autouse=True)
def _somebody(run: Run) -> None:
    """A connection, and a person who was added by hand."""
    run("connection", "add", "entra", "--kind", "entra")
    run("user", "add", "--email", "kim.doe@contoso.com", "--username", "kim.doe")


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server that the settings begin to name."""
    with mail_server.running() as server:
        for name, value in {
            "PUBLIC_URL": "https://scim.contoso.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(server.port),
            "SMTP_SECURITY": "none",
        }.items():
            monkeypatch.setenv(f"SCIM_CONNECTOR_{name}", value)
        yield server


def _listed(run: Run, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run(*arguments, "--json").output)
    return found


def test_a_new_person_has_a_mail_that_waits_and_is_written(run: Run) -> None:
    """``mail list`` shows it, ``worker --once`` writes it, for the owner's eyes alone."""
    before = _listed(run, "mail", "list")

    run("worker", "--once")

    (file,) = Path("mail").glob("*.eml")
    assert [mail["state"] for mail in before] == ["waiting"]
    assert [mail["state"] for mail in _listed(run, "mail", "list")] == ["sent"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert LINK.search(file.read_text().replace("=\n", ""))


def test_a_mail_is_sent_again_with_another_link(run: Run) -> None:
    """``mail resend`` and ``user welcome``: each a further mail, each a new link."""
    run("worker", "--once")
    number = str(_listed(run, "mail", "list")[0]["id"])
    run("mail", "resend", number)
    run("worker", "--once")
    told = run("user", "welcome", "--all-new").output
    run("worker", "--once")

    texts = [file.read_text().replace("=\n", "") for file in Path("mail").glob("*.eml")]
    links = {found[1] for text in texts if (found := LINK.search(text))}
    assert "Mails queued: 1. Each link works for one hour." in told
    assert len(links) == len(texts) == 3


def test_a_mail_that_waits_can_be_dropped_and_none_twice(run: Run) -> None:
    """What was dropped is not sent, and dropping it again says so."""
    number = str(_listed(run, "mail", "list")[0]["id"])
    run("mail", "drop", number)
    run("worker", "--once")

    assert not Path("mail").exists() or not list(Path("mail").glob("*.eml"))
    assert "given up before" in run("mail", "drop", number, code=2).output
    assert "There is no mail 99" in run("mail", "drop", "99", code=2).output


def test_a_mail_server_is_tried(run: Run, mailbox: MailServer) -> None:
    """``mail test`` sends one mail now, and says what the server said."""
    run("mail", "test", "ann@contoso.com")
    mailbox.replies["RCPT"] = "550 no such mailbox"

    refused = run("mail", "test", "ann@contoso.com", code=2).output

    assert mailbox.received[0].recipients == ("ann@contoso.com",)
    assert "no such mailbox" in refused


def test_without_a_mail_server_the_start_says_where_mails_go(run: Run) -> None:
    """Into ./mail, and which setting sends them."""
    told = run("worker", "--once").output

    assert "Mails are written to ./mail: set SCIM_CONNECTOR_SMTP_HOST" in told


@pytest.mark.parametrize(
    ("choice", "told", "received"),
    [("send", "1 mail to be sent.", 1), ("drop", "1 mail dropped.", 0)],
)
def test_what_waited_is_held_until_a_person_chooses(
    run: Run, mailbox: MailServer, choice: str, told: str, received: int
) -> None:
    """The first start with a mail server sends nothing that is old (D34)."""
    started = run("worker", "--once").output
    before, held = len(mailbox.received), _listed(run, "mail", "list", "--not-sent")

    chosen = run("mail", "held", choice).output
    run("worker", "--once")

    assert "1 mails had waited before mail was configured and are held" in started
    assert before == 0
    assert [mail["state"] for mail in held] == ["held"]
    assert told in chosen
    assert len(mailbox.received) == received
    run("user", "add", "--email", "lee.ray@contoso.com")
    run("worker", "--once")
    assert mailbox.received[-1].recipients == ("lee.ray@contoso.com",)


def test_what_is_refused_for_good_is_shown_and_sent_again(
    run: Run, mailbox: MailServer
) -> None:
    """``mail list --not-sent`` has the server's words, ``mail resend`` a new link."""
    run("worker", "--once")
    run("mail", "held", "send")
    mailbox.replies["RCPT"] = "550 no such mailbox"
    run("worker", "--once")
    (failed,) = _listed(run, "mail", "list", "--not-sent")
    mailbox.replies.clear()

    run("mail", "resend", str(failed["id"]))
    run("worker", "--once")

    assert (failed["state"], failed["user"]) == ("failed", "kim.doe")
    assert "no such mailbox" in str(failed["why"])
    assert LINK.search(mailbox.received[0].body("plain"))
    assert "mail:resent" in run("user", "history", "kim.doe").output


def test_only_administrators_are_recovered(run: Run) -> None:
    """Others are told which command serves them; the link is printed once."""
    refused = run("user", "recover", "kim.doe", code=2).output
    run("user", "role", "add", "kim.doe", "Administrator")

    told = run("user", "recover", "kim.doe")

    assert "user reset kim.doe" in refused
    assert LINK.search(told.stdout)
    assert "user:recovered" in run("user", "history", "kim.doe").output


def test_who_has_no_second_factor_has_none_to_forget(run: Run) -> None:
    """The command says so, rather than that something was done."""
    assert "no second factor" in run("user", "forget-factor", "kim.doe", code=2).output


def test_who_never_signed_in_is_welcomed_and_not_reset(run: Run) -> None:
    """R17 says why, and which command sends the first link again."""
    refused = run("user", "reset", "kim.doe", code=2).output

    assert "never signed in" in refused
    assert "user welcome" in refused


def test_sessions_of_nobody_are_said(run: Run) -> None:
    """Empty lists say so, and ending nothing is no error."""
    assert "nowhere" in run("session", "list", "kim.doe").output.lower()
    assert "0" in run("session", "end", "kim.doe").output


def test_a_deactivation_leaves_its_receipt(run: Run) -> None:
    """Who, by whom, what ended, how fast; as a table and as JSON."""
    run("worker", "--once")
    run("user", "deactivate", "kim.doe")

    table = run("receipts").output
    whole = json.loads(run("receipts", "kim.doe", "--json").output)

    assert "kim.doe" in table
    assert "1 password links" in table
    assert "1 receipts; time to effect: p50" in table
    (receipt,) = whole["receipts"]
    assert receipt["password_links"]["result"] == "ended"
    assert set(whole["took"]) == {"p50", "p95", "max"}


def test_receipts_of_no_day_are_none(run: Run) -> None:
    """``--since`` counts from that day on."""
    run("user", "deactivate", "kim.doe")

    assert "kim.doe" in run("receipts", "--since", "2020-01-01").output
    assert "Nobody" in run("receipts", "--since", "2999-01-01").output


def test_signing_in_is_set_up_step_by_step(run: Run) -> None:
    """Each step names the next, and what is missing."""
    assert "sign-in set --help" in run("sign-in", "show", "entra", code=2).output
    at = ("--issuer", "https://login.contoso.example", "--client-id", "gate")
    done = run("sign-in", "set", "entra", *at).output
    shown = json.loads(run("sign-in", "show", "entra", "--json").output)

    assert "/login/callback" in done
    assert "Next: scim-connector sign-in check entra" in done
    assert (shown["on"], shown["claim"], shown["equals"]) == (
        False,
        "oid",
        "externalId",
    )
    assert "The provider: " in run("sign-in", "check", "entra", code=2).output
    run("sign-in", "on", "entra")
    assert json.loads(run("sign-in", "show", "entra", "--json").output)["on"]
    run("sign-in", "off", "entra")
    assert "Nobody has tried" in run("sign-in", "log").output


def test_an_expired_password_needs_one(run: Run) -> None:
    """Whoever has no password cannot be asked to change it."""
    assert "has no password" in run("user", "expire", "kim.doe", code=2).output

"""Webhooks on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from scim_connector.cli.context import now
from scim_connector.directory import webhooks
from scim_connector.settings import Settings
from scim_connector.wiring import open_house
from tests.webhook import Place, posted_to

Run = Callable[..., Result]


@pytest.fixture
def told() -> Iterator[Place]:
    """A place that takes everything."""
    with posted_to() as found:
        yield found


def _secret(result: Result) -> str:
    (line,) = (x for x in result.stdout.splitlines() if x.startswith("Secret:"))
    return line.split()[1]


def _tell() -> None:
    """What a server does when an alert begins, in the house of this folder."""
    house = open_house(Settings())
    try:
        house.database.write(
            lambda tx: webhooks.tell(tx, "alert.began", {"alert": "disk"}, now=now())
        )
    finally:
        house.database.close()


def test_a_webhook_from_its_first_word_to_its_last(run: Run, told: Place) -> None:
    """Added, tried, shown, changed, paused, given another secret, removed."""
    secret = _secret(run("webhook", "add", "pager", told.url))
    assert "took a test message" in run("webhook", "test", "pager").stdout
    (message,) = told.opened(secret)
    assert message["type"] == "webhook.test"
    shown = json.loads(run("webhook", "show", "pager", "--json").stdout)
    assert (shown["hears"], shown["state"]) == (["alerts", "heads"], "up to date")
    assert "sent nothing yet" in run("webhook", "show", "pager").stdout

    run("webhook", "set", "pager", "--hears", "alerts")
    run("webhook", "pause", "pager")
    (row,) = json.loads(run("webhook", "list", "--json").stdout)
    assert (row["hears"], row["state"]) == (["alerts"], "paused")
    run("webhook", "resume", "pager")
    rotated = run("webhook", "rotate", "pager")
    assert "signs beside it for 24 hours" in rotated.stdout
    assert _secret(rotated) != secret
    run("webhook", "test", "pager")
    assert len(told.opened(secret)) == len(told.opened(_secret(rotated))) + 1 == 2
    assert "given up" in run("webhook", "resend", "pager", code=2).stderr
    assert "has no message 7" in run("webhook", "resend", "pager", "7", code=2).stderr
    run("webhook", "remove", "pager", "--yes")
    assert "No webhook yet" in run("webhook", "list").stdout


def test_the_worker_sends_what_an_alert_tells(run: Run, told: Place) -> None:
    """By `worker --once`; whether an alert is told so is said in its list."""
    secret = _secret(run("webhook", "add", "pager", told.url, "--hears", "alerts"))
    assert "mail, webhook, log" in run("alerts", "list").stdout
    run("alerts", "set", "disk", "--no-webhook")
    rows = json.loads(run("alerts", "list", "--json").stdout)

    assert {r["alert"]: r["told"] for r in rows}["disk"] == "mail, log"
    _tell()
    assert "1 messages tried." in run("worker", "--once").stdout
    assert [message["data"] for message in told.opened(secret)] == [{"alert": "disk"}]
    (sent,) = json.loads(run("webhook", "show", "pager", "--json").stdout)["messages"]
    assert (sent["state"], sent["webhook-id"]) == ("sent", told.ids[0])
    run("webhook", "resend", "pager", str(sent["id"]))
    run("worker", "--once")
    assert told.ids == [sent["webhook-id"]] * 2


def test_another_address_prints_another_secret(run: Run, told: Place) -> None:
    """The same address is no change; a bad one is refused."""
    secret = _secret(run("webhook", "add", "pager", f"{told.url}/old"))
    moved = _secret(run("webhook", "set", "pager", "--url", told.url))
    same = run("webhook", "set", "pager", "--url", told.url)
    bad = run("webhook", "set", "pager", "--url", "http://x.example", code=2)

    assert moved != secret
    assert "Secret:" not in same.stdout
    assert "must be an https address" in bad.stderr
    assert "Say what to change" in run("webhook", "set", "pager", code=2).stderr


def test_what_a_webhook_answers_is_told(run: Run, told: Place) -> None:
    """And secrets are not, where nobody asked for a new one."""
    secret = _secret(run("webhook", "add", "pager", told.url))
    told.status = 403

    refused = run("webhook", "test", "pager", code=2)

    assert "Not taken: pager answered 403" in refused.stderr
    shown = run("webhook", "show", "pager").stdout + run("webhook", "list").stdout
    assert secret not in shown
    assert "alert.began" in run("webhook", "kinds").stdout
    assert (
        'no webhook "x"; there are: pager' in run("webhook", "test", "x", code=2).stderr
    )

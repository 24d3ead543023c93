"""Webhooks by the Admin API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.admin_api import Caller
from tests.webhook import Place, posted_to


@pytest.fixture
def told() -> Iterator[Place]:
    """A place that takes everything."""
    with posted_to() as found:
        yield found


def test_a_webhook_from_its_first_word_to_its_last(
    machine: Caller, told: Place
) -> None:
    """Added, tried, changed, paused, given another secret, removed."""
    made = machine.done("POST", "/webhooks", {"name": "pager", "url": told.url})
    path = f"/webhooks/{made['id']}"

    assert (made["hears"], made["state"]) == (["alerts", "heads"], "sent")
    assert "took a test" in machine.done("POST", f"{path}/test")["said"]
    assert len(told.opened(made["secret"])) == 1
    changed = machine.done("PATCH", path, {"hears": ["alerts"], "paused": True})
    assert (changed["hears"], changed["state"]) == (["alerts"], "paused")
    assert changed["secret"] is None
    rotated = machine.done("POST", f"{path}/secret", {"overlap_hours": 1})
    assert rotated["former_secret_until"] is not None
    machine.done("POST", f"{path}/test")
    assert len(told.opened(rotated["secret"])) == 1
    assert len(told.opened(made["secret"])) == 2
    assert machine.get(f"{path}/messages") == {"items": [], "next": None}
    assert [each["name"] for each in machine.get("/webhooks")["items"]] == ["pager"]
    assert b"whsec_" not in machine.ask("GET", path).content
    assert machine.ask("DELETE", path).status == 204
    assert machine.ask("GET", path).status == 404


def test_another_address_has_another_secret(machine: Caller, told: Place) -> None:
    """Which stands in that answer alone."""
    sent = {"name": "moves", "url": f"{told.url}/old", "hears": ["heads"]}
    made = machine.done("POST", "/webhooks", sent)
    path = f"/webhooks/{made['id']}"
    moved = machine.done("PATCH", path, {"url": told.url})
    machine.done("POST", f"{path}/test")

    assert moved["secret"] not in {None, made["secret"]}
    assert len(told.opened(moved["secret"])) == 1
    assert told.opened(made["secret"]) == []
    machine.done("DELETE", path)


def test_what_cannot_be_is_refused(machine: Caller, told: Place) -> None:
    """With what to write instead."""
    bad = {"name": "x", "url": "http://pager.example.com"}
    refused = machine.refused(400, "POST", "/webhooks", bad)
    made = machine.done("POST", "/webhooks", {"name": "strict", "url": told.url})
    path = f"/webhooks/{made['id']}"
    long = machine.refused(400, "POST", f"{path}/secret", {"overlap_hours": 999})
    lost = machine.refused(400, "POST", f"{path}/resend", {})
    one = machine.refused(400, "POST", f"{path}/resend", {"message_id": 9})
    none = machine.refused(400, "PATCH", path, {"hears": []})
    told.status = 404
    tried = machine.refused(400, "POST", f"{path}/test")

    assert "must be an https address" in refused["detail"]
    assert "from 0 to 168" in long["violations"][0]["message"]
    assert "No message to strict was given up" in lost["detail"]
    assert "has no message 9" in one["detail"]
    assert "Say what the webhook is to hear of" in none["detail"]
    assert "strict answered 404" in tried["detail"]
    machine.done("DELETE", path)


def test_an_alert_is_kept_from_webhooks(machine: Caller) -> None:
    """By a word of its own, beside mail and log."""
    off = machine.done("PATCH", "/alerts/audit_unsealed", {"by_webhook": False})
    on = machine.done("PATCH", "/alerts/audit_unsealed", {"by_webhook": True})

    assert (off["by_webhook"], on["by_webhook"]) == (False, True)
    assert on["by_mail"] is True

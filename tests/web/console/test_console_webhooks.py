"""Webhooks, as somebody who looks after applications sees them."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.console import EVIL, Desk, Office
from tests.webhook import Place, posted_to

PATH = "/admin/applications/webhooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]+=*")


@pytest.fixture
def told() -> Iterator[Place]:
    """A place that takes everything."""
    with posted_to() as found:
        yield found


@pytest.fixture(scope="module")
def wes(office: Office) -> Desk:
    """Somebody who manages applications."""
    return office.somebody("wes", "apps.view", "apps.manage")


def _add(wes: Desk, told: Place, name: str, kinds: str = "alerts") -> tuple[str, str]:
    """The path and the secret of a new webhook."""
    page = wes.post(f"{PATH}/new", {"name": name, "url": told.url, "kinds": kinds})
    assert page.status == 200, page.words
    assert "shown this once" in page.words
    (place,) = set(re.findall(rf"{PATH}/\d+", page.text))
    return place, SECRET.findall(page.text)[0]


def _wait(holds: Callable[[], bool]) -> None:
    for _ in range(150):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come")


def _look_now(office: Office) -> None:
    """Somebody looked long ago, so that the server looks for alerts now."""
    file = office.scim.folder / "scim-connector.db"
    with closing(sqlite3.connect(file, timeout=10)) as raw, raw:
        raw.execute("UPDATE installation SET value = '0' WHERE name = 'alerts:looked'")


def _alerts(told: Place, secret: str) -> list[str]:
    """The alerts that a place was told of when they began."""
    messages = (m for m in told.opened(secret) if m["type"] == "alert.began")
    return [message["data"]["alert"] for message in messages]


def test_a_webhook_hears_of_a_real_alert(
    office: Office, wes: Desk, told: Place
) -> None:
    """Added, tried, told by the running server, and what it was sent is listed."""
    assert "No webhook yet" in wes.get(PATH).words
    place, secret = _add(wes, told, EVIL)
    assert "took a test message" in wes.post(f"{place}/test").words
    office.scim.cli_batch([["alerts", "set", "disk", "--threshold", "10000"]])
    _look_now(office)
    _wait(lambda: "disk" in _alerts(told, secret))
    rows = json.loads(wes.get(f"{place}?format=json").text)
    _wait(lambda: "taken" in wes.get(place).words)
    page = wes.get(place)
    assert rows[0]["type"] == "alert.began"
    assert rows[0]["webhook_id"] in told.ids
    assert SECRET.findall(page.text) == []
    before = len(told.heard)
    again = wes.post(f"{place}/resend", {"message": str(rows[0]["id"])})
    assert "sent once more" in again.words
    _wait(lambda: len(told.heard) > before)
    assert told.ids.count(rows[0]["webhook_id"]) == 2
    assert "is told nothing more" in wes.post(f"{place}/remove").words


def test_another_secret_and_another_address(wes: Desk, told: Place) -> None:
    """Each is shown this once; with an overlap the former one signs too."""
    place, first = _add(wes, told, "keeper", "heads")
    rotated = wes.post(f"{place}/secret", {"overlap": "24"})
    second = SECRET.findall(rotated.text)[0]
    wes.post(f"{place}/test")
    assert len(told.opened(first)) == len(told.opened(second)) == 1
    assert "The former secret signs beside it" in rotated.words
    assert "0 to 168 hours" in wes.post(f"{place}/secret", {"overlap": "x"}).words

    moved = wes.post(f"{place}/address", {"url": f"{told.url}/new"})
    third = SECRET.findall(moved.text)[0]
    wes.post(f"{place}/test")

    assert len({first, second, third}) == 3
    assert len(told.opened(third)) == 1
    assert len(told.opened(second)) == 1
    same = wes.post(f"{place}/address", {"url": f"{told.url}/new"})
    assert "It is that already" in same.words
    wes.post(f"{place}/remove")


def test_what_is_wrong_is_told_in_place(wes: Desk, told: Place) -> None:
    """A bad address, nothing to hear of, no such message; typed values stay."""
    bad = wes.post(f"{PATH}/new", {"name": "x", "url": "http://pager.example.com"})
    assert bad.status == 400
    assert 'value="http://pager.example.com"' in bad.text
    none = wes.post(f"{PATH}/new", {"name": "x", "url": told.url})
    assert "Say what the webhook is to hear of" in none.words
    place, _ = _add(wes, told, "wrong")
    elsewhere = wes.post(f"{place}/address", {"url": "https://x.example/\u00e9"})
    assert "printable ASCII" in elsewhere.words
    assert "Say what" in wes.post(f"{place}/kinds").words
    assert "has no message" in wes.post(f"{place}/resend", {"message": "9" * 30}).words
    assert "No message to wrong" in wes.post(f"{place}/resend").words
    told.status = 500
    assert "answered 500" in wes.post(f"{place}/test").words
    wes.post(f"{place}/remove")


def test_a_webhook_is_changed_and_paused(wes: Desk, told: Place) -> None:
    """The list has it as a file, too."""
    place, _ = _add(wes, told, "later")
    wes.post(f"{place}/kinds", {"kinds": "heads"})
    paused = wes.post(f"{place}/pause")
    rows = json.loads(wes.get(f"{PATH}?format=json").text)

    assert "Paused" in paused.words
    assert [(row["hears"], row["state"]) for row in rows] == [("heads", "paused")]
    assert "Resumed" in wes.post(f"{place}/resume").words
    wes.post(f"{place}/remove")


def test_looking_is_not_changing(office: Office, wes: Desk, told: Place) -> None:
    """Without the permission to manage there is no form, and no webhook is 404."""
    place, _ = _add(wes, told, "seen")
    looker = office.somebody("lea", "apps.view")

    for path in (PATH, place):
        page = looker.get(path)
        assert page.status == 200
        rest = re.sub(r"<header.*?</header>", "", page.text, flags=re.DOTALL)
        assert "<form" not in rest
    assert looker.post(f"{place}/secret", {"overlap": "0"}).status == 403
    assert looker.get(f"{PATH}/77").status == 404
    wes.post(f"{place}/remove")

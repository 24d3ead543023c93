"""Receivers of security events, as somebody who looks after applications sees them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console import EVIL, Desk, Office
from tests.receiver import Receiver, receiving
from tests.server import Reply

PATH = "/admin/applications/receivers"


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def sam(office: Office) -> Desk:
    """Somebody who manages applications."""
    return office.somebody("sam", "apps.view", "apps.manage")


def _add(sam: Desk, told: Receiver, name: str = "soc", **more: str) -> str:
    fields = {"name": name, "url": told.url, "kinds": "deactivate", **more}
    page = sam.post(f"{PATH}/new", fields)
    assert page.status == 200, page.words
    assert "is sent events from now on" in page.words
    return page.path


def _heard(told: Receiver, count: int) -> None:
    for _ in range(150):
        if len(told.heard) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{len(told.heard)} tokens came")


def test_a_receiver_hears_of_a_deactivation(
    office: Office, sam: Desk, told: Receiver
) -> None:
    """Added, tried, sent to by the running server, and what it took is listed."""
    assert "Nobody is sent security events" in sam.get(PATH).words
    place = _add(sam, told, name=EVIL, bearer="opens-soc")
    tried = sam.post(f"{place}/test")
    assert "took a verification event" in tried.words
    link = office.person("zoe@contoso.com")
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    office.scim.send("PATCH", f"/Users/{link}", off)
    _heard(told, 2)

    page = sam.get(place)
    (row,) = json.loads(sam.get(f"{place}?format=json").text)
    assert row["kind"] == "deactivate"
    assert "taken" in page.words
    assert "opens-soc" not in page.text
    assert told.heard[0][0]["Authorization"] == "Bearer opens-soc"
    again = sam.post(f"{place}/replay", {"event": str(row["event_id"])})
    assert "is sent once more" in again.words
    _heard(told, 3)
    assert "is sent nothing more" in sam.post(f"{place}/remove").words


def test_what_is_wrong_is_told_in_place(sam: Desk, told: Receiver) -> None:
    """A bad address, no event, an event that was not sent; typed values stay."""
    bad = sam.post(f"{PATH}/new", {"name": "x", "url": "http://soc.example.com"})
    assert bad.status == 400
    assert "must be an https address" in bad.words
    assert 'value="http://soc.example.com"' in bad.text
    none = sam.post(f"{PATH}/new", {"name": "x", "url": told.url})
    assert "Name an event" in none.words
    place = _add(sam, told, name="wrong")
    assert "name one of those" in sam.post(f"{place}/replay", {"event": "999999"}).words
    assert "Name an event" in sam.post(f"{place}/events").words
    told.answer = (400, b'{"err": "invalid_audience"}')
    assert "answered 400 invalid_audience" in sam.post(f"{place}/test").words
    sam.post(f"{place}/remove")


def test_a_receiver_is_changed_and_paused(sam: Desk, told: Receiver) -> None:
    """Nothing is lost while it is paused."""
    place = _add(sam, told, name="later")
    sam.post(f"{place}/events", {"kinds": "activate"})
    paused = sam.post(f"{place}/pause")
    rows = json.loads(sam.get(f"{PATH}?format=json").text)
    resumed = sam.post(f"{place}/resume")

    assert "Paused" in paused.words
    assert [(row["events"], row["state"]) for row in rows] == [("activate", "paused")]
    assert "Resumed" in resumed.words
    sam.post(f"{place}/remove")


def test_one_that_asks_is_given_its_token_once(office: Office, sam: Desk) -> None:
    """Shown with where to ask and a line to try; another one ends it."""
    fields = {"name": EVIL, "road": "poll", "kinds": "deactivate"}
    once = sam.post(f"{PATH}/new", fields)
    (token,) = set(re.findall(r"scimc_[a-z2-7]{12}_[\w-]{43}", once.text))
    (place,) = set(re.findall(r"http\S+?/events/(\d+)", once.text))
    page = sam.get(f"{PATH}/{place}")

    assert "It is shown this once" in once.words
    assert "<script>alert" not in once.text
    assert token not in page.text
    assert "Last asked never" in page.words
    assert "waits for" in sam.post(f"{PATH}/{place}/test").words
    given = _asked(office, place, token)
    (jti,) = given.body["sets"]
    assert _asked(office, place, token, ack=[jti]).body["sets"] == {}
    words = sam.get(f"{PATH}/{place}").words
    assert re.search(r"verification \S+ .* UTC a test taken", words)
    again = sam.post(f"{PATH}/{place}/token")
    (other,) = set(re.findall(r"scimc_[a-z2-7]{12}_[\w-]{43}", again.text))
    assert _asked(office, place, token).status == 401
    assert _asked(office, place, other).status == 200
    assert "is sent nothing more" in sam.post(f"{PATH}/{place}/remove").words


def _asked(office: Office, place: str, token: str, **asked: Any) -> Reply:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"returnImmediately": True, **asked}).encode()
    return office.scim.send_raw("POST", f"/events/{place}", headers, body)


def test_one_road_is_chosen(sam: Desk, told: Receiver) -> None:
    """What belongs to the other is refused, and the choice stays."""
    fields = {"name": "both", "road": "poll", "url": told.url, "kinds": "deactivate"}
    both = sam.post(f"{PATH}/new", fields)
    place = _add(sam, told, name="pushed")
    refused = sam.post(f"{place}/token")

    assert (both.status, "leave both out" in both.words) == (400, True)
    assert re.search(r'value="poll" checked', both.text)
    assert (refused.status, "it does not poll" in refused.words) == (400, True)
    assert sam.post(f"{PATH}/77/token").status == 404
    sam.post(f"{place}/remove")


def test_looking_is_not_changing(office: Office, told: Receiver) -> None:
    """Without the permission to manage there is no form, and no receiver is 404."""
    looker = office.somebody("lou", "apps.view")
    page = looker.get(PATH)

    assert page.status == 200
    assert "<form" not in re.sub(r"<header.*?</header>", "", page.text, flags=re.DOTALL)
    assert looker.get(f"{PATH}/77").status == 404
    assert told.heard == []

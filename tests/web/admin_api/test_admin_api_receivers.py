"""Receivers, alerts and trusted issuers by the Admin API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from scim_connector.administration.alert_conditions import BY_ID, CONDITIONS
from tests.admin_api import Caller
from tests.console import Office
from tests.receiver import Receiver, receiving
from tests.server import Reply


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiving() as found:
        yield found


def test_a_receiver_from_its_first_word_to_its_last(
    machine: Caller, told: Receiver
) -> None:
    """Added, tried, changed, paused, sent again to, removed; its bearer told nobody."""
    sent = {"name": "soc", "url": told.url, "bearer": "opens-soc"}
    made = machine.done("POST", "/receivers", sent)
    path = f"/receivers/{made['id']}"

    assert (made["has_bearer"], made["audience"]) == (True, told.url)
    assert made["events"] == ["deactivate", "session-revoked"]
    assert "took a verification" in machine.done("POST", f"{path}/test")["said"]
    assert told.heard[0][0]["Authorization"] == "Bearer opens-soc"
    changed = machine.done("PATCH", path, {"events": ["activate"], "paused": True})
    assert (changed["events"], changed["state"]) == (["activate"], "paused")
    assert machine.get(f"{path}/deliveries") == {"items": [], "next": None}
    refused = machine.ask("POST", f"{path}/replay", {"event_id": 999_999})
    assert refused.status == 400
    assert "name one of those" in refused.body["detail"]
    assert [each["name"] for each in machine.get("/receivers")["items"]] == ["soc"]
    assert b"opens-soc" not in machine.ask("GET", path).content
    assert machine.ask("DELETE", path).status == 204
    assert machine.ask("GET", path).status == 404


def test_a_receiver_is_moved_with_its_bearer(machine: Caller, told: Receiver) -> None:
    """Its bearer token is sent nowhere else; null drops it."""
    sent = {"name": "moves", "url": f"{told.url}/old", "bearer": "opens-old"}
    path = f"/receivers/{machine.done('POST', '/receivers', sent)['id']}"

    kept = machine.refused(400, "PATCH", path, {"url": told.url})
    split = machine.refused(400, "PATCH", path, {"bearer": "two\r\nlines"})
    moved = machine.done("PATCH", path, {"url": told.url, "bearer": "opens-new"})
    machine.done("POST", f"{path}/test")
    dropped = machine.done("PATCH", path, {"bearer": None})

    assert "give the token of the new address" in kept["detail"]
    assert "printable ASCII" in split["detail"]
    assert (moved["url"], moved["has_bearer"]) == (told.url, True)
    assert told.heard[-1][0]["Authorization"] == "Bearer opens-new"
    assert dropped["has_bearer"] is False
    machine.done("DELETE", path)


def _off_and_on(office: Office, name: str, times: int) -> None:
    """Somebody whose provider sets ``active`` so many times, off first."""
    link = office.person(name)
    for n in range(times):
        change = {"op": "replace", "path": "active", "value": bool(n % 2)}
        body = {"Operations": [change]}
        assert office.scim.send("PATCH", f"/Users/{link}", body).status == 200


def _taken(machine: Caller, path: str, count: int) -> list[dict[str, Any]]:
    """What a receiver took, as soon as it is so many."""
    for _ in range(100):
        items: list[dict[str, Any]] = machine.get(f"{path}/deliveries")["items"]
        if len(items) >= count:
            return items
        time.sleep(0.1)
    raise AssertionError(f"{len(items)} were taken")


def test_deliveries_are_paged_and_sent_again(
    api_office: Office, machine: Caller, told: Receiver
) -> None:
    """Every one on one page, the newest first; a replay has the ids of before."""
    sent = {"name": "pages", "url": told.url, "events": ["deactivate", "activate"]}
    path = f"/receivers/{machine.done('POST', '/receivers', sent)['id']}"
    _off_and_on(api_office, "pat@contoso.com", 5)
    everything = _taken(machine, path, 5)

    first = machine.get(f"{path}/deliveries", limit=2)
    second = machine.get(f"{path}/deliveries", limit=2, after=first["next"])
    last = machine.get(f"{path}/deliveries", limit=2, after=second["next"])
    assert [*first["items"], *second["items"], *last["items"]] == everything
    assert [len(each["items"]) for each in (first, second, last)] == [2, 2, 1]
    assert last["next"] is None

    oldest = everything[-1]["event_id"]
    replayed = machine.done("POST", f"{path}/replay", {"event_id": oldest})
    assert replayed["position"] < oldest
    again = _taken(machine, path, 10)[:5]
    assert [each["jti"] for each in again] == [each["jti"] for each in everything]
    machine.done("DELETE", path)


def test_a_paused_receiver_is_sent_what_it_missed_when_it_goes_on(
    api_office: Office, machine: Caller, told: Receiver
) -> None:
    """Nothing meanwhile, everything afterwards."""
    sent = {"name": "rests", "url": told.url, "events": ["deactivate", "activate"]}
    path = f"/receivers/{machine.done('POST', '/receivers', sent)['id']}"
    machine.done("PATCH", path, {"paused": True})
    _off_and_on(api_office, "ray@contoso.com", 2)
    time.sleep(2.5)
    meanwhile = machine.get(path)
    heard = len(told.heard)
    resumed = machine.done("PATCH", path, {"paused": False})
    taken = _taken(machine, path, 2)

    assert (meanwhile["state"], heard) == ("paused", 0)
    assert resumed["state"] in {"waiting", "sent"}
    assert [each["event"] for each in taken] == ["activate", "deactivate"]
    machine.done("DELETE", path)


def test_one_that_polls_from_its_first_word_to_its_last(
    api_office: Office, machine: Caller
) -> None:
    """Its token is told once; what it takes and refuses stands in its deliveries."""
    sent = {"name": "asks", "polls": True, "events": ["deactivate", "activate"]}
    made = machine.done("POST", "/receivers", sent)
    path, first = f"/receivers/{made['id']}", made["token"]
    assert (made["polls"], made["has_bearer"]) == (True, False)
    assert made["audience"] == "asks"
    assert made["url"].endswith(f"/events/{made['id']}")
    shown = machine.ask("GET", path)
    assert "token" not in shown.body
    assert first.encode() not in shown.content
    token = machine.done("POST", f"{path}/token")["token"]
    assert _asked(api_office, made["url"], first, {}).status == 401

    assert "waits for asks" in machine.done("POST", f"{path}/test")["said"]
    (test,) = _asked(api_office, made["url"], token, _AT_ONCE).body["sets"]
    _off_and_on(api_office, "tim@contoso.com", 2)
    off, on = _waited_for(api_office, made["url"], token, test)
    refused = {on: {"err": "invalid_key", "description": "unknown"}}
    settled = {"ack": [off], "setErrs": refused, **_AT_ONCE}
    answer = _asked(api_office, made["url"], token, settled).body
    assert answer == {"sets": {}, "moreAvailable": False}
    items = machine.get(f"{path}/deliveries")["items"]
    kept = {each["jti"]: (each["event"], each["refused"]) for each in items}
    assert kept == {
        test: ("verification", None),
        off: ("deactivate", None),
        on: ("activate", "invalid_key unknown"),
    }
    assert machine.get(path)["last_polled"] is not None
    assert machine.get(path)["state"] == "sent"
    machine.done("DELETE", path)
    assert _asked(api_office, made["url"], token, _AT_ONCE).status == 401


_AT_ONCE = {"returnImmediately": True}


def _asked(office: Office, url: str, token: str, body: Any) -> Reply:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    place = urlsplit(url).path
    return office.scim.send_raw("POST", place, headers, json.dumps(body).encode())


def _waited_for(office: Office, url: str, token: str, taken: str) -> list[str]:
    """The ids of two tokens, as soon as both are there."""
    for _ in range(40):
        body = {"ack": [taken], "maxEvents": 2}
        ids = list(_asked(office, url, token, body).body["sets"])
        if len(ids) == 2:
            return ids
        time.sleep(0.1)
    raise AssertionError(ids)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "must be an https address"),
        ({"polls": True, "url": "https://x.org/"}, "has no address and no bearer"),
        ({"polls": True, "bearer": "opens"}, "has no address and no bearer"),
    ],
)
def test_a_receiver_has_one_road(
    machine: Caller, more: dict[str, Any], said: str
) -> None:
    """It is pushed to at an address, or it polls."""
    refused = machine.refused(400, "POST", "/receivers", {"name": "both", **more})

    assert said in refused["detail"]


def test_one_that_is_pushed_to_has_no_token_of_ours(
    machine: Caller, told: Receiver
) -> None:
    """Making one is refused, and none is told when it is added."""
    made = machine.done("POST", "/receivers", {"name": "sent", "url": told.url})
    path = f"/receivers/{made['id']}"
    refused = machine.refused(400, "POST", f"{path}/token")

    assert made["token"] is None
    assert "it does not poll" in refused["detail"]
    machine.done("DELETE", path)


def test_what_cannot_be_a_receiver_is_refused(machine: Caller) -> None:
    """With what to write instead."""
    answer = machine.ask(
        "POST", "/receivers", {"name": "x", "url": "http://soc.example.com"}
    )

    assert answer.status == 400
    assert "must be an https address" in answer.body["detail"]


def test_alerts_are_changed_silenced_and_tried(machine: Caller) -> None:
    """Each with its threshold; null is the one it comes with, which is not kept."""
    listed = machine.get("/alerts")["items"]
    assert [each["id"] for each in listed] == [each.id for each in CONDITIONS]
    changed = machine.done("PATCH", "/alerts/refusals", {"threshold": "35"})
    silent = machine.done("POST", "/alerts/refusals/silence", {"hours": 5})
    again = machine.done("POST", "/alerts/refusals/silence", {"hours": 0})
    shipped = machine.done("PATCH", "/alerts/refusals", {"threshold": None})
    bad = machine.ask("PATCH", "/alerts/refusals", {"threshold": "many"})
    sent = machine.done("POST", "/alerts/disk/test")

    assert changed["threshold"] == "35"
    assert silent["silent_until"] is not None
    assert again["silent_until"] is None
    assert shipped["threshold"] == BY_ID["refusals"].threshold
    one = machine.get("/alerts/refusals")
    assert all(each in one["held"] for each in one["holding"])
    assert (bad.status, "Write a whole number" in bad.body["detail"]) == (400, True)
    assert sent["mails"] >= 1
    assert machine.ask("GET", "/alerts/nothing").status == 404


def test_an_issuer_is_trusted_and_no_more(api_office: Office, machine: Caller) -> None:
    """A tenant of Entra ID fills what is left out."""
    made = machine.done("POST", "/connections", {"name": "trusting", "kind": "entra"})
    path = f"/connections/{made['connection']['id']}/trusts"
    tenant = "11111111-2222-4333-8444-555555555555"
    trust = machine.done(
        "POST", path, {"tenant": tenant, "subject": "app", "audiences": ["scim"]}
    )

    assert tenant in trust["issuer"]
    assert [each["id"] for each in machine.get(path)["items"]] == [trust["id"]]
    assert machine.ask("POST", path, {"tenant": "none"}).status == 400
    assert machine.ask("DELETE", f"{path}/{trust['id']}").status == 204
    assert machine.ask("DELETE", f"{path}/{trust['id']}").status == 404
    assert machine.get(path)["items"] == []

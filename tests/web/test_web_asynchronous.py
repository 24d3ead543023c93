"""Prefer: respond-async: taken, carried out in order and once, and told to whom asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import time_ns
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select, update

from scim_connector.administration import connections as administration
from scim_connector.administration import shipped
from scim_connector.delivery.housekeeping import keep_house
from scim_connector.directory import async_requests, request_log
from scim_connector.directory.async_requests import Asked
from scim_connector.directory.database import Transaction
from scim_connector.directory.locking import BeingCopied
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import async_requests as table
from scim_connector.directory.tables import audit_events, receipts, users
from scim_connector.provisioning import asynchronous
from scim_connector.settings import Settings
from scim_connector.tokens.signing import SigningKeys
from scim_connector.web.carrying_out import LEASE, Carrier
from scim_connector.wiring import open_house, parts_of, prepare
from scim_connector.wiring.workers import carrier
from tests.web.door import Door, operator, person, refusal

PREFER = {"Prefer": "respond-async"}
HOUR = 3600 * 1_000_000
DAY = 24 * HOUR
KIM, LEE = "kim.doe@example.com", "lee.roe@example.com"
_EVENTS = Statement(
    select(audit_events.c.name, audit_events.c.request_id).order_by(audit_events.c.id)
)
_USERS = Statement(select(func.count()).select_from(users))
_TOOK = Statement(select(receipts.c.cut_at - receipts.c.asked_at))
_ROWS = Statement(select(table.c.sealed, table.c.result).order_by(table.c.id))

Place = Callable[[str], str]


def _opened(url: str, folder: Path, **more: Any) -> Door:
    """A new house at *url*, served in this process; nothing works beside it."""
    chosen = Settings(
        database_url=url,
        secret_key_file=folder / "house.key",
        public_url="https://scim.example.com",
        **more,
    )
    welcome = prepare(chosen).welcome
    assert welcome is not None
    house = open_house(chosen)
    parts = parts_of(house)
    return Door(parts.app.test_client(), welcome.token, house, parts.gatherer)


@pytest.fixture(params=["sqlite", "postgresql"])
def both(
    request: pytest.FixtureRequest, place: Place, tmp_path: Path
) -> Iterator[Door]:
    """A house on each of the two databases."""
    door = _opened(place(request.param), tmp_path)
    yield door
    door.house.database.close()


def _connect(door: Door, name: str, kind: str = "generic") -> Door:
    """The same house at another connection."""

    def work(tx: Any) -> None:
        administration.add(
            tx,
            name,
            kind=kind,
            mapping_text=shipped.text(kind),
            mapping_name=f"{kind}.toml",
            settings={},
            act=operator(),
        )

    door.house.database.write(work)
    return _token(door, of=name)


def _token(
    door: Door, *, of: str = "default", lives: int = DAY, kind: Any = "bearer"
) -> Door:
    """The same house with a further token of a connection."""
    now = operator()
    token = door.house.database.write(
        lambda tx: administration.create_token(
            tx,
            administration.find(tx, of),
            pepper=door.house.keys.peppers()[0],
            expires_at=now.now + lives,
            act=now,
            kind=kind,
        )
    )
    return replace(door, token=str(token))


def _take_back(door: Door) -> None:
    """Revoke the token that a door sends."""

    def work(tx: Any) -> None:
        found = administration.find_token(tx, door.token)
        administration.revoke_token(tx, found, operator())

    door.house.database.write(work)


def _ask(door: Door, method: str, path: str, body: Any = None, **headers: str) -> str:
    """Ask for a change later; returns where its result will be, below the base URL."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    taken = door.send(method, path, body, headers={**PREFER, **named})
    assert taken.status_code == 202, taken.text
    assert taken.data == b""
    assert taken.headers["Preference-Applied"] == "respond-async"
    place = taken.headers["Location"].partition("/scim/v2")[2]
    assert place == f"/Requests/{taken.headers['Set-Txn']}"
    return place


def _work(door: Door, at: int = 0) -> None:
    """Carry out everything that waits, *at* microseconds from now."""
    working = carrier(door.house)
    if at:
        working._clock = lambda: time_ns() // 1000 + at
    while working.round():
        pass


def _result(door: Door, place: str) -> dict[str, Any]:
    """The one operation of a result."""
    answer = door.send("GET", place)
    assert answer.status_code == 200, answer.text
    [operation] = answer.get_json()["Operations"]
    found: dict[str, Any] = operation
    return found


def _refused(door: Door, place: str) -> tuple[str, str]:
    """The status of a refused request, and why."""
    result = _result(door, place)
    assert result["response"]["status"] == result["status"]
    return result["status"], result["response"]["detail"]


def _change(**values: Any) -> dict[str, Any]:
    operations = [
        {"op": "replace", "path": path, "value": value}
        for path, value in values.items()
    ]
    patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    return {"schemas": [patch], "Operations": operations}


def _entry(door: Door, place: str) -> request_log.Entry:
    txn = place.rpartition("/")[2]
    found = request_log.by_request_id(door.house.database.reader(), txn)
    assert found is not None
    return found


# ------------------------------------------------------------------------------ taking


def test_a_request_is_taken_then_told(both: Door) -> None:
    """202 until it is carried out; then what a request of its own is answered."""
    place = _ask(both, "POST", "/Users", person(KIM))

    waits = both.send("GET", place)
    before = both.send("GET", f'/Users?filter=userName eq "{KIM}"').get_json()
    _work(both)
    result = _result(both, place)

    assert (waits.status_code, waits.headers["Retry-After"]) == (202, "1")
    assert before["totalResults"] == 0
    assert (result["method"], result["status"], result["version"]) == (
        *("POST", "201"),
        'W/"1"',
    )
    found = both.send("GET", result["location"].partition("/scim/v2")[2])
    assert result["response"] == found.get_json()


def test_each_change_can_be_asked_for_later(both: Door) -> None:
    """POST, PUT, PATCH and DELETE of users and groups, each with its own status."""
    kim = both.made(KIM)
    asked = [
        _ask(both, "PUT", f"/Users/{kim}", person(KIM, displayName="Kim")),
        _ask(both, "PATCH", f"/Users/{kim}", _change(active=False)),
        _ask(both, "DELETE", f"/Users/{kim}"),
        _ask(both, "POST", "/Groups", {"displayName": "Staff"}),
    ]

    _work(both)

    results = [_result(both, place) for place in asked]
    assert [each["status"] for each in results] == ["200", "200", "204", "201"]
    assert [each["location"][:38] for each in results[:3]] == [
        f"https://scim.example.com/scim/v2/Users/{kim}"[:38]
    ] * 3
    assert results[1]["response"]["active"] is False
    assert both.send("GET", f"/Users/{kim}").status_code == 404
    group = results[3]["location"].rpartition("/")[2]
    again = _ask(both, "PATCH", f"/Groups/{group}", _change(displayName="All staff"))
    _work(both)
    assert _result(both, again)["response"]["displayName"] == "All staff"


def test_log_and_audit_know_it_by_its_txn(both: Door) -> None:
    """The same entry and the same events as of a request that is answered at once."""
    both.made(LEE)
    at_once = [name for name, _ in both.house.database.reader().rows(_EVENTS)]
    place = _ask(both, "POST", "/Users", person(KIM))

    _work(both)

    entry, txn = _entry(both, place), place.rpartition("/")[2]
    assert (entry.action, entry.outcome, entry.status) == ("Create", "Success", 201)
    assert "UTC to be carried out later." in entry.steps
    events = both.house.database.reader().rows(_EVENTS)[len(at_once) :]
    assert [name for name, _ in events] == at_once[-len(events) :]
    assert {request_id for _, request_id in events} == {txn}


def test_nothing_that_was_sent_can_be_read(both: Door) -> None:
    """What waits is encrypted, and forgotten when it is done; so is the result."""
    _ask(both, "POST", "/Users", person(KIM, password="correct horse battery"))
    reader = both.house.database.reader()

    waits = reader.rows(_ROWS)[0]
    _work(both)
    done = reader.rows(_ROWS)[0]

    assert waits[1] is None
    assert done[0] is None
    for text in (waits[0], done[1]):
        assert KIM not in text
        assert "horse" not in text


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/Users", b"{", {}, 400),
        ("/Users", b"", {}, 400),
        ("/Users", {"schemas": []}, {}, 400),
        ("/Users", person(KIM, active="perhaps"), {}, 400),
        ("/Users", person(KIM), {"Content-Type": "text/plain"}, 415),
        ("/Users", person(KIM), {"Idempotency-Key": "k" * 256}, 400),
        ("/Users", person(KIM), {"Authorization": "Bearer nonsense"}, 401),
        ("/Users", b" " * 1_048_577, {}, 413),
        ("/Bulk", {"Operations": []}, {}, 400),
        ("/Groups", {"displayName": 7}, {}, 400),
    ],
)
def test_what_can_be_judged_at_once_is(
    both: Door, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    """A request that can only be refused is refused now, and nothing is taken."""
    answer = both.send("POST", path, body, headers=PREFER | headers)

    refusal(answer, status)
    assert async_requests.queues(both.house.database.reader()) == {}


def test_what_is_refused_at_once_is_in_the_log(door: Door) -> None:
    """Whoever reads the log sees it, like every other refusal (decision 33)."""
    answer = door.send("POST", "/Users", {"schemas": []}, headers=PREFER)

    door.gatherer.flush()

    reader = door.house.database.reader()
    entry = request_log.by_request_id(reader, answer.headers["X-Request-Id"])
    assert entry is not None
    assert (entry.outcome, entry.status, entry.action) == ("Failure", 400, "Create")


@pytest.mark.parametrize("operation", [{"op": "jump"}, "replace", {"path": 7}])
def test_a_patch_that_says_nothing_is_refused_at_once(
    door: Door, operation: Any
) -> None:
    """Its operations are read before it is taken; what they meet is not known yet."""
    body = _change() | {"Operations": [operation]}

    refusal(door.send("PATCH", "/Users/unknown", body, headers=PREFER), 400)

    place = _ask(door, "PATCH", "/Users/unknown", _change(active=False))
    _work(door)
    assert _refused(door, place)[0] == "404"


def test_an_answer_that_is_there_in_time_is_given(both: Door) -> None:
    """With wait=n one resource is answered at once; a Bulk, or without wait, is not."""
    patient = {"Prefer": "respond-async, wait=10"}
    at_once = both.send("POST", "/Users", person(KIM), headers=patient)
    many = both.send("POST", "/Bulk", _bulk(), headers=patient)

    assert at_once.status_code == 201
    assert at_once.get_json()["userName"] == KIM
    assert "Preference-Applied" not in at_once.headers
    assert many.status_code == 202


def test_whoever_would_wait_comes_behind_what_waits(both: Door) -> None:
    """Requests of a connection keep their order, also with wait=n."""
    kim = both.made(KIM)
    first = _ask(both, "PATCH", f"/Users/{kim}", _change(displayName="First"))
    body, patient = _change(displayName="Second"), "respond-async, wait=10"
    second = _ask(both, "PATCH", f"/Users/{kim}", body, Prefer=patient)
    _work(both)

    assert _result(both, first)["status"] == _result(both, second)["status"] == "200"
    assert both.send("GET", f"/Users/{kim}").get_json()["displayName"] == "Second"


def test_reads_and_searches_are_answered_at_once(door: Door) -> None:
    """The preference is for changes; a read with it is answered as ever."""
    kim = door.made(KIM)

    assert door.send("GET", f"/Users/{kim}", headers=PREFER).status_code == 200
    search = {"filter": f'userName eq "{KIM}"'}
    found = door.send("POST", "/Users/.search", search, headers=PREFER)
    assert found.get_json()["totalResults"] == 1
    assert door.send("POST", f"/Users/{kim}", {}, headers=PREFER).status_code == 405


def test_without_room_for_any_everything_is_answered_at_once(tmp_path: Path) -> None:
    """async_waiting = 0 switches it off, and ServiceProviderConfig says so."""
    door = _opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path, async_waiting=0)
    okta = _connect(door, "okta", kind="okta")

    answer = door.send("POST", "/Users", person(KIM), headers=PREFER)
    told = okta.send("GET", "/ServiceProviderConfig").get_json()

    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers
    assert told["securityEvents"]["asyncRequest"] == "none"
    door.house.database.close()


def test_the_configuration_says_that_requests_are_taken(door: Door) -> None:
    """RFC 9967 section 4: asyncRequest is "request"; generic clients are not told."""
    okta = _connect(door, "okta", kind="okta")

    told = okta.send("GET", "/ServiceProviderConfig").get_json()

    assert told["securityEvents"]["asyncRequest"] == "request"
    plain = door.send("GET", "/ServiceProviderConfig").get_json()
    assert "securityEvents" not in plain


# -------------------------------------------------------------------------------- tokens


def test_a_result_is_a_token_for_whoever_accepts_one(both: Door) -> None:
    """misc:asyncresp (RFC 9967 section 2.5.1.3), signed by a key that is published."""
    kim = both.made(KIM)
    done = _ask(both, "PATCH", f"/Users/{kim}", _change(displayName="Kim"))
    refused = _ask(both, "POST", "/Users", person(KIM))
    _work(both)

    for place, status, uri in (
        (done, "200", f"/Users/{kim}"),
        (refused, "409", "/Users"),
    ):
        claims = _claims(both, place)
        [payload] = claims["events"].values()
        assert list(claims["events"]) == ["urn:ietf:params:scim:event:misc:asyncresp"]
        assert claims["txn"] == place.rpartition("/")[2]
        assert claims["sub_id"] == {"format": "scim", "uri": uri}
        assert (payload["method"], payload["status"]) == (
            *({"200": "PATCH", "409": "POST"}[status], status),
        )
        assert payload == _result(both, place)
        assert claims["jti"] == _claims(both, place)["jti"]
    assert payload["response"]["scimType"] == "uniqueness"


def _claims(door: Door, place: str) -> dict[str, Any]:
    """What the token says, checked with what is published for receivers."""
    accepts = {"Accept": "application/json;q=0.5, application/secevent+jwt"}
    answer = door.send("GET", place, headers=accepts)
    assert answer.mimetype == "application/secevent+jwt"
    [key] = SigningKeys(door.house.keys).published()["keys"]
    assert jwt.get_unverified_header(answer.text)["typ"] == "secevent+jwt"
    claims: dict[str, Any] = jwt.decode(
        answer.text,
        jwt.PyJWK(key),
        algorithms=["ES256"],
        audience="default",
        issuer="https://scim.example.com",
    )
    return claims


# ----------------------------------------------------------------------------- bounds


def test_only_so_many_wait(place: Place, tmp_path: Path) -> None:
    """One more is 503 with Retry-After and a sentence; another connection has room."""
    door = _opened(place("sqlite"), tmp_path, async_waiting=2)
    for name in (KIM, LEE):
        _ask(door, "POST", "/Users", person(name))

    third = door.send("POST", "/Users", person("max@example.com"), headers=PREFER)

    detail = refusal(third, 503)
    assert detail.startswith("2 requests of connection ")
    assert third.headers["Retry-After"] == "5"
    _ask(_connect(door, "other"), "POST", "/Users", person("max@example.com"))
    _work(door)
    _ask(door, "POST", "/Users", person("moe@example.com"))
    door.house.database.close()


def test_only_so_many_bytes_wait(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large requests fill the queue as many small ones do."""
    monkeypatch.setattr(asynchronous, "MOST_BYTES", 1_000)
    _ask(door, "POST", "/Users", person(KIM))

    large = person(LEE, displayName="x" * 900)
    refusal(door.send("POST", "/Users", large, headers=PREFER), 503)


# -------------------------------------------------------------------------------- keys


def test_a_key_that_comes_again_is_the_same_request(both: Door) -> None:
    """Whoever never saw the 202 asks again, and is told the first txn."""
    first = _ask(both, "POST", "/Users", person(KIM), Idempotency_Key="one")
    again = _ask(both, "POST", "/Users", person(KIM), Idempotency_Key="one")
    _work(both)
    later = _ask(both, "POST", "/Users", person(KIM), Idempotency_Key="one")

    other = both.send(
        "POST", "/Users", person(LEE), headers={**PREFER, "Idempotency-Key": "one"}
    )
    at_once = both.send(
        "POST", "/Users", person(KIM), headers={"Idempotency-Key": "one"}
    )

    assert first == again == later
    refusal(other, 422)
    assert at_once.status_code == 201
    assert at_once.get_json() == _result(both, first)["response"]


def test_a_key_of_a_request_that_was_answered_at_once(both: Door) -> None:
    """Asked for later with the same key: nothing happens twice."""
    key = {"Idempotency-Key": "one"}
    answer = both.send("POST", "/Users", person(KIM), headers=key)
    refusal(both.send("POST", "/Users", person(LEE), headers=PREFER | key), 422)

    place = _ask(both, "POST", "/Users", person(KIM), Idempotency_Key="one")
    _work(both)

    assert _result(both, place)["response"] == answer.get_json()


def test_a_refused_request_keeps_no_key(both: Door) -> None:
    """It changed nothing; corrected, it may come with the same key."""
    both.made(KIM)
    refused = _ask(both, "POST", "/Users", person(KIM), Idempotency_Key="one")
    _work(both)
    corrected = _ask(both, "POST", "/Users", person(LEE), Idempotency_Key="one")
    _work(both)

    assert _refused(both, refused)[0] == "409"
    assert _result(both, corrected)["status"] == "201"


# --------------------------------------------------------------------------- authority


def test_nobody_else_reads_a_result(both: Door) -> None:
    """Another connection finds what it finds for an id that never was: 404."""
    other = _connect(both, "other")
    reader = _token(both, kind="reader")
    place = _ask(both, "POST", "/Users", person(KIM))
    _work(both)

    theirs = refusal(other.send("GET", place), 404)
    unknown = place[:-4] + "0000"
    never = refusal(other.send("GET", unknown), 404)

    assert theirs.partition(" [")[0] == never.partition(" [")[0].replace(
        unknown.rpartition("/")[2], place.rpartition("/")[2]
    )
    refusal(both.send("GET", f"{place}0"), 404)
    refusal(reader.send("GET", place), 403)
    refusal(both.send("GET", place, headers={"Authorization": ""}), 401)
    assert both.send("DELETE", place).status_code == 405


def test_a_second_token_of_the_connection_reads_it(both: Door) -> None:
    """A result belongs to the connection, whichever token it was asked with."""
    place = _ask(both, "POST", "/Users", person(KIM))
    _work(both)

    assert _result(_token(both), place)["status"] == "201"


def test_a_token_taken_back_meanwhile_changes_nothing(both: Door) -> None:
    """The result is the refusal, in the log as well; the next one is carried out."""
    second = _token(both)
    place = _ask(both, "POST", "/Users", person(KIM))
    other = _ask(second, "POST", "/Users", person(LEE))
    _take_back(both)

    _work(both)

    status, detail = _refused(second, place)
    assert (status, "revoked" in detail) == ("401", True)
    assert _entry(both, place).outcome == "Failure"
    assert _result(second, other)["status"] == "201"
    found = second.send("GET", f'/Users?filter=userName eq "{KIM}"').get_json()
    assert found["totalResults"] == 0


def test_a_token_that_ends_meanwhile_was_good(both: Door) -> None:
    """An access token lives an hour; what it asked for before its end is carried out."""
    short = _token(both, lives=HOUR)
    place = _ask(short, "POST", "/Users", person(KIM))

    _work(both, at=2 * HOUR)

    assert _result(both, place)["status"] == "201"


def test_a_connection_paused_meanwhile(both: Door) -> None:
    """Paused, it deactivates and does nothing else (decision 13), later as at once."""
    kim = both.made(KIM)
    renamed = _ask(both, "PATCH", f"/Users/{kim}", _change(displayName="Kim"))
    ended = _ask(both, "PATCH", f"/Users/{kim}", _change(active=False))
    _state(both, administration.pause)

    _work(both)

    status, detail = _refused(both, renamed)
    assert (status, "is paused" in detail) == ("503", True)
    assert _result(both, ended)["status"] == "200"


def test_a_connection_retired_meanwhile(both: Door) -> None:
    """Nothing is carried out, nobody can fetch it, and the log has why."""
    place = _ask(both, "POST", "/Users", person(KIM))
    _state(both, administration.retire)

    _work(both)

    assert _entry(both, place).status == 401
    assert both.house.database.reader().value(_USERS) == 0
    assert both.send("GET", place).status_code == 401


def _state(door: Door, change: Callable[..., Any]) -> None:
    def work(tx: Any) -> None:
        change(tx, administration.find(tx, "default"), act=operator())

    door.house.database.write(work)


# ------------------------------------------------------------------- order, exactly once


def test_requests_are_carried_out_in_the_order_they_were_taken(both: Door) -> None:
    """The last one has the last word, whoever carries them out."""
    kim = both.made(KIM)
    for number in range(12):
        _ask(both, "PATCH", f"/Users/{kim}", _change(displayName=f"Kim {number}"))

    _work_together(both, 3)

    events = [name for name, _ in both.house.database.reader().rows(_EVENTS)]
    assert both.send("GET", f"/Users/{kim}").get_json()["displayName"] == "Kim 11"
    version = both.send("GET", f"/Users/{kim}").headers["ETag"]
    assert version == 'W/"13"'
    assert events.count("user:created") == 1


def test_many_at_work_carry_each_out_once(both: Door) -> None:
    """Two connections, three at work: every request has one entry and one result."""
    doors = [both, _connect(both, "other")]
    asked = [
        (door, _ask(door, "POST", "/Users", person(f"p{n}@c{place}.example.com")))
        for n in range(8)
        for place, door in enumerate(doors)
    ]

    _work_together(both, 3)

    assert {_result(door, place)["status"] for door, place in asked} == {"201"}
    assert both.house.database.reader().value(_USERS) == 16


def _work_together(door: Door, number: int) -> None:
    def work() -> None:
        _until_nothing_waits(door, carrier(door.house))

    threads = [Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def _until_nothing_waits(door: Door, working: Carrier) -> None:
    while async_requests.waiting(door.house.database.reader()):
        working.round()


def test_a_synchronous_request_does_not_wait(both: Door) -> None:
    """It is carried out at once, before what was taken earlier."""
    kim = both.made(KIM)
    _ask(both, "PATCH", f"/Users/{kim}", _change(displayName="Later"))

    at_once = both.send("PATCH", f"/Users/{kim}", _change(displayName="At once"))
    _work(both)

    assert at_once.get_json()["displayName"] == "At once"
    assert both.send("GET", f"/Users/{kim}").get_json()["displayName"] == "Later"


def test_if_match_is_compared_when_it_is_carried_out(both: Door) -> None:
    """What changed meanwhile is not written over (412)."""
    kim = both.made(KIM)
    change = _change(displayName="Kim")
    place = _ask(both, "PATCH", f"/Users/{kim}", change, If_Match='W/"1"')
    both.send("PATCH", f"/Users/{kim}", _change(displayName="First"))

    _work(both)

    assert _refused(both, place)[0] == "412"


def test_what_to_show_holds_for_the_result(both: Door) -> None:
    """Attributes in the address cut the result down, as they cut an answer."""
    place = _ask(both, "POST", "/Users?attributes=userName", person(KIM))

    _work(both)

    assert set(_result(both, place)["response"]) == {"schemas", "id", "userName"}


def test_a_database_in_the_way_leaves_a_request_waiting(door: Door) -> None:
    """While it is copied away nothing is written; then the request has its turn."""
    place = _ask(door, "POST", "/Users", person(KIM))
    door.house.database.closed = True

    with pytest.raises(BeingCopied):
        carrier(door.house).round()
    door.house.database.closed = False
    _work(door)

    assert _result(door, place)["status"] == "201"


def test_what_goes_wrong_here_holds_up_nobody(both: Door) -> None:
    """A request that can never be carried out is answered 500; the next one goes on."""
    spoilt = _ask(both, "POST", "/Users", person(KIM))
    good = _ask(both, "POST", "/Users", person(LEE))
    first = _first(both)
    spoil = update(table).where(table.c.id == first.id).values(sealed="c3BvaWx0")
    both.house.database.write(lambda tx: tx.run(Statement(spoil)))

    _work(both)

    status, detail = _refused(both, spoilt)
    assert (status, "nothing was changed" in detail) == ("500", True)
    assert _result(both, good)["status"] == "201"


def _first(door: Door) -> Asked:
    return async_requests.listed(door.house.database.reader(), at_most=1)[0]


# -------------------------------------------------------------------------------- bulk


def _bulk() -> dict[str, Any]:
    """A group of two, one of whom cannot be created."""
    operations = [
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "staff",
            "data": {"displayName": "Staff", "members": [{"value": "bulkId:kim"}]},
        },
        {"method": "POST", "path": "/Users", "bulkId": "kim", "data": person(KIM)},
        {"method": "POST", "path": "/Users", "bulkId": "no", "data": {"name": {}}},
    ]
    bulk = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    return {"schemas": [bulk], "Operations": operations}


def test_a_bulk_request_is_told_as_it_would_have_been_answered(both: Door) -> None:
    """One result with every operation; bulkIds stand for what was created."""
    place = _ask(both, "POST", "/Bulk", _bulk())

    _work(both)

    accepts = {"Accept": "application/secevent+jwt"}
    told = both.send("GET", place, headers=accepts).get_json()
    assert [each["status"] for each in told["Operations"]] == ["201", "201", "400"]
    group, kim = (
        each["location"].rpartition("/")[2] for each in told["Operations"][:2]
    )
    members = both.send("GET", f"/Groups/{group}").get_json()["members"]
    assert [each["value"] for each in members] == [kim]
    assert _entry(both, place).path == "/scim/v2/Bulk"


def test_a_bulk_request_is_taken_up_where_it_was_left(both: Door) -> None:
    """Whoever had it is gone after some operations: these are told, not done again."""
    place = _ask(both, "POST", "/Bulk/", _bulk())
    database = both.house.database
    asked = database.write(_leased)
    gone = carrier(both.house)
    gone._reply(
        database, asked, parts_of(both.house).gatherer
    )  # and then it was killed
    _work(both)
    assert both.send("GET", place).status_code == 202  # leased still

    _work(both, at=2 * LEASE)

    told = both.send("GET", place).get_json()
    assert [each["status"] for each in told["Operations"]] == ["201", "201", "400"]
    assert database.reader().value(_USERS) == 1
    events = [name for name, _ in database.reader().rows(_EVENTS)]
    assert events.count("user:created") == 1


def _leased(tx: Transaction) -> Asked:
    """Take what is next, as a process does that is then killed."""
    now = time_ns() // 1000
    asked = async_requests.head(tx, 1, now=now)
    assert asked is not None
    async_requests.lease(tx, asked, until=now + LEASE)
    return asked


# -------------------------------------------------------------------------- forgetting


def test_results_are_kept_for_a_day(both: Door) -> None:
    """Then they are forgotten with everything of the request; what waits stays."""
    place = _ask(both, "POST", "/Users", person(KIM))
    _work(both, at=-DAY - HOUR)
    waits = _ask(both, "POST", "/Users", person(LEE))

    keep_house(both.house.database)

    refusal(both.send("GET", place), 404)
    assert both.send("GET", waits).status_code == 202


def test_who_waited_is_told_in_the_proof_of_cut_off(both: Door) -> None:
    """A deactivation took from the moment it was taken, not from when its turn came."""
    kim = both.made(KIM)
    _ask(both, "PATCH", f"/Users/{kim}", _change(active=False))

    _work(both, at=3_000_000)

    took = both.house.database.reader().value(_TOOK)
    assert 3_000_000 <= took < 60_000_000

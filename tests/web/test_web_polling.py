"""/events over HTTP: who is let in, how much is read, and how long anybody waits."""

from __future__ import annotations

import http.client
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from scim_connector.administration import receivers as doors
from scim_connector.directory.receivers import Receiver
from scim_connector.provisioning import RequestGatherer
from scim_connector.rules.polling import Poll, Polled
from scim_connector.tokens import turns
from scim_connector.web.forms import LARGEST
from scim_connector.web.polling import PollingDoor
from tests import server
from tests.receiver import Receiver as Heard
from tests.server import Reply, Server
from tests.web.door import Door, operator

JSON = "application/json"


@pytest.fixture
def soc(door: Door) -> tuple[Receiver, str]:
    """A receiver that polls, and its token."""
    house = door.house
    made, token = house.database.write(
        lambda tx: doors.add_polling(tx, house.keys, "soc", operator())
    )
    return made, str(token)


def ask(door: Door, path: str, token: str | None, body: Any = None, **more: Any) -> Any:
    """One request, by default one that is answered at once."""
    sent = {} if token is None else {"Authorization": f"Bearer {token}"}
    sent |= more.pop("headers", {})
    if not isinstance(body, bytes):
        body = json.dumps(body or {"returnImmediately": True}).encode()
    sent.setdefault("Content-Type", JSON)
    method = more.pop("method", "POST")
    return door.client.open(path, method=method, headers=sent, data=body, **more)


def test_a_receiver_is_let_in_by_its_token(
    door: Door, soc: tuple[Receiver, str]
) -> None:
    """And is told in JSON, which nobody keeps, that there is nothing yet."""
    answer = ask(door, "/events/1", soc[1])

    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {"sets": {}, "moreAvailable": False}
    assert answer.headers["Content-Type"] == JSON
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("token", [None, "", "x", "scimc_abcdefghijkl_" + "x" * 43])
def test_a_stranger_is_not_let_in(
    door: Door, soc: tuple[Receiver, str], token: str | None
) -> None:
    """Whatever they ask for; nothing of their body is read, and it is counted."""
    answer = ask(door, "/events/1", token, b"no JSON")
    nowhere = ask(door, "/events/none/at/all", token, method="GET")

    assert (answer.status_code, nowhere.status_code) == (401, 401)
    assert answer.get_json()["err"] == "authentication_failed"
    assert "scim-connector receiver token" in answer.get_json()["description"]
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="scim"')


def test_no_other_token_of_ours_opens_it(door: Door, soc: tuple[Receiver, str]) -> None:
    """Nor is a provider's door opened by this one; a wrong secret is a stranger's."""
    secret = soc[1][:-1] + ("A" if soc[1][-1] != "A" else "B")
    scim = door.client.get(
        "/scim/v2/Users", headers={"Authorization": f"Bearer {soc[1]}"}
    )

    assert ask(door, "/events/1", door.token).status_code == 401
    assert ask(door, "/events/1", secret).status_code == 401
    assert scim.status_code == 401


def test_who_guesses_is_made_to_wait(door: Door, soc: tuple[Receiver, str]) -> None:
    """After sixty refused requests of one source, the right token included."""
    for _ in range(60):
        assert ask(door, "/events/1", "x").status_code == 401
    answer = ask(door, "/events/1", soc[1])

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_token_is_for_one_address_and_one_method(
    door: Door, soc: tuple[Receiver, str]
) -> None:
    """It is said which."""
    other = ask(door, "/events/2", soc[1])
    got = ask(door, "/events/1", soc[1], method="GET")

    assert (other.status_code, got.status_code) == (404, 405)
    assert "This token is for /events/1" in other.get_json()["description"]
    assert got.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"", {}, 400, "The body is empty"),
        (b"{", {}, 400, "not JSON"),
        (b"[]", {}, 400, "object"),
        (b'{"ack": [], "ack": []}', {}, 400, "twice"),
        (b'{"maxEvents": -1}', {}, 400, "maxEvents has to be"),
        (b'{"setErrs": {"a": {"err": "\\u0000"}}}', {}, 400, "U+0000"),
        (b"[" * 500, {}, 400, "nested"),
        (b'{"a":"' + b"x" * LARGEST + b'"}', {}, 413, "larger than 65536"),
        (b"a=b", {"Content-Type": "text/plain"}, 415, "text/plain"),
    ],
)
def test_what_cannot_be_read_is_refused(
    door: Door,
    soc: tuple[Receiver, str],
    body: bytes,
    headers: dict[str, str],
    status: int,
    said: str,
) -> None:
    """With a sentence, in the members that RFC 8935 has for it."""
    answer = ask(door, "/events/1", soc[1], body, headers=headers)

    assert answer.status_code == status, answer.text
    assert answer.get_json()["err"] == "invalid_request"
    assert said in answer.get_json()["description"]


def test_a_receiver_that_asks_too_often_is_made_to_wait(
    door: Door, soc: tuple[Receiver, str]
) -> None:
    """So that one that never waits costs no more than that."""
    answers = [ask(door, "/events/1", soc[1]) for _ in range(60)]

    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert refused[0].headers["Retry-After"] == "1"
    assert "This receiver sends more than 10" in refused[0].get_json()["description"]


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.inside: list[int] = []
        self.goes_on = Event()

    def answer(self, receiver: Receiver, poll: Poll) -> Polled:
        self.inside.append(receiver.id)
        self.goes_on.wait(10)
        return Polled({}, more=poll.at_once)


def _status(door: PollingDoor, token: str) -> str:
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/events/1",
        "CONTENT_TYPE": JSON,
        "CONTENT_LENGTH": "2",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    door(environ, lambda status, *_: told.append(status))  # type: ignore[arg-type,return-value]
    return told[0]


def test_only_so_many_threads_answer_receivers(
    door: Door, soc: tuple[Receiver, str]
) -> None:
    """Who comes while all of them are taken is told to ask again; others are served."""
    slow, house = Slow(), door.house
    polled = PollingDoor(
        house.settings,
        house.database,
        house.keys,
        slow,
        RequestGatherer(house.database),
    )
    busy = [Thread(target=_status, args=(polled, soc[1])) for _ in range(turns.POLLING)]
    for each in busy:
        each.start()
    while len(slow.inside) < turns.POLLING:
        time.sleep(0.01)
    late = _status(polled, soc[1])
    slow.goes_on.set()
    for each in busy:
        each.join()

    assert late == "503 Service Unavailable"
    assert _status(polled, soc[1]) == "200 OK"
    assert turns.THREADS - turns.POLLING >= turns.AT_ONCE + turns.WAITING + 2


# ------------------------------------------------------------------- the real server


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, so that every thread there is can be counted."""
    folder = tmp_path_factory.mktemp("polling")
    with server.running(folder, arguments=["--workers", "1"]) as running:
        yield running


def _added(scim: Server, *names: str) -> list[tuple[str, str]]:
    """The paths and the tokens of new receivers that poll."""
    told = scim.cli_batch(
        [["receiver", "add", each, "--poll", "--event", "deactivate"] for each in names]
    )
    return [_place(said) for said in told]


def _place(said: str) -> tuple[str, str]:
    lines = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    return urlsplit(lines["It asks at"].strip()).path, lines["Bearer token"].strip()


def _poll(scim: Server, at: tuple[str, str], body: Any) -> Reply:
    """Ask on a connection of its own, as each of several receivers does."""
    place = urlsplit(scim.base_url)
    client = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    headers = {"Authorization": f"Bearer {at[1]}", "Content-Type": JSON}
    client.request("POST", at[0], json.dumps(body), headers)
    answer = client.getresponse()
    reply = Reply(answer.status, dict(answer.headers.items()), answer.read())
    client.close()
    return reply


def _person(scim: Server, name: str) -> str:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": name, "primary": True}],
    }
    return str(scim.send("POST", "/Users", body).body["id"])


def _off(scim: Server, link: str) -> None:
    body = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    assert scim.send("PATCH", f"/Users/{link}", body).status == 200


def test_a_deactivation_reaches_whoever_waits(scim: Server) -> None:
    """Signed by the keys that are published, within the time that it waits; once."""
    (soc,), link = _added(scim, "waits"), _person(scim, "zoe@contoso.com")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_poll, scim, soc, {})
        time.sleep(0.3)
        _off(scim, link)
        given = waiting.result().body["sets"]
    ((jti, token),) = given.items()
    keys = scim.send_raw("GET", "/.well-known/jwks.json", {}, None).body

    (claims,) = Heard(heard=[({}, token)]).claims(keys)
    assert claims["jti"] == jti
    assert claims["sub_id"]["uri"] == f"/Users/{link}"
    after = _poll(scim, soc, {"ack": [jti], "returnImmediately": True})
    assert after.body == {"sets": {}, "moreAvailable": False}
    shown = json.loads(scim.cli("receiver", "show", "waits", "--json"))
    assert [each["jti"] for each in shown["deliveries"]] == [jti]
    assert (shown["polls"], shown["state"]) == (True, "up to date")


def test_receivers_that_wait_keep_no_provider_waiting(scim: Server) -> None:
    """However many ask, a request of a provider is answered in the meantime."""
    places = _added(scim, *(f"many{n}" for n in range(20)))
    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(_poll, scim, place, {}) for place in places]
        time.sleep(0.5)
        asking = time.monotonic()
        link = _person(scim, "ann@contoso.com")
        _off(scim, link)
        answered = time.monotonic() - asking
        statuses = {each.result().status for each in asked}
    took = time.monotonic() - began

    assert statuses <= {200, 503}
    assert answered < 1.5
    assert took < 8


def test_the_server_stops_while_somebody_waits(tmp_path: Path) -> None:
    """In time, and without a word of trouble; the answer is whole or the line ends."""
    with server.running(tmp_path, arguments=["--workers", "1"]) as scim:
        (soc,) = _added(scim, "stops")
        waiting = Thread(target=_left_alone, args=(scim, soc))
        waiting.start()
        time.sleep(0.5)
    waiting.join(10)

    assert not waiting.is_alive()


def _left_alone(scim: Server, at: tuple[str, str]) -> None:
    with suppress(http.client.HTTPException, OSError):
        assert _poll(scim, at, {}).status == 200

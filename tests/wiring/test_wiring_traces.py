"""Traces as a collector receives them from the real server, and what never is in them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from scim_connector.settings import BadSettings, Settings
from tests import collector, console, server
from tests.browser import Browser
from tests.collector import Collector, collecting
from tests.receiver import receiving
from tests.server import PROGRAM, SOURCE, Server

ON = {"SCIM_CONNECTOR_TRACES": "on"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
NAMED = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def told() -> Iterator[Collector]:
    """A collector that takes everything."""
    with collecting() as found:
        yield found


def _sending_to(told: Collector, **more: str) -> dict[str, str]:
    """The environment of a server that sends what it has five times a second."""
    return {
        **ON,
        "OTEL_EXPORTER_OTLP_ENDPOINT": told.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        **more,
    }


def _person(mail: str, **more: Any) -> dict[str, Any]:
    return {"userName": mail, "emails": [{"value": mail}], **more}


# ------------------------------------------------------------------------- what is told


def test_a_request_is_a_span_with_its_statements(
    tmp_path: Path, told: Collector
) -> None:
    """Route, connection, action, status and request id; statements without values."""
    with server.running(tmp_path, environment=_sending_to(told)) as scim:
        made = scim.send("POST", "/Users", _person("kim.doe@contoso.com"))
        scim.send("GET", f"/Users/{made.body['id']}")
        scim.send("GET", "/Users/unknown")
        [created] = told.wait_for("POST /scim/v2/Users")
        found, missed = told.wait_for("GET /scim/v2/Users/{id}", 2)

    assert created.facts == {
        "http.request.method": "POST",
        "http.route": "/scim/v2/Users",
        "http.response.status_code": 201,
        "scim_connector.connection": "default",
        "scim_connector.action": "Create",
        "scim_connector.request_id": made.headers["x-request-id"],
    }
    assert (created.kind, created.parent, created.service) == (2, "", "scim-connector")
    assert found.facts["http.response.status_code"] == 200
    assert missed.facts["http.response.status_code"] == 404
    assert not missed.failed  # the caller's fault is none of ours
    [transaction] = [s for s in told.named("transaction") if s.trace == created.trace]
    assert transaction.parent == created.id
    written = {s.name for s in told.spans if s.parent == transaction.id}
    assert {"INSERT users", "INSERT links", "INSERT audit_events"} <= written
    [insert] = [s for s in told.named("INSERT users") if s.trace == created.trace]
    assert insert.facts["db.system.name"] == "sqlite"
    assert insert.facts["db.query.text"].startswith("INSERT INTO users")


def test_what_leaves_the_house_is_linked_to_its_request(
    tmp_path: Path, told: Collector
) -> None:
    """A mail and a security event point at the request that caused them."""
    with (
        receiving() as soc,
        server.running(tmp_path, environment=_sending_to(told)) as scim,
    ):
        scim.cli("receiver", "add", "soc", soc.url)
        made = scim.send("POST", "/Users", _person("kim.doe@contoso.com"))
        asked = scim.send("DELETE", f"/Users/{made.body['id']}")
        [created] = told.wait_for("POST /scim/v2/Users")
        [ended] = told.wait_for("DELETE /scim/v2/Users/{id}")
        [mail] = told.wait_for("send mail:welcome")
        events = told.wait_for("send security event")

    assert mail.links == [created.place]
    assert mail.trace != created.trace
    assert mail.facts["scim_connector.request_id"] == made.headers["x-request-id"]
    caused = {event.facts["scim_connector.request_id"]: event for event in events}
    event = caused[asked.headers["x-request-id"]]
    assert event.links == [ended.place]
    assert event.facts["scim_connector.outcome"] == "sent"
    assert event.facts["scim_connector.receiver"] == "soc"


def test_the_worker_tells_its_messages(tmp_path: Path, told: Collector) -> None:
    """A worker in a process of its own links to what another process answered."""
    environment = _sending_to(told, SCIM_CONNECTOR_DELIVER="no")
    with server.running(tmp_path, environment=environment) as scim:
        scim.send("POST", "/Users", _person("kim.doe@contoso.com"))
        [created] = told.wait_for("POST /scim/v2/Users")
        assert not told.named("send mail:welcome")
        scim.cli("worker", "--once")  # its end sends what is left

        [mail] = told.named("send mail:welcome")
        assert mail.links == [created.place]


def test_the_last_spans_are_sent_at_the_end(tmp_path: Path, told: Collector) -> None:
    """A server that is stopped sends what it has, long before it would have."""
    environment = _sending_to(told, OTEL_BSP_SCHEDULE_DELAY="600000")
    with server.running(tmp_path, environment=environment) as scim:
        scim.send("GET", "/Users")
        assert not told.heard

    assert told.named("GET /scim/v2/Users")


def test_pages_and_the_admin_api_have_their_routes(
    tmp_path: Path, told: Collector
) -> None:
    """Templates of every door; nothing of what stands for somebody."""
    with console.running(tmp_path, **_sending_to(told)) as office:
        office.person("kim.doe@contoso.com")
        number = office.user_id("kim.doe@contoso.com")
        office.admin.get(f"/admin/users/{number}")
        headers = {"Cookie": "none"}
        office.scim.send_raw("GET", f"/admin/api/users/{number}", headers, None)
        office.scim.send_raw("GET", "/auth/verify?application=x", headers, None)
        office.scim.send_raw("GET", "/healthz", headers, None)
        office.scim.send_raw("GET", "/kim.doe@contoso.com", headers, None)
        told.wait_for("GET /admin/users/{user_id}")
        told.wait_for("GET /admin/api/users/{user_id}")
        told.wait_for("GET /auth/verify")
        told.wait_for("GET /setup/{token}")
        [nowhere] = told.wait_for("GET")

    assert nowhere.facts["http.response.status_code"] == 404
    assert "http.route" not in nowhere.facts
    assert not told.named("GET /healthz")


# ------------------------------------------------------------------- what is never told


def test_nothing_of_a_person_and_no_secret_is_told(
    tmp_path: Path, told: Collector
) -> None:
    """Every byte that a collector received, searched for what must not be in it."""
    people = {"Zyxquentin", "Wvonlarch", "zyx.quentin", "x-0815-zyx", "203.0.113.77"}
    people |= {"zyxattribute", "Zyx group", "urn:zyx:one"}
    bearer = "soc-bearer-0123456789abcdef"
    with receiving() as soc, console.running(tmp_path, **_sending_to(told)) as office:
        scim = office.scim
        _with_bearer(scim, soc.url, bearer)
        made = _traffic(office)
        secrets = {scim.token, bearer, console.PASSWORD, "bad-token-zyx", "zyx-secret"}
        secrets |= {office.setup_link().rpartition("/")[2], made}
        cookies = office.admin.browser.jar.values()
        secrets |= {value for jar in cookies for value in jar.values()}
        secrets.add((tmp_path / "scim-connector.key").read_text().strip())
        told.wait_for("DELETE /scim/v2/Users/{id}")
        told.wait_for("send mail:welcome")
        told.wait_for("send security event")

    received = told.bytes.lower()
    assert len(told.spans) > 200
    for value in people | secrets | {"ada@contoso.com", "lindqvist", "@contoso"}:
        assert len(value) > 7  # shorter, it may be found by chance in an id
        assert value.lower().encode() not in received, value
    assert not any(span.events for span in told.spans)


def _with_bearer(scim: Server, url: str, bearer: str) -> None:
    added = subprocess.run(
        [*PROGRAM, "receiver", "add", "soc", url, "--bearer"],
        cwd=scim.folder,
        env=dict(scim.environment),
        input=bearer,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert added.returncode == 0, added.stderr


def _traffic(office: console.Office) -> str:
    """Everything that carries a planted value; returns the SCIM id of the person."""
    scim, mail = office.scim, "zyx.quentin@contoso.com"
    told = {
        "User-Agent": "zyx.quentin/1",
        "X-Forwarded-For": "203.0.113.77",
        "traceparent": NAMED,
        "tracestate": "who=zyx.quentin",
        "baggage": "who=zyx.quentin",
        "Cookie": "who=zyx.quentin",
    }
    names = {"givenName": "Zyxquentin", "familyName": "Wvonlarch"}
    person = _person(mail, externalId="x-0815-zyx", name=names, title="Zyx")
    made = scim.send("POST", "/Users", person, headers=told)
    assert made.status == 201
    again = scim.send("POST", "/Users", person, headers=told)
    assert again.status == 409
    one = str(made.body["id"])
    query = "filter=userName%20eq%20%22zyx.quentin%40contoso.com%22"
    assert scim.send("GET", f"/Users?{query}").body["totalResults"] == 1
    path = "filter=zyxattribute%20eq%20%22zyx%22&sortBy=zyx"
    scim.send("GET", f"/Users?{path}")
    scim.send("POST", "/Users/.search", {"filter": 'name.familyName co "Wvonlarch"'})
    change = {"op": "replace", "path": "nickName", "value": "Zyxquentin"}
    body = {"Operations": [change]}
    assert scim.send("PATCH", f"/Users/{one}", body).status == 200
    scim.send("PATCH", f"/Users/{one}", b'{"zyx')
    group = {"displayName": "Zyx group", "members": [{"value": one}]}
    assert scim.send("POST", "/Groups", group).status == 201
    for target in ("/Users/zyx.quentin", "/zyx.quentin", "/Schemas/urn:zyx:one"):
        scim.send("GET", target)
    scim.send("GET", "/Users", token="bad-token-zyx")
    _strange_method(scim)
    _form(scim, "/oauth2/token", "client_id=zyx.quentin&client_secret=zyx-secret")
    _form(scim, "/oauth2/introspect", "token=bad-token-zyx")
    scim.send_raw("GET", "/auth/verify?application=zyx&redirect=1", told, None)
    scim.send_raw("GET", "/admin/api/users?words=zyx", told, None)
    office.admin.get("/admin/users?words=zyx.quentin")
    office.admin.get(f"/admin/users/{office.user_id(mail)}")
    Browser().get(f"{office.address}/login?username=zyx.quentin")
    assert scim.send("DELETE", f"/Users/{one}").status == 204
    return one


def _form(scim: Server, target: str, fields: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    scim.send_raw("POST", target, headers, fields.encode())


def _strange_method(scim: Server) -> None:
    """One that HTTP allows and nobody knows."""
    port = int(scim.base_url.split(":")[2].split("/")[0])
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("ZYXQUENTIN", "/scim/v2/Users")
    client.getresponse().read()
    client.close()


# ------------------------------------------------------------------ traces from outside


def test_a_strangers_trace_is_linked_and_not_joined(
    tmp_path: Path, told: Collector
) -> None:
    """Nobody outside chooses our ids, or that nothing is kept of what they ask."""
    with server.running(tmp_path, environment=_sending_to(told)) as scim:
        unkept = f"{NAMED[:-2]}00"
        for header in (NAMED, unkept, "00-zz", "x" * 5_000):
            scim.send("GET", "/Users", headers={"traceparent": header})
        spans = told.wait_for("GET /scim/v2/Users", 4)

    assert [span.parent for span in spans] == [""] * 4
    assert TRACE not in {span.trace for span in spans}
    assert [span.links for span in spans] == [[(TRACE, SPAN)]] * 2 + [[]] * 2


def test_the_trace_of_a_proxy_is_continued_where_that_is_set(
    tmp_path: Path, told: Collector
) -> None:
    """A named proxy is believed; mails then carry the request id, and no link."""
    environment = _sending_to(
        told,
        SCIM_CONNECTOR_TRACES="continued",
        SCIM_CONNECTOR_TRUSTED_PROXIES="127.0.0.1",
    )
    with server.running(tmp_path, environment=environment) as scim:
        body = _person("kim.doe@contoso.com")
        named = {"traceparent": NAMED, "tracestate": "who=zyx.quentin"}
        made = scim.send("POST", "/Users", body, headers=named)
        [created] = told.wait_for("POST /scim/v2/Users")
        [mail] = told.wait_for("send mail:welcome")

    assert (created.trace, created.parent, created.links) == (TRACE, SPAN, [])
    assert b"zyx.quentin" not in told.bytes
    assert mail.links == []
    assert mail.facts["scim_connector.request_id"] == made.headers["x-request-id"]


def test_continued_needs_a_proxy() -> None:
    """Without one there is nobody whose trace could be continued."""
    with pytest.raises(BadSettings, match="needs a proxy in trusted_proxies"):
        Settings.load({"SCIM_CONNECTOR_TRACES": "continued"})


# ------------------------------------------------------------ off, missing, unreachable


@pytest.fixture
def without_the_extra(tmp_path: Path) -> dict[str, str]:
    """An environment in which OpenTelemetry is not to be found."""
    place = tmp_path / "blocked" / "opentelemetry"
    place.mkdir(parents=True)
    text = "raise ModuleNotFoundError('blocked', name='opentelemetry')\n"
    (place / "__init__.py").write_text(text)
    return {"PYTHONPATH": os.pathsep.join((str(place.parent), str(SOURCE)))}


def test_off_needs_nothing_of_it(
    tmp_path: Path, without_the_extra: dict[str, str]
) -> None:
    """Without the extra the server starts, answers, sends mails and ends."""
    house = tmp_path / "house"
    house.mkdir()
    with server.running(house, environment=without_the_extra) as scim:
        made = scim.send("POST", "/Users", _person("kim.doe@contoso.com"))
        assert made.status == 201
        for _ in range(100):
            if list((house / "mail").glob("*.eml")):
                break
            server.time.sleep(0.05)
        assert list((house / "mail").glob("*.eml"))


@pytest.mark.parametrize("command", [("serve", "--port"), ("worker", "--once")])
def test_asked_for_and_missing_is_a_sentence(
    tmp_path: Path, without_the_extra: dict[str, str], command: tuple[str, ...]
) -> None:
    """It says what to install; a start makes nothing."""
    house = tmp_path / "house"
    house.mkdir()
    if command[0] == "worker":
        _ended(house, without_the_extra, "db", "upgrade")
    before = set(house.iterdir())
    port = [str(server.free_port())] if command[0] == "serve" else []
    ended = _ended(house, {**without_the_extra, **ON}, *command, *port)

    assert ended.returncode == 2
    assert 'Install the extra otel (pip install "scim-connector[otel]")' in ended.stderr
    assert "Traceback" not in ended.stderr
    assert command[0] == "worker" or set(house.iterdir()) == before


def test_an_unfit_variable_is_a_sentence(tmp_path: Path) -> None:
    """A start says which of OpenTelemetry's variables it cannot use."""
    unfit = {**ON, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0"}
    ended = _ended(tmp_path, unfit, "serve", "--port", str(server.free_port()))

    assert ended.returncode == 2
    assert "a variable of OpenTelemetry cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    """Requests are answered, the end is not waited for, and the log has no traceback."""
    nobody = f"http://127.0.0.1:{server.free_port()}"
    environment = {
        **ON,
        "OTEL_EXPORTER_OTLP_ENDPOINT": nobody,
        "OTEL_EXPORTER_OTLP_HEADERS": "no header zyx-key",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with server.running(tmp_path, environment=environment) as scim:
        for _ in range(20):
            assert scim.send("GET", "/Users").status == 200
        server.time.sleep(1)
        ending = monotonic()

    assert monotonic() - ending < 6
    lines = [json.loads(line) for line in scim.said.splitlines()]
    assert any("export" in line["event"] for line in lines)
    assert "zyx-key" not in scim.said


def _ended(
    folder: Path, more: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=server.clean_environment(more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_collector_reads_what_it_is_sent() -> None:
    """An empty collector has no span, so that none is found by mistake."""
    assert collector.Collector().spans == []

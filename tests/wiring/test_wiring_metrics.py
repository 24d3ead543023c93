"""/metrics of a real server with several processes: each tells the same, and it is so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import server
from tests.server import Server

TOKEN = "a-token-that-prometheus-sends"


@pytest.fixture(params=["sqlite", "postgresql"])
def scim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Two processes on each kind of database."""
    environment = {"SCIM_CONNECTOR_METRICS_TOKEN": TOKEN}
    if request.param == "postgresql":
        made = request.getfixturevalue("postgres_server").create("metrics_of_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = made
    with server.running(tmp_path, environment=environment) as served:
        yield served
    if request.param == "postgresql":
        request.getfixturevalue("postgres_server").drop("metrics_of_server")


def _counts(scim: Server) -> dict[str, float]:
    """What one process tells of requests, by their status; a new connection each."""
    scim.disconnect()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    page = scim.send_raw("GET", "/metrics", headers, None).content.decode()
    return {
        sample.labels["status"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "scim_connector_requests_total"
        and sample.labels["action"] == "Read"
    }


def test_every_process_tells_what_all_have_answered(scim: Server) -> None:
    """40 reads on 40 connections, and 20 after one of the processes was replaced."""
    for _ in range(40):
        scim.disconnect()
        assert scim.send("GET", "/Users").status == 200
    asked = 40 + 1  # whoever started it asked once, to see that it answers
    _until(scim, asked)
    os.kill(_worker(scim), signal.SIGKILL)
    sleep(1)
    asked += sum(_read(scim) for _ in range(20))

    _until(scim, asked)

    assert [_counts(scim) for _ in range(12)] == [{"200": float(asked)}] * 12


def _read(scim: Server) -> int:
    """1 for a read that was answered; who was killed may take a connection with it."""
    scim.disconnect()
    try:
        return int(scim.send("GET", "/Users").status == 200)
    except OSError:
        return 0


def _worker(scim: Server) -> int:
    pid = scim.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return int(children.split()[-1])


def _until(scim: Server, count: int) -> None:
    """Wait until every process tells *count*: it is written each second, kept for five."""
    ends = monotonic() + 30
    while monotonic() < ends:
        if all(_counts(scim).get("200") == count for _ in range(12)):
            return
        sleep(0.5)
    raise AssertionError((count, [_counts(scim) for _ in range(6)]))

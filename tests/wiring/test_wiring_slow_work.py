"""Slow work and slow strangers keep nobody else waiting."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests import server
from tests.browser import Browser
from tests.rfc import asking
from tests.server import Reply, Server

_MANY = 12
_HALF_A_FORM = (
    b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\na="
)


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for everybody who is slow."""
    with server.running(tmp_path_factory.mktemp("slow")) as served:
        yield served


def test_a_provider_that_hangs_keeps_no_deactivation_waiting(tmp_path: Path) -> None:
    """While many wait for a silent sign-in service, SCIM requests are answered."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        server.running(tmp_path) as scim,
    ):
        address = scim.base_url.removesuffix("/scim/v2")
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        scim.cli("sign-in", "set", "default", "--issuer", issuer, "--client-id", "a")
        scim.cli("sign-in", "on", "default")
        with ThreadPoolExecutor(_MANY) as people:
            asked = [
                people.submit(Browser().get, f"{address}/login/at/default")
                for _ in range(_MANY)
            ]
            with silent.accept()[0]:  # one of them has reached the provider
                answers = [scim.send("GET", "/Users").status for _ in range(20)]

                waiting = [each for each in asked if not each.done()]
            assert answers == [200] * 20
            assert waiting
        assert {each.result().status for each in asked} == {503}


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/introspect", "/login"])
def test_forms_that_never_arrive_keep_no_provider_waiting(
    scim: Server, path: str
) -> None:
    """Strangers who stop in the middle of a form hold a few threads, never all (T24)."""
    place = ("127.0.0.1", int(scim.base_url.split(":")[2].split("/")[0]))
    with ExitStack() as stack:
        for _ in range(4 * _MANY):
            stranger = stack.enter_context(socket.create_connection(place))
            stranger.sendall(_HALF_A_FORM % path.encode())
        answers = [scim.send("GET", "/Users").status for _ in range(20)]
        made = scim.send("POST", "/Users", asking.person()).status

    assert answers == [200] * 20
    assert made == 201
    assert _eventually(lambda: _form(scim, path).status != 503)


def _form(scim: Server, path: str) -> Reply:
    """A whole form of somebody else, on a connection of its own."""
    scim.disconnect()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return scim.send_raw("POST", path, kind, b"a=b")


def _eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes true within some seconds."""
    ends = monotonic() + 5
    while not (held := holds()) and monotonic() < ends:
        sleep(0.05)
    return held

"""Slow work, a provider that hangs, keeps nobody else waiting."""

from __future__ import annotations

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from tests import server

_MANY = 12


def _opened(base_url: str, path: str) -> int:
    place = urlsplit(base_url)
    client = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    client.request("GET", path)
    return client.getresponse().status


def test_a_provider_that_hangs_keeps_no_deactivation_waiting(tmp_path: Path) -> None:
    """While many wait for a silent sign-in service, SCIM requests are answered."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        server.running(tmp_path) as scim,
    ):
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        scim.cli("sign-in", "set", "default", "--issuer", issuer, "--client-id", "a")
        scim.cli("sign-in", "on", "default")
        with ThreadPoolExecutor(_MANY) as people:
            asked = [
                people.submit(_opened, scim.base_url, "/login/at/default")
                for _ in range(_MANY)
            ]
            silent.accept()  # one of them has reached the provider

            answers = [scim.send("GET", "/Users").status for _ in range(20)]

            waiting = [each for each in asked if not each.done()]
            assert answers == [200] * 20
            assert waiting
        assert {each.result() for each in asked} == {503}

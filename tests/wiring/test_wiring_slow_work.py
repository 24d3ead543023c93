"""Slow work, a provider that hangs, keeps nobody else waiting."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import server
from tests.browser import Browser

_MANY = 12


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

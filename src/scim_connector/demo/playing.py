"""Starts the process of the providers beside a server, and ends it with the server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from scim_connector.probe.client import Client, NoAnswer, Request
from scim_connector.probe.judging import OK

if TYPE_CHECKING:
    from scim_connector.demo.stage import Scene

READY_SECONDS: Final = 60.0
END_SECONDS: Final = 5.0
_EVERY: Final = 0.2


@contextmanager
def playing(scene: Scene) -> Iterator[None]:
    """Play for as long as this lasts, in a process of its own.

    It works in this folder and with this environment.  The tokens go through a pipe,
    so that no list of processes shows them.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "scim_connector.demo"],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the server, which ends us
        text=True,
    )
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with process.stdin as pipe:
        json.dump(dict(scene.tokens), pipe)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(
    address: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether the server at *address* became ready within a minute."""
    client = Client(address, "entra", "none")
    deadline = clock() + READY_SECONDS
    while clock() < deadline:
        try:
            if client.send(Request("GET", "/readyz")).status == OK:
                return True
        except NoAnswer:
            pass
        sleep(_EVERY)
    return False

"""Asking other servers: whatever they do, it is over in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from scim_connector.tokens import fetching
from scim_connector.tokens.fetching import CannotFetch
from tests import tls

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def dripping(*pieces: bytes, every: float) -> Iterator[str]:
    """A server that answers a piece at a time and then hangs; yields its address."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.recv(65_536)
            for piece in pieces:
                client.sendall(piece)
                over.wait(every)
            over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((HEAD, *[b"X-More: 1\r\n"] * 30), id="headers that never end"),
        pytest.param([bytes([byte]) for byte in HEAD * 2], id="a slow status line"),
        pytest.param((HEAD, b"\r\n", *[b" "] * 30), id="a body that never ends"),
        pytest.param((HEAD, b"Content-Length: 9\r\n\r\n{}"), id="a body cut off"),
        pytest.param((), id="nothing"),
    ],
)
def test_the_whole_of_an_answer_has_a_deadline(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T75: not each piece of it, the headers included, however they are sent."""
    monkeypatch.setattr(fetching, "GET_SECONDS", 1.0)
    with dripping(*pieces, every=0.3) as url:
        began = time.monotonic()
        with pytest.raises(CannotFetch, match=f"^{url}: .* longer than 1 second$"):
            fetching.get_json(url)

        assert time.monotonic() - began < 2


def test_a_handshake_has_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of TLS that arrives a byte at a time is cut off as well."""
    monkeypatch.setattr(fetching, "GET_SECONDS", 1.0)
    record = [b"\x16\x03\x03\x40\x00", *[b"\x02"] * 30]
    with dripping(*record, every=0.3) as url:
        began = time.monotonic()
        with pytest.raises(CannotFetch, match="longer than 1 second"):
            fetching.get_json(url.replace("http:", "https:"))

        assert time.monotonic() - began < 2


@pytest.mark.parametrize("trusted", [True, False])
def test_only_a_trusted_certificate_is_believed(
    trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over https the name and the signer of the certificate are checked."""
    with tls.running(tmp_path) as secured:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", secured.certificate)
        secured.status()
        address = f"https://127.0.0.1:{secured.port}/oauth2/introspect"

        if trusted:
            assert fetching.post_form(address, {"token": "x"}).status == 401
        else:
            with pytest.raises(CannotFetch, match="CERTIFICATE_VERIFY_FAILED"):
                fetching.post_form(address, {"token": "x"})

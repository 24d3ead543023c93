"""The real server process behind a certificate of its own."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import sleep
from urllib.request import urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests import server
from tests.server import PROGRAM, SOURCE


@dataclass(frozen=True, slots=True)
class Secured:
    """A server that answers https: what it printed, and how to trust it."""

    port: int
    printed: str
    certificate: str

    def status(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> int:
        """The status of a GET by a client that speaks this version of TLS alone.

        The server is given ten seconds to begin. Raises OSError when it does not
        answer, an SSLError among them.
        """
        context = ssl.create_default_context(cafile=self.certificate)
        context.minimum_version = context.maximum_version = version
        address = f"https://127.0.0.1:{self.port}/healthz"
        for _ in range(100):
            with (
                suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self.port), timeout=5),
            ):
                break
            sleep(0.1)
        with urlopen(address, timeout=5, context=context) as answer:
            return int(answer.status)


@contextmanager
def running(folder: Path) -> Iterator[Secured]:
    """Serve https from the empty *folder*, with a certificate made for it."""
    cert, key = certificate(folder)
    port = server.free_port()
    served = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(port), "--tls-cert", cert, "--tls-key", key],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    try:
        printed = "".join(served.stdout.readline() for _ in range(3))
        yield Secured(port, printed, cert)
    finally:
        served.terminate()
        served.communicate(timeout=20)


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate for 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")

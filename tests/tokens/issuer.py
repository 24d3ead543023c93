"""An issuer of assertions for the tests: real keys, a real key set over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

TENANT = "11111111-2222-3333-4444-555555555555"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
SUBJECT = "99999999-aaaa-bbbb-cccc-dddddddddddd"
AUDIENCE = "api://scim-connector"
DISCOVERY = "/.well-known/openid-configuration"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def claims(**changes: Any) -> dict[str, Any]:
    """What Entra puts into an assertion; a change to None leaves a claim out."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": AUDIENCE,
        "tid": TENANT,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "uti": f"{time.time_ns()}",
        "ver": "2.0",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def signed(
    said: dict[str, Any] | None = None,
    *,
    key: Any = RSA_KEY,
    algorithm: str = "RS256",
    kid: str | None = "one",
    **header: Any,
) -> str:
    """An assertion signed with *key*."""
    headers = {"kid": kid, **header} if kid is not None else header
    return jwt.encode(said or claims(), key, algorithm=algorithm, headers=headers)


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The public half of *key* as a JWK."""
    kind = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    described: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    described.pop("key_ops", None)
    return {**described, "kid": kid, "use": "sig", **more}


@dataclass
class Issuer:
    """A key set at an address of this machine; ``body`` replaces the whole reply.

    It is found by the discovery of OpenID Connect too: ``base`` is then the issuer.
    Whatever code it is sent, it answers ``grant``; ``forms`` and ``logins`` (the
    Authorization header) are what it was sent.
    """

    url: str = ""
    base: str = ""
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(RSA_KEY, "one")])
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    slowly: bool = False
    asked: int = 0
    grant: dict[str, Any] = field(default_factory=dict)
    granting: int = 200
    forms: list[dict[str, str]] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)
    says: dict[str, Any] = field(default_factory=dict)


def metadata(issuer: Issuer) -> dict[str, Any]:
    """What an OpenID provider says of itself."""
    return {
        "issuer": issuer.base,
        "authorization_endpoint": f"{issuer.base}/authorize",
        "token_endpoint": f"{issuer.base}/token",
        "jwks_uri": issuer.url,
        **issuer.says,
    }


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if self.path == DISCOVERY:
                self._answer(200, {}, json.dumps(metadata(issuer)).encode())
                return
            body = issuer.body or json.dumps({"keys": issuer.keys}).encode()
            self._answer(issuer.status, issuer.headers, body)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            issuer.forms.append(dict(parse_qsl(self.rfile.read(length).decode())))
            issuer.logins.append(self.headers["Authorization"])
            self._answer(issuer.granting, {}, json.dumps(issuer.grant).encode())

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            pieces = [bytes([byte]) for byte in body] if issuer.slowly else [body]
            with suppress(OSError):  # the client had enough
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(0.05 if issuer.slowly else 0)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def running() -> Iterator[Issuer]:
    """Serve a key set until the end of the block."""
    issuer = Issuer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
    issuer.base = f"http://127.0.0.1:{server.server_port}"
    issuer.url = f"{issuer.base}/keys"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A real mail server in a thread, which keeps what it is sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class Received:
    """One mail as it came: envelope, bytes, and how it was brought."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    hello: str
    encrypted: bool
    signed_in: bool

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def body(self, form: str) -> str:
        """The ``plain`` or the ``html`` part, decoded."""
        part = self.message.get_body((form,))
        assert part is not None
        return str(part.get_content())


@dataclass(slots=True)
class MailServer:
    """Where it listens on 127.0.0.1, and what it received so far.

    *replies* may be changed while it runs: what it answers to ``MAIL``, ``RCPT`` and
    ``DATA`` instead of taking a mail, such as ``{"RCPT": "450 try later"}``.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)


class _Handler:
    """Takes every mail, unless the server's replies say otherwise."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return self._server.replies.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, to: str, ___: list[str]
    ) -> str:
        envelope.rcpt_tos.append(to)
        return self._server.replies.get("RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if "DATA" in self._server.replies:
            return self._server.replies["DATA"]
        assert isinstance(envelope.content, bytes)
        assert smtp.transport is not None
        mail = Received(
            str(envelope.mail_from),
            tuple(str(recipient) for recipient in envelope.rcpt_tos),
            envelope.content,
            hello=str(session.host_name),
            encrypted=smtp.transport.get_extra_info("ssl_object") is not None,
            signed_in=bool(session.authenticated),
        )
        self._server.received.append(mail)
        return "250 OK"


@contextmanager
def running(
    *,
    security: str = "none",
    certificate: tuple[str, str] | None = None,
    sign_in: tuple[str, str] | None = None,
    replies: Mapping[str, str] | None = None,
    utf8: bool = True,
) -> Iterator[MailServer]:
    """Receive mail on a free port of 127.0.0.1 until the end of the block.

    *security* is ``none``, ``starttls`` or ``tls``, the latter two with the files of a
    *certificate* and its key (``tests.tls.certificate``).  *sign_in* is the user and the
    password that it insists on; without TLS too, so that a client can be wrong.
    """
    server = MailServer(replies=dict(replies or {}))
    context = _context(certificate) if certificate else None
    speak = partial(
        SMTP,
        _Handler(server),
        hostname="mail.test",
        enable_SMTPUTF8=utf8,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=partial(_check, sign_in),
        auth_require_tls=False,
    )
    tls = context if security == "tls" else None
    with ThreadPoolExecutor(1, "mail server") as thread:
        loop = asyncio.new_event_loop()
        # In the thread from the first step to the last: the test may hold a loop of its
        # own (a browser's), and a thread runs one at a time.
        start = loop.create_server(lambda: speak(loop=loop), "127.0.0.1", 0, ssl=tls)
        listening = thread.submit(loop.run_until_complete, start).result()
        server.port = listening.sockets[0].getsockname()[1]
        served = thread.submit(loop.run_forever)
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(loop.stop)
            served.result()
            thread.submit(loop.run_until_complete, _end(listening)).result()
            loop.close()


def _context(certificate: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _check(
    sign_in: tuple[str, str] | None,
    _: SMTP,
    __: Session,
    ___: Envelope,
    ____: str,
    shown: Any,
) -> AuthResult:
    assert isinstance(shown, LoginPassword)
    good = sign_in == (shown.login.decode(), shown.password.decode())
    return AuthResult(success=good, handled=False)


async def _end(listening: asyncio.Server) -> None:
    """Stop listening, and hang up on whoever is still there."""
    listening.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

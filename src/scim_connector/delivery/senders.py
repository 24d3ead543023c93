"""Where messages go: through a mail server, or into a folder while there is none.

A sender returns when the message is taken, and raises otherwise: :class:`Undeliverable`
when another try would be in vain, :class:`TryLater` when it may succeed once somebody
has done what the text says.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from threading import Timer
from typing import Final, Protocol
from uuid import uuid4

from scim_connector.delivery.mails import as_bytes, needs_utf8, sender_and_recipient
from scim_connector.settings import (
    NO_OPEN_SIGN_IN,
    PREFIX,
    BadSettings,
    Settings,
    is_loopback,
)

#: How long one step may take, and all of them after the connection stands; seconds.
STEP_SECONDS: Final = 10.0
ALL_SECONDS: Final = 60.0
_LONGEST_ANSWER: Final = 200
_MUST_SIGN_IN: Final = 530
_SHOWN: Final = {"starttls": "STARTTLS", "tls": "TLS", "none": "not encrypted"}


class NotSent(Exception):
    """A message that was not taken; the text says why, for an operator."""


class Undeliverable(NotSent):
    """It will never be taken as it is: give it up."""


class Needless(NotSent):
    """Nobody is to be sent it any more, and nothing is wrong: withdraw it."""


class TryLater(NotSent):
    """It may be taken later."""


class Silent(TryLater):
    """Nobody answered; what else is for the same place has been put off."""


class Sender(Protocol):
    """Something that takes messages."""

    def send(self, message: EmailMessage) -> None:
        """Hand *message* over; raises Undeliverable or TryLater."""

    def describe(self) -> str:
        """One sentence that says where messages go."""

    def greet(self) -> None:
        """Go as far as one can without a message; raises NotSent."""


def sender_of(settings: Settings) -> Sender:
    """The sender that the settings name; raises BadSettings."""
    if settings.smtp_host is None:
        return FolderSender(settings.mail_folder)
    return SmtpSender(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        trust=_trust(settings.smtp_ca),
        hello=settings.mail_host,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )


def _trust(ca: Path | None) -> ssl.SSLContext:
    """What is asked of a server's certificate: a known signer, and its host name."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is one
        problem = f"smtp_ca: {ca} holds no certificates that can be read ({error})."
        raise BadSettings(problem) from None


# -------------------------------------------------------------------- a mail server


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Sends through one mail server, by a connection for each message.

    *security* is ``starttls``, ``tls`` or ``none``; what it names is never given up for
    less.  *hello* is the name this side introduces itself by.  Looking up the host's
    address takes as long as the machine's resolver allows.
    """

    host: str
    port: int
    security: str
    trust: ssl.SSLContext
    hello: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    step_seconds: float = STEP_SECONDS
    all_seconds: float = ALL_SECONDS

    def describe(self) -> str:
        """One sentence that says where messages go."""
        return f"Mails go through {self._name} ({_SHOWN[self.security]})."

    def greet(self) -> None:
        """Connect, encrypt and sign in, and send nothing; raises NotSent."""
        try:
            with self._connected() as client:
                self._secure(client)
                self._sign_in(client)
                client.noop()
        except OSError as error:
            raise self._outcome(error) from None

    def send(self, message: EmailMessage) -> None:
        """Hand *message* to the mail server; raises Undeliverable or TryLater."""
        sender, recipient = sender_and_recipient(message)
        utf8 = needs_utf8(message)
        try:
            with self._connected() as client:
                self._secure(client)
                self._sign_in(client)
                if utf8 and not client.has_extn("smtputf8"):
                    raise Undeliverable(
                        f"{self._name} takes no addresses with letters beyond ASCII"
                        " (SMTPUTF8): change the address, or the mail server."
                    )
                client.sendmail(
                    sender,
                    [recipient],
                    as_bytes(message),
                    ("SMTPUTF8", "BODY=8BITMIME") if utf8 else (),
                )
                with suppress(OSError):  # it is taken, whatever the farewell
                    client.quit()
        except OSError as error:  # what smtplib raises is one
            raise self._outcome(error) from None

    @property
    def _name(self) -> str:
        return f"{self.host}:{self.port}"

    @contextmanager
    def _connected(self) -> Iterator[_Client]:
        address = (self.host, self.port)
        with (
            socket.create_connection(address, self.step_seconds) as plain,
            _cut_after(self.all_seconds, plain),
            self._wrapped(plain) as connection,
            closing(_Client(connection, self.host, self.hello)) as client,
        ):
            client.ehlo_or_helo_if_needed()
            yield client

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        if self.security != "tls":
            return plain
        return self.trust.wrap_socket(plain, server_hostname=self.host)

    def _secure(self, client: _Client) -> None:
        """Turn to TLS where that is asked for; there is no way around it."""
        if self.security != "starttls":
            return
        if not client.has_extn("starttls"):
            raise TryLater(
                f"{self._name} does not offer STARTTLS: set {PREFIX}SMTP_SECURITY=tls"
                f" and its port, or correct {PREFIX}SMTP_HOST."
            )
        client.starttls(context=self.trust)
        client.ehlo_or_helo_if_needed()

    def _sign_in(self, client: _Client) -> None:
        """Show user and password, if there are any, where nobody else can read them."""
        if self.user is None or self.password is None:
            return
        if self.security == "none" and not is_loopback(self.host):
            raise TryLater(f"{self.host}: {NO_OPEN_SIGN_IN}")
        if not client.has_extn("auth"):
            raise TryLater(
                f"{self._name} takes no user and password:"
                f" unset {PREFIX}SMTP_USER and {PREFIX}SMTP_PASSWORD."
            )
        client.login(self.user, self.password)

    def _outcome(self, error: OSError) -> NotSent:
        """What *error* means for the message."""
        match error:
            case smtplib.SMTPAuthenticationError():
                # what the server says may repeat what it was shown
                return TryLater(
                    f"{self._name} refused the user or the password"
                    f" ({error.smtp_code}): check {PREFIX}SMTP_USER and"
                    f" {PREFIX}SMTP_PASSWORD."
                )
            case smtplib.SMTPRecipientsRefused():
                ((code, answer),) = error.recipients.values()
                return self._refused("the address", code, answer)
            case smtplib.SMTPSenderRefused():
                return self._refused("the sender", error.smtp_code, error.smtp_error)
            case smtplib.SMTPDataError():
                return self._refused("the message", error.smtp_code, error.smtp_error)
            case _:
                return TryLater(f"{self._name} {self._trouble(error)}")

    def _refused(self, what: str, code: int, answer: bytes | str) -> NotSent:
        text = f"{self._name} refused {what}: {code} {_printable(answer)}"
        if code == _MUST_SIGN_IN:
            return TryLater(f"{text} Set {PREFIX}SMTP_USER and {PREFIX}SMTP_PASSWORD.")
        return Undeliverable(text) if code // 100 == 5 else TryLater(text)  # noqa: PLR2004

    def _trouble(self, error: OSError) -> str:
        """What is wrong between here and the server, and what to look at."""
        where = f"check {PREFIX}SMTP_HOST and {PREFIX}SMTP_PORT"
        match error:
            case ssl.SSLCertVerificationError():
                return (
                    f"shows a certificate that is not trusted ({error.verify_message})"
                    f" Correct {PREFIX}SMTP_HOST, or name the file of its signer in"
                    f" {PREFIX}SMTP_CA."
                )
            case ssl.SSLError():
                return (
                    f"does not speak TLS as asked ({error.reason}): {where} and"
                    f" {PREFIX}SMTP_SECURITY."
                )
            case smtplib.SMTPResponseException():
                answer = _printable(error.smtp_error)
                return f"does not want to talk: {error.smtp_code} {answer}"
            case smtplib.SMTPServerDisconnected() | TimeoutError():
                return f"does not answer in time, or hung up ({error}): {where}."
            case _:
                return f"cannot be used ({error}): {where}."


class _Client(smtplib.SMTP):
    """The client of the standard library, on a connection that stands already."""

    def __init__(self, connection: socket.socket, host: str, hello: str) -> None:
        self._connection = connection
        super().__init__(host, local_hostname=hello)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connection


@contextmanager
def _cut_after(seconds: float, connection: socket.socket) -> Iterator[None]:
    """End the connection after *seconds*, however often the other side says a word."""
    line = connection.dup()  # the same connection, once TLS has taken the first over
    timer = Timer(seconds, _cut, [line])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        line.close()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _printable(answer: bytes | str) -> str:
    """What a server said, as one line of bounded length that ends as a sentence."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(shown.split())
    return line[:_LONGEST_ANSWER].rstrip(".") + "."


# -------------------------------------------------------------------------- a folder


@dataclass(frozen=True, slots=True)
class FolderSender:
    """Writes each message as a file that any mail program opens.

    Folder and files are for their owner alone: the links in them open accounts.
    """

    folder: Path

    def describe(self) -> str:
        """One sentence that says where messages go."""
        return (
            f"Mails are written to {self._shown}: set {PREFIX}SMTP_HOST to send them."
        )

    def greet(self) -> None:
        """See whether files could be made there, and make none; raises TryLater."""
        place = self.folder.absolute()
        while not place.exists():
            place = place.parent
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            raise self._cannot("no right to write there")

    def send(self, message: EmailMessage) -> None:
        """Write *message* beside the others; raises TryLater."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(_file_name(message), as_bytes(message))
        except OSError as error:
            raise self._cannot(error.strerror) from None

    def _cannot(self, why: str | None) -> TryLater:
        return TryLater(
            f"Mails cannot be written to {self._shown} ({why}): correct"
            f" {PREFIX}MAIL_FOLDER, or make the folder writable."
        )

    @property
    def _shown(self) -> str:
        return str(self.folder) if self.folder.is_absolute() else f"./{self.folder}"

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all, and in nobody's place."""
        draft = self.folder / f".{uuid4()}.draft"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _link(draft, self.folder, name)
        finally:
            draft.unlink(missing_ok=True)


def _link(draft: Path, folder: Path, name: str) -> None:
    """Name the file; a message that was written before keeps its name, and its file."""
    number = 1
    while True:
        with suppress(FileExistsError):
            ending = ".eml" if number == 1 else f"-{number}.eml"
            os.link(draft, folder / f"{name}{ending}")
            return
        number += 1


def _file_name(message: EmailMessage) -> str:
    """Its time and its id, so that a folder sorts by time."""
    sent_at = message["Date"].datetime
    identifier = str(message["Message-ID"]).strip("<>").partition("@")[0]
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", identifier)
    return f"{sent_at:%Y%m%dT%H%M%SZ}-{safe}"

"""Messages go through a real mail server, or into a folder."""

from __future__ import annotations

import re
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from threading import Thread
from time import sleep

import pytest

from scim_connector.delivery.mails import Mail, as_bytes, to_message
from scim_connector.delivery.senders import (
    FolderSender,
    SmtpSender,
    TryLater,
    Undeliverable,
    sender_of,
)
from scim_connector.settings import BadSettings, Settings
from tests import mail_server, tls

MAIL = Mail(
    to="zoe@contoso.com",
    subject="Your account at Straßburg College",
    text="Hello Zoë Müller 李小龙,\nhttps://scim.contoso.com/password/abc\n",
    html="<p>Hello Zoë Müller 李小龙,</p>\n",
    message_id="0f5a51b2-6a3e-4a51-9f0e-2b5b8a5f7a11",
    sent_at=1_795_511_100_000_000,
)
SENDER = "no-reply@scim.contoso.com"
MESSAGE = to_message(MAIL, SENDER, name="Straßburg College")
NAME = f"20261124T090500Z-{MAIL.message_id}"
PASSWORD = "correct-horse"
SIGN_IN = ("mailer", PASSWORD)


def sender(port: int, security: str = "none", **more: object) -> SmtpSender:
    """A sender to this machine, with what it trusts by itself unless told."""
    given = {"trust": ssl.create_default_context(), "hello": "scim.contoso.com"} | more
    return SmtpSender("127.0.0.1", port, security, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that no machine knows, and its key."""
    return tls.certificate(tmp_path_factory.mktemp("certificate"))


def test_a_mail_arrives_as_it_was_written() -> None:
    """Envelope, headers and both parts reach the server, non-ASCII names included."""
    with mail_server.running() as server:
        sender(server.port).send(MESSAGE)

    (mail,) = server.received
    assert (mail.sender, mail.recipients) == (SENDER, ("zoe@contoso.com",))
    assert (mail.hello, mail.encrypted) == ("scim.contoso.com", False)
    assert mail.content.rstrip() == as_bytes(MESSAGE).rstrip()
    assert mail.message["Message-ID"] == f"<{MAIL.message_id}@scim.contoso.com>"
    assert mail.message["Subject"] == MAIL.subject
    assert mail.message["From"] == f"Straßburg College <{SENDER}>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.body("plain").replace("\r\n", "\n") == MAIL.text
    assert mail.body("html").replace("\r\n", "\n") == MAIL.html


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted(security: str, certificate: tuple[str, str]) -> None:
    """With the server's signer in smtp_ca, the mail goes over verified TLS."""
    trust = ssl.create_default_context(cafile=certificate[0])
    with mail_server.running(security=security, certificate=certificate) as server:
        sender(server.port, security, trust=trust).send(MESSAGE)

    (mail,) = server.received
    assert mail.encrypted
    assert mail.message["Subject"] == MAIL.subject


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_known_is_refused(
    security: str, certificate: tuple[str, str]
) -> None:
    """A certificate that is signed by nobody known gets no mail, and no password."""
    with mail_server.running(security=security, certificate=certificate) as server:
        stranger = sender(server.port, security, user="mailer", password=PASSWORD)
        with pytest.raises(TryLater, match=r"not trusted .*SMTP_CA"):
            stranger.send(MESSAGE)

    assert server.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_is_refused(
    security: str, certificate: tuple[str, str]
) -> None:
    """A trusted certificate must name the host that was asked for."""
    trust = ssl.create_default_context(cafile=certificate[0])
    with mail_server.running(security=security, certificate=certificate) as server:
        other = replace(sender(server.port, security, trust=trust), host="localhost")
        with pytest.raises(TryLater, match=r"Hostname mismatch.*SMTP_HOST"):
            other.send(MESSAGE)

    assert server.received == []


def test_starttls_is_not_given_up() -> None:
    """A server that offers no STARTTLS gets nothing, rather than an open mail."""
    with (
        mail_server.running() as server,
        pytest.raises(TryLater, match="does not offer STARTTLS"),
    ):
        sender(server.port, "starttls").send(MESSAGE)

    assert server.received == []


def test_tls_where_there_is_none_says_so() -> None:
    """Asking a plain server for TLS names the settings to look at."""
    with (
        mail_server.running() as server,
        pytest.raises(TryLater, match=r"TLS as asked .*SMTP_SECURITY"),
    ):
        sender(server.port, "tls").send(MESSAGE)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_right_password_signs_in(
    security: str, certificate: tuple[str, str]
) -> None:
    """User and password are shown once the connection is encrypted."""
    trust = ssl.create_default_context(cafile=certificate[0])
    with mail_server.running(
        security=security, certificate=certificate, sign_in=SIGN_IN
    ) as server:
        known = sender(
            server.port, security, trust=trust, user="mailer", password=PASSWORD
        )
        known.send(MESSAGE)

    assert [mail.signed_in for mail in server.received] == [True]


def test_a_wrong_password_is_tried_again(certificate: tuple[str, str]) -> None:
    """A wrong password is for the operator to correct, and is not repeated."""
    trust = ssl.create_default_context(cafile=certificate[0])
    with mail_server.running(
        security="starttls", certificate=certificate, sign_in=SIGN_IN
    ) as server:
        unknown = sender(
            server.port, "starttls", trust=trust, user="mailer", password="wrong-horse"
        )
        with pytest.raises(TryLater, match=r"535.*SMTP_PASSWORD") as refused:
            unknown.send(MESSAGE)

    assert "wrong-horse" not in str(refused.value) + repr(unknown)
    assert server.received == []


def test_no_password_goes_open_to_another_machine(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TLS the password is shown to this machine alone, whoever made the sender.

    The name of another machine leads here, as it does behind a name server that lies.
    """
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, port, *more: real("127.0.0.1", port, *more)
    )
    with mail_server.running(sign_in=SIGN_IN) as server:
        here = sender(server.port, user="mailer", password=PASSWORD)
        here.send(MESSAGE)
        with pytest.raises(TryLater, match="not sent unencrypted"):
            replace(here, host="smtp.example.com").send(MESSAGE)

    assert [mail.signed_in for mail in server.received] == [True]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("450 4.2.0 greylisted", TryLater),
        ("421 4.3.2 closing", TryLater),
        ("550 5.1.1 nobody here", Undeliverable),
        ("552 5.2.2 too large", Undeliverable),
        ("530 5.7.0 sign in first", TryLater),
    ],
)
def test_a_refusal_is_final_or_not(
    step: str, reply: str, outcome: type[Exception]
) -> None:
    """4xx is tried again and 5xx given up, with the server's words for the operator."""
    with (
        mail_server.running(replies={step: reply}) as server,
        pytest.raises(outcome, match=re.escape(reply)),
    ):
        sender(server.port).send(MESSAGE)

    assert server.received == []


def test_what_a_server_says_is_bounded() -> None:
    """The words of a server are one printable line of bounded length."""
    reply = "550 no\x1b[31m\x07 " + "x" * 400
    with (
        mail_server.running(replies={"RCPT": reply}) as server,
        pytest.raises(Undeliverable) as refused,
    ):
        sender(server.port).send(MESSAGE)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_letters_beyond_ascii_need_a_server_that_takes_them() -> None:
    """An address that takes SMTPUTF8 is sent with it, and given up without."""
    message = to_message(replace(MAIL, to="zoë@contoso.com"), SENDER)
    with mail_server.running() as able:
        sender(able.port).send(message)
    with (
        mail_server.running(utf8=False) as unable,
        pytest.raises(Undeliverable, match="SMTPUTF8"),
    ):
        sender(unable.port).send(message)

    assert able.received[0].recipients == ("zoë@contoso.com",)
    assert "To: zoë@contoso.com".encode() in able.received[0].content


def test_nobody_there_is_tried_again() -> None:
    """A port that nobody listens on names the settings to look at."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(TryLater, match=r"refused.*SMTP_HOST"):
        sender(port).send(MESSAGE)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_server_that_hangs_is_left(security: str) -> None:
    """A server that takes the connection and says nothing is left after a step."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TryLater, match="timed out"):
            sender(port, security, step_seconds=0.2).send(MESSAGE)


@contextmanager
def talkative() -> Iterator[int]:
    """A server that never ends its greeting, a word at a time; gives its port."""

    def talk(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):  # until the other side hangs up
            while True:
                connection.sendall(b"220-and\r\n")
                sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=talk, args=[listening])
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_server_that_never_ends_is_left() -> None:
    """A server that says a word within each step is left when all is over."""
    with talkative() as port, pytest.raises(TryLater, match="hung up"):
        sender(port, step_seconds=5, all_seconds=0.3).send(MESSAGE)


def test_a_farewell_changes_nothing() -> None:
    """A server that hangs up instead of a farewell has taken the mail all the same."""

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for reply in (b"250 hello", b"250 OK", b"250 OK", b"354 go on"):
                lines.readline()
                connection.sendall(reply + b"\r\n")
            while lines.readline() != b".\r\n":
                pass
            connection.sendall(b"250 OK\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve, args=[listening])
        thread.start()
        sender(listening.getsockname()[1]).send(MESSAGE)
        thread.join()


# ------------------------------------------------------------------------ the folder


def test_a_folder_takes_mails(tmp_path: Path) -> None:
    """Each mail is a file that a mail program opens, named by its time and its id."""
    FolderSender(tmp_path / "mail").send(MESSAGE)

    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == f"{NAME}.eml"
    assert file.read_bytes() == as_bytes(MESSAGE)
    read = message_from_bytes(file.read_bytes(), policy=default)
    assert read["Subject"] == MAIL.subject


def test_a_folder_is_for_its_owner(tmp_path: Path) -> None:
    """Nobody else on the machine reads the links."""
    folder = tmp_path / "below" / "mail"

    FolderSender(folder).send(MESSAGE)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{NAME}.eml").stat().st_mode) == 0o600


def test_no_mail_takes_the_place_of_another(tmp_path: Path) -> None:
    """A mail of the same id, with another link, is written beside the first."""
    other = to_message(replace(MAIL, text="Hello again\n"), SENDER)

    for message in (MESSAGE, other, MESSAGE):
        FolderSender(tmp_path).send(message)

    assert {file.name for file in tmp_path.iterdir()} == {
        f"{NAME}.eml",
        f"{NAME}-2.eml",
        f"{NAME}-3.eml",
    }
    assert (tmp_path / f"{NAME}.eml").read_bytes() == as_bytes(MESSAGE)
    assert (tmp_path / f"{NAME}-2.eml").read_bytes() == as_bytes(other)


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """Where a file stands in the way, the operator is told which setting to correct."""
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(TryLater, match=r"mail \(.*MAIL_FOLDER"):
        FolderSender(tmp_path / "mail").send(MESSAGE)


# ---------------------------------------------------------------------- the settings


def test_without_a_mail_server_mails_are_written() -> None:
    """The default is a folder below the working directory, and the start says so."""
    assert sender_of(Settings()).describe() == (
        "Mails are written to ./mail: set SCIM_CONNECTOR_SMTP_HOST to send them."
    )


@pytest.mark.parametrize(
    ("security", "shown"),
    [("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "not encrypted")],
)
def test_a_mail_server_is_named(security: str, shown: str) -> None:
    """The start says through which server mails go, and how."""
    settings = Settings(smtp_host="smtp.example.com", smtp_security=security)

    assert sender_of(settings).describe() == (
        f"Mails go through smtp.example.com:587 ({shown})."
    )


def test_the_settings_reach_the_server(certificate: tuple[str, str]) -> None:
    """Host, port, security, CA file, user and password are those of the settings."""
    with mail_server.running(
        security="starttls", certificate=certificate, sign_in=SIGN_IN
    ) as server:
        settings = Settings(
            public_url="https://scim.contoso.com",
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_ca=Path(certificate[0]),
            smtp_user="mailer",
            smtp_password=PASSWORD,
        )
        sender_of(settings).send(MESSAGE)

    (mail,) = server.received
    assert (mail.hello, mail.signed_in) == ("scim.contoso.com", True)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_of_no_use_stops_the_start(
    content: str | None, tmp_path: Path
) -> None:
    """A CA file that is missing or holds nothing is named before anything is sent."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(BadSettings, match=r"smtp_ca: .*ca\.pem"):
        sender_of(Settings(smtp_host="smtp.example.com", smtp_ca=file))

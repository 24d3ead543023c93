"""A mail becomes a message that cannot be anything else."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, message_from_string
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.delivery.mails import Mail, as_bytes, needs_utf8, to_message

MAIL = Mail(
    to="zoe@contoso.com",
    subject="Your account at Straßburg College 学校",
    text="Hello Zoë Müller,\n\nhttps://scim.contoso.com/password/" + "x" * 90 + "\n",
    html="<p>Hello Zoë Müller,</p>\n",
    message_id="0f5a51b2-6a3e-4a51-9f0e-2b5b8a5f7a11",
    sent_at=1_795_511_100_999_999,
)
SENDER = "no-reply@scim.contoso.com"


def parsed(mail: Mail, sender: str = SENDER, **more: str) -> EmailMessage:
    """The message as its receiver reads it."""
    read = message_from_bytes(
        as_bytes(to_message(mail, sender, **more)), policy=default
    )
    assert isinstance(read, EmailMessage)
    assert read.defects == []
    return read


def test_the_headers_are_those_of_a_machine() -> None:
    """Each header says what it should; the id is that of the outbox at the sender."""
    message = parsed(MAIL, name="Straßburg College")

    assert {name: str(value) for name, value in message.items()} == {
        "From": "Straßburg College <no-reply@scim.contoso.com>",
        "To": "zoe@contoso.com",
        "Subject": "Your account at Straßburg College 学校",
        "Date": "Tue, 24 Nov 2026 09:05:00 +0000",
        "Message-ID": f"<{MAIL.message_id}@scim.contoso.com>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert message.get_content_type() == "multipart/alternative"


def test_both_parts_arrive_as_written() -> None:
    """The text comes first and the HTML last, both in UTF-8, letter for letter."""
    text, html = parsed(MAIL).iter_parts()

    assert text.get_content_type() == "text/plain"
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content_type() == "text/html"
    assert html.get_content().replace("\r\n", "\n") == MAIL.html
    assert text.get_content_charset() == html.get_content_charset() == "utf-8"


def test_an_ascii_text_is_left_as_it_is() -> None:
    """A long link stays one line of the message, which anybody can copy from a file."""
    link = "https://scim.contoso.com/password/" + "x" * 200

    assert link.encode() in as_bytes(to_message(replace(MAIL, text=link), SENDER))


def test_the_bytes_are_mail() -> None:
    """Lines end as RFC 5322 wants, have 998 characters at most, and are ASCII."""
    sent = as_bytes(to_message(replace(MAIL, text="ö" * 3000 + "x" * 3000), SENDER))

    assert sent.isascii()
    assert b"\n" not in sent.replace(b"\r\n", b"")
    assert max(map(len, sent.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\x00"])
@pytest.mark.parametrize("field", ["to", "subject", "message_id"])
def test_no_second_header_can_be_written(field: str, end: str) -> None:
    """Whatever ends a line somewhere is refused in every header (T34)."""
    before = getattr(MAIL, field)
    mail = replace(MAIL, **{field: f"{before}{end}Bcc: eve@evil.example"})

    with pytest.raises(ValueError, match=r"line|id of a mail"):
        to_message(mail, SENDER)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "zoe",
        "@contoso.com",
        "zoe@",
        "zoe@contoso..com",
        "zoe@contoso.com, eve@evil.example",
        "eve@evil.example,zoe@contoso.com",
        "Zoe <zoe@contoso.com>",
        "zoe@contoso.com (eve)",
        "friends: zoe@contoso.com;",
        '"zoe x"@contoso.com',
        "zoe@eve@contoso.com",
        "=?utf-8?q?eve=40evil.example=2C?=@contoso.com",
    ],
)
def test_an_address_is_one_address(address: str) -> None:
    """A list, a group, a comment, a name or an encoded word is no address (T34)."""
    with pytest.raises(ValueError, match=r"not an address|name of a host"):
        to_message(replace(MAIL, to=address), SENDER)


@given(st.text(), st.text())
def test_what_is_taken_is_what_was_meant(to: str, subject: str) -> None:
    """Any text is refused, or arrives as the one recipient and the one subject."""
    mail = replace(MAIL, to=f"{to}@contoso.com", subject=subject)
    try:
        message = to_message(mail, SENDER)
    except ValueError:
        return

    read = message_from_string(as_bytes(message).decode(), policy=default)
    assert [address.addr_spec for address in read["To"].addresses] == [mail.to]
    assert str(read["Subject"]).strip() == subject.strip()
    assert len(read.keys()) == len(message.keys())


def test_an_international_domain_needs_no_special_server() -> None:
    """A domain is written in ASCII, by the rules under which ß is not ss."""
    message = to_message(replace(MAIL, to="zoe@straße.de"), SENDER)

    assert message["To"] == "zoe@xn--strae-oqa.de"
    assert not needs_utf8(message)


def test_letters_before_the_at_sign_stay() -> None:
    """A local part beyond ASCII is written as UTF-8, which the server must take."""
    message = to_message(replace(MAIL, to="zoë@contoso.com"), SENDER)

    assert needs_utf8(message)
    assert "To: zoë@contoso.com\r\n".encode() in as_bytes(message)


@pytest.mark.parametrize("host", ["[192.0.2.7]", "[IPv6:2001:db8::1]", "scim"])
def test_a_host_without_a_domain_can_send(host: str) -> None:
    """The sender of a server that has no name yet is written as it is."""
    message = parsed(MAIL, f"no-reply@{host}")

    assert message["From"] == f"no-reply@{host}"
    assert message["Message-ID"] == f"<{MAIL.message_id}@{host}>"


def test_long_hosts_stay_whole() -> None:
    """An id that is longer than a line is neither folded nor encoded."""
    host = f"{'a' * 60}.{'b' * 60}.example.com"

    sent = as_bytes(to_message(replace(MAIL, to=f"zoe@{host}"), f"no-reply@{host}"))

    assert f"<{MAIL.message_id}@{host}>\r\n".encode() in sent
    assert f"To: zoe@{host}\r\n".encode() in sent

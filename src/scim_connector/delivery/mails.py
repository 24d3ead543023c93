"""One mail, and the message it is on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final

from scim_connector.settings import on_the_wire

#: The longest line that RFC 5322 section 2.1.1 allows, without its end.
LONGEST_LINE: Final = 998
_SECOND: Final = 1_000_000
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
# An address alone: none of the signs that begin another one, a comment or a name.
_LOCAL_PART: Final = re.compile(r'[^\s@,;:<>()\[\]\\"]+')
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+|\[[A-Za-z0-9.:]+\]")


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is sent; *sent_at* in microseconds UTC.

    *message_id* is the id of the outbox, the same at each try, so that a mail which
    arrives twice can be known by it.
    """

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    sent_at: int


def to_message(mail: Mail, sender: str, *, name: str = "") -> EmailMessage:
    """Write *mail* as a message of *sender*, an address, shown with *name*.

    The text comes first and the HTML second, which mail programs prefer.  Raises
    ValueError for anything that could become a second header, address or encoded word.
    """
    sent_by = _mailbox(sender, name)
    message = EmailMessage(policy=SMTP)
    message["From"] = sent_by
    message["To"] = _mailbox(mail.to)
    message["Subject"] = _one_line("subject", mail.subject)
    message["Date"] = datetime.fromtimestamp(mail.sent_at // _SECOND, UTC)
    message["Message-ID"] = f"<{_identifier(mail.message_id)}@{sent_by.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # so that no absence note answers
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    return message


def sender_and_recipient(message: EmailMessage) -> tuple[str, str]:
    """The two addresses of a message, as they are given to a mail server."""
    (sender,) = message["From"].addresses
    (recipient,) = message["To"].addresses
    return sender.addr_spec, recipient.addr_spec


def needs_utf8(message: EmailMessage) -> bool:
    """Whether an address has letters that take a server with SMTPUTF8 (RFC 6531)."""
    return not "".join(sender_and_recipient(message)).isascii()


def as_bytes(message: EmailMessage) -> bytes:
    """The message with the line ends of mail; ASCII alone unless an address is not."""
    return message.as_bytes(policy=SMTPUTF8 if needs_utf8(message) else SMTP)


def _mailbox(text: str, name: str = "") -> Address:
    """One address; an international domain becomes ASCII, which any server takes."""
    local, _, domain = _one_line("address", text).rpartition("@")
    wire = on_the_wire(domain)
    if "=?" in local or not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(wire):
        message = f'"{text}" is not an address that a mail can be sent to.'
        raise ValueError(message)
    return Address(_one_line("name", name), local, wire)


def _one_line(what: str, text: str) -> str:
    """*text*, which has nothing that ends a line anywhere, nor any other control."""
    if not text.isprintable():
        message = f"The {what} of a mail must be one line of printable text."
        raise ValueError(message)
    return text


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        message = "The id of a mail is letters, digits, hyphens and underscores."
        raise ValueError(message)
    return text


def _encoding(text: str) -> str:
    """As it is where any server takes that, so that links stay whole and readable."""
    short = all(len(line) <= LONGEST_LINE for line in text.splitlines())
    return "7bit" if short and text.isascii() else "quoted-printable"

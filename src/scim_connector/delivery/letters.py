"""What each mail says, to people who know nothing of provisioning.

The words stand in ``templates/``, as text and as HTML without images or anything that
is loaded.  Whatever a provider sent is hostile here: it becomes one line, bounded, and
escaped in HTML.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

#: The longest name that is printed whole, and the longest address.
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 1024
#: What the page behind every password link offers once the link is of no use.
NEW_LINK: Final = "Send me a new link"

_SECOND: Final = 1_000_000
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SUBJECTS: Final = {
    "welcome": "Choose a password for your account at {organisation}",
    "reset": "Choose a new password for your account at {organisation}",
    "email_changed": "The email address of your account at {organisation} has changed",
    "managed_now": "Your account at {organisation} is now looked after automatically",
    "confirm_email": "Confirm your email address for {organisation}",
    "password_changed": "The password of your account at {organisation} has changed",
    "alert": "{begins}{title} ({organisation})",
}
_TEMPLATES: Final = Environment(
    loader=PackageLoader("scim_connector.delivery"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Addressee:
    """The person a letter is for."""

    name: str
    username: str
    email: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that holds (*kind* "holds"), is "over", or is a "test".

    Instants in microseconds UTC: *since* when it began, *at* when it was told.
    """

    title: str
    sentence: str
    advice: str
    kind: str
    since: int
    at: int


@dataclass(frozen=True, slots=True)
class Written:
    """A letter: its subject, and its body twice."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Application:
    name: str
    address: str

    @property
    def is_link(self) -> bool:
        """Whether it may be clicked on."""
        return urlsplit(self.address).scheme in {"http", "https"}


def _application(name: str, address: str) -> _Application:
    return _Application(_one_line(name), _one_line(address, LONGEST_ADDRESS))


class Letters:
    """The letters of one organisation."""

    def __init__(self, organisation: str, address: str, zone: str) -> None:
        """Speak for *organisation*, whose users' pages are at *address*.

        *zone* is the IANA name of the zone that instants are shown in beside UTC.
        """
        self._organisation = _one_line(organisation)
        self._address = address
        self._zone = None if zone in {"UTC", "Etc/UTC"} else ZoneInfo(zone)

    def welcome(
        self,
        person: Addressee,
        link: str,
        until: int,
        applications: Sequence[tuple[str, str]],
    ) -> Written:
        """Tell of a new account: *link* chooses its password, *until* an instant.

        Instants are microseconds UTC.  *applications* are what the account opens, by
        name and address.
        """
        return self._with_link("welcome", person, link, until, applications)

    def reset(
        self,
        person: Addressee,
        link: str,
        until: int,
        applications: Sequence[tuple[str, str]],
    ) -> Written:
        """Give the link that chooses a new password, as :meth:`welcome` does."""
        return self._with_link("reset", person, link, until, applications)

    def confirm_email(self, person: Addressee, link: str, until: int) -> Written:
        """Ask whether a mail to the address of *person* reaches them."""
        return self._with_link("confirm_email", person, link, until, ())

    def email_changed(self, person: Addressee, old_address: str) -> Written:
        """Tell the old address, without naming the new one, that mail goes elsewhere.

        The old address may be somebody else's by now.
        """
        old = _one_line(old_address, LONGEST_ADDRESS)
        return self._write("email_changed", person, old_address=old)

    def managed_now(self, person: Addressee, connection_name: str | None) -> Written:
        """Tell that a provider, named if it may be, keeps the account from now on."""
        name = _one_line(connection_name) if connection_name else None
        return self._write("managed_now", person, connection=name)

    def password_changed(self, person: Addressee) -> Written:
        """Tell that there is a new password, in case somebody else has chosen it."""
        return self._write("password_changed", person)

    def alert(self, person: Addressee, told: Alert) -> Written:
        """Tell who looks after this that something holds, or is over."""
        begins = {"over": "Over: ", "test": "Test: "}.get(told.kind, "")
        return self._write(
            "alert",
            person,
            begins=begins,
            title=_one_line(told.title),
            kind=told.kind,
            sentence=_one_line(told.sentence, LONGEST_ADDRESS),
            advice=told.advice,
            since=moment(told.since, self._zone),
            over=moment(told.at, self._zone),
        )

    def _with_link(
        self,
        letter: str,
        person: Addressee,
        link: str,
        until: int,
        applications: Sequence[tuple[str, str]],
    ) -> Written:
        return self._write(
            letter,
            person,
            link=link,
            until=moment(until, self._zone),
            new_link=NEW_LINK,
            applications=[_application(*each) for each in applications],
        )

    def _write(self, letter: str, person: Addressee, **words: object) -> Written:
        named = {**words, "organisation": self._organisation}
        subject = _SUBJECTS[letter].format(**named)
        words |= {
            "subject": subject,
            "organisation": self._organisation,
            "address": self._address,
            "name": _greeted(person),
            "username": _one_line(person.username),
            "email": _one_line(person.email, LONGEST_ADDRESS),
        }
        text, html = (
            _TEMPLATES.get_template(f"{letter}.{form}").render(words)
            for form in ("txt", "html")
        )
        return Written(subject, text, html)


def moment(instant: int, zone: tzinfo | None = None) -> str:
    """An instant in microseconds UTC for people, to the minute that has begun.

    With a zone: ``09:05 UTC (10:05 Europe/Berlin) on 24 November 2026``; where the day
    there is another one, each time has its own.
    """
    utc = datetime.fromtimestamp(instant // _SECOND, UTC)
    if zone is None:
        return f"{utc:%H:%M} UTC on {_day(utc)}"
    there = utc.astimezone(zone)
    if there.date() == utc.date():
        return f"{utc:%H:%M} UTC ({there:%H:%M} {zone}) on {_day(utc)}"
    return f"{utc:%H:%M} UTC on {_day(utc)} ({there:%H:%M} {zone} on {_day(there)})"


def _day(day: datetime) -> str:
    """A day in English, whatever the language of the machine."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _greeted(person: Addressee) -> str:
    """What somebody is called: no name that mail programs would make a link of."""
    name = _one_line(person.name)
    is_link = "://" in name or "www." in name.lower()
    return _one_line(person.username) if is_link or not name else name


def _one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """*text* without line ends, controls and signs that turn the writing direction."""
    spaced = "".join(" " if sign.isspace() else sign for sign in text)
    shown = "".join(sign for sign in spaced if not _is_control(sign))
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs"} or unicodedata.bidirectional(
        sign
    ) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

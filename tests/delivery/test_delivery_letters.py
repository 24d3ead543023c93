"""What the letters say."""

from __future__ import annotations

from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.delivery.letters import (
    Addressee,
    Alert,
    Letters,
    Written,
    moment,
)

KIM = Addressee("Kim Doe", "kim.doe", "kim.doe@contoso.com")
LINK = "https://scim.contoso.com/password/abc?x=1&y=2"
NEXTGEN = ("NextGen", "https://nextgen.contoso.com")
UNTIL = 1_795_511_159_999_999  # 2026-11-24T09:05:59.999999Z
_UNQUOTED = str.maketrans("", "", '"“”')
LETTERS = Letters("Contoso College", "https://scim.contoso.com", "Europe/Berlin")


class Page(HTMLParser):
    """The words of a page as a reader sees them, and what it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.words += data


def all_letters(person: Addressee = KIM, other: str = "Entra ID") -> dict[str, Written]:
    applications = [NEXTGEN, (other, other)]
    return {
        "welcome": LETTERS.welcome(person, LINK, UNTIL, applications),
        "reset": LETTERS.reset(person, LINK, UNTIL, applications),
        "email_changed": LETTERS.email_changed(person, other),
        "managed_now": LETTERS.managed_now(person, other),
        "managed_by_nobody": LETTERS.managed_now(person, None),
        "confirm_email": LETTERS.confirm_email(person, LINK, UNTIL),
        "password_changed": LETTERS.password_changed(person),
        **{kind: LETTERS.alert(person, _alert(kind, other)) for kind in ALERTS},
    }


ALERTS = ("holds", "over", "test")


def _alert(kind: str, other: str) -> Alert:
    sentence = f"Connection {other} has not been heard of for 3 hours."
    return Alert("A connection is silent", sentence, "See there.", kind, UNTIL, UNTIL)


@pytest.mark.parametrize("form", ["text", "html"])
def test_an_alert_says_what_holds_and_what_to_do(form: str) -> None:
    """In subject and body; the end says since when it had held, and gives no advice."""
    said = {}
    for kind in ALERTS:
        letter = LETTERS.alert(KIM, _alert(kind, "entra"))
        said[kind] = letter.text if form == "text" else Page(letter.html).words
        assert letter.subject.endswith("A connection is silent (Contoso College)")
        assert "Connection entra has not been heard of for 3 hours." in said[kind]
        assert "https://scim.contoso.com/admin" in letter.text

    assert "See there." in said["holds"]
    assert "See there." not in said["over"] + said["test"]
    assert "It began at 09:05 UTC" in said["over"]
    assert LETTERS.alert(KIM, _alert("over", "x")).subject.startswith("Over: ")


@pytest.mark.parametrize("form", ["text", "html"])
def test_the_welcome_says_all_one_needs(form: str) -> None:
    """Username, link, until when, what to do afterwards, and where to sign in."""
    letter = LETTERS.welcome(KIM, LINK, UNTIL, [NEXTGEN])
    words = letter.text if form == "text" else Page(letter.html).words

    assert letter.subject == "Choose a password for your account at Contoso College"
    for needed in (
        "Hello Kim Doe,",
        "Your username is: kim.doe",
        LINK,
        "until 09:05 UTC (10:05 Europe/Berlin) on 24 November 2026",
        "Send me a new link",
        "NextGen",
        "https://nextgen.contoso.com",
        "Contoso College",
    ):
        assert needed in words


def test_no_applications_leave_no_gap() -> None:
    """Without applications nothing is said about them."""
    letter = LETTERS.welcome(KIM, LINK, UNTIL, [])

    assert "sign in here" not in letter.text + letter.html
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("letter", all_letters())
def test_text_and_html_say_the_same(letter: str) -> None:
    """Every sentence of the text stands in the HTML; only a button has other words."""
    written = all_letters()[letter]
    said = Page(written.html).words.translate(_UNQUOTED)

    text = " ".join(written.text.partition("-- \n")[0].split()).translate(_UNQUOTED)
    sentences = [words for words in text.split(". ") if "://" not in words]
    assert len(sentences) > 1
    for sentence in sentences:
        assert sentence in said


@pytest.mark.parametrize("letter", all_letters())
def test_nothing_is_loaded(letter: str) -> None:
    """HTML has no images, scripts or styles from elsewhere: it is readable as it is."""
    page = Page(all_letters()[letter].html)

    assert page.tags.isdisjoint({"img", "script", "link", "iframe", "object", "style"})
    assert set(page.links) <= {LINK, NEXTGEN[1]}


def test_the_new_address_stays_unnamed() -> None:
    """The notice to the old address does not give the new one away."""
    letter = LETTERS.email_changed(KIM, "old@contoso.com")

    assert "old@contoso.com" in letter.text
    assert KIM.email not in letter.text + letter.html


def test_a_provider_is_named_where_it_may_be() -> None:
    """managed_now names the connection, or nobody."""
    letters = all_letters()

    assert ", by Entra ID." in letters["managed_now"].text
    assert "by " not in letters["managed_by_nobody"].text.splitlines()[3]


@given(st.text(max_size=300))
def test_what_a_provider_sends_stays_words(hostile: str) -> None:
    """No name adds a line to the text, or an element or a link to the HTML (T34)."""
    person = Addressee(hostile, hostile, hostile)
    plain = all_letters(Addressee("x", "x", "x"), "x")

    for name, letter in all_letters(person, hostile).items():
        assert len(letter.text.splitlines()) == len(plain[name].text.splitlines())
        assert Page(letter.html).tags == Page(plain[name].html).tags
        assert letter.subject == plain[name].subject


@pytest.mark.parametrize("name", ["<b>Kim</b>", "Kim\r\n\r\nOpen evil.example"])
def test_markup_and_lines_are_taken_apart(name: str) -> None:
    """Markup is shown as typed; a name of several lines is one line."""
    letter = LETTERS.password_changed(Addressee(name, "kim.doe", "kim@contoso.com"))

    assert f"Hello {' '.join(name.split())}," in letter.text
    assert "<b>" not in letter.html


def test_only_web_addresses_can_be_clicked() -> None:
    """An application whose address is no web address is printed, not linked."""
    letter = LETTERS.welcome(KIM, LINK, UNTIL, [("Classic", "javascript:alert(1)")])

    assert "javascript:alert(1)" not in Page(letter.html).links
    assert "javascript:alert(1)" in Page(letter.html).words


def test_long_addresses_stay_whole() -> None:
    """A name is cut where it is no name any more; an address is not."""
    address = "https://nextgen.contoso.com/" + "x" * 200

    letter = LETTERS.welcome(
        Addressee("y" * 200, "kim.doe", "kim@contoso.com"),
        LINK,
        UNTIL,
        [("NextGen", address)],
    )

    assert f"{address}\n" in letter.text
    assert f"Hello {'y' * 100}…,\n" in letter.text


@pytest.mark.parametrize("name", [" ", "Open https://evil.example", "WWW.evil.example"])
def test_nobody_is_greeted_with_a_link_or_nothing(name: str) -> None:
    """Without a name, or with one that would become a link, the username greets."""
    letter = LETTERS.password_changed(Addressee(name, "kim.doe", "kim@contoso.com"))

    assert letter.text.startswith("Hello kim.doe,\n")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (None, "09:05 UTC on 24 November 2026"),
        ("Europe/Berlin", "09:05 UTC (10:05 Europe/Berlin) on 24 November 2026"),
        (
            "Pacific/Auckland",
            "09:05 UTC (22:05 Pacific/Auckland) on 24 November 2026",
        ),
        (
            "Pacific/Kiritimati",
            "09:05 UTC (23:05 Pacific/Kiritimati) on 24 November 2026",
        ),
    ],
)
def test_instants_are_for_people(zone: str | None, shown: str) -> None:
    """An instant is told in UTC and, where that differs, in the organisation's zone."""
    assert moment(UNTIL, ZoneInfo(zone) if zone else None) == shown


def test_another_day_is_named() -> None:
    """Where it is another day in the zone, each time has its own day."""
    assert moment(UNTIL + 15 * 3_600_000_000, ZoneInfo("Europe/Berlin")) == (
        "00:05 UTC (01:05 Europe/Berlin) on 25 November 2026"
    )
    assert moment(UNTIL + 14 * 3_600_000_000, ZoneInfo("Europe/Berlin")) == (
        "23:05 UTC on 24 November 2026 (00:05 Europe/Berlin on 25 November 2026)"
    )


def test_an_organisation_in_utc_is_told_utc() -> None:
    """With the zone UTC no second time is shown."""
    letter = Letters("Contoso", "https://scim.contoso.com", "UTC").reset(
        KIM, LINK, UNTIL, []
    )

    assert "until 09:05 UTC on 24 November 2026." in letter.text

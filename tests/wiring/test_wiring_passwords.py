"""Passwords, mails and second factors on the real server, by a browser and a mailbox."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from subprocess import DEVNULL, Popen

import pytest

from scim_connector.scim.types import LOCAL
from tests import authenticator, mail_server, server
from tests.browser import Browser, Page
from tests.house import patch_of, person
from tests.mail_server import MailServer, Received
from tests.mailroom import PASSWORD
from tests.server import PROGRAM, Server

OTHER = "other words entirely here"
WRONG = "a wrong one, twelve"
PUBLIC = "https://scim.contoso.com"
HOUR = 3600 * 1_000_000
_NUMBERS = count(1)
_LINK = re.compile(rf"{PUBLIC}(/(?:password|email)/[\w-]+)")
_KEY = re.compile(r"<code>([A-Z2-7 ]{32,})</code>")
_CODE = re.compile(r"<code>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})</code>")


@dataclass
class Place:
    """A server, its mail server, and what a person there can do."""

    scim: Server
    mail: MailServer

    @property
    def address(self) -> str:
        """Where browsers go; its public address is another."""
        return f"http://127.0.0.1:{self.scim.port}"

    def browser(self, network: str | None = None) -> Browser:
        """A new browser, in a network of its own."""
        return Browser(network or f"2001:db8:{next(_NUMBERS):x}::1")

    def post(self, browser: Browser, path: str, **fields: str) -> Page:
        """Send a form as from a page of the public address."""
        return browser.post(self.address + path, fields, origin=PUBLIC)

    def add(self, **more: object) -> tuple[str, str]:
        """Somebody new by SCIM: their id and address."""
        email = f"somebody{next(_NUMBERS)}@contoso.com"
        made = self.scim.send("POST", "/Users", person(email, **more))
        assert made.status == 201, made.content
        return made.body["id"], email

    def mails(self, email: str, least: int = 1) -> list[Received]:
        """What the address has received, once there are so many."""

        def got() -> list[Received]:
            return [m for m in self.mail.received if m.recipients == (email,)]

        assert _eventually(lambda: len(got()) >= least), "no mail came"
        return got()

    def link(self, email: str, least: int = 1) -> str:
        """The path of the link in the newest mail to an address."""
        found = _LINK.search(self.mails(email, least)[-1].body("plain"))
        assert found is not None
        return found[1]

    def person(self) -> tuple[str, str]:
        """Somebody who has chosen a password."""
        link_id, email = self.add()
        self.choose(self.browser(), self.link(email))
        return link_id, email

    def choose(self, browser: Browser, path: str, password: str = PASSWORD) -> Page:
        """Choose a password behind a link."""
        return self.post(browser, path, password=password, again=password)

    def sign_in(
        self, browser: Browser, name: str, password: str = PASSWORD, **more: str
    ) -> Page:
        """Sign in by the page."""
        page = browser.get(f"{self.address}/login")
        form = {**page.fields, "username": name, "password": password, **more}
        return self.post(browser, "/login/password", **form)

    def later(self, microseconds: int) -> None:
        """Let so much time go by for every link: they were mailed earlier."""
        with sqlite3.connect(
            self.scim.folder / "scim-connector.db", timeout=20
        ) as rows:
            rows.execute(
                "UPDATE password_resets SET issued_at = issued_at - ?,"
                " expires_at = expires_at - ?",
                (microseconds, microseconds),
            )


def _eventually(holds: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 20
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server behind a proxy, with a mail server."""
    with mail_server.running() as mail:
        environment = {
            "SCIM_CONNECTOR_PUBLIC_URL": PUBLIC,
            "SCIM_CONNECTOR_ORGANISATION": "Contoso College",
            "SCIM_CONNECTOR_TIME_ZONE": "Europe/Berlin",
            "SCIM_CONNECTOR_TRUSTED_PROXIES": "127.0.0.1",
            "SCIM_CONNECTOR_SMTP_HOST": "127.0.0.1",
            "SCIM_CONNECTOR_SMTP_PORT": str(mail.port),
            "SCIM_CONNECTOR_SMTP_SECURITY": "none",
        }
        folder = tmp_path_factory.mktemp("passwords")
        with server.running(folder, environment=environment) as scim:
            scim.cli("connection", "set", "default", "--allow-api-users")
            yield Place(scim, mail)


# ---------------------------------------------------------------------------- the mail


def test_nobody_is_stranded_by_the_night(place: Place) -> None:
    """Created at 02:00, opened at 09:00, signed in at 09:02, with no administrator."""
    _, email = place.add()
    path, browser = place.link(email), place.browser()
    place.later(7 * HOUR)

    late = browser.get(place.address + path)
    asked = place.post(browser, f"{path}/again")
    chosen = place.choose(browser, place.link(email, 2))
    page = place.sign_in(browser, email)

    assert late.status == 410
    assert "This link is older than one hour." in late.words
    assert late.text.count("<button") == 1
    assert "Send me a new link" in late.words
    assert "Look into your mail" in asked.words
    assert "Your password is set" in chosen.words
    assert (page.status, page.path) == (200, "/account")


def test_the_address_of_a_link_is_the_public_one(place: Place) -> None:
    """Whatever Host a request names, the mail names the settings' address (T72)."""
    _, email = place.person()
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "Origin": PUBLIC,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = f"name={email}".encode()

    place.scim.send_raw("POST", "/forgot", headers, form)

    newest = place.mails(email, 2)[-1]
    assert "evil" not in newest.content.decode()
    assert _LINK.search(newest.body("plain"))


def test_a_dead_link_that_is_used_is_audited(place: Place) -> None:
    """The person reads a sentence, the history has the reason; a look leaves nothing."""
    _, email = place.person()
    browser, path = place.browser(), place.link(email)
    browser.get(place.address + path)
    before = place.scim.cli("user", "history", email, "--json")

    page = place.choose(browser, path, OTHER)

    assert page.status == 410
    assert "link_used" not in before
    after = place.scim.cli("user", "history", email, "--json")
    assert after.count("link_used") == 1


def test_two_processes_send_each_mail_once(place: Place) -> None:
    """``serve`` and ``worker`` beside each other, on one database."""
    helper = Popen(
        [*PROGRAM, "worker"],
        cwd=place.scim.folder,
        env=dict(place.scim.environment),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        people = {place.add()[1] for _ in range(40)}
        for email in people:
            place.mails(email)
        time.sleep(1.5)  # a second copy would come within a round
    finally:
        helper.terminate()
        helper.wait(20)

    got = [mail.recipients[0] for mail in place.mail.received]
    assert [email for email in people if got.count(email) != 1] == []


def test_nobody_is_told_who_is_known(place: Place) -> None:
    """Forgot password: one page for a person, nobody, an API user, somebody inactive."""
    _, known = place.person()
    _, inactive = place.add(active=False)
    _, program = place.add(**{LOCAL: {"apiUser": True}})
    pages = {
        (page.status, page.words)
        for name in (known, inactive, program, "nobody@contoso.com")
        for page in [place.post(place.browser(), "/forgot", name=name)]
    }

    place.mails(known, 2)
    received = [mail.recipients[0] for mail in place.mail.received]
    assert len(pages) == 1
    assert inactive not in received
    assert program not in received


# ----------------------------------------------------------------------- the password


def test_everybody_else_reads_the_same(place: Place) -> None:
    """Wrong password, nobody, inactive, API user: one text, one status (T65, T66)."""
    _, known = place.person()
    link_id, inactive = place.person()
    place.scim.send("PATCH", f"/Users/{link_id}", patch_of(active=False))
    _, program = place.add(**{LOCAL: {"apiUser": True}})
    tries = [
        (known, WRONG),
        ("nobody@contoso.com", PASSWORD),
        (inactive, PASSWORD),
        (program, PASSWORD),
    ]

    pages = [place.sign_in(place.browser(), *each) for each in tries]

    assert len({(page.status, page.words) for page in pages}) == 1
    assert pages[0].status == 401


def test_who_fails_waits_and_a_known_browser_does_not(place: Place) -> None:
    """429 with Retry-After for strangers of a network; the owner there gets in (T70)."""
    _, email = place.add()
    owner = place.browser("198.51.100.9")
    place.choose(owner, place.link(email))
    for number in range(5):
        forged = place.browser(f"203.0.113.{number}, 198.51.100.9")
        assert place.sign_in(forged, email, WRONG).status == 401

    stranger = place.sign_in(place.browser("198.51.100.9"), email)
    known = place.sign_in(owner, email)
    elsewhere = place.sign_in(place.browser(), email)

    assert stranger.status == 429
    assert 0 < int(stranger.headers["Retry-After"]) <= 901
    assert "wait 15 minutes" in stranger.words
    assert (known.status, known.path) == (200, "/account")
    assert (elsewhere.status, elsewhere.path) == (200, "/account")


def test_many_at_once_are_told_to_come_again(place: Place) -> None:
    """Hashing is bounded: 503 with Retry-After, and provisioning goes on (T71)."""

    def one(number: int) -> Page:
        browser = place.browser()
        form = {"username": f"nobody{number}", "password": PASSWORD}
        return place.post(browser, "/login/password", **form)

    with ThreadPoolExecutor(24) as crowd:
        tries = [crowd.submit(one, number) for number in range(48)]
        answers = {place.scim.send("GET", "/Users?count=1").status for _ in range(20)}
        pages = [each.result() for each in tries]

    busy = [page for page in pages if page.status == 503]
    assert answers == {200}
    assert {page.status for page in pages} == {401, 503}
    assert {page.headers["Retry-After"] for page in busy} == {"5"}


def test_an_expired_password_is_changed_on_the_way_in(place: Place) -> None:
    """``user expire``: the page asks for another one, and goes on."""
    _, email = place.person()
    place.scim.cli("user", "expire", email)
    browser = place.browser()

    asked = place.sign_in(browser, email)
    same = place.post(
        browser,
        "/login/change",
        **{**asked.fields, "password": PASSWORD, "again": PASSWORD},
    )
    page = place.post(
        browser, "/login/change", **{**same.fields, "password": OTHER, "again": OTHER}
    )

    assert "Choose another password" in asked.words
    assert same.status == 400
    assert "the one that has expired" in same.words
    assert (page.status, page.path) == (200, "/account")


def test_a_changed_password_ends_the_sessions_elsewhere(place: Place) -> None:
    """On one's own page; the present password is asked for, and the person is told."""
    _, email = place.person()
    here, there = place.browser(), place.browser()
    for browser in (here, there):
        place.sign_in(browser, email)

    refused = place.post(
        here, "/account/password", present=WRONG, password=OTHER, again=OTHER
    )
    page = place.post(
        here, "/account/password", present=PASSWORD, password=OTHER, again=OTHER
    )

    assert refused.status == 401
    assert "present password is not right" in refused.words
    assert "Your password is changed" in page.words
    assert here.get(f"{place.address}/account").path == "/account"
    assert there.get(f"{place.address}/account").path == "/login"
    told = place.mails(email, 2)[-1]
    assert "has changed" in str(told.message["Subject"])


def test_a_new_address_is_confirmed_by_its_link(place: Place) -> None:
    """Opening changes nothing, the button does, and the former address is told."""
    _, email = place.person()
    browser, new = place.browser(), f"home{next(_NUMBERS)}@home.example"
    place.sign_in(browser, email)

    refused = place.post(browser, "/account/email", email=new, present=WRONG)
    place.post(browser, "/account/email", email=new, present=PASSWORD)
    path = place.link(new)
    opened = browser.get(place.address + path)
    before = browser.get(f"{place.address}/account").words
    done = place.post(browser, path)
    again = place.post(browser, path)

    assert refused.status == 401
    assert new in opened.words
    assert f"Mail goes to {email}." in before
    assert "Your address is confirmed" in done.words
    assert again.status == 410
    assert f"Mail goes to {new}." in browser.get(f"{place.address}/account").words
    assert "email address" in str(place.mails(email, 2)[-1].message["Subject"])


def test_an_address_taken_meanwhile_is_refused_with_its_rule(place: Place) -> None:
    """The sentence of R5, and the address stays as it was."""
    _, email = place.person()
    browser, wanted = place.browser(), f"wanted{next(_NUMBERS)}@contoso.com"
    place.sign_in(browser, email)
    place.post(browser, "/account/email", email=wanted, present=PASSWORD)
    path = place.link(wanted)
    assert place.scim.send("POST", "/Users", person(wanted)).status == 201

    page = place.post(browser, path)

    assert page.status == 409
    assert "R5" in page.words
    assert f"Mail goes to {email}." in browser.get(f"{place.address}/account").words


# ------------------------------------------------------------------- the second factor


def _administrator(place: Place) -> str:
    _, email = place.person()
    place.scim.cli("user", "role", "add", email, "Administrator")
    return email


def _set_up(
    place: Place, browser: Browser, page: Page, path: str
) -> tuple[bytes, list[str], Page]:
    """Scan the key of a page, and type its first code."""
    key = _KEY.search(page.text)
    assert key is not None
    secret = authenticator.typed(key[1])
    code = authenticator.code(secret, time.time_ns() // 1000)
    shown = place.post(browser, path, **{**page.fields, "code": code})
    return secret, _CODE.findall(shown.text), shown


def _later_code(secret: bytes) -> str:
    """A code of the next half minute: this one's is used up."""
    return authenticator.code(secret, time.time_ns() // 1000 + 30_000_000)


def test_an_administrator_sets_up_a_second_factor_and_shows_it(place: Place) -> None:
    """Set-up at the first sign-in, codes once, then a code each time, used once."""
    email, browser = _administrator(place), place.browser()
    page = place.sign_in(browser, email)
    wrong = place.post(browser, "/login/set-up", **{**page.fields, "code": "000000"})
    secret, codes, shown = _set_up(place, browser, wrong, "/login/set-up")
    inside = browser.get(f"{place.address}/account")

    next_ = place.browser()
    asked = place.sign_in(next_, email)
    outside = next_.get(f"{place.address}/account")
    code = _later_code(secret)
    used = place.post(next_, "/login/code", **{**asked.fields, "code": code})
    third = place.browser()
    replay = place.post(
        third, "/login/code", **{**place.sign_in(third, email).fields, "code": code}
    )
    recovered = place.post(third, "/login/code", **{**replay.fields, "code": codes[0]})

    assert "Set up a second factor" in page.words
    assert wrong.status == 401
    assert len(codes) == 10
    assert "Keep these codes" in shown.words
    assert inside.path == "/account"
    assert "Type the six digits" in asked.words
    assert outside.path == "/login"
    assert used.path == "/account"
    assert replay.status == 401
    assert recovered.path == "/account"


def test_a_locked_out_administrator_is_recovered_from_the_machine(
    place: Place,
) -> None:
    """``user recover`` prints one link; password and factor begin anew, audited."""
    email, browser = _administrator(place), place.browser()
    page = place.sign_in(browser, email)
    _set_up(place, browser, page, "/login/set-up")

    told = place.scim.cli("user", "recover", email)
    path = _LINK.search(told)
    assert path is not None
    again = place.browser()
    place.choose(again, path[1], OTHER)
    page = place.sign_in(again, email, OTHER)

    assert "Set up a second factor" in page.words
    assert browser.get(f"{place.address}/account").path == "/login"
    assert again.get(place.address + path[1]).status == 410
    events = place.scim.cli("user", "history", email)
    assert "user:recovered" in events
    assert "factor:removed" in events


def test_one_sets_up_renews_and_removes_ones_own(place: Place) -> None:
    """On one's own page, with the present password each time."""
    _, email = place.person()
    browser = place.browser()
    place.sign_in(browser, email)
    refused = place.post(browser, "/account/factor", present=WRONG)
    page = place.post(browser, "/account/factor", present=PASSWORD)
    _, codes, _ = _set_up(place, browser, page, "/account/factor/confirm")
    asked = place.sign_in(place.browser(), email)

    renewed = place.post(
        browser, "/account/factor/codes", present=PASSWORD, code=codes[0]
    )
    fresh = _CODE.findall(renewed.text)
    former = place.post(
        browser, "/account/factor/remove", present=PASSWORD, code=codes[1]
    )
    removed = place.post(
        browser, "/account/factor/remove", present=PASSWORD, code=fresh[0]
    )

    assert refused.status == 401
    assert "Type the six digits" in asked.words
    assert len(fresh) == 10
    assert former.status == 401
    assert "The second factor is removed" in removed.words
    assert place.sign_in(place.browser(), email).path == "/account"


def test_a_lost_telephone_is_forgotten_by_an_operator(place: Place) -> None:
    """``user forget-factor``: the password alone sets up another one."""
    email, browser = _administrator(place), place.browser()
    page = place.sign_in(browser, email)
    _set_up(place, browser, page, "/login/set-up")

    told = place.scim.cli("user", "forget-factor", email)

    assert "sets up another second factor" in told
    assert "Set up a second factor" in place.sign_in(place.browser(), email).words


# -------------------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    "path",
    [
        "/account/password",
        "/account/factor",
        "/account/factor/confirm",
        "/account/factor/codes",
        "/account/factor/remove",
        "/account/sessions/end-others",
    ],
)
def test_ones_own_page_is_for_who_is_signed_in_there(place: Place, path: str) -> None:
    """A stranger is sent to sign in; a form of another site is refused (T74)."""
    stranger = place.post(place.browser(), path, present=PASSWORD, code="1")
    foreign = place.browser().post(
        place.address + path, {"present": PASSWORD}, origin="https://evil.example"
    )

    assert stranger.path == "/login"
    assert foreign.status == 403


def test_cookies_are_of_this_host_alone(place: Place) -> None:
    """__Host-, Secure, HttpOnly, SameSite: the session, and the mark of the browser."""
    _, email = place.add()
    browser = place.browser()
    path = place.link(email)
    form = {"password": PASSWORD, "again": PASSWORD}
    chosen = browser.post(place.address + path, form, origin=PUBLIC)
    form = {"username": email, "password": PASSWORD}
    page = browser.post(
        f"{place.address}/login/password", form, origin=PUBLIC, follow=False
    )

    lines = [
        *(chosen.headers.get_all("Set-Cookie") or []),
        *(page.headers.get_all("Set-Cookie") or []),
    ]
    assert {line.partition("=")[0] for line in lines} == {
        "__Host-known",
        "__Host-session-account",
    }
    for line in lines:
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in line
        assert "Domain" not in line

"""The pages on the real server: what browsers are told, and what strangers cannot do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests import server
from tests.browser import Browser, Page
from tests.history.doors import mailed_links
from tests.house import patch_of, person
from tests.mailroom import PASSWORD
from tests.server import Server

NAMES = iter(f"person{number}" for number in range(1000))
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one application."""
    folder = tmp_path_factory.mktemp("pages")
    proxies = {"SCIM_CONNECTOR_TRUSTED_PROXIES": "127.0.0.1"}
    with server.running(folder, environment=proxies) as running:
        running.cli("application", "add", "nextgen")
        yield running


def _address(scim: Server) -> str:
    return scim.base_url.removesuffix(scim.prefix)


def _add(scim: Server, **more: object) -> tuple[str, str, str]:
    """Somebody new: their SCIM id, address, and the path of the link they were mailed."""
    email = f"{next(NAMES)}@contoso.com"
    made = scim.send("POST", "/Users", person(email, **more))
    assert made.status == 201, made.content
    deadline = time.monotonic() + 20
    while email not in mailed_links(scim.folder):
        assert time.monotonic() < deadline, "no mail came"
        time.sleep(0.05)
    return made.body["id"], email, mailed_links(scim.folder)[email]


def _choose(scim: Server, browser: Browser, path: str) -> Page:
    page = browser.get(_address(scim) + path)
    return browser.fill(page, path, password=PASSWORD, again=PASSWORD)


def _sign_in(scim: Server, browser: Browser, name: str, **more: str) -> Page:
    page = browser.get(f"{_address(scim)}/login?{urlencode(more)}")
    return browser.fill(page, "/login/password", username=name, password=PASSWORD)


def test_a_mailed_link_leads_to_a_password_and_in(scim: Server) -> None:
    """From the mail to one's own page, without anybody's help."""
    browser, (_, email, path) = Browser(), _add(scim)

    chosen = _choose(scim, browser, path)
    page = _sign_in(scim, browser, email)

    assert chosen.status == 200
    assert (page.status, page.path) == (200, "/account")
    assert email in page.words
    assert "this one" in page.words


def test_opening_a_link_changes_nothing(scim: Server) -> None:
    """Programs that look at mail open every link, and ask for its head (RFC 9110)."""
    _, _, path = _add(scim)
    for method in ("GET", "HEAD", "GET"):
        assert scim.send_raw(method, path, {}, None).status == 200

    assert _choose(scim, Browser(), path).status == 200


def test_a_used_link_has_one_button(scim: Server) -> None:
    """Its page sends a new link, and says the same to whoever presses it."""
    browser, (_, email, path) = Browser(), _add(scim)
    _choose(scim, browser, path)

    page = browser.get(_address(scim) + path)
    sent = browser.fill(page, f"{path}/again")
    made_up = "/password/scimc_aaaaaaaaaaaa_" + "A" * 43
    same = browser.post(f"{_address(scim)}{made_up}/again", {})

    assert page.status == 410
    assert "This link has been used. It works once." in page.words
    assert page.text.count("<button") == 1
    assert (sent.status, sent.words) == (same.status, same.words)
    deadline = time.monotonic() + 20
    while mailed_links(scim.folder)[email] == path and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mailed_links(scim.folder)[email] != path


def test_a_link_of_somebody_cut_off_is_dead(scim: Server) -> None:
    """A deactivation voids it before its hour is over."""
    link_id, _, path = _add(scim)
    scim.send("PATCH", f"/Users/{link_id}", patch_of(active=False))

    page = Browser().get(_address(scim) + path)

    assert page.status == 410


@pytest.mark.parametrize("name", ["nobody", "person1@contoso.com", "", "x" * 400, "\0"])
def test_a_forgotten_password_is_answered_alike(scim: Server, name: str) -> None:
    """Known, unknown, nobody: one page (a NUL alone is no name at all)."""
    page = Browser().post(f"{_address(scim)}/forgot", {"name": name})

    assert page.status == (400 if name == "\0" else 200)
    if name != "\0":
        assert "Look into your mail" in page.words


# --------------------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    "path", ["/login/password", "/forgot", "/logout", "/account/email", "/login/code"]
)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_form_of_another_site_is_refused(
    scim: Server, path: str, origin: str | None
) -> None:
    """No Origin of ours, no change (CSRF)."""
    page = Browser().post(_address(scim) + path, {"username": "x"}, origin=origin)

    assert page.status == 403
    assert "Not sent from here" in page.words


@pytest.mark.parametrize(
    "going",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "\r\nSet-Cookie: a=b",
    ],
)
def test_nobody_is_led_elsewhere(scim: Server, going: str) -> None:
    """Only a path of the same host is where somebody comes out."""
    browser, (_, email, path) = Browser(), _add(scim)
    _choose(scim, browser, path)
    form = {
        "username": email,
        "password": PASSWORD,
        "application": "nextgen",
        "return_to": going,
    }

    page = browser.post(f"{_address(scim)}/login/password", form, follow=False)

    assert page.status == 303
    assert page.headers["Location"] == "/"
    assert all(name.startswith("__Host-") for name in browser.jar.popitem()[1])


def test_a_name_is_text_wherever_it_stands(scim: Server) -> None:
    """What a provider sends as a name runs nowhere."""
    browser = Browser()
    _, email, path = _add(scim, name={"givenName": SCRIPT, "familyName": "Doe"})
    _choose(scim, browser, path)

    page = _sign_in(scim, browser, email)

    assert SCRIPT not in page.text
    assert SCRIPT in page.words


def test_one_ends_ones_own_sessions_and_nobody_elses(scim: Server) -> None:
    """Another's session id in the address of the button ends nothing."""
    mine, theirs = Browser(), Browser()
    ids = []
    for browser in (mine, theirs):
        _, email, path = _add(scim)
        _choose(scim, browser, path)
        _sign_in(scim, browser, email)
        token = browser.cookie(_address(scim), "__Host-session-account") or ""
        ids.append(token.split("_")[1])
    address = _address(scim)

    mine.post(f"{address}/account/sessions/{ids[1]}/end", {})
    still = theirs.get(f"{address}/account")
    theirs.post(f"{address}/account/sessions/{ids[1]}/end", {})

    assert still.path == "/account"
    assert theirs.get(f"{address}/account").path == "/login"
    assert mine.get(f"{address}/account").path == "/account"


def test_signing_out_takes_a_button(scim: Server) -> None:
    """Opening the address ends nothing; pressing does."""
    browser, (_, email, path) = Browser(), _add(scim)
    _choose(scim, browser, path)
    _sign_in(scim, browser, email)
    address = _address(scim)

    asked = browser.get(f"{address}/logout")
    before = browser.get(f"{address}/account").path
    browser.fill(asked, "/logout")

    assert before == "/account"
    assert browser.get(f"{address}/account").path == "/login"


# ----------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "path",
    ["/login", "/forgot", "/logout", "/password/x", "/login/callback", "/account"],
)
def test_every_page_says_what_browsers_may_do(scim: Server, path: str) -> None:
    """Nothing runs, nobody frames, no path leaks, nothing is kept (ASVS 3.4)."""
    page = Browser().get(_address(scim) + path, follow=False)

    policy = page.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"


def test_a_session_is_in_a_cookie_of_this_host_alone(scim: Server) -> None:
    """__Host-, Secure, HttpOnly, SameSite, and new at each sign-in (no fixation)."""
    browser, (_, email, path) = Browser(), _add(scim)
    _choose(scim, browser, path)
    form = {"username": email, "password": PASSWORD}
    lines = []
    for _ in range(2):
        page = browser.post(f"{_address(scim)}/login/password", form, follow=False)
        set_ = page.headers.get_all("Set-Cookie") or []
        lines.append(next(each for each in set_ if "session-account=" in each))

    assert lines[0].partition(";")[0] != lines[1].partition(";")[0]
    for part in (
        "__Host-session-account=",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
    ):
        assert part in lines[0]
    assert "Domain" not in lines[0]


@pytest.mark.parametrize("cookie", ["x", "scimc_a_b", '"', "scimc_" + "a" * 5000])
def test_a_broken_cookie_is_no_session(scim: Server, cookie: str) -> None:
    """Rubbish leads to the sign-in page, never to an error."""
    headers = {"Cookie": f"__Host-session-account={cookie}"}

    page = scim.send_raw("GET", "/account", headers, None)

    assert (page.status, page.headers["location"]) == (303, "/login?return_to=/account")


def test_a_session_opens_no_provisioning_and_a_token_no_page(scim: Server) -> None:
    """Each door takes what was made for it (T7)."""
    browser, (_, email, path) = Browser(), _add(scim)
    _choose(scim, browser, path)
    _sign_in(scim, browser, email)
    token = browser.cookie(_address(scim), "__Host-session-account") or ""

    cookie = {"Cookie": f"__Host-session-account={token}", "Authorization": ""}
    assert scim.send("GET", "/Users", headers=cookie).status == 401
    bearer = {"Cookie": f"__Host-session-account={scim.token}"}
    assert scim.send_raw("GET", "/account", bearer, None).status == 303

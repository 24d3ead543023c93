"""Applications, the API App and keys, as somebody at the console sets them up."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser import Page
from tests.console import Desk, Office
from tests.listener import listening

EVIL = '"><script>alert(1)</script>'
SECRET = re.compile(r"scimc_[a-z2-7]{12}_[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def max_(office: Office) -> Desk:
    """Somebody who manages applications and nothing else."""
    return office.somebody("max", "apps.view", "apps.manage")


def _register(desk: Desk, name: str, **more: str) -> Page:
    fields = {"name": name, "kind": "web", **more}
    return desk.post("/admin/applications/new", fields)


def _here(name: str) -> str:
    return f"/admin/applications/named/{name}"


def _ask(
    office: Office, path: str, who: str, secret: str, **fields: str
) -> dict[str, Any]:
    """What an OAuth endpoint answers to a client with its secret."""
    basic = base64.b64encode(f"{who}:{secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    client = http.client.HTTPConnection(office.address.partition("//")[2], timeout=30)
    try:
        client.request("POST", path, urlencode(fields), headers)
        return dict(json.loads(client.getresponse().read()))
    finally:
        client.close()


# ---------------------------------------------------------------------- applications


def test_an_application_is_registered_and_changed(max_: Desk) -> None:
    """Its page has the lines that protect it; its addresses can be changed."""
    page = _register(
        max_,
        "nextgen",
        address="https://nextgen.example.com",
        redirects="https://nextgen.example.com/auth/accept\r\n\r\n",
    )

    assert page.path == _here("nextgen")
    assert "nextgen was registered" in page.words
    assert "/auth/verify?application=nextgen;" in page.words
    changed = max_.post(
        f"{_here('nextgen')}/addresses",
        {"address": "", "redirects": "", "logout_url": "https://n.example.com/out"},
    )
    assert "The addresses were saved." in changed.words
    rows = json.loads(max_.get("/admin/applications?format=json").text)
    row = next(each for each in rows if each["name"] == "nextgen")
    assert (row["address"], row["redirects"], row["logout"]) == (
        None,
        "",
        "https://n.example.com/out",
    )


def test_a_refused_application_keeps_what_was_typed(max_: Desk) -> None:
    """A name of another shape, a name that is taken, an address that is not https."""
    _register(max_, "taken")
    for fields, told in (
        ({"name": "Next Gen"}, '"Next Gen" cannot be the name of an application'),
        ({"name": "taken"}, 'There is, or was, an application "taken"'),
        ({"name": "ok", "address": "ftp://a.example"}, "The address must be an https"),
    ):
        page = _register(max_, **{**fields, "logout_url": "https://kept.example.com"})
        assert page.status == 400
        assert told in page.words
        assert page.fields["logout_url"] == "https://kept.example.com"
    page = max_.post(f"{_here('taken')}/addresses", {"logout_url": "http://a.example"})
    assert page.status == 400
    assert page.fields["logout_url"] == "http://a.example"


def test_a_secret_is_shown_once_and_works_until_it_is_revoked(
    office: Office, max_: Desk
) -> None:
    """In the answer to the press and on no page afterwards."""
    _register(max_, "vault")
    made = max_.post(f"{_here('vault')}/secret", {"expires": "30"})
    secret = SECRET.findall(made.text)[0]
    page = max_.get(_here("vault"))

    assert made.status == 200
    assert "It is shown this once" in made.words
    assert SECRET.search(page.text) is None
    assert "expires in 29 days" in page.words or "expires in 30 days" in page.words
    works = _ask(office, "/oauth2/introspect", "vault", secret, token="x")
    assert works == {"active": False}
    revoked = max_.post(f"{_here('vault')}/revoke", {"secret": secret.split("_")[1]})
    assert "opens nothing any more" in revoked.words
    dead = _ask(office, "/oauth2/introspect", "vault", secret, token="x")
    assert dead["error"] == "invalid_client"


def test_refusals_of_a_secret(max_: Desk) -> None:
    """An end that is not offered, a secret that is another's, nobody's application."""
    _register(max_, "safe")
    for doing, fields, told in (
        ("secret", {"expires": "9999"}, '"9999" is not offered'),
        ("revoke", {"secret": "nothing"}, "safe has no secret nothing"),
        ("client", {"connection": "x", "client_id": "1"}, 'no connection "x"'),
    ):
        page = max_.post(f"{_here('safe')}/{doing}", fields)
        assert page.status == 400
        assert told in page.words
    assert max_.post(f"{_here('nobody')}/secret", {}).status == 404
    assert max_.get(_here("nobody")).status == 404


def test_a_client_id_is_set_and_forgotten(max_: Desk) -> None:
    """Which id the application has at the provider of a connection."""
    _register(max_, "classic", kind="desktop")
    path = f"{_here('classic')}/client"
    set_ = max_.post(path, {"connection": "default", "client_id": "0a1b"})
    forgotten = max_.post(path, {"connection": "default", "client_id": ""})

    assert "classic is 0a1b at default" in set_.words
    assert "0a1b" not in forgotten.text


def test_retiring_names_what_ends_before_it_is_done(office: Office, max_: Desk) -> None:
    """The first press changes nothing; afterwards the name is gone for good."""
    _register(max_, "old")
    asked = max_.post(f"{_here('old')}/retire", {})
    there = max_.get(_here("old")).status
    done = max_.post(f"{_here('old')}/retire", {"sure": "yes"})

    assert "0 sessions end at once" in asked.words
    assert there == 200
    assert "old was retired; 0 sessions ended." in done.words
    assert max_.get(_here("old")).status == 404
    assert "There is, or was" in _register(max_, "old").words


def test_every_lawful_name_has_a_page(max_: Desk) -> None:
    """Names that are words of our own addresses, too."""
    for name in ("new", "api-app", "named"):
        assert _register(max_, name).path == _here(name)
        assert f"application={name}" in max_.get(_here(name)).words


# ------------------------------------------------------------------------ what is told


def _signed_out_at(office: Office, name: str, email: str) -> None:
    """Somebody signs in for an application, and is deactivated."""
    desk = office.somebody(email, "users.view")
    verify = f"/auth/verify?application={name}&redirect=1"
    desk.browser.get(f"{office.address}{verify}", follow=True)
    office.scim.cli("user", "deactivate", f"{email}@contoso.com")


def _waited_for(desk: Desk, name: str, state: str) -> Page:
    for _ in range(200):
        page = desk.get(_here(name))
        if state in page.words:
            return page
        time.sleep(0.05)
    raise AssertionError(page.words)


def test_the_log_of_logout_calls(office: Office, max_: Desk) -> None:
    """Told after so many milliseconds; or what it answered, and that it is tried again."""
    for name, status, state in (
        ("hears", 204, "told after"),
        ("deaf", 500, "deaf answered 500"),
    ):
        with listening() as told:
            told.status = status
            accept = f"{office.address}/auth/accept"
            _register(max_, name, redirects=accept, logout_url=told.url)
            empty = max_.get(_here(name)).words
            _signed_out_at(office, name, f"of.{name}")
            page = _waited_for(max_, name, state)

        assert "No session has ended yet" in empty
        assert state in page.words
    rows = json.loads(max_.get(f"{_here('hears')}?format=json").text)
    assert rows[-1]["state"] == "told"
    assert rows[-1]["after_ms"] > 0


# --------------------------------------------------------------------------- API App

APP = "/admin/applications/api-app"


def _api_user(office: Office, name: str) -> str:
    """An API user; returns the address of its keys."""
    email = f"{name}@contoso.com"
    office.scim.cli("user", "add", "--api", "--email", email)
    page = office.admin.get(APP)
    found = re.search(rf'href="({APP}/\d+)">{re.escape(email)}<', page.text)
    assert found is not None, page.words
    return found[1]


def test_the_api_app_and_its_user(office: Office, max_: Desk) -> None:
    """Installed, given its user, and what follows from that user's end is named."""
    max_.post(f"{APP}/install")
    keys = _api_user(office, "night.run")
    max_.post(f"{keys}/key", {"key": "nightly"})

    page = max_.post(f"{APP}/configure", {"username": "night.run@contoso.com"})

    assert "The API App acts as night.run@contoso.com." in page.words
    assert "then it acts as nobody (1 key dies)" in page.words
    assert "then it acts as nobody (1 key dies)" in max_.get(keys).words
    person = max_.post(f"{APP}/configure", {"username": "ada@contoso.com"})
    assert person.status == 400
    assert "ada@contoso.com is a person; the API App needs an API user" in person.words


def test_uninstalling_names_what_ends_before_it_is_done(
    office: Office, max_: Desk
) -> None:
    """Asked first; then no key opens anything until it is back."""
    max_.post(f"{APP}/install")
    asked = max_.post(f"{APP}/uninstall", {})
    still = max_.get(APP).words
    done = max_.post(f"{APP}/uninstall", {"sure": "yes"})

    assert "Every API token ends at once" in asked.words
    assert "API App installed" in still
    assert "API App not installed" in done.words
    assert "Install it" in max_.get("/admin/applications/api-app").words


def test_a_key_is_shown_once_and_works_until_it_is_revoked(
    office: Office, max_: Desk
) -> None:
    """Exchanged for a token as the page says; revoked, it is nobody's."""
    max_.post(f"{APP}/install")
    keys = _api_user(office, "report.run")
    made = max_.post(f"{keys}/key", {"key": "reports", "expires": "90"})
    key = SECRET.findall(made.text)[0]
    page = max_.get(keys)
    grant = {"grant_type": "client_credentials"}
    who = "report.run@contoso.com"

    assert "reports" in page.words
    assert SECRET.search(page.text) is None
    assert "access_token" in _ask(office, "/oauth2/token", who, key, **grant)
    max_.post(f"{keys}/revoke", {"key_id": key.split("_")[1]})
    assert "error" in _ask(office, "/oauth2/token", who, key, **grant)


def test_no_key_allows_more_than_who_makes_it(office: Office, max_: Desk) -> None:
    """R33: who manages applications makes no key of an Administrator; nothing is made."""
    keys = _api_user(office, "mighty.run")
    office.scim.cli("user", "role", "add", "mighty.run@contoso.com", "Administrator")
    refused = max_.post(f"{keys}/key", {"key": "mine"})

    assert refused.status == 403
    assert "allows what you may not do yourself: View users" in refused.words
    assert SECRET.findall(refused.text) == []
    assert "No key yet" in max_.get(keys).words
    assert SECRET.findall(office.admin.post(f"{keys}/key", {"key": "hers"}).text)


def test_refusals_of_a_key(office: Office, max_: Desk) -> None:
    """One too many, another's key, a person, somebody inactive."""
    keys, other = _api_user(office, "many.run"), _api_user(office, "other.run")
    for _ in range(10):
        made = max_.post(f"{keys}/key", {"key": "k"})
    taken = SECRET.findall(made.text)[0].split("_")[1]
    for path, fields, told in (
        (f"{keys}/key", {"key": "kept"}, "many.run@contoso.com has 10 keys"),
        (f"{other}/revoke", {"key_id": taken}, f"There is no key {taken}"),
    ):
        page = max_.post(path, fields)
        assert page.status == 400
        assert told in page.words
    ada = office.admin.get(f"{APP}/1")
    assert "No such API user" in ada.words
    assert max_.post(f"{APP}/1/key", {"key": "k"}).status == 404
    office.scim.cli("user", "deactivate", "other.run@contoso.com", "--yes")
    page = max_.post(f"{other}/key", {"key": "k"})
    assert "is inactive; reactivate it first" in page.words


# ------------------------------------------------------------------- who may do what


def test_looking_is_not_changing(office: Office, auditor: Desk, max_: Desk) -> None:
    """The Auditor sees every page of the room and no button; a POST is 403."""
    _register(max_, "watched")
    keys = _api_user(office, "watched.run")
    here = _here("watched")
    for path in ("/admin/applications", here, APP, keys):
        page = auditor.get(path)
        assert page.status == 200
        assert '<form method="post" action="/admin' not in page.text
    for target in (
        "/admin/applications/new",
        *(
            f"{here}/{doing}"
            for doing in ("addresses", "client", "secret", "revoke", "retire")
        ),
        *(f"{APP}/{doing}" for doing in ("install", "uninstall", "configure")),
        *(f"{keys}/{doing}" for doing in ("key", "revoke")),
    ):
        page = auditor.post(target, {"name": "evil", "sure": "yes"})
        assert page.status == 403, target
        assert '"Manage apps"' in page.words
    assert max_.get(here).status == 200


def test_without_the_permission_there_is_nothing_to_see(office: Office) -> None:
    """View apps is needed for all of it."""
    desk = office.somebody("noapps", "users.view")

    for path in ("/admin/applications", _here("nextgen"), APP, f"{APP}/2"):
        assert desk.get(path).status == 403


def test_names_are_only_text(office: Office, max_: Desk) -> None:
    """A script in what somebody types does nothing."""
    keys = _api_user(office, "evil.run")
    max_.post(f"{keys}/key", {"key": EVIL})
    _register(max_, "evil")
    path = f"{_here('evil')}/client"
    for page in (
        max_.get(keys),
        max_.post(path, {"connection": "default", "client_id": EVIL}),
        _register(max_, EVIL, address=EVIL, redirects=EVIL, logout_url=EVIL),
    ):
        assert EVIL not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text

"""An application with a host of its own: going to sign in, refusals, signing out."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests import server
from tests.browser import Browser
from tests.server import Server

THERE = "https://nextgen.example.com"
PAGES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where "nextgen" has a host of its own and "classic" has not."""
    with server.running(tmp_path_factory.mktemp("hosts")) as served:
        back = f"{THERE}/auth/accept"
        served.cli("application", "add", "nextgen", "--redirect", back)
        served.cli("application", "add", "classic")
        yield served


def asked(scim: Server, application: str, **headers: str) -> server.Reply:
    """What a proxy is answered that sends a browser on."""
    path = f"/auth/verify?application={application}&redirect=1"
    return scim.send_raw("GET", path, headers, None)


def test_a_browser_begins_at_the_host_of_the_application(scim: Server) -> None:
    """Where the session is to live, there the browser begins, path and query whole."""
    wanted = "/courses?year=2&sort=name"

    answer = asked(scim, "nextgen", **PAGES, **{"X-Forwarded-Uri": wanted})

    assert answer.status == 302
    there = f"{THERE}/auth/begin?application=nextgen"
    assert answer.headers["location"] == f"{there}&return_to={quote(wanted, safe='')}"


def test_an_application_without_a_host_begins_at_the_gate(scim: Server) -> None:
    """An application that shares the host of the gate goes to its sign-in page."""
    answer = asked(scim, "classic", **PAGES)

    gate = scim.base_url.removesuffix("/scim/v2")
    there = f"{gate}/login?application=classic&return_to=%2F"
    assert answer.headers["location"] == there


def test_a_program_is_not_sent_to_a_page(scim: Server) -> None:
    """Who does not ask for HTML is answered 401 and follows no redirect to a page."""
    answer = asked(scim, "nextgen", Accept="application/json")

    assert (answer.status, "location" in answer.headers) == (401, False)


def test_signing_out_at_the_application_ends_its_session(scim: Server) -> None:
    """The form of /auth/logout is taken where a browser says it is of the same host."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": THERE}
    path, fields = "/auth/logout?application=nextgen", b"application=nextgen"

    here = {**form, "Sec-Fetch-Site": "same-origin"}
    taken = scim.send_raw("POST", path, here, fields)
    strange = scim.send_raw("POST", path, form, fields)
    sibling = {**form, "Sec-Fetch-Site": "same-site"}
    refused = scim.send_raw("POST", path, sibling, fields)

    assert (taken.status, strange.status, refused.status) == (200, 403, 403)


def test_pages_are_dressed_at_the_host_of_the_application(scim: Server) -> None:
    """Style sheets lie below /auth/, which is the gate's at every host."""
    gate = scim.base_url.removesuffix("/scim/v2")
    page = Browser().get(f"{gate}/auth/accept?ticket=none")

    assert page.status == 400
    assert 'href="/auth/static/gate.css"' in page.text
    assert Browser().get(f"{gate}/auth/static/gate.css").status == 200

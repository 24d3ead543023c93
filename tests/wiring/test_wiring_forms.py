"""Forms of the pages as real browsers send them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import server
from tests.browser import Browser
from tests.server import Server

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with server.running(tmp_path_factory.mktemp("forms")) as served:
        yield served


def test_pages_let_browsers_say_where_a_form_is_from(scim: Server) -> None:
    """Under no-referrer a browser sends "Origin: null" with our own forms (Fetch).

    strict-origin says the origin, and never a path: the paths of mailed links are
    secrets.
    """
    page = Browser().get(f"{scim.base_url.removesuffix('/scim/v2')}/login")

    assert page.headers["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("same-site", 403), ("cross-site", 403), (None, 403)],
)
def test_a_hidden_origin_is_judged_by_the_browser(
    scim: Server, site: str | None, status: int
) -> None:
    """Where a person's settings hide the origin, Sec-Fetch-Site decides."""
    headers = {"Content-Type": FORM, "Origin": "null"}
    if site is not None:
        headers["Sec-Fetch-Site"] = site

    answer = scim.send_raw("POST", "/forgot", headers, b"name=nobody")

    assert answer.status == status

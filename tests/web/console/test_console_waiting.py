"""What was taken to be carried out later, as an administrator sees it while it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import admin_api, console
from tests.console import Office


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server that carries nothing out, because a worker elsewhere is to do it."""
    folder: Path = tmp_path_factory.mktemp("quiet")
    with console.running(folder, SCIM_CONNECTOR_DELIVER="no") as running:
        yield running


def _ask(office: Office, name: str) -> str:
    """Ask for somebody later; returns the id of the request."""
    body = {"userName": name, "emails": [{"value": name}]}
    taken = office.scim.send(
        "POST", "/Users", body, headers={"Prefer": "respond-async"}
    )
    assert taken.status == 202
    return taken.headers["set-txn"]


def test_the_log_names_what_waits(quiet: Office) -> None:
    """With a list in the order of their turns, until they are carried out."""
    assert "to be carried out" not in quiet.admin.get("/admin/log").words
    asked = [_ask(quiet, f"later{number}@contoso.com") for number in range(3)]

    page = quiet.admin.get("/admin/log/waiting")
    file = quiet.admin.get("/admin/log/waiting?format=json")

    assert "3 requests wait to be carried out" in quiet.admin.get("/admin/log").words
    assert page.words.count("POST /scim/v2/Users") == 3
    assert "later1@contoso.com" not in page.text
    assert [each["request_id"] for each in json.loads(file.text)] == asked

    quiet.scim.cli("worker", "--once")
    assert "Nothing waits" in quiet.admin.get("/admin/log/waiting").words
    shown = quiet.admin.get(f"/admin/log/{asked[0]}")
    assert "later0@contoso.com" in shown.words
    assert "to be carried out later" in shown.words


def test_the_admin_api_lists_what_waits(quiet: Office) -> None:
    """The same, page by page."""
    caller = admin_api.program(quiet, "machine.two", role="Administrator")
    asked = [_ask(quiet, f"more{number}@contoso.com") for number in range(3)]

    first = caller.get("/requests/waiting", limit=2)
    rest = caller.get("/requests/waiting", limit=2, after=first["next"])

    found = [*first["items"], *rest["items"]]
    assert [each["request_id"] for each in found] == asked
    assert {each["path"] for each in found} == {"/scim/v2/Users"}
    assert rest["next"] is None
    quiet.scim.cli("worker", "--once")
    assert caller.get("/requests/waiting")["items"] == []

"""``connection group``: which role a provider's group gives, said before it is given."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests import server
from tests.server import PROGRAM, Server


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a connection, a person in a group, and a role."""
    with server.running(tmp_path_factory.mktemp("groups")) as running:
        running.cli("role", "add", "Registrar")
        yield running


def made(scim: Server, name: str, groups: int = 1) -> str:
    """A connection with one person in so many groups called Sales; its name."""
    token = scim.connection(name, "--kind", "entra")
    person = {
        "userName": f"{name}@contoso.com",
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": f"{name}@contoso.com"}],
    }
    kim = scim.send("POST", "/Users", person, token=token).body["id"]
    body = {"displayName": "Sales", "members": [{"value": kim}]}
    for _ in range(groups):
        assert scim.send("POST", "/Groups", body, token=token).status == 201
    return name


def refused(scim: Server, *arguments: str) -> str:
    """The sentence of a command that is refused with exit code 2."""
    run = subprocess.run(
        [*PROGRAM, "connection", "group", *arguments],
        cwd=scim.folder,
        env=dict(scim.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2, (run.stdout, run.stderr)
    return run.stderr


def held(scim: Server, name: str) -> list[str]:
    shown = scim.cli("user", "show", f"{name}@contoso.com", "--json")
    return list(json.loads(shown)["roles"])


def test_a_tie_says_first_how_many_gain_the_role(scim: Server) -> None:
    """Without a terminal it wants --yes; then the members hold the role at once."""
    name = made(scim, "one")
    asked = refused(scim, "tie", name, "sales", "Registrar")
    before = held(scim, name)
    said = scim.cli("connection", "group", "tie", name, "sales", "Registrar", "--yes")
    after = held(scim, name)
    (line,) = json.loads(scim.cli("connection", "group", "list", name, "--json"))
    gone = scim.cli("connection", "group", "untie", name, "Sales", "Registrar", "--yes")

    assert "1 people gain Registrar through Sales. Repeat with --yes" in asked
    assert (before, after) == ([], [f"Registrar ({name})"])
    assert "1 people gain it" in said
    assert (line["members"], line["gives"]) == (1, ["Registrar (console)"])
    assert "1 people lose it" in gone
    assert held(scim, name) == []


def test_a_name_that_two_groups_have_is_not_guessed(scim: Server) -> None:
    """The ids are named, and one of them works."""
    name = made(scim, "two", groups=2)
    said = refused(scim, "tie", name, "Sales", "Registrar")
    ids = [row["id"] for row in json.loads(listed(scim, name))]

    assert all(group_id in said for group_id in ids)
    scim.cli("connection", "group", "tie", name, ids[0], "Registrar", "--yes")


def listed(scim: Server, name: str) -> str:
    return scim.cli("connection", "group", "list", name, "--json")


def test_what_is_not_there_is_said(scim: Server) -> None:
    """An unknown group, role, tie or connection, and the Administrator role."""
    name = made(scim, "three")

    assert "has no group" in refused(scim, "tie", name, "Nobody", "Registrar")
    assert "role add NAME" in refused(scim, "tie", name, "Sales", "Dean")
    assert "not tied" in refused(scim, "untie", name, "Sales", "Registrar")
    assert "no connection" in refused(scim, "list", "nowhere")
    administrator = refused(scim, "tie", name, "Sales", "Administrator")
    assert "--may-act-as-administrator" in administrator


def test_an_empty_list_says_what_to_do(scim: Server) -> None:
    """No group yet: assign them in the provider."""
    scim.connection("four", "--kind", "okta")

    assert "Assign groups" in scim.cli("connection", "group", "list", "four")

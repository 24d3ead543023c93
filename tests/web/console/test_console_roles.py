"""Roles, profiles and groups of providers, as somebody at the console changes them."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from scim_connector.administration import shipped
from scim_connector.rules.permissions import AUDITOR
from tests.browser import Page
from tests.console import Desk, Office

EVIL = '"><script>alert(1)</script>'
MAY = ("roles.view", "roles.create", "users.view")


@pytest.fixture(scope="module")
def rosa(office: Office) -> Desk:
    """Somebody who makes roles, and may little else."""
    return office.somebody("rosa", *MAY)


def _add(desk: Desk, name: str, *allowed: str) -> Page:
    fields: dict[str, Any] = {"name": name, "allow": allowed[0]} if allowed else {}
    return desk.post("/admin/roles/new", fields or {"name": name})


def _role(desk: Desk, name: str) -> str:
    """The address of a role, from the link in the list."""
    page = desk.get("/admin/roles")
    found = re.search(rf'href="(/admin/roles/\d+)">{re.escape(name)}<', page.text)
    assert found is not None, page.words
    return found[1]


def _group(office: Office, name: str, *people: str) -> str:
    """A group with people in it; returns its address at the console."""
    body = {"displayName": name, "members": [{"value": each} for each in people]}
    answer = office.scim.send("POST", "/Groups", body)
    assert answer.status == 201, answer.content
    page = office.admin.get(f"/admin/roles/groups?words={quote(name)}")
    found = re.search(r'href="(/admin/roles/groups/\d+)"', page.text)
    assert found is not None, page.words
    return found[1]


# ----------------------------------------------------------------------------- roles


def test_a_role_is_added_changed_and_removed(rosa: Desk) -> None:
    """What it allows stands in the list; once nobody needs it, it goes."""
    made = _add(rosa, "Front desk", "users.view")
    assert "Front desk was added." in made.words
    path = made.path

    changed = rosa.post(path, {"name": "Reception", "allow": "roles.view"})
    rows = json.loads(rosa.get("/admin/roles?format=json").text)
    removed = rosa.post(f"{path}/remove")

    assert "Reception was changed" in changed.words
    row = next(each for each in rows if each["role"] == "Reception")
    assert (row["permissions"], row["holders"]) == ("roles.view", 0)
    assert removed.path == "/admin/roles"
    assert "Reception" not in removed.text


def test_nobody_gives_more_than_they_have(rosa: Desk) -> None:
    """R33: what is missing is named, and what was typed is kept."""
    page = _add(rosa, "Too much", "users.create")

    assert page.status == 403
    assert "Too much allows what you may not do yourself: Create users" in page.words
    assert page.fields["name"] == "Too much"
    assert re.search(r'value="users.create" checked', page.text)
    assert "Too much" not in rosa.get("/admin/roles").text


def test_refusals_of_a_role_say_what_to_change(office: Office, rosa: Desk) -> None:
    """A name that is taken or empty; a role that is held; the one that is built in."""
    office.somebody("held", "users.view")
    held, built_in = _role(rosa, "Role of held"), _role(rosa, "Administrator")
    for page, told in (
        (_add(rosa, "auditor", "users.view"), 'There is a role "auditor" already'),
        (_add(rosa, "  "), "A role needs a name"),
        (rosa.post(f"{held}/remove"), "1 users hold Role of held"),
        (
            office.admin.post(built_in, {"name": "Nobody"}),
            "The Administrator role is built in and stays as it is",
        ),
        (rosa.post("/admin/roles/999999/remove"), "no such role"),
    ):
        assert page.status in {400, 404}, page.words
        assert told in page.words


def test_a_role_links_to_those_who_hold_it(office: Office, rosa: Desk) -> None:
    """The number of holders leads to the users with this role."""
    office.somebody("only", "users.view", "roles.view")
    path = _role(rosa, "Role of only")

    page = rosa.get(path)

    assert "1 user holds it" in page.words
    assert "/admin/users?role=Role%20of%20only" in page.text
    assert re.search(r'value="users.view" checked', page.text)


def test_a_value_of_the_mapping_stands_with_its_role(office: Office) -> None:
    """[roles.map] of the applied mapping is one of the places a role comes from."""
    office.scim.cli("role", "add", "Registrar")
    office.scim.connection("mapped", "--kind", "generic")
    file = office.scim.folder / "with-roles.toml"
    line = "[roles.map]\n"
    file.write_text(
        shipped.text("generic").replace(line, f'{line}"App.Registrar" = "Registrar"\n')
    )
    office.scim.cli("mapping", "apply", "mapped", str(file))

    page = office.admin.get(_role(office.admin, "Registrar"))

    assert "Value app.registrar of mapped in [roles.map]" in page.words
    assert re.search(r'href="/admin/connections/\d+">mapped<', page.text)


# -------------------------------------------------------------------------- profiles


def test_profiles_come_and_go(office: Office, rosa: Desk) -> None:
    """One that somebody has is not removed."""
    rosa.post("/admin/roles/profiles", {"name": "Staff"})
    page = rosa.post("/admin/roles/profiles", {"name": "Guest"})
    ids = dict(
        re.findall(
            r'action="(/admin/roles/profiles/\d+/remove)"><button class="small"'
            r' aria-label="Remove the profile (\w+)"',
            page.text,
        )
    )
    staff, guest = sorted(ids, key=lambda path: ids[path] == "Guest")
    office.scim.cli("user", "add", "--email", "pro@contoso.com", "--profile", "Staff")

    refused, removed = rosa.post(staff), rosa.post(guest)

    assert "1 users have the profile Staff" in refused.words
    assert refused.status == 400
    assert "The profile was removed." in removed.words
    twice = rosa.post("/admin/roles/profiles", {"name": "staff"})
    assert 'There is a profile "staff" already' in twice.words


# ---------------------------------------------------------------------------- groups


def test_a_tie_names_who_gains_before_it_is_done(office: Office) -> None:
    """The first press changes nothing; the second gives the role at once."""
    kim, lee = office.person("kim.g@contoso.com"), office.person("lee.g@contoso.com")
    office.scim.cli("role", "add", "Librarian")
    path = _group(office, "Librarians", kim, lee)

    asked = office.admin.post(f"{path}/tie", {"role": "Librarian"})
    before = _holders(office, "Librarian")
    done = office.admin.post(f"{path}/tie", {"role": "Librarian", "sure": "yes"})

    assert "2 people gain Librarian through this group" in asked.words
    assert before == 0
    assert "Done: 2 people gain Librarian." in done.words
    assert _holders(office, "Librarian") == 2
    loses = office.admin.post(f"{path}/untie", {"role": "Librarian"})
    assert "2 people lose Librarian" in loses.words
    office.admin.post(f"{path}/untie", {"role": "Librarian", "sure": "yes"})
    assert _holders(office, "Librarian") == 0


def _holders(office: Office, name: str) -> int:
    rows = json.loads(office.admin.get("/admin/roles?format=json").text)
    return int(next(each["holders"] for each in rows if each["role"] == name))


def test_refusals_of_a_tie(office: Office, rosa: Desk) -> None:
    """A role unknown or too mighty, a tie that is none, a group that is gone."""
    path = _group(office, "Refused")
    office.scim.cli("role", "add", "Mighty", "--allow", "settings.manage")
    for desk, doing, role, told in (
        (office.admin, "tie", "", "Choose a role"),
        (office.admin, "tie", "Nowhere", 'There is no role "Nowhere"'),
        (office.admin, "tie", "Administrator", "may not give the role Administrator"),
        (rosa, "tie", "Mighty", "Mighty allows what you may not do yourself"),
        (office.admin, "untie", "Mighty", "is not tied to Mighty by a person"),
    ):
        for sure in ("", "yes"):
            page = desk.post(f"{path}/{doing}", {"role": role, "sure": sure})
            assert page.status in {400, 403}
            assert told in page.words
    assert rosa.post("/admin/roles/groups/999999/tie", {"role": "x"}).status == 404


def test_groups_are_found_by_the_filter(office: Office) -> None:
    """By how they begin, by connection, and by whether they give a role yet."""
    _group(office, "Chess club")
    for query, there in (
        ("words=CHESS", True),
        ("words=CHESS&tied=no&connection=default", True),
        ("words=CHESS&tied=yes", False),
        ("words=%25", False),
    ):
        page = office.admin.get(f"/admin/roles/groups?{query}")
        assert ("Chess club" in page.text) is there, query
    wrong = office.admin.get("/admin/roles/groups?connection=nowhere")
    assert wrong.status == 400
    assert 'connection cannot be "nowhere"' in wrong.words
    rows = office.admin.get("/admin/roles/groups?words=chess&format=csv").text
    assert rows.splitlines()[1].startswith("Chess club,default,0,")


# ------------------------------------------------------------------- who may do what


def test_looking_is_not_changing(office: Office, auditor: Desk) -> None:
    """The Auditor sees every page of the room and no button; a POST is 403."""
    path = _group(office, "Looked at")
    role = _role(auditor, "Auditor")
    for page in (
        auditor.get("/admin/roles"),
        auditor.get(role),
        auditor.get("/admin/roles/groups"),
        auditor.get(path),
    ):
        assert page.status == 200
        assert '<form method="post" action="/admin' not in page.text
    for target in (
        *("/admin/roles/new", role, f"{role}/remove", "/admin/roles/profiles"),
        *("/admin/roles/profiles/1/remove", f"{path}/tie", f"{path}/untie"),
    ):
        page = auditor.post(target, {"name": "Evil", "role": "Auditor", "sure": "yes"})
        assert page.status == 403, target
        assert '"Create roles"' in page.words
    assert "roles.view" in AUDITOR
    assert "Evil" not in auditor.get("/admin/roles").text


def test_without_the_permission_there_is_nothing_to_see(office: Office) -> None:
    """View roles is needed for all of it."""
    desk = office.somebody("noroles", "users.view")

    for path in ("/admin/roles", "/admin/roles/1", "/admin/roles/groups"):
        assert desk.get(path).status == 403


def test_names_are_only_text(office: Office) -> None:
    """A script in the name of a role, of a profile or of a group does nothing."""
    _add(office.admin, f"R{EVIL}")
    office.admin.post("/admin/roles/profiles", {"name": f"P{EVIL}"})
    path = _group(office, f"G{EVIL}")

    asked = office.admin.post(f"{path}/tie", {"role": f"R{EVIL}"})

    for page in (
        asked,
        office.admin.get("/admin/roles"),
        office.admin.get("/admin/roles/groups"),
    ):
        assert EVIL not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_what_is_not_there(office: Office) -> None:
    """A role or a group that was removed is a page that says so."""
    assert "No such role" in office.admin.get("/admin/roles/999999").words
    assert "No such group" in office.admin.get("/admin/roles/groups/999999").words

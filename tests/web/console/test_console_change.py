"""From one provider to another on one page: added, counted down, retired."""

from __future__ import annotations

import re

from tests.browser import Page
from tests.console import Desk, Office


def _old(office: Office, name: str, *people: str) -> tuple[str, str]:
    """A connection with some people; its path and its token."""
    page = office.admin.post(
        "/admin/connections", {"kind": "okta", "name": name, "link_existing": "never"}
    )
    token = _token(page)
    for each in people:
        made = office.scim.send("POST", "/Users", _person(each), token=token)
        assert made.status == 201, made.content
    found = re.search(r'href="(/admin/connections/\d+)">On to the setup', page.text)
    assert found is not None
    return found[1], token


def _person(name: str) -> dict[str, object]:
    return {
        "userName": f"{name}@contoso.com",
        "name": {"givenName": name.capitalize(), "familyName": "Moving"},
        "emails": [{"type": "work", "value": f"{name}@contoso.com"}],
    }


def _token(page: Page) -> str:
    found = re.search(r'<code id="token">(scimc_[^<]+)</code>', page.text)
    assert found is not None, page.words
    return found[1]


def _new(office: Office, path: str, name: str, **more: str) -> Page:
    """Press *Add the new connection*."""
    fields = {"kind": "entra", "name": name, "link_existing": "never", **more}
    return office.admin.post(f"{path}/change", fields)


def test_okta_to_entra_and_nobody_is_deactivated(office: Office) -> None:
    """Added, two people move, the old one is retired: all are active to the end."""
    path, old = _old(office, "change-one", "mona", "milo")
    before = office.admin.get(f"{path}/change")
    token = _token(_new(office, path, "change-one-new"))
    office.scim.send("POST", "/Users", _person("mona"), token=token)

    midway = office.admin.get(f"{path}/change")
    office.scim.send("POST", "/Users", _person("milo"), token=token)
    ready = office.admin.get(f"{path}/change")
    done = office.admin.post(f"{path}/change/retire", {"name": "change-one"})

    assert "2 active people" in before.words
    assert "Not yet: add the new connection first" in before.words
    assert "Not yet: 1 active person has not moved" in midway.words
    assert "milo@contoso.com" in midway.words
    assert "has sent nobody with this userName" in midway.words
    assert "Nobody is left on it: it can be retired now" in ready.words
    assert "change-one is retired; 0 people were deactivated" in done.words
    assert office.scim.send("GET", "/Users", token=old).status == 401
    for name in ("mona", "milo"):
        shown = office.scim.cli("user", "show", f"{name}@contoso.com", "--json")
        assert '"active": true' in shown
        assert '"managed by": "change-one-new"' in shown


def test_what_cannot_be_added_is_told_on_the_page(office: Office) -> None:
    """A name there is, no kind, a second one: the page stays, with the reason."""
    path, _ = _old(office, "change-two")
    for fields, told in (
        ({"name": "change-two"}, "There is a connection"),
        ({"name": ""}, "A connection needs a name"),
        ({"name": "x", "kind": "ldap"}, "Choose what kind of provider it is"),
        ({"name": "x", "link_existing": "all"}, "Choose how people"),
    ):
        page = _new(office, path, **{"name": "", **fields})
        assert page.status == 400, fields
        assert told in page.words
        assert "The steps, in this order" in page.words
    assert _new(office, path, "change-two-new").status == 200

    again = _new(office, path, "change-two-more")

    assert again.status == 400
    assert "change-two-new takes over the people of change-two already" in again.words


def test_retiring_early_asks_for_the_name_and_deactivates_nobody(
    office: Office,
) -> None:
    """Without the name nothing happens; with it whoever has not moved stays active."""
    path, old = _old(office, "change-three", "norma")

    refused = office.admin.post(f"{path}/change/retire", {"name": "wrong"})
    assert office.scim.send("GET", "/Users", token=old).status == 200
    done = office.admin.post(f"{path}/change/retire", {"name": "change-three"})

    assert refused.status == 400
    assert "Type the name of the connection" in refused.words
    assert "0 people were deactivated" in done.words
    shown = office.scim.cli("user", "show", "norma@contoso.com", "--json")
    assert '"active": true' in shown
    assert '"managed by": "nobody but us (was change-three, retired)"' in shown


def test_whom_a_retired_connection_left_is_not_managed(office: Office) -> None:
    """The list and the page say so, and their fields are no longer locked (D13)."""
    path, _ = _old(office, "change-left", "changeleft")
    office.admin.post(f"{path}/change/retire", {"name": "change-left"})

    nobody = "(not managed by a provider)".replace(" ", "+")
    listed = office.admin.get(f"/admin/users?words=changeleft&source={nobody}")
    found = re.search(r'href="(/admin/users/\d+)">', listed.text)
    assert found is not None, listed.words
    shown = office.admin.get(found[1])
    edited = office.admin.post(f"{found[1]}/edit", {"first_name": "Petronella"})

    assert "not managed (was change-left , retired)" in shown.words
    assert "change it there" not in shown.words
    assert "is saved" in edited.words


def test_people_are_deactivated_only_where_that_was_ticked(office: Office) -> None:
    """The page names how many would lose their access; the tick carries it out."""
    path, _ = _old(office, "change-four", "olga")
    _new(office, path, "change-four-new")
    page = office.admin.get(f"{path}/change")

    done = office.admin.post(
        f"{path}/change/retire", {"name": "change-four", "deactivate": "yes"}
    )

    assert "1 person would lose all access at once" in page.words
    assert "1 person was deactivated" in done.words
    assert '"active": false' in office.scim.cli(
        "user", "show", "olga@contoso.com", "--json"
    )


def test_who_may_only_look_sees_the_numbers_and_no_button(
    office: Office, auditor: Desk
) -> None:
    """The Auditor reads the page, and neither form is on it nor taken."""
    path, _ = _old(office, "change-five", "pia")

    page = auditor.get(f"{path}/change")

    assert page.status == 200
    assert "The steps, in this order" in page.words
    assert 'action="/admin/connections' not in page.text
    for act in ("change", "change/retire"):
        assert auditor.post(f"{path}/{act}", {"name": "change-five"}).status == 403


def test_a_connection_that_is_not_there(office: Office) -> None:
    """Neither the page nor its buttons make anything up."""
    for page in (
        office.admin.get("/admin/connections/99999/change"),
        office.admin.post("/admin/connections/99999/change", {"name": "x"}),
        office.admin.post("/admin/connections/99999/change/retire", {"name": "x"}),
    ):
        assert page.status == 400
        assert "There is no such connection" in page.words

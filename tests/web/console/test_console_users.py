"""Users in the console: found, made, changed, deactivated, and their history."""

from __future__ import annotations

import json
from html import unescape

from tests.browser import Page
from tests.console import PASSWORD, Desk, Office


def _values(page: Page) -> dict[str, str]:
    return page.fields


def test_the_search_finds_by_every_field(office: Office) -> None:
    """Words, status, kind and source narrow the list; nobody who does not fit is there."""
    office.person("selma.berg@contoso.com", name={"givenName": "Selma"})
    for query, there in (
        ("words=SELMA", True),
        ("words=selma.berg&status=active&kind=person&source=default", True),
        ("words=selma.berg&status=never", True),
        ("words=selma.berg&status=inactive", False),
        ("words=selma.berg&status=held", False),
        ("words=selma.berg&status=refused", False),
        ("words=selma.berg&kind=api", False),
        ("words=selma.berg&role=Administrator", False),
        (
            "words=selma.berg&source=(not managed by a provider)".replace(" ", "+"),
            False,
        ),
    ):
        page = office.admin.get(f"/admin/users?{query}")
        assert ("selma.berg@contoso.com</a>" in page.text) is there, query

    wrong = office.admin.get("/admin/users?source=nowhere")
    assert wrong.status == 400
    assert 'There is no source "nowhere"' in wrong.words


def test_the_list_is_a_file(office: Office) -> None:
    """What is searched for, as JSON with roles and source."""
    rows = json.loads(office.admin.get("/admin/users?words=ada@&format=json").text)

    assert [(row["roles"], row["source"]) for row in rows] == [("Administrator", "")]


def test_a_new_person(office: Office) -> None:
    """Names are proposed by the rules; the mail is named; the user is there."""
    names = "first_name=Vera&last_name=Novak&email=vera.novak@contoso.com"
    proposed = office.admin.get(f"/admin/users/new/names?{names}")
    assert "initials VN , username vera.novak@contoso.com" in proposed.words
    fields = {"kind": "person", "first_name": "Vera", "last_name": "Novak"}
    fields |= {"email": "vera.novak@contoso.com", "mail": "yes"}

    page = office.admin.post("/admin/users/new", fields)

    assert page.status == 200
    assert "A mail to vera.novak@contoso.com is on its way" in page.words
    assert _values(page)["initials"] == "VN"
    office.choose_password("vera.novak@contoso.com")


def test_a_refused_new_user_keeps_what_was_typed(office: Office) -> None:
    """Every broken rule at its field, in the words that a provider gets."""
    office.person("taken@contoso.com")
    fields = {"kind": "person", "email": "taken@contoso.com", "username": "1x"}
    fields |= {"initials": "TOOLONG"}

    page = office.admin.post("/admin/users/new", fields)

    assert page.status == 400
    assert "is taken by an active user (R5)" in page.words
    assert "must begin with a letter a-z (R6)" in page.words
    assert "they need 1 to 5 (R1)" in page.words
    assert _values(page)["username"] == "1x"


def test_an_api_user_is_chosen_first_and_shows_its_key_once(office: Office) -> None:
    """With the API App there, the first key stands on the answer and nowhere else."""
    office.scim.cli("api-app", "install")
    fields = {"kind": "api", "email": "robot@contoso.com", "last_name": "Robot"}

    page = office.admin.post("/admin/users/new", fields)

    assert page.status == 200
    assert "shown only now" in page.words
    key = page.text.split('<code id="key">')[1].split("</code>")[0]
    assert key.startswith("scimc_")
    user_id = office.user_id("robot@contoso.com")
    for tab in ("", "/access", "/history"):
        assert key not in office.admin.get(f"/admin/users/{user_id}{tab}").text
    office.scim.cli("api-app", "uninstall", "--yes")


def test_a_managed_field_is_locked_and_can_be_overridden(office: Office) -> None:
    """It says whose it is; ticked, it is changed here and shown as such."""
    office.person("lena@contoso.com")
    path = f"/admin/users/{office.user_id('lena@contoso.com')}"
    page = office.admin.get(path)
    assert "Managed by default: change it there" in page.words
    fields = {**_values(page), "first_name": "Magdalena"}
    fields.pop("override")

    refused = office.admin.post(f"{path}/edit", fields)
    done = office.admin.post(f"{path}/edit", fields | {"override": "yes"})

    assert refused.status == 400
    assert "managed by connection default" in refused.words
    assert _values(refused)["first_name"] == "Magdalena"
    assert "Changed here; it lasts until default sends another value" in done.words


def test_a_deactivation_names_what_it_ends(office: Office) -> None:
    """First the consequences, then the act; the person is out at once, and held."""
    leaver = office.somebody("leon", "users.view")
    path = f"/admin/users/{office.user_id('leon@contoso.com')}"
    assert leaver.get("/admin/users").status == 200

    asked = office.admin.get(f"{path}/deactivate")
    assert "1 session at account ends at once" in asked.words
    done = office.admin.post(f"{path}/deactivate")

    assert "leon@contoso.com is inactive" in done.words
    assert leaver.get("/admin/users").path == "/login"
    assert "Held inactive by ada@contoso.com" in done.words
    assert "leon@contoso.com" in office.admin.get("/admin").words
    back = office.admin.post(f"{path}/reactivate")
    assert "is active again" in back.words


def test_the_last_administrator_stays(office: Office) -> None:
    """R22 on the page, with the sentence of the rule, and nothing is changed."""
    path = f"/admin/users/{office.user_id('ada@contoso.com')}"

    page = office.admin.post(f"{path}/deactivate")

    assert page.status == 403
    assert "This is the last active Administrator" in page.words
    assert office.admin.get("/admin").status == 200


def test_nobody_hands_on_more_than_they_have(office: Office) -> None:
    """R33: not the Administrator role, nor one that carries what they may not do."""
    desk = office.somebody("hugo", "users.view", "users.update", "users.create")
    office.person("petra@contoso.com")
    path = f"/admin/users/{office.user_id('petra@contoso.com')}"
    office.scim.cli("role", "add", "Setup", "--allow", "settings.manage")

    for role in ("Administrator", "Setup"):
        page = desk.post(f"{path}/roles", {"role": role})
        assert page.status == 403
        assert "what you may not do yourself" in page.words
    fields = {"kind": "person", "email": "eve@contoso.com", "role": "Administrator"}
    assert desk.post("/admin/users/new", fields).status == 403
    told = office.scim.cli("user", "show", "petra@contoso.com", "--json")
    assert json.loads(told)["roles"] == []


def test_an_administrator_is_changed_by_administrators(office: Office) -> None:
    """R21: who is none cannot take over the address of one, and reset it."""
    desk = office.somebody("ivan", "users.view", "users.update")
    path = f"/admin/users/{office.user_id('ada@contoso.com')}"

    page = desk.post(f"{path}/edit", {"email": "ivan.too@contoso.com"})

    assert page.status == 403
    assert "email of an Administrator cannot be changed by you" in page.words


def test_a_reset_asks_for_a_second_factor_of_ones_own(office: Office) -> None:
    """R17: whoever signed in by a password alone mails nobody a link."""
    office.somebody("nele", "users.view")
    path = f"/admin/users/{office.user_id('nele@contoso.com')}"

    page = office.admin.post(f"{path}/reset")

    assert page.status == 400
    assert "Set up a second factor on your own account" in page.words


def test_sessions_are_ended_one_by_one_and_all(office: Office) -> None:
    """The browser whose session was ended is out; the others go on."""
    first = office.somebody("mara", "users.view")
    second = Desk(office.address)
    second.sign_in("mara@contoso.com")
    path = f"/admin/users/{office.user_id('mara@contoso.com')}"
    page = office.admin.get(f"{path}/access")
    session = page.text.split('name="session" value="')[1].split('"')[0]

    office.admin.post(f"{path}/sessions/end", {"session": session})
    assert sorted(d.get("/admin/users").path for d in (first, second)) == [
        "/admin/users",
        "/login",
    ]
    office.admin.post(f"{path}/sessions/end")

    for desk in (first, second):
        assert desk.get("/admin/users").path == "/login"
    again = office.admin.post(f"{path}/sessions/end", {"session": session})
    assert again.status == 400
    assert "has no such session" in again.words


def test_names_are_chosen_anew(office: Office) -> None:
    """Candidates and consequences first; the former value is kept for the person."""
    office.person("kaya@contoso.com", name={"givenName": "Kaya", "familyName": "Demir"})
    path = f"/admin/users/{office.user_id('kaya@contoso.com')}"
    page = office.admin.get(f"{path}/names")
    assert "kept for 90 days" in page.words
    assert 'value="kaya.demir"' in page.text

    done = office.admin.post(f"{path}/names", {"username": "kaya.demir"})
    foreign = office.admin.post(f"{path}/names", {"username": "somebody.else"})

    assert _values(done)["username"] == "kaya.demir"
    assert foreign.status == 400


def test_the_identity_tells_field_by_field(office: Office) -> None:
    """What was sent, by which rule, what it became; and the resource as sent."""
    office.person("ole@contoso.com")
    path = f"/admin/users/{office.user_id('ole@contoso.com')}"

    page = office.admin.get(f"{path}/identity")

    assert (
        "Username Sent ole@contoso.com" in page.words or "ole@contoso.com" in page.words
    )
    assert '"userName": "ole@contoso.com"' in unescape(page.text)
    done = office.admin.post(f"{path}/unlink")
    assert "not managed by a provider any more" in done.words
    assert "Not managed by a provider" in office.admin.get(f"{path}/identity").words


def test_the_history_has_old_and_new(office: Office) -> None:
    """Every event with who did it, the newest first."""
    scim_id = office.person("finn@contoso.com")
    change = {"op": "replace", "path": "name.familyName", "value": "Berg"}
    office.scim.send("PATCH", f"/Users/{scim_id}", {"Operations": [change]})
    path = f"/admin/users/{office.user_id('finn@contoso.com')}"

    page = office.admin.get(f"{path}/history")

    assert "The first or last name of the user changed. Doe became Berg" in page.words
    assert page.words.index("became Berg") < page.words.index("A user was created")


def test_permissions_guard_every_act(office: Office) -> None:
    """Who may only look changes nothing, whatever they send."""
    desk = office.somebody("viola", "users.view")
    office.person("target@contoso.com")
    path = f"/admin/users/{office.user_id('target@contoso.com')}"
    before = office.scim.cli("user", "show", "target@contoso.com", "--json")

    acts = ("edit", "deactivate", "reactivate", "names", "unlink", "roles", "profile")
    acts += ("roles/take", "sessions/end", "welcome", "reset", "expire")
    for act in acts:
        page = desk.post(f"{path}/{act}", {"first_name": "Evil", "role": "Auditor"})
        assert page.status == 403, act
        assert "Your roles do not carry" in page.words

    assert office.scim.cli("user", "show", "target@contoso.com", "--json") == before
    assert PASSWORD not in before


def test_who_was_erased_is_shown_so(office: Office) -> None:
    """In the list and on the page, where nobody is brought back any more."""
    email = "gustav.goner@contoso.com"
    office.scim.cli_batch(
        [
            ["user", "add", "--email", email, "--last", "Goner", "--username", email],
            ["user", "deactivate", email],
            ["user", "erase", email, "--yes"],
        ]
    )
    path = f"/admin/users/{office.user_id('erased-')}"

    page = office.admin.get(path)
    listed = office.admin.get("/admin/users?words=erased-")

    assert "Erased on " in page.words
    assert "Goner" not in page.words
    assert f'action="{path}/reactivate"' not in page.text
    assert "held inactive" not in listed.words
    assert "erased" in listed.words
    refused = office.admin.post(f"{path}/reactivate")
    assert "R34" in refused.words
    assert "erased: yes" in office.admin.get(f"{path}/history").words

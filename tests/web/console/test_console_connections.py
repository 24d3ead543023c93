"""Connections in the console: made, guided, given tokens, paused, retired."""

from __future__ import annotations

import re

from tests.browser import Page
from tests.console import Desk, Office


def _token(page: Page) -> str:
    found = re.search(r'<code id="token">(scimc_[^<]+)</code>', page.text)
    assert found is not None, page.words
    return found[1]


def _made(
    office: Office, name: str, kind: str = "entra", **more: str
) -> tuple[str, str]:
    """Make a connection; returns its path and its token."""
    fields = {"kind": kind, "name": name, "link_existing": "never", **more}
    page = office.admin.post("/admin/connections", fields)
    assert page.status == 200, page.words
    found = re.search(
        r'href="(/admin/connections/\d+)">On to the setup guide', page.text
    )
    assert found is not None
    return found[1], _token(page)


def _person(name: str) -> dict[str, object]:
    return {
        "userName": f"{name}@contoso.com",
        "externalId": "0b0a7f5e-6d5c-4f0a-9d3b-1c2d3e4f5a6b",
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": f"{name}@contoso.com"}],
    }


def test_a_new_connection_shows_its_token_once(office: Office) -> None:
    """It opens the door at once; no later page shows it again."""
    path, token = _made(office, "entra-one")

    answer = office.scim.send("GET", "/Users", token=token)

    assert answer.status == 200
    for tab in ("", "/tokens", "/settings"):
        assert token not in office.admin.get(f"{path}{tab}").text


def test_what_cannot_be_made_is_told(office: Office) -> None:
    """A name twice, none at all, no kind: the form stays, with the reason."""
    _made(office, "entra-two")
    for fields, told in (
        ({"kind": "entra", "name": "entra-two"}, "There is a connection"),
        ({"kind": "entra", "name": " "}, "A connection needs a name"),
        ({"kind": "ldap", "name": "x"}, "Choose what kind of provider it is"),
        ({"kind": "entra", "name": "y", "link_existing": "all"}, "Choose how people"),
        ({"kind": "entra", "name": "z", "takes_over": "99999"}, "no such connection"),
    ):
        page = office.admin.post("/admin/connections", fields)
        assert page.status == 400, fields
        assert told in page.words


def test_the_guide_ticks_what_has_been_seen(office: Office) -> None:
    """Each step turns green when the right request has arrived, and not before."""
    path, token = _made(office, "entra-three")
    before = office.admin.get(path)
    assert before.text.count('<li class="done">') == 0
    assert "Coalesce([mail], [userPrincipalName])" in before.text

    made = office.scim.send("POST", "/Users", _person("guided"), token=token)
    called = office.admin.get(path)
    office.scim.send("DELETE", f"/Users/{made.body['id']}", token=token)
    gone = office.admin.get(path)

    assert called.text.count('<li class="done">') == 7
    assert "See somebody leave seen" not in called.words
    assert "See somebody leave seen" in gone.words


def test_an_external_id_that_is_no_guid_is_warned_of(office: Office) -> None:
    """Entra's default for externalId is told before single sign-on fails by it."""
    path, token = _made(office, "entra-four")
    body = _person("nickname") | {"externalId": "nickname"}
    office.scim.send("POST", "/Users", body, token=token)

    page = office.admin.get(path)

    assert "The externalId of 1 person is no object id" in page.words


def test_the_address_is_asked_from_here(office: Office) -> None:
    """The first tick: our own metadata answers at the public address."""
    path, _ = _made(office, "entra-five")

    page = office.admin.post(f"{path}/reach")

    assert "It answers from here" in page.words
    assert '<li class="done"><h3>The address can be reached' in page.text


def test_a_token_is_replaced_without_a_gap(office: Office) -> None:
    """Two live at once; the old one is dead the moment it is revoked."""
    path, old = _made(office, "entra-six")
    page = office.admin.post(f"{path}/tokens", {"kind": "bearer", "days": "90"})
    new = _token(page)

    listed = office.admin.post(f"{path}/tokens/revoke", {"token": old.split("_")[1]})

    assert "is revoked" in listed.words
    assert office.scim.send("GET", "/Users", token=old).status == 401
    assert office.scim.send("GET", "/Users", token=new).status == 200


def test_a_token_of_another_connection_is_not_revoked_here(office: Office) -> None:
    """The address names the connection, and it must be the token's."""
    path, _ = _made(office, "entra-seven")
    _, other = _made(office, "entra-eight")

    page = office.admin.post(f"{path}/tokens/revoke", {"token": other.split("_")[1]})

    assert page.status == 400
    assert office.scim.send("GET", "/Users", token=other).status == 200


def test_a_client_secret_is_exchanged(office: Office) -> None:
    """The other kind of credential works, with the identifier that was shown."""
    path, _ = _made(office, "entra-nine")
    page = office.admin.post(f"{path}/tokens", {"kind": "secret", "days": "90"})
    client = page.text.split('<code id="client">')[1].split("<")[0]
    fields = {"grant_type": "client_credentials", "client_id": client}

    fields |= {"client_secret": _token(page)}
    answer = office.admin.post("/oauth2/token", fields)

    assert answer.status == 200, answer.text
    assert '"access_token"' in answer.text


def test_pause_and_resume(office: Office) -> None:
    """A paused connection answers 503 to a change, and the page says so."""
    path, token = _made(office, "entra-ten")
    page = office.admin.post(f"{path}/pause")
    assert "is paused: reads and deactivations alone are served" in page.words
    assert (
        office.scim.send("POST", "/Users", _person("paused"), token=token).status == 503
    )

    office.admin.post(f"{path}/resume")

    assert (
        office.scim.send("POST", "/Users", _person("paused"), token=token).status == 201
    )


def test_settings_are_saved(office: Office) -> None:
    """What is ticked is so afterwards; what is not, is not."""
    path, _ = _made(office, "entra-eleven", password_mail="yes")
    fields = {"link_existing": "email", "strict": "yes"}

    page = office.admin.post(f"{path}/settings", fields)

    assert "The settings are saved" in page.words
    told = office.scim.cli("connection", "show", "entra-eleven", "--json")
    assert '"strict": true' in told
    assert '"link existing": "email"' in told
    assert '"password mail": false' in told


def test_linking_ends_on_a_day(office: Office) -> None:
    """The last day is kept as at the command line, shown, and taken away again."""
    path, _ = _made(office, "entra-until")
    fields = {"link_existing": "email", "until": "2031-12-31"}

    office.admin.post(f"{path}/settings", fields)
    told = office.scim.cli("connection", "show", "entra-until", "--json")
    page = office.admin.get(f"{path}/settings")
    wrong = office.admin.post(f"{path}/settings", fields | {"until": "soon"})
    office.admin.post(f"{path}/settings", fields | {"until": ""})

    assert '"until": "2032-01-01T00:00:00' in told.replace(" 00:00", "T00:00")
    assert 'value="2031-12-31"' in page.text
    assert wrong.status == 400
    assert 'The last day "soon" is no day' in wrong.words
    assert 'value="2031-12-31"' not in office.admin.get(f"{path}/settings").text


def test_a_single_habit_is_refused(office: Office) -> None:
    """Ticked, the request that was understood is answered 400; unticked it is again."""
    path, token = _made(office, "entra-habit")
    made = office.scim.send("POST", "/Users", _person("habit"), token=token)
    change = {"op": "replace", "path": "active", "value": "True"}

    def status() -> int:
        address, body = f"/Users/{made.body['id']}", {"Operations": [change]}
        return office.scim.send("PATCH", address, body, token=token).status

    understood = status()
    office.admin.post(f"{path}/settings", {"off": "string-boolean"})
    refused = status()
    page = office.admin.get(f"{path}/settings")
    odd = office.admin.post(f"{path}/settings", {"off": "no-such-habit"})
    office.admin.post(f"{path}/settings", {"link_existing": "never"})

    assert (understood, refused, status()) == (200, 400, 200)
    assert 'value="string-boolean" checked' in page.text
    assert odd.status == 400
    assert "cannot be switched off" in odd.words


def test_retiring_asks_for_the_name(office: Office) -> None:
    """Its tokens die, its people stay; without the name nothing happens."""
    path, token = _made(office, "entra-twelve")
    office.scim.send("POST", "/Users", _person("retired"), token=token)

    refused = office.admin.post(f"{path}/retire", {"name": "wrong"})
    done = office.admin.post(f"{path}/retire", {"name": "entra-twelve"})

    assert refused.status == 400
    assert "0 people were deactivated" in done.words
    assert office.scim.send("GET", "/Users", token=token).status == 401
    assert "active" in office.scim.cli("user", "show", "retired@contoso.com")


def test_compatibility_counts_what_the_provider_does(office: Office) -> None:
    """A habit that was met is counted, an attribute that nobody declared is named."""
    path, token = _made(office, "entra-thirteen")
    body = _person("quirky") | {"shoeSize": "44"}
    made = office.scim.send("POST", "/Users", body, token=token)
    change = {"op": "Replace", "path": "active", "value": "True"}
    office.scim.send(
        "PATCH", f"/Users/{made.body['id']}", {"Operations": [change]}, token=token
    )

    for _ in range(50):
        page = office.admin.get(f"{path}/compatibility")
        if "shoeSize" in page.words:
            break

    assert "capitalised" not in page.words
    assert '"op": "Replace"' in page.words


def test_signing_in_is_not_saved_untried(office: Office) -> None:
    """Bad settings are refused, good ones wait for a trial; the secret is not shown."""
    path, _ = _made(office, "entra-fourteen")
    fields = {
        "issuer": "http://evil.example",
        "client_id": "c",
        "client_secret": "s3cr3t",
    }
    refused = office.admin.post(f"{path}/sign-in", fields)
    assert refused.status == 400
    assert "must be an https address" in refused.words

    locked = office.admin.post(
        f"{path}/sign-in", fields | {"issuer": "https://login.example/v2.0"}
    )

    assert locked.status == 400
    assert "have not passed a trial" in locked.words
    assert "at the command line of the server, untried" in locked.words
    assert "s3cr3t" not in locked.text


def test_how_people_sign_in_is_an_administrators(office: Office) -> None:
    """Whoever manages provisioning reads why, and what they send is refused (R35)."""
    path, _ = _made(office, "entra-sixteen")
    may = ("provisioning.view", "provisioning.manage")
    manager = office.somebody("conny", *may)
    page = manager.get(f"{path}/sign-in")
    lead = manager.post(f"{path}/settings", {"may_act_as_administrator": "yes"})
    harmless = manager.post(f"{path}/settings", {"strict": "yes"})

    assert "How people sign in is set by Administrators" in page.words
    assert ">Save</button>" not in page.text
    assert lead.status == 403
    assert "so an Administrator does it (R35)" in lead.words
    assert "The settings are saved" in harmless.words


def test_nobody_changes_a_connection_who_may_only_look(
    office: Office, auditor: Desk
) -> None:
    """Every button, pressed without its permission."""
    path, token = _made(office, "entra-fifteen")
    assert auditor.get(path).status == 200
    for act in (
        *("tokens", "tokens/revoke", "settings", "pause", "retire", "reach"),
        *("sign-in", "sign-in/try", "sign-in/on", "sign-in/off"),
    ):
        page = auditor.post(f"{path}/{act}", {"name": "entra-fifteen"})
        assert page.status == 403, act
    assert auditor.post("/admin/connections", {"kind": "entra"}).status == 403
    assert auditor.get("/admin/connections/new").status == 403
    assert office.scim.send("GET", "/Users", token=token).status == 200

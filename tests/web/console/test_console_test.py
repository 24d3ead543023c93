"""*Test from here*: a whole provider is played, its report is told, nobody is touched."""

from __future__ import annotations

import json
import re

import pytest

from tests.console import Desk, Office


def _path(office: Office, name: str, kind: str) -> str:
    page = office.admin.post(
        "/admin/connections", {"kind": kind, "name": name, "link_existing": "never"}
    )
    found = re.search(r'href="(/admin/connections/\d+)">On to the setup', page.text)
    assert found is not None
    return found[1]


def _touched(office: Office) -> tuple[str, ...]:
    """All users, mails and conflicts there are; alerts are the house's own."""
    cli = office.scim.cli
    mails = [
        m for m in json.loads(cli("mail", "list", "--json")) if m["mail"] != "alert"
    ]
    return (
        cli("user", "list", "--json"),
        json.dumps([(each["id"], each["mail"]) for each in mails]),
        cli("conflict", "list", "--json"),
    )


@pytest.mark.parametrize(("kind", "name"), [("entra", "Entra ID"), ("okta", "Okta")])
def test_a_provider_is_played_and_nobody_is_touched(
    office: Office, kind: str, name: str
) -> None:
    """Every check passes here; no user, mail, conflict or live token is left of it."""
    path = _path(office, f"tested-{kind}", kind)
    before = _touched(office)

    page = office.admin.post(f"{path}/test", {"provider": kind})

    assert page.status == 200
    assert (
        f"0 FAILS, 0 warning, 0 skipped. {name} can work with this server" in page.words
    )
    assert "Left behind" not in page.words
    assert "scimc_" not in page.text
    assert _touched(office) == before
    listed = json.loads(office.scim.cli("connection", "list", "--json"))
    states = {each["name"]: each["state"] for each in listed}
    assert states[f"tested-{kind} (test)"] == "retired"
    tokens = json.loads(office.scim.cli("token", "list", "--json"))
    mine = [t for t in tokens if t["connection"] == f"tested-{kind} (test)"]
    assert [t["state"] for t in mine] == ["revoked"]


def test_what_a_mapping_refuses_is_found(office: Office) -> None:
    """The tested connection's own mapping is judged: here it takes no example.com."""
    path = _path(office, "tested-strict", "okta")
    number = int(path.rsplit("/", 1)[1])
    rule = (
        "\n[[refuse]]\nwhen = 'Contains([userName], \"@example.com\")'\n"
        'reason = "Only people of contoso.com."\n'
    )
    refuse = office.admin.mapping_text(number) + rule
    planned = office.admin.post(
        "/admin/mapping/apply",
        {"connection": str(number), "text": refuse, "changes": "0"},
    )
    assert planned.status == 200, planned.words

    refused = office.admin.post(f"{path}/test", {"provider": "okta"})
    taken = office.admin.post(
        f"{path}/test", {"provider": "okta", "domain": "contoso.com"}
    )

    assert "Only people of contoso.com" in refused.words
    assert "Okta will meet the failures" in refused.words
    assert "Okta can work with this server" in taken.words


def test_what_cannot_be_played_is_refused(office: Office) -> None:
    """No provider, no domain, no such connection, a retired one: nothing is made."""
    path = _path(office, "tested-not", "entra")
    for fields, told in (
        ({"provider": "ldap"}, "Choose which provider is played"),
        ({"provider": "entra", "domain": "a b@c"}, "is no mail domain"),
    ):
        page = office.admin.post(f"{path}/test", fields)
        assert page.status == 400
        assert told in page.words
    assert (
        office.admin.post("/admin/connections/99999/test", {"provider": "entra"}).status
        == 400
    )

    office.admin.post(f"{path}/retire", {"name": "tested-not"})
    retired = office.admin.post(f"{path}/test", {"provider": "entra"})

    assert "tested-not is retired; nothing calls it" in retired.words
    assert "tested-not (test)" not in office.scim.cli("connection", "list")


def test_the_auditor_reads_what_a_test_does_and_runs_none(
    office: Office, auditor: Desk
) -> None:
    """The page explains itself to everybody who may look."""
    path = _path(office, "tested-audited", "entra")

    page = auditor.get(f"{path}/test")

    assert "No person here" in page.words
    assert (
        "<button"
        not in page.text.split("What it touches")[0].split("Test from here")[1]
    )
    assert auditor.post(f"{path}/test", {"provider": "entra"}).status == 403

"""/Roles and /Entitlements: what can be assigned, to be read alone."""

from __future__ import annotations

from typing import Any

import pytest

from scim_connector.administration import shipped
from scim_connector.directory import connections, profiles, roles
from scim_connector.directory.database import Database
from scim_connector.provisioning import Page, SearchQuery
from scim_connector.scim import rendering
from scim_connector.scim.errors import InvalidFilter, InvalidValue, NotFound
from scim_connector.scim.versions import etag
from tests.house import Provider, provider, shown


@pytest.fixture
def entra(database: Database) -> Provider:
    """A provider, two roles and a profile."""
    made = provider(database)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    database.write(lambda tx: profiles.add(tx, "Finance office"))
    return made


def listed(entra: Provider, **query: Any) -> Page:
    return entra.roles.search(entra.call("GET", "/Roles"), SearchQuery(**query))


def test_without_a_table_the_local_roles_are_listed(entra: Provider) -> None:
    """Each is told with its value and its name, and that it can be assigned."""
    page = listed(entra)
    first = shown_text(page.texts[1])

    assert page.total == 2
    assert (first["value"], first["display"], first["supported"]) == (
        "Registrar",
        "Registrar",
        True,
    )
    assert first["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Role"]


def test_the_table_of_the_mapping_comes_first(database: Database) -> None:
    """What the provider sends is the value, the local role its name."""
    text = shipped.text("entra").replace(
        '# "Registrar" = "Registrar"', '"Reg" = "Registrar"'
    )
    made = provider(database, mapping=text)
    page = made.roles.search(made.call("GET", "/Roles"), SearchQuery())
    one = shown_text(page.texts[0])

    assert (page.total, one["value"], one["display"]) == (1, "reg", "Registrar")
    answer = made.roles.get(made.call("GET", f"/Roles/{one['id']}"), one["id"])
    assert shown(answer)["value"] == "reg"


def test_a_version_tells_what_is_shown(database: Database) -> None:
    """It stands in both places, stays, and another name is another one (§3.14)."""
    told = []
    for name in ("Registrar", "Registrar", "Clerk"):
        row = '# "Registrar" = "Registrar"'
        text = shipped.text("entra").replace(row, f'"Reg" = "{name}"')
        made = provider(database, name=f"entra-{len(told)}", mapping=text)
        call = made.call("GET", "/Roles")
        one = shown_text(made.roles.search(call, SearchQuery()).texts[0])
        answer = made.roles.get(call, one["id"])
        told.append(answer.version)
        assert one["meta"]["version"] == etag(answer.version or 0)

    assert told[0] == told[1] != told[2]


def test_a_list_is_filtered_and_paged(entra: Provider) -> None:
    """By any attribute, in one order; what cannot be told is refused."""
    assert listed(entra, filter='value eq "REGISTRAR"').total == 1
    assert listed(entra, filter='display sw "Adm" and supported eq true').total == 1
    assert [len(listed(entra, start=n, count=1).texts) for n in (1, 2, 3)] == [1, 1, 0]
    with pytest.raises(InvalidFilter):
        listed(entra, filter='userName eq "x"')
    with pytest.raises(InvalidValue, match="one order"):
        listed(entra, sort_by="value")


def test_profiles_are_the_entitlements(entra: Provider) -> None:
    """Under their own type; an unknown id is 404."""
    call = entra.call("GET", "/Entitlements")
    page = entra.entitlements.search(call, SearchQuery())

    assert [shown_text(text)["value"] for text in page.texts] == ["Finance office"]
    with pytest.raises(NotFound, match="/Entitlements"):
        entra.entitlements.get(call, "x")


def test_okta_reads_its_own_names(entra: Provider) -> None:
    """The same table under urn:okta for a connection of kind okta."""
    entra.database.write(
        lambda tx: connections.change(tx, entra.connection.id, {"kind": "okta"})
    )

    assert shown_text(listed(entra).texts[0])["schemas"] == [
        "urn:okta:scim:schemas:core:1.0:Role"
    ]


def shown_text(text: str) -> dict[str, Any]:
    """A stored text as the client sees it."""
    return rendering.resource_of(text)

"""The people of the demo: the same in every run, and telling the stories they should."""

from __future__ import annotations

from collections import Counter

import pytest

from scim_connector.administration import importing
from scim_connector.demo import entra, okta, stage
from scim_connector.demo.people import Cast, Person, cast
from scim_connector.directory import profiles, roles
from scim_connector.directory.database import Database
from scim_connector.mapping import language
from scim_connector.probe import entra_users, okta_users
from scim_connector.probe.client import Client
from scim_connector.probe.conversation import Conversation


def _provided(people: Cast) -> tuple[Person, ...]:
    companies = (people.entra, people.okta)
    return tuple(p for c in companies for p in (*c.first, *c.later))


def test_the_cast_is_the_same_in_every_run() -> None:
    """One seed gives one cast, another gives another; keys are unique."""
    everybody = _provided(cast(1))

    assert cast(1) == cast(1)
    assert cast(1) != cast(2)
    assert len({p.key for p in everybody}) == len(everybody) >= 70
    assert len({p.external_id for p in everybody}) == len(everybody)


def test_the_cast_holds_the_names_that_break_local_rules() -> None:
    """Long sign-in names, guests, apostrophes, a shared and a missing address."""
    everybody = _provided(cast())
    emails = Counter(p.email for p in everybody)

    assert any(len(p.user_name) > 30 for p in everybody)
    assert sum("#EXT#" in p.user_name for p in everybody) == 2
    assert any("'" in p.user_name for p in everybody)
    assert sum(p.user_type == "Teacher" for p in everybody) == 2
    assert emails.pop(None) == 1
    assert [n for n in emails.values() if n > 1] == [2]
    assert all(p.user_name.isascii() for p in everybody)


def test_the_local_staff_keep_every_rule(database: Database) -> None:
    """The import of the local users refuses none of them."""
    local = cast().local
    rows = importing.read(stage.as_csv(local))

    def name(tx: object) -> None:
        roles.add(tx, "Registrar")  # type: ignore[arg-type]
        roles.add_administrator(tx)  # type: ignore[arg-type]
        profiles.add(tx, "Registry")  # type: ignore[arg-type]

    database.write(name)
    importing.judge(database.reader(), rows)

    assert [(r.username, r.problems) for r in rows if r.problems] == []
    assert len(rows) == len(local) >= 24


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_the_mapping_of_a_demo_is_the_shipped_one_with_groups(kind: str) -> None:
    """Both replacements in the shipped text took place, and it still loads."""
    text = stage.mapping(kind)

    language.load(text, f"{kind}.toml")
    assert '"Registrars" = "Registrar"' in text
    assert "value = '[urn:ietf:params:scim:schemas:extension:enterprise" in text


@pytest.mark.parametrize(
    ("provider", "probed", "sent"),
    [
        ("entra", entra_users.person, entra.resource),
        ("okta", okta_users.person, okta.posted),
    ],
)
def test_people_are_sent_as_the_probe_sends_them(
    provider: str, probed: object, sent: object
) -> None:
    """Every member that the probe knows a provider to send is in the demo's too."""
    talk = Conversation(
        Client("http://127.0.0.1:1", provider, "none"), "contoso.example"
    )
    known = probed(talk, "kim")  # type: ignore[operator]
    ours = sent(cast().entra.first[0])  # type: ignore[operator]

    assert set(known) <= set(ours)
    assert set(known["name"]) == set(ours["name"])
    assert [set(e) for e in known["emails"]] == [set(e) for e in ours["emails"]]


def test_a_rename_goes_back_and_forth() -> None:
    """Renaming somebody twice leaves them as they were: a demo may run for days."""
    person = cast().entra.first[0]

    assert person.renamed().family == f"{person.family}-Lund"
    assert person.renamed().renamed() == person

"""What else there is beside a rehearsal: groups, mappings, sign-in, other connections."""

from __future__ import annotations

import pytest

from scim_connector.administration import connections as administration
from scim_connector.administration import shipped
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import links, roles, sso, users
from scim_connector.directory.database import Database
from scim_connector.directory.sso import SignIn
from scim_connector.mapping import language
from scim_connector.provisioning import (
    Provisioning,
    RequestGatherer,
    SearchQuery,
    plans,
    simulation,
)
from scim_connector.provisioning.simulation import Simulator
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import NotFound
from scim_connector.tokens.secrets import SecretKeys
from tests.house import last_entry, now, operator, person, provider
from tests.rehearsals import digest, go_live, local_user, look_at, rehearsing, table

_TIED = f'{shipped.text("entra")}\n[roles.groups]\n"registrars" = "Registrar"\n'


def test_groups_of_a_rehearsal_give_their_roles_when_it_goes_live(
    database: Database,
) -> None:
    """Members are kept, nobody holds the role before, everybody does after."""
    database.write(lambda tx: roles.add(tx, "Registrar"))
    entra = rehearsing(database, mapping=_TIED)
    kim = str(entra.post(person("kim@contoso.com")).id)
    before = digest(database)
    group_id = entra.post_group("Registrars", kim)

    assert digest(database) == before
    assert "Rehearsal" in last_entry(entra).steps
    assert entra.get(kim)["groups"][0]["value"] == group_id
    go_live(entra)
    reader = database.reader()
    assert roles.names_held(reader, entra.user(kim).id) == ["Registrar"]
    assert entra.members(group_id) == [kim]


def test_a_mapping_is_applied_in_a_rehearsal(database: Database) -> None:
    """The identities are judged by it from then on; there are no users to follow it."""
    entra = rehearsing(database)
    entra.post(person("kim@contoso.com"))
    new = language.load(_TIED, "entra.toml")
    done = plans.apply(database, entra.connection, new, operator())

    assert (done.people, look_at(entra).counts) == (0, {"would create": 1})


@pytest.mark.parametrize("email", ["bo@contoso.com", "nothing"])
def test_a_dry_run_in_a_rehearsal_keeps_nothing(database: Database, email: str) -> None:
    """It says what the rehearsal would say, and stores neither identity nor refusal."""
    entra = rehearsing(database)
    entra.post(person("kim@contoso.com"))
    body = person("bo@contoso.com", emails=[{"value": email}])
    simulator = Simulator(database, SecretKeys.fresh())

    entry = simulator.run(
        simulation.call_of(entra.connection, "POST", "/Users", body, now=now())
    )

    assert "Rehearsal: nothing is carried out." in entry.steps
    assert entry.status == (400 if email == "nothing" else 201)
    (only,) = table(entra)
    assert only.identity == "kim@contoso.com"


def test_a_new_mapping_is_tried_in_a_rehearsal(database: Database) -> None:
    """Nobody follows it, because there is no user; the request is judged by it."""
    entra = rehearsing(database)
    link_id = str(entra.post(person("kim@contoso.com")).id)
    new = language.load(_TIED, "entra.toml")
    body = person("kim@contoso.com", title="Dean")
    call = simulation.call_of(
        entra.connection, "PUT", f"/Users/{link_id}", body, now=now()
    )

    entry = Simulator(database, SecretKeys.fresh()).run(call, mapping=new)

    assert (entry.status, entry.reason) == (200, "rehearsal")


def test_a_rehearsing_connection_is_not_paused(database: Database) -> None:
    """Paused and resumed it would be live: both are refused."""
    entra = rehearsing(database)

    for move in (administration.pause, administration.resume):
        with pytest.raises(NotPossible, match="is rehearsing"):
            database.write(lambda tx, m=move: m(tx, entra.connection, operator()))  # type: ignore[misc]


@pytest.mark.parametrize("deactivate", [False, True])
def test_a_rehearsing_connection_is_retired(
    database: Database, deactivate: bool
) -> None:
    """Nobody is deactivated, and a later connection may take it over in vain."""
    user = local_user(database, "kim@contoso.com")
    entra = rehearsing(database, link_existing="email")
    entra.post(person("kim@contoso.com"))

    ended = database.write(
        lambda tx: administration.retire(
            tx, entra.connection, operator(), deactivate=deactivate
        )
    )
    new = provider(database, "new", takes_over=entra.connection.id)

    assert ended == 0
    assert users.required(database.reader(), user.id).active
    assert administration.people(database.reader(), entra.connection) == 0
    with pytest.raises(RulesViolated):
        new.post(person("kim@contoso.com"))


def test_nobody_signs_in_through_a_rehearsal(database: Database) -> None:
    """Its provider is offered, and its identities stand for people, once it is live."""
    entra = rehearsing(database)
    link_id = str(entra.post(person("kim@contoso.com", externalId="e1")).id)
    settings = SignIn(
        connection_id=entra.connection.id,
        issuer="https://login.example",
        client_id="gate",
        client_secret=None,
        scopes="openid",
        claim="oid",
        equals="externalId",
        algorithm="RS256",
        second_factor=(),
        enabled=True,
        changed_at=1,
    )
    database.write(lambda tx: sso.configure(tx, settings))
    reader = database.reader()

    def standing() -> tuple[int, list[int]]:
        here = entra.connection.id
        found = sso.candidates(reader, here, equals="externalId", value="e1")
        return len(sso.offered(reader)), found

    before = standing()
    go_live(entra)

    assert before == (0, [])
    assert standing() == (1, [entra.user(link_id).id])


def test_people_and_one_self_are_read_as_before(database: Database) -> None:
    """Applications and /Me read local users; a rehearsal adds and hides nobody."""
    user = local_user(database, "kim@contoso.com")
    entra = rehearsing(database, link_existing="email")
    gatherer = RequestGatherer(database)
    whole = Provisioning(database, gatherer, SecretKeys.fresh())
    before = whole.me.read(user.id).answer.text

    entra.post(person("kim@contoso.com"))
    entra.post(person("bo@contoso.com"))
    found = whole.people.search(entra.call("GET", "/Users"), SearchQuery())

    assert found.total == 1
    assert whole.me.read(user.id).answer.text == before


def test_a_rehearsed_takeover_moves_nobody(database: Database) -> None:
    """The former connection keeps its people until the new one goes live."""
    old = provider(database, "old")
    old_id = str(old.post(person("kim@contoso.com")).id)
    user = old.user(old_id)
    entra = rehearsing(database, takes_over=old.connection.id)

    new_id = str(entra.post(person("kim@contoso.com")).id)
    link = links.of_user(database.reader(), user.id)
    assert link is not None
    go_live(entra)

    assert link.id == old_id
    assert entra.user(new_id).id == user.id
    with pytest.raises(NotFound):
        old.get(old_id)

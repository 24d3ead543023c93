"""What leads to Administrator is set by Administrators (R35), through every door."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scim_connector.accounts import Act
from scim_connector.administration import connections, oauth, shipped, sign_in
from scim_connector.administration import users as doors
from scim_connector.directory import links, users
from scim_connector.directory.database import Database, Transaction
from scim_connector.mapping import language
from scim_connector.provisioning import plans
from scim_connector.rules.actors import Actor
from scim_connector.rules.users import RulesViolated
from tests.house import Provider, now, operator, person, provider

TRUST = {
    "tenant": None,
    "issuer": "https://issuer.example/",
    "jwks_url": "https://issuer.example/keys",
    "subject": "gate",
    "audiences": ("us",),
    "algorithm": "RS256",
}
SIGN_IN = {
    "issuer": "https://issuer.example/",
    "client_id": "gate",
    "client_secret": None,
    "scopes": None,
    "claim": None,
    "equals": "externalId",
    "algorithm": "RS256",
    "second_factor": (),
}
Door = Callable[[Provider, Act], object]


def _manager() -> Act:
    """Somebody at the console who is no Administrator."""
    return Act(Actor.console("manager", 0, is_administrator=False), now())


def _written(entra: Provider, work: Callable[[Transaction], object]) -> object:
    return entra.database.write(work)


def _add(entra: Provider, act: Act) -> object:
    return _written(
        entra,
        lambda tx: connections.add(
            tx,
            "second",
            kind="entra",
            mapping_text=shipped.text("entra"),
            mapping_name="entra.toml",
            settings={"may_act_as_administrator": True},
            act=act,
        ),
    )


def _allow(entra: Provider, act: Act) -> object:
    limited = provider(entra.database, "limited").connection
    wanted = {"may_act_as_administrator": True}
    return _written(entra, lambda tx: connections.change(tx, limited, wanted, act))


def _token(entra: Provider, act: Act) -> object:
    return _written(
        entra,
        lambda tx: connections.create_token(
            tx, entra.connection, pepper=b"pepper", expires_at=None, act=act
        ),
    )


def _trust(entra: Provider, act: Act) -> object:
    terms = oauth.terms_of(**TRUST)  # type: ignore[arg-type]
    return _written(entra, lambda tx: oauth.add_trust(tx, entra.connection, terms, act))


def _sign_in(entra: Provider, act: Act) -> object:
    settings = sign_in.settings_from(entra.connection, SIGN_IN, now=now())
    return _written(
        entra, lambda tx: sign_in.configure(tx, entra.connection, settings, act)
    )


def _switch_on(entra: Provider, act: Act) -> object:
    _sign_in(entra, operator())
    return _written(entra, lambda tx: sign_in.switch_on(tx, entra.connection, act))


def _mapping(entra: Provider, act: Act) -> object:
    text = shipped.text("entra") + "\n# a new version\n"
    new = language.load(text, "entra.toml")
    return plans.apply(entra.database, entra.connection, new, act)


def _link(entra: Provider, act: Act) -> object:
    link_id = str(entra.post(person("kim.doe@contoso.com")).id)
    user = entra.user(link_id)
    _written(entra, lambda tx: doors.give_role(tx, user, "Administrator", operator()))
    _written(entra, lambda tx: doors.unlink(tx, user, operator()))
    return _written(
        entra, lambda tx: doors.link(tx, "entra", "mallory@contoso.com", user, act)
    )


DOORS: tuple[Door, ...] = (
    *(_add, _allow, _token, _trust, _sign_in, _switch_on, _mapping, _link),
)


@pytest.mark.parametrize("door", DOORS)
def test_only_administrators_open_it(database: Database, door: Door) -> None:
    """Somebody who manages provisioning is refused, with the rule."""
    entra = provider(database, may_act_as_administrator=True)
    with pytest.raises(RulesViolated) as refusal:
        door(entra, _manager())

    (violation,) = refusal.value.violations
    assert (violation.rule.id, violation.code) == ("R35", "leads_to_administrator")
    assert "an Administrator does it (R35)" in violation.message


@pytest.mark.parametrize("door", DOORS)
def test_administrators_open_it(database: Database, door: Door) -> None:
    """The same door, by somebody who may."""
    entra = provider(database, may_act_as_administrator=True)
    door(entra, operator())


@pytest.mark.parametrize("door", [_token, _trust, _mapping])
def test_an_ordinary_connection_is_its_managers(database: Database, door: Door) -> None:
    """Where a connection may not act as an Administrator, nothing leads to one."""
    door(provider(database), _manager())


def test_a_reader_leads_nowhere(database: Database) -> None:
    """A token that only reads is made by whoever manages provisioning."""
    entra = provider(database, may_act_as_administrator=True)
    made = database.write(
        lambda tx: connections.create_token(
            tx,
            entra.connection,
            pepper=b"pepper",
            expires_at=None,
            act=_manager(),
            kind="reader",
        )
    )

    assert made.id


def test_taking_the_leave_back_is_no_lead(database: Database) -> None:
    """Whoever manages provisioning may make a connection less."""
    entra = provider(database, may_act_as_administrator=True)
    wanted = {"may_act_as_administrator": False}
    changed = database.write(
        lambda tx: connections.change(tx, entra.connection, wanted, _manager())
    )

    assert not changed.may_act_as_administrator


def test_a_retired_connection_manages_nobody(database: Database) -> None:
    """Its people are listed as unmanaged and changed here; they can still move (D13)."""
    entra, stays = provider(database), provider(database, "okta")
    link_id = str(entra.post(person("kim.doe@x.org")).id)
    other = stays.user(str(stays.post(person("bo.ray@x.org")).id))
    database.write(lambda tx: connections.retire(tx, entra.connection, operator()))
    user, reader = entra.user(link_id), database.reader()

    unmanaged = users.search(reader, users.Query(managed=False))
    managed = users.search(reader, users.Query(managed=True))
    of_entra = users.Query(connection_id=entra.connection.id)
    changed = database.write(
        lambda tx: doors.edit(tx, user, {"first_name": "Kimi"}, operator())
    )

    assert [each.id for each in unmanaged] == [user.id]
    assert [each.id for each in users.without_link(reader)] == [user.id]
    assert [each.id for each in managed] == [other.id]
    assert [each.id for each in users.search(reader, of_entra)] == [user.id]
    assert links.managing(reader, [user.id, other.id]) == {
        other.id: stays.connection.id
    }
    assert (changed.first_name, changed.overridden) == ("Kimi", frozenset())
    new = provider(database, "new", takes_over=entra.connection.id)
    assert new.user(str(new.post(person("kim.doe@x.org")).id)).id == user.id

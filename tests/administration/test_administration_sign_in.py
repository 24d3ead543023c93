"""Setting up single sign-on: nobody switches it on for people who could not be found."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest

from scim_connector.administration import sign_in
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.sign_in import REMEDY, Match
from scim_connector.directory import sso
from scim_connector.directory.database import Database
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.identities import find
from scim_connector.tokens.id_token import Identity
from tests import house
from tests.house import Provider, patch_of, person

PEOPLE = 400
ISSUER = "https://login.microsoftonline.com/tenant/v2.0"
GIVEN = {
    "issuer": ISSUER,
    "client_id": "gate",
    "client_secret": None,
    "scopes": None,
    "claim": None,
    "equals": "externalId",
    "algorithm": "RS256",
    "second_factor": (),
}


def _configured(entra: Provider, **changes: str) -> None:
    settings = sign_in.settings_from(
        entra.connection, {**GIVEN, **changes}, now=house.now()
    )
    entra.database.write(
        lambda tx: sign_in.configure(tx, entra.connection, settings, house.operator())
    )


def _switch_on(entra: Provider) -> None:
    entra.database.write(
        lambda tx: sign_in.switch_on(tx, entra.connection, house.operator())
    )


def _match(entra: Provider) -> Match:
    reader = entra.database.reader()
    return sign_in.match(
        reader, entra.connection, sign_in.required(reader, entra.connection)
    )


def _oid(number: int) -> str:
    return str(uuid5(UUID(int=0), str(number)))


def _found(entra: Provider, number: int) -> int:
    """The user of the identity that Entra says has signed in."""
    claims = {"oid": _oid(number), "preferred_username": f"person{number}@contoso.com"}
    identity = Identity(ISSUER, f"pairwise-{number}", claims, "digest", 0)
    reader = entra.database.reader()
    settings = sign_in.required(reader, entra.connection)
    return find(reader, settings, entra.connection, identity)[0]


def test_entras_nicknames_become_object_ids(database: Database) -> None:
    """400 people with Entra's default externalId: refused with the remedy, then mended."""
    entra = house.provider(database)
    ids = [
        str(entra.post(person(f"person{n}@contoso.com", externalId=f"nick{n}")).id)
        for n in range(PEOPLE)
    ]
    _configured(entra)
    with pytest.raises(NotPossible) as refused:
        _switch_on(entra)
    with pytest.raises(NotAdmitted) as unknown:
        _found(entra, 7)
    before = _match(entra)

    for number, link_id in enumerate(ids):
        entra.patch(link_id, patch_of(externalId=_oid(number)))
    _switch_on(entra)

    assert before == Match(PEOPLE, PEOPLE)
    assert f"The externalId of {PEOPLE} of {PEOPLE} people is no GUID" in str(
        refused.value
    )
    assert REMEDY in str(refused.value)
    assert REMEDY in unknown.value.facts["hint"]
    assert _match(entra) == Match(PEOPLE, 0)
    assert _found(entra, 7) == entra.user(ids[7]).id


def test_the_user_name_serves_at_once(database: Database) -> None:
    """Whoever chooses userName needs no other externalId."""
    entra = house.provider(database)
    link_id = entra.post(person("person3@contoso.com", externalId="nick")).id
    _configured(entra, equals="userName", claim="preferred_username")

    _switch_on(entra)

    assert _found(entra, 3) == entra.user(str(link_id)).id


@pytest.mark.parametrize(("strange", "allowed"), [(2, True), (3, False)])
def test_it_is_switched_on_while_most_can_be_found(
    database: Database, strange: int, *, allowed: bool
) -> None:
    """Half may be wrong; one more, and it stays off."""
    entra = house.provider(database)
    for number in range(4):
        external = f"nick{number}" if number < strange else _oid(number)
        entra.post(person(f"person{number}@contoso.com", externalId=external))
    _configured(entra)

    if allowed:
        _switch_on(entra)
    else:
        with pytest.raises(NotPossible):
            _switch_on(entra)

    assert bool(sso.offered(database.reader())) == allowed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "http://login.example"}, "must be an https address"),
        ({"issuer": "login.example"}, "must be an https address"),
        ({"algorithm": "HS256"}, "The algorithm must be one of RS256"),
        ({"algorithm": "none"}, "The algorithm must be one of RS256"),
        ({"scopes": "profile email"}, "The scopes must hold openid"),
        ({"claim": "email", "equals": "userName"}, "An email address binds nobody"),
        ({"claim": "EMail"}, "An email address binds nobody"),
    ],
)
def test_settings_that_could_never_work_are_refused(
    database: Database, changes: dict[str, str], why: str
) -> None:
    """Each says what to change, and nothing is kept."""
    entra = house.provider(database)

    with pytest.raises(NotPossible, match=why):
        _configured(entra, **changes)

    assert sso.settings_of(database.reader(), entra.connection.id) is None


def test_settings_that_are_changed_are_off_again(database: Database) -> None:
    """Another issuer is not trusted before a person has looked at it."""
    entra = house.provider(database)
    _configured(entra)
    _switch_on(entra)

    _configured(entra, client_id="another")

    assert sso.offered(database.reader()) == []


def test_a_glance_counts_the_newest_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are many only they are looked at, and it is said; else everybody."""
    entra = house.provider(database)
    for number, external in enumerate(("nick", _oid(1), "nack", _oid(3))):
        entra.post(person(f"person{number}@contoso.com", externalId=external))
    _configured(entra)
    settings = sso.settings_of(database.reader(), entra.connection.id)
    assert settings is not None

    def glance() -> Match:
        return sign_in.glance(database.reader(), entra.connection, settings)

    whole = glance()
    monkeypatch.setattr(sign_in, "NEWEST", 3)
    part = glance()
    monkeypatch.setattr(sign_in, "NEWEST", 4)

    assert (whole, glance()) == (Match(4, 2), Match(4, 2))
    assert part == Match(3, 1, is_part=True)
    assert "1 of the newest 3 people is no GUID" in sign_in.advice(
        part, entra.connection
    )
    assert _match(entra) == Match(4, 2)

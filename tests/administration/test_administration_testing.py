"""The connection that a test goes through: made once, rehearsing, and retired after it."""

from __future__ import annotations

import pytest

from scim_connector.accounts import Act
from scim_connector.administration import connections as doors
from scim_connector.administration import testing
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, credentials, mapping_versions
from scim_connector.directory.connections import Connection
from scim_connector.directory.database import Database
from tests import rehearsals
from tests.house import Provider, operator, person, provider
from tests.rehearsals import digest

PEPPER = b"p" * 32


def _begin(of: Provider, act: Act | None = None) -> Connection:
    connection = connections.required(of.database.reader(), of.connection.id)
    tested, _ = of.database.write(
        lambda tx: testing.begin(tx, connection, pepper=PEPPER, act=act or operator())
    )
    return tested


def _end(of: Provider, tested: Connection) -> None:
    of.database.write(lambda tx: testing.end(tx, tested, operator()))


def test_what_is_sent_through_it_touches_nobody(database: Database) -> None:
    """It answers as the tested one would, and no user, mail or role comes of it."""
    entra = provider(database)
    before = digest(database)

    tested = Provider(database, _begin(entra))
    made = tested.post(person("kim.doe@contoso.com"))
    tested.delete(str(made.id))
    _end(entra, tested.connection)

    assert tested.connection.is_rehearsing
    assert digest(database) == before


def test_it_is_as_the_tested_one_is(database: Database) -> None:
    """Kind, mapping, strictness and compatibility; the next test sees what changed."""
    entra = provider(database, strict=True, quirks_off=("string-boolean",))
    first = _begin(entra)
    _end(entra, first)
    text = mapping_versions.applied(database.reader(), first.id)
    assert text is not None
    changed = f"{text.text}\n# changed\n"
    entra.set(strict=False, quirks_off=())
    database.write(
        lambda tx: mapping_versions.apply(
            tx, entra.connection.id, text=changed, file_name="n.toml", by="x", now=1
        )
    )

    second = _begin(entra)

    assert (first.kind, first.strict, first.quirks_off) == (
        "entra",
        True,
        ("string-boolean",),
    )
    assert (second.id, second.strict, second.quirks_off) == (first.id, False, ())
    applied = mapping_versions.applied(database.reader(), second.id)
    assert applied is not None
    assert applied.text == changed


def test_it_is_over_when_it_is_over(database: Database) -> None:
    """The connection is retired and its token dead; one of it stays, however often."""
    entra = provider(database)
    for _ in range(3):
        act = operator()
        tested = _begin(entra, act)
        (live,) = [
            each
            for each in credentials.of_connection(database.reader(), tested.id)
            if each.state_at(act.now) == "live"
        ]
        assert live.expires_at == act.now + testing.LASTS
        _end(entra, tested)

    reader = database.reader()
    assert [each.state for each in connections.every(reader)] == ["live", "retired"]
    held = credentials.of_connection(reader, tested.id)
    assert {each.state_at(act.now) for each in held} == {"revoked"}


def test_two_tests_at_once_are_refused(database: Database) -> None:
    """The second waits for the first, or for ten minutes if nobody ended that."""
    entra = provider(database)
    act = operator()
    tested = _begin(entra, act)

    with pytest.raises(NotPossible, match="under way already"):
        _begin(entra)
    late = Act(act.actor, act.now + testing.LASTS)

    assert _begin(entra, late).id == tested.id


def test_a_connection_of_somebody_is_not_taken(database: Database) -> None:
    """One of that name that manages people stays as it is."""
    entra = provider(database)
    own = provider(database, "entra (test)")
    own.post(person("kim.doe@contoso.com"))

    with pytest.raises(NotPossible, match="manages people"):
        _begin(entra)

    assert connections.required(database.reader(), own.connection.id).state == "live"


def test_a_rehearsing_connection_is_tested_too_and_a_retired_one_not(
    database: Database,
) -> None:
    """Whoever waits in a rehearsal is not met by a test; what is retired has no caller."""
    entra = rehearsals.rehearsing(database)
    entra.post(person("kim.doe@contoso.com"))

    tested = Provider(database, _begin(entra))
    tested.post(person("kim.doe@contoso.com"))
    _end(entra, tested.connection)
    assert entra.search_total() == 1

    database.write(lambda tx: doors.retire(tx, entra.connection, operator()))
    with pytest.raises(NotPossible, match="is retired"):
        _begin(entra)

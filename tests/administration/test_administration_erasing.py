"""Erasing a person: nothing tells of them any more, and everything still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import select

from scim_connector.accounts import Account, Act
from scim_connector.accounts.drafting import draft_of
from scim_connector.administration import erasing, guard, naming
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.directory import (
    async_requests,
    audit,
    conflicts,
    counters,
    erasure,
    links,
    receipts,
    request_log,
    seals,
    sso,
    tables,
    upgrade,
    users,
)
from scim_connector.directory.async_requests import Asked
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.erasure import Traces
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import metadata, sessions
from scim_connector.directory.users import User
from scim_connector.provisioning import SearchQuery
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated, Taken, check
from scim_connector.scim.errors import ScimError
from tests import access as rows
from tests.access import put
from tests.house import Provider, asked_later, now, operator, patch_of, person, provider

NAME = "annemarie.zebrawood@contoso.com"
WORDS = ("annemarie", "zebrawood")
ANNEMARIE = person(
    NAME,
    externalId="zebrawood-0001",
    displayName="Annemarie Zebrawood",
    name={"givenName": "Annemarie", "familyName": "Zebrawood"},
)


def _everything(database: Database) -> Iterator[str]:
    """Every row of every table, in small letters, with the name of the table."""
    reader = database.reader()
    for name, table in metadata.tables.items():
        for row in reader.rows(Statement(select(table))):
            yield f"{name}: {row}".lower()


def _left(database: Database) -> list[str]:
    """The rows that still tell of Annemarie Zebrawood."""
    return [row for row in _everything(database) if any(w in row for w in WORDS)]


def _refused(provider_: Provider, body: object) -> None:
    with pytest.raises((ScimError, RulesViolated)):
        provider_.post(body)  # type: ignore[arg-type]


def _a_life(entra: Provider) -> tuple[User, str]:
    """Somebody who leaves a trace in every table a person can be in."""
    database = entra.database
    link_id = entra.post(ANNEMARIE).id
    assert link_id is not None
    user = entra.user(link_id)
    other = entra.post(person("bo@contoso.com", name={"givenName": "Bo"})).id
    assert other is not None
    entra.patch(link_id, patch_of(displayName="Zebrawood, Annemarie"))
    entra.put(link_id, {**ANNEMARIE, "nickName": "Zebrawood"})
    _refused(entra, ANNEMARIE)
    group = entra.post_group("Zoo", link_id)
    entra.patch_group(
        group,
        {
            "op": "add",
            "path": "members",
            "value": [{"value": link_id, "display": "Annemarie Zebrawood"}],
        },
    )
    path = "/Users?filter=userName%20eq%20%22annemarie.zebrawood%40contoso.com%22"
    query = SearchQuery(filter=f'userName eq "{NAME}"')
    entra.service.search(entra.call("GET", path), query)
    entra.gatherer.flush()

    def lives(tx: object) -> None:
        me = Act(Actor.console(user.username, user.id, is_administrator=True), now())
        put(tx, sessions, **rows.session(user, network="198.51.100.7"))  # type: ignore[arg-type]
        sso.bind(
            tx,  # type: ignore[arg-type]
            "https://login.example",
            "zebrawood-subject",
            user_id=user.id,
            connection_id=entra.connection.id,
            now=now(),
        )
        account = Account.open(tx, entra.user(other).id, me)  # type: ignore[arg-type]
        account.deactivate(hold=True)
        account.save()
        conflicts.ask(
            tx,  # type: ignore[arg-type]
            connection_id=entra.connection.id,
            kind="possible_duplicate",
            identity="somebody@contoso.com",
            detail=f"somebody may be the same person as {user.username}.",
            now=now(),
        )
        kinds = ["deactivations"]
        guard.approve(tx, entra.connection, kinds, me)  # type: ignore[arg-type]

    database.write(lives)
    applications_act = Act(
        Actor.console(user.username, user.id, is_administrator=True), now()
    )
    database.write(
        lambda tx: doors.edit(
            tx,
            users.required(tx, user.id),
            {"email": "a.zebrawood@contoso.com", "initials": "QZ"},
            applications_act,
            override=True,
        )
    )
    entra.delete(link_id)
    return users.required(database.reader(), user.id), link_id


def _seal(database: Database) -> None:
    seals.seal(database, now=now())


def test_nothing_tells_of_who_was_erased(database: Database) -> None:
    """The whole database is looked through; audit, counts and keys still hold."""
    entra = provider(database, mapping=None)
    user, _ = _a_life(entra)
    _seal(database)
    before = {row.partition(":")[0] for row in _left(database)}
    assert before >= {
        *("users", "links", "link_emails", "request_log", "audit_personal"),
        *("receipts", "conflicts", "outbox", "sso_identities", "mass_changes"),
    }

    done = erasing.erase(database, user.username, operator())
    _seal(database)

    assert _left(database) == []
    assert list(seals.findings(database.reader())) == []
    assert counters.wrong(database.reader()) == []
    assert upgrade.damage(database) == []
    assert (done.id, done.username) == (user.id, f"erased-{user.id}")
    assert (done.first_name, done.last_name, done.active) == ("", "", False)
    assert done.created_at == user.created_at


def test_the_neutral_values_keep_the_rules(database: Database) -> None:
    """Nobody has them, and each is valid (R1 to R7); two erased ones differ."""
    taken_name = NewUser("x@contoso.com", username="erased-1", initials="~1")
    database.write(lambda tx: doors.add(tx, taken_name, operator()))
    made = [_gone(database, f"p{n}@contoso.com") for n in range(3)]

    for each in made:
        assert check(draft_of(each, {}), Taken()) == ()
    assert len({each.initials for each in made} | {"~1"}) == 4
    assert len({each.username for each in made} | {"erased-1"}) == 4


def _gone(database: Database, email: str, **more: str) -> User:
    """Somebody local who was added, deactivated and erased."""
    user = database.write(lambda tx: doors.add(tx, NewUser(email, **more), operator()))
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    return erasing.erase(database, user.username, operator())


def test_what_they_were_called_is_given_to_nobody(database: Database) -> None:
    """Stated it is refused in the words of the rules, derived it moves on."""
    entra = provider(database)
    _gone(database, "kim.doe@contoso.com", first_name="Kim", last_name="Doe")
    reader = database.reader()

    with pytest.raises(RulesViolated) as refused:
        entra.post(person("kim.doe@contoso.com"))
    again = entra.post(person("kim.doe@contoso.com", emails=[{"value": "k@x.example"}]))

    said = "is given to nobody any more, after somebody who was erased (R5)"
    assert f'Email "kim.doe@contoso.com" {said}' in str(refused.value)
    assert "links them" not in str(refused.value.violations[0].message)
    made = entra.user(again.id or "")
    assert (made.username, made.initials) != ("kim.doe@contoso.com", "KD")
    shown = naming.candidates(reader, made)["username"].every
    assert "erased" in next(c.why for c in shown if c.value == "kim.doe@contoso.com")
    wanted = NewUser("other@contoso.com", username="kim.doe@contoso.com", initials="KD")
    with pytest.raises(RulesViolated, match=r"R2.*R7"):
        database.write(lambda tx: doors.add(tx, wanted, operator()))


def test_names_that_were_kept_are_erased_too(database: Database) -> None:
    """What a recompute kept for them for a while is kept from all for ever."""
    user = database.write(
        lambda tx: doors.add(
            tx, NewUser("kim@contoso.com", last_name="Doe"), operator()
        )
    )
    database.write(
        lambda tx: doors.edit(tx, user, {"username": "wholly.other"}, operator())
    )
    chosen = {"username": "kim@contoso.com"}
    database.write(
        lambda tx: naming.recompute(tx, users.required(tx, user.id), chosen, operator())
    )
    database.write(
        lambda tx: doors.deactivate(tx, users.required(tx, user.id), operator())
    )
    erasing.erase(database, "kim@contoso.com", operator())

    wanted = NewUser("new@contoso.com", username="wholly.other")
    with pytest.raises(RulesViolated, match="somebody who was erased"):
        database.write(lambda tx: doors.add(tx, wanted, operator()))


def test_only_who_is_inactive_and_unmanaged_is_erased(database: Database) -> None:
    """The refusal says what to do first, and the second erasure is none."""
    entra = provider(database)
    link_id = entra.post(person("kim@contoso.com")).id or ""
    user = entra.user(link_id)
    with pytest.raises(NotPossible, match="is active; deactivate them first"):
        erasing.erase(database, user.username, operator())
    entra.patch(link_id, patch_of(active=False))
    with pytest.raises(NotPossible, match="managed by connection entra: remove"):
        erasing.erase(database, user.username, operator())
    database.write(lambda tx: doors.unlink(tx, entra.user(link_id), operator()))

    done = erasing.erase(database, user.username, operator())

    with pytest.raises(NotPossible, match="was erased already"):
        erasing.erase(database, done.username, operator())


def test_who_was_erased_stays_so(database: Database) -> None:
    """No door changes them, and the provider's next POST is somebody new (R34)."""
    entra = provider(database)
    link_id = entra.post(ANNEMARIE).id or ""
    user = entra.user(link_id)
    entra.delete(link_id)
    done = erasing.erase(database, user.username, operator())

    with pytest.raises(RulesViolated, match="R34"):
        database.write(lambda tx: doors.reactivate(tx, done, operator()))
    for act in (
        lambda tx: doors.edit(tx, done, {"first_name": "A"}, operator()),
        lambda tx: doors.set_profile(tx, done, None, operator()),
        lambda tx: doors.link(tx, "entra", "a@b.example", done, operator()),
        lambda tx: naming.recompute(tx, done, {"initials": "AZ"}, operator()),
    ):
        with pytest.raises(NotPossible, match="was erased"):
            database.write(act)
    fresh = entra.post({**ANNEMARIE, "emails": [{"value": "new@contoso.com"}]})
    assert entra.user(fresh.id or "").id != user.id


def test_proof_and_dates_stay(database: Database) -> None:
    """The cut-off, how requests ended, and the order of events are there still."""
    entra = provider(database)
    user, link_id = _a_life(entra)
    (receipt,) = receipts.of_user(database.reader(), user.id)
    told = [(e.id, e.at, e.name) for e in audit.of_user(database.reader(), user.id)]

    done = erasing.erase(database, user.username, operator())

    (kept,) = receipts.of_user(database.reader(), user.id)
    assert replace(kept, username=receipt.username) == receipt
    assert kept.username == done.username
    events = audit.of_user(database.reader(), user.id)
    assert [(e.id, e.at, e.name) for e in events][: len(told)] == told
    assert (events[-1].name, events[-1].actor) == ("user:erased", "cli:ann")
    (created,) = [e for e in events if e.name == "user:created"]
    assert '"erased":true' in created.facts
    asked = request_log.newest(database.reader(), link_id=link_id)
    assert {e.action for e in asked} >= {"Create", "Update", "Delete"}
    assert all(e.request_body is e.response_body is e.identity is None for e in asked)
    assert '"state":"Passed"' in asked[-1].steps
    (hidden,) = links.ever_of_user(database.reader(), user.id)
    assert (hidden.id, hidden.hidden_at is None) == (link_id, False)


def test_what_they_did_is_told_by_their_neutral_name(database: Database) -> None:
    """Who held somebody inactive stays a user of this house, without a name."""
    entra = provider(database)
    user, _ = _a_life(entra)
    done = erasing.erase(database, user.username, operator())

    bo = users.by_email_key(database.reader(), "bo@contoso.com")
    assert bo is not None
    (held,) = [
        e for e in audit.of_user(database.reader(), bo.id) if e.name == "user:held"
    ]

    assert (bo.held_by, held.actor) == (done.username, f"console:{done.username}")


def test_a_word_counts_whole() -> None:
    """Somebody whose name begins the same, or another's address, is left alone."""
    traces = Traces(
        user_id=1,
        link_ids=(),
        identities=(),
        words=("kim.doe", "kim.doe@contoso.com"),
        names=("Kim Doe",),
        neutral="erased-1",
    )

    def become(text: str) -> str | None:
        return traces.neutral_in(text)

    assert become('"kim.doe@contoso.com"') == '"erased-1"'
    assert become("Linked by console:kim.doe; Kim Doe, KIM.DOE.") == (
        "Linked by console:erased-1; erased-1, erased-1."
    )
    assert become("?filter=x%20eq%20%22kim.doe%40contoso.com%22") == (
        "?filter=x%20eq%20%22erased-1%22"
    )
    for text in (
        *("kim.doering", "jo.kim.doe", "kim.doe@fabrikam.com", "Kim Doering"),
        *("xkim.doe@contoso.com", "kim.doe@contoso.com.au"),
    ):
        assert become(text) == text


def test_what_is_anothers_now_is_left(database: Database) -> None:
    """A former address that somebody else got since is theirs, in every text."""
    entra = provider(database)
    link_id = entra.post(ANNEMARIE).id or ""
    user = entra.user(link_id)
    database.write(
        lambda tx: doors.edit(
            tx,
            user,
            {"email": "moved@contoso.com", "username": "moved.away"},
            operator(),
            override=True,
        )
    )
    entra.delete(link_id)
    namesake = database.write(
        lambda tx: doors.add(tx, NewUser(NAME, username="another.one"), operator())
    )

    erasing.erase(database, "moved.away", operator())

    assert users.required(database.reader(), namesake.id).email == NAME
    (created, *_) = audit.of_user(database.reader(), namesake.id)
    assert NAME in created.facts
    assert list(seals.findings(database.reader())) == []


def test_events_about_others_are_named_by_the_erasure(database: Database) -> None:
    """A decision about somebody else that told of them is explained by its number."""
    entra = provider(database)
    user, _ = _a_life(entra)
    bo = users.by_email_key(database.reader(), "bo@contoso.com")
    assert bo is not None
    facts = {"conflict": 1, "identity": user.username, "done": f"not {user.username}"}
    event = Event("conflict:decided", facts)
    database.write(
        lambda tx: audit.record(
            tx, [event], at=now(), actor=Actor.operator("ann"), user_id=bo.id
        )
    )
    (number,) = [e.id for e in audit.newest(database.reader(), at_most=1)]
    _seal(database)

    erasing.erase(database, user.username, operator())
    _seal(database)

    (last,) = audit.newest_named(database.reader(), ["user:erased"], at_most=1)
    assert str(number) in last.facts
    assert list(seals.findings(database.reader())) == []
    assert _left(database) == []


def test_many_requests_are_looked_through_in_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However they lie, each is found once."""
    monkeypatch.setattr(erasure, "_REQUESTS", 2)
    monkeypatch.setattr(erasure, "BATCH", 2)
    entra = provider(database)
    user, _ = _a_life(entra)

    erasing.erase(database, user.username, operator())

    assert _left(database) == []


def test_results_that_may_tell_of_them_are_forgotten(database: Database) -> None:
    """Encrypted, so all of their connection go; what waits, and others', stays."""
    entra, other = provider(database, mapping=None), provider(database, name="other")
    user, _ = _a_life(entra)
    for connection in (entra.connection, other.connection):
        asked_later(database, connection.id, now())
    for first in async_requests.listed(database.reader(), at_most=9):
        database.write(partial(_done, asked=first))
    waits = asked_later(database, entra.connection.id, now())
    _seal(database)

    erasing.erase(database, user.username, operator())

    left = database.reader().rows(Statement(select(tables.async_requests.c.txn)))
    assert len(left) == 2
    assert (waits,) in left


def _done(tx: Transaction, *, asked: Asked) -> None:
    async_requests.done(tx, asked, now=now(), status=200, result="c2VhbGVk")

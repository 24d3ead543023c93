"""A rehearsal answers as a live connection would and touches nobody (decision 14)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select

from scim_connector.administration import connections as administration
from scim_connector.administration import shipped
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.directory import (
    conflicts,
    connections,
    counters,
    links,
    roles,
    sso,
    tables,
    users,
)
from scim_connector.directory.database import Database
from scim_connector.directory.sso import SignIn
from scim_connector.directory.statements import Statement
from scim_connector.directory.users import User
from scim_connector.mapping import language
from scim_connector.provisioning import SearchQuery, plans, rehearsal
from scim_connector.provisioning.rehearsal import NothingToCarryOut
from scim_connector.provisioning.verdicts import Forecast, Verdict
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import InvalidValue, NotFound, Unavailable, Uniqueness
from tests.house import (
    Provider,
    events_of,
    last_entry,
    now,
    operator,
    patch_of,
    person,
    provider,
    shown,
    topics,
)

_OF_A_USER = (
    tables.users,
    tables.assignments,
    tables.outbox,
    tables.sessions,
    tables.password_resets,
)
_AUDIT = Statement(
    select(tables.audit_events)
    .where(tables.audit_events.c.user_id.is_not(None))
    .order_by(tables.audit_events.c.id)
)


_TIED = f'{shipped.text("entra")}\n[roles.groups]\n"registrars" = "Registrar"\n'


def _digest(database: Database) -> str:
    """All that a rehearsal must leave alone, in a word."""
    reader = database.reader()
    found: list[Any] = [reader.rows(_AUDIT)]
    for table in _OF_A_USER:
        found.append(sorted(map(repr, reader.rows(Statement(select(table))))))
    return sha256(repr(found).encode()).hexdigest()


def _local(database: Database, email: str, **more: Any) -> User:
    new = NewUser(email=email, first_name="Bo", last_name="Local", mail=False, **more)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def _rehearsing(database: Database, **settings: Any) -> Provider:
    return provider(database, state="rehearsing", **settings)


def _look(entra: Provider) -> Forecast:
    return rehearsal.outcome(entra.database, entra.connection, now=now())


def _go_live(entra: Provider, **more: Any) -> Forecast:
    return rehearsal.go_live(entra.database, entra.connection, operator(), **more)


def _verdicts(entra: Provider) -> dict[str, Verdict]:
    return {v.identity: v for v in _look(entra).verdicts}


def _first_cycle(database: Database) -> tuple[Provider, dict[str, str]]:
    """Six people: two exist here, three are new, one is refused; ids by userName."""
    for name in ("ann", "ben"):
        _local(database, f"{name}@contoso.com")
    entra = _rehearsing(database, link_existing="email")
    ids = {
        name: str(entra.post(_sent(name, number)).id)
        for number, name in enumerate(("ann", "ben", "cat", "dan", "eve"))
    }
    with pytest.raises(RulesViolated):
        entra.post({**_sent("fay", 9), "emails": [{"value": "nothing"}]})
    return entra, ids


def _sent(name: str, number: int) -> dict[str, Any]:
    named = {"givenName": name.title(), "familyName": "Doe"}
    return person(f"{name}@contoso.com", externalId=f"e{number}", name=named)


# ------------------------------------------------------------------------ first cycle


def test_a_first_cycle_touches_nobody(database: Database) -> None:
    """Six people in rehearsal: users, roles, audit, mail, sessions stay as they were."""
    for name in ("ann", "ben"):
        _local(database, f"{name}@contoso.com")
    before = _digest(database)
    entra = _rehearsing(database, link_existing="email")

    made = entra.post(_sent("ann", 1))
    entra.post(_sent("cat", 2))
    with pytest.raises(RulesViolated):
        entra.post({**_sent("fay", 9), "emails": [{"value": "nothing"}]})
    entra.patch(str(made.id), patch_of(title="Dean"))
    entra.put(str(made.id), _sent("ann", 1))
    entra.patch(str(made.id), patch_of(active=False))
    entra.delete(str(made.id))
    _look(entra)

    assert _digest(database) == before
    assert counters.wrong(database.reader()) == []


def test_the_verdicts_say_what_going_live_would_do(database: Database) -> None:
    """Would link (to whom, why), would create (the fields), would refuse (why, fix)."""
    entra, ids = _first_cycle(database)
    ben = users.by_email_key(database.reader(), "ben@contoso.com")
    assert ben is not None

    result = _look(entra)

    found = {v.identity.partition("@")[0]: v for v in result.verdicts}
    assert result.counts == {"would link": 2, "would create": 3}
    assert (found["ben"].user_id, found["ben"].link_id) == (ben.id, ids["ben"])
    assert "the email address is equal" in found["ben"].why
    assert (found["cat"].username, found["cat"].email) == (
        "cat@contoso.com",
        "cat@contoso.com",
    )
    assert found["cat"].initials
    (refused,) = result.unanswered
    assert (refused.outcome, refused.reason) == ("would refuse", "email_invalid")
    assert "not valid" in refused.detail
    assert "mail attribute" in refused.fix
    assert result.unmatched == []
    assert result.mails == {"mail:welcome": 3, "mail:managed-now": 2}


def test_newcomers_are_judged_together(database: Database) -> None:
    """Two of one name get different usernames and initials, as a live cycle gives."""
    entra = _rehearsing(database)
    for number in range(2):
        entra.post(person(f"kim{number}@contoso.com", displayName=f"Kim {number}"))

    first, second = _look(entra).verdicts

    assert first.username != second.username
    assert first.initials != second.initials


def test_an_email_of_another_newcomer_is_refused_at_once(database: Database) -> None:
    """The second of one address is 409 with the sentence of a live connection."""
    live = provider(database, "live")
    live.post(person("a@contoso.com"))
    with pytest.raises(RulesViolated) as refused:
        live.post(person("b@contoso.com", emails=[{"value": "a@contoso.com"}]))
    entra = _rehearsing(database, name="entra")
    entra.post(person("c@contoso.com"))

    with pytest.raises(RulesViolated) as rehearsed:
        entra.post(person("d@contoso.com", emails=[{"value": "C@contoso.com"}]))

    assert rehearsed.value.status == 409
    assert rehearsed.value.detail == refused.value.detail.replace("a@", "C@")


def test_the_answers_are_those_of_a_live_connection(database: Database) -> None:
    """201 with id and ETag, GET the same, lists and counts, as on a live one."""
    entra = _rehearsing(database)

    made = entra.post(_sent("cat", 1))
    found = entra.service.search(
        entra.call("GET", "/Users"), SearchQuery('userName eq "CAT@contoso.com"')
    )

    assert (made.status, made.version) == (201, 1)
    assert entra.get(str(made.id)) == shown(made)
    assert (found.total, entra.search_total()) == (1, 1)
    assert counters.totals(database.reader(), entra.connection.id) == (1, 1)


@pytest.mark.parametrize("state", ["live", "rehearsing"])
def test_a_live_user_name_is_taken_in_a_rehearsal_too(
    database: Database, state: str
) -> None:
    """The same 409 in both states, and the re-post of an inactive one restores it."""
    entra = provider(database, state=state)
    made = entra.post(person("kim@contoso.com", externalId="1"))

    with pytest.raises(Uniqueness, match="already in use by an active user"):
        entra.post(person("KIM@contoso.com"))
    entra.patch(str(made.id), patch_of(active=False))
    with pytest.raises(Uniqueness, match="inactive: set active=true on it"):
        entra.post(person("kim@contoso.com", externalId="2"))
    again = entra.post(person("kim@contoso.com", externalId="1", title="Dean"))

    assert (again.status, again.id) == (201, made.id)
    assert shown(again)["active"] is True
    assert shown(again)["title"] == "Dean"


@pytest.mark.parametrize("state", ["live", "rehearsing"])
def test_updates_are_judged_as_on_a_live_connection(
    database: Database, state: str
) -> None:
    """A bad email is 400, the same request with active=false is stored (D27)."""
    entra = provider(database, state=state)
    link_id = str(entra.post(person("kim@contoso.com")).id)
    entra.post(person("bo@contoso.com"))
    bad = [{"type": "work", "value": "nothing"}]

    with pytest.raises(RulesViolated) as refused:
        entra.patch(link_id, patch_of(emails=bad))
    with pytest.raises(RulesViolated, match="taken by an active user"):
        entra.patch(link_id, patch_of(emails=[{"value": "bo@contoso.com"}]))
    with pytest.raises(Uniqueness):
        entra.patch(link_id, patch_of(userName="BO@contoso.com"))
    stored = shown(entra.patch(link_id, patch_of(emails=bad, active=False)))

    assert refused.value.status == 400
    assert (stored["active"], stored["emails"][0]["value"]) == (False, "nothing")
    assert last_entry(entra).outcome == "Warning"


@pytest.mark.parametrize("state", ["live", "rehearsing"])
def test_versions_rise_as_on_a_live_connection(database: Database, state: str) -> None:
    """A change raises the version once, a request that changes nothing does not."""
    entra = provider(database, state=state)
    link_id = str(entra.post(person("kim@contoso.com")).id)

    changed = entra.patch(link_id, patch_of(title="Dean"))
    same = entra.patch(link_id, patch_of(title="Dean"))
    off = entra.patch(link_id, patch_of(active=False))

    assert (changed.version, same.version, off.version) == (2, 2, 3)


@pytest.mark.parametrize("state", ["live", "rehearsing"])
def test_what_the_mapping_refuses_is_refused(database: Database, state: str) -> None:
    """A refusal of the mapping is 400 with its sentence, in both states."""
    entra = provider(database, state=state)

    with pytest.raises(InvalidValue, match="Classic"):
        entra.post(person("kim@contoso.com", userType="Teacher"))


def test_a_deactivation_cuts_nothing(database: Database) -> None:
    """active=false of whom it would link: 200, and the person stays active."""
    user = _local(database, "kim@contoso.com")
    entra = _rehearsing(database, link_existing="email")
    link_id = str(entra.post(person("kim@contoso.com")).id)

    answer = shown(entra.patch(link_id, patch_of(active=False)))

    assert answer["active"] is False
    assert users.required(database.reader(), user.id).active
    entry = last_entry(entra)
    assert (entry.action, entry.user_id) == ("Disable", None)
    assert (entry.outcome, entry.reason) == ("Success", "rehearsal")
    assert "Rehearsal: cuts nothing." in entry.steps
    assert "and deactivate them" in entry.steps


def test_every_line_of_the_log_says_that_it_is_a_rehearsal(
    database: Database,
) -> None:
    """Changes, reads and refusals: nothing is carried out."""
    entra = _rehearsing(database)
    said = []

    link_id = str(entra.post(person("kim@contoso.com")).id)
    said.append(last_entry(entra).steps)
    entra.get(link_id)
    said.append(last_entry(entra).steps)
    with pytest.raises(Uniqueness):
        entra.post(person("kim@contoso.com"))
    said.append(last_entry(entra).steps)
    entra.delete(link_id)
    said.append(last_entry(entra).steps)

    assert all("Rehearsal: nothing is carried out." in steps for steps in said)
    assert "Rehearsal: Going live would create kim@contoso.com" in said[0]
    assert "Rehearsal: cuts nothing." in said[3]


def test_a_deleted_identity_is_gone_and_its_name_free(database: Database) -> None:
    """DELETE answers 204, then 404, and a POST of the name is new."""
    entra = _rehearsing(database)
    first = str(entra.post(person("kim@contoso.com")).id)

    entra.delete(first)
    second = entra.post(person("kim@contoso.com"))

    with pytest.raises(NotFound):
        entra.get(first)
    assert second.id != first
    assert _go_live(entra).counts == {"would create": 1}


# ---------------------------------------------------------------------------- refusals


def test_a_refused_identity_waits_for_a_decision(database: Database) -> None:
    """It is one entry of the queue; after user link the retry is stored, to link."""
    user = _local(database, "kim@contoso.com")
    entra = _rehearsing(database)
    for _ in range(2):
        with pytest.raises(RulesViolated):
            entra.post(person("kim@contoso.com"))
    (entry,) = conflicts.every(database.reader())
    (before,) = _look(entra).verdicts

    database.write(
        lambda tx: doors.link(tx, "entra", "kim@contoso.com", user, operator())
    )
    (decided,) = _look(entra).verdicts
    made = entra.post(person("kim@contoso.com"))
    (after,) = _look(entra).verdicts

    assert (entry.kind, entry.times, entry.user_id) == ("email_taken", 2, user.id)
    assert (before.outcome, before.answered) == ("would refuse", False)
    assert (decided.outcome, decided.answered) == ("would link", False)
    assert (after.outcome, after.link_id) == ("would link", made.id)
    _go_live(entra)
    assert entra.user(str(made.id)).id == user.id
    assert conflicts.every(database.reader()) == []


def test_the_stored_verdicts_are_read_without_judging(database: Database) -> None:
    """What was judged when it came is listed in order, refused requests last."""
    entra, ids = _first_cycle(database)

    found = rehearsal.stored(database.reader(), entra.connection)

    assert [v.link_id for v in found] == [*ids.values(), None]
    assert [v.outcome for v in found][-2:] == ["would create", "would refuse"]
    assert rehearsal.waiting(database.reader(), entra.connection) == 5


def test_a_refused_request_is_forgotten_when_it_succeeds(database: Database) -> None:
    """The same userName, sent well, is listed once: as it is stored now."""
    entra = _rehearsing(database)
    with pytest.raises(RulesViolated):
        entra.post(person("kim@contoso.com", emails=[{"value": "nothing"}]))

    made = entra.post(person("kim@contoso.com"))

    (only,) = rehearsal.stored(database.reader(), entra.connection)
    assert (only.link_id, only.answered) == (made.id, True)


# ----------------------------------------------------------------------------- go live


def test_going_live_keeps_ids_and_resources(database: Database) -> None:
    """Users under the same SCIM ids; what the provider reads is equal to the letter."""
    entra, ids = _first_cycle(database)
    before = {name: entra.get(link_id) for name, link_id in ids.items()}
    for resource in before.values():
        assert "local" not in str(resource)

    done = _go_live(entra)

    assert done.counts == {"would link": 2, "would create": 3}
    for name, link_id in ids.items():
        after = entra.get(link_id)
        became = after.pop(
            "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
        )
        assert after == before[name]
        assert became["local"]["username"] == entra.user(link_id).username
    state = connections.required(database.reader(), entra.connection.id).state
    assert state == "live"
    assert counters.wrong(database.reader()) == []


def test_going_live_is_what_a_live_connection_would_have_done(
    database: Database,
) -> None:
    """New people are created by the mapping and mailed, existing ones only linked."""
    entra, ids = _first_cycle(database)
    ann = users.by_email_key(database.reader(), "ann@contoso.com")
    assert ann is not None

    _go_live(entra)

    linked, made = entra.user(ids["ann"]), entra.user(ids["cat"])
    assert (linked.id, linked.username) == (ann.id, ann.username)
    assert "user:adopted" in events_of(database, linked.id)
    assert (made.username, made.email_trusted) == ("cat@contoso.com", False)
    assert sorted(topics(database)) == ["mail:managed-now"] * 2 + ["mail:welcome"] * 3
    entra.patch(ids["cat"], patch_of(active=False))
    assert not entra.user(ids["cat"]).active


def test_the_foreseen_mails_are_those_that_wait(database: Database) -> None:
    """With password_mail off no password link is foreseen, and none is queued."""
    entra = _rehearsing(database, password_mail=False)
    entra.post(person("kim@contoso.com"))

    foreseen = _look(entra).mails
    _go_live(entra)

    assert (foreseen, topics(database)) == ({}, [])


def test_who_was_deactivated_in_the_rehearsal_is_inactive_then(
    database: Database,
) -> None:
    """Linking with active=false deactivates (D11); a newcomer is created inactive."""
    user = _local(database, "kim@contoso.com")
    entra = _rehearsing(database, link_existing="email")
    kim = str(entra.post(person("kim@contoso.com")).id)
    bo = str(entra.post(person("bo@contoso.com")).id)
    for link_id in (kim, bo):
        entra.patch(link_id, patch_of(active=False))
    before = entra.get(kim)["meta"]

    _go_live(entra)

    assert not users.required(database.reader(), user.id).active
    assert "user:deactivated" in events_of(database, user.id)
    assert not entra.user(bo).active
    assert "mail:welcome" not in topics(database)
    assert entra.get(kim)["meta"] == before


class _Cancelled(Exception):
    pass


def test_a_cancelled_go_live_leaves_everything_as_it_was(database: Database) -> None:
    """Raised in the middle, nobody is created and the connection goes on rehearsing."""
    entra, ids = _first_cycle(database)
    before, looked = _digest(database), _look(entra)
    done: list[int] = []

    def cancel(count: int) -> None:
        done.append(count)
        if len(done) == 3:
            raise _Cancelled

    with pytest.raises(_Cancelled):
        _go_live(entra, progress=cancel)

    assert _digest(database) == before
    assert _look(entra).verdicts == looked.verdicts
    state = connections.required(database.reader(), entra.connection.id).state
    assert state == "rehearsing"
    assert _go_live(entra).counts.total() == len(ids)


def _refused_at_go_live(database: Database) -> tuple[Provider, str]:
    """Somebody took the address between the rehearsal and its end."""
    entra = _rehearsing(database)
    link_id = str(entra.post(person("kim@contoso.com")).id)
    _local(database, "kim@contoso.com")
    assert _go_live(entra).counts == {"would refuse": 1}
    return entra, link_id


def test_who_is_refused_stays_under_the_id_with_the_reason(database: Database) -> None:
    """Nobody is created for them; they are listed, in the queue, and still answered."""
    entra, link_id = _refused_at_go_live(database)

    (listed,) = rehearsal.stored(database.reader(), entra.connection)
    (entry,) = conflicts.every(database.reader())

    assert (listed.outcome, listed.link_id) == ("would refuse", link_id)
    assert "taken by an active user" in listed.detail
    assert entry.kind == "email_taken"
    assert entra.get(link_id)["active"] is True
    assert counters.wrong(database.reader()) == []


def _by_patch(entra: Provider, link_id: str) -> None:
    entra.patch(link_id, patch_of(emails=[{"value": "kim.doe@contoso.com"}]))


def _by_put(entra: Provider, link_id: str) -> None:
    email = [{"value": "kim.doe@contoso.com"}]
    entra.put(link_id, person("kim@contoso.com", emails=email))


def _by_post(entra: Provider, link_id: str) -> None:
    email = [{"value": "kim.doe@contoso.com"}]
    made = entra.post(person("kim@contoso.com", emails=email))
    assert made.id == link_id


@pytest.mark.parametrize("retry", [_by_patch, _by_put, _by_post])
def test_the_next_request_for_a_refused_one_succeeds(
    database: Database, retry: Callable[[Provider, str], None]
) -> None:
    """Corrected at the provider, its next request creates them under the same id."""
    entra, link_id = _refused_at_go_live(database)
    with pytest.raises(RulesViolated):
        entra.patch(link_id, patch_of(title="Dean"))

    retry(entra, link_id)

    assert entra.user(link_id).email == "kim.doe@contoso.com"
    assert rehearsal.stored(database.reader(), entra.connection) == []
    assert counters.wrong(database.reader()) == []


def test_a_refused_one_is_carried_out_by_going_live_again(database: Database) -> None:
    """Decided by a person, the same job links them; then there is nothing left."""
    entra, link_id = _refused_at_go_live(database)
    user = users.by_email_key(database.reader(), "kim@contoso.com")
    assert user is not None
    database.write(
        lambda tx: doors.link(tx, "entra", "kim@contoso.com", user, operator())
    )

    done = _go_live(entra)

    assert done.counts == {"would link": 1}
    assert entra.user(link_id).id == user.id
    with pytest.raises(NothingToCarryOut, match="nobody of it waits"):
        _go_live(entra)


def test_a_refused_one_can_be_deactivated_and_removed(database: Database) -> None:
    """Neither is refused (D27), and the local user of the address stays active."""
    entra, link_id = _refused_at_go_live(database)

    off = shown(entra.patch(link_id, patch_of(active=False)))
    entra.delete(link_id)

    assert off["active"] is False
    with pytest.raises(NotFound):
        entra.get(link_id)
    assert users.by_email_key(database.reader(), "kim@contoso.com").active  # type: ignore[union-attr]
    assert counters.wrong(database.reader()) == []


def test_a_request_of_before_is_not_rehearsed_after(database: Database) -> None:
    """A call that was authenticated in the rehearsal is sent back once it is over."""
    entra = _rehearsing(database)
    late = entra.call("POST", "/Users", person("kim@contoso.com"))
    _go_live(entra)

    with pytest.raises(Unavailable, match="went live a moment ago"):
        entra.service.create(late)

    assert entra.search_total() == 0


# ------------------------------------------------------------------ groups, and others


def test_groups_of_a_rehearsal_give_their_roles_when_it_goes_live(
    database: Database,
) -> None:
    """Members are kept, nobody holds the role before, everybody does after."""
    database.write(lambda tx: roles.add(tx, "Registrar"))
    entra = _rehearsing(database, mapping=_TIED)
    kim = str(entra.post(person("kim@contoso.com")).id)
    before = _digest(database)
    group_id = entra.post_group("Registrars", kim)

    assert _digest(database) == before
    assert "Rehearsal" in last_entry(entra).steps
    assert entra.get(kim)["groups"][0]["value"] == group_id
    _go_live(entra)
    reader = database.reader()
    assert roles.names_held(reader, entra.user(kim).id) == ["Registrar"]
    assert entra.members(group_id) == [kim]


def test_a_mapping_is_applied_in_a_rehearsal(database: Database) -> None:
    """It changes the verdicts, and no user there is none of."""
    entra = _rehearsing(database)
    entra.post(person("kim@contoso.com"))
    new = language.load(_TIED, "entra.toml")
    done = plans.apply(database, entra.connection, new, operator())

    assert (done.people, _look(entra).counts) == (0, {"would create": 1})


def test_a_rehearsing_connection_is_not_paused(database: Database) -> None:
    """Paused and resumed it would be live: both are refused."""
    entra = _rehearsing(database)

    for move in (administration.pause, administration.resume):
        with pytest.raises(NotPossible, match="is rehearsing"):
            database.write(lambda tx, m=move: m(tx, entra.connection, operator()))  # type: ignore[misc]


@pytest.mark.parametrize("deactivate", [False, True])
def test_a_rehearsing_connection_is_retired(
    database: Database, deactivate: bool
) -> None:
    """Nobody is deactivated, and a later connection may take it over in vain."""
    user = _local(database, "kim@contoso.com")
    entra = _rehearsing(database, link_existing="email")
    entra.post(person("kim@contoso.com"))

    ended = database.write(
        lambda tx: administration.retire(
            tx, entra.connection, operator(), deactivate=deactivate
        )
    )
    new = provider(database, "new", takes_over=entra.connection.id)

    assert ended == 0
    assert users.required(database.reader(), user.id).active
    assert administration.managed(database.reader(), entra.connection) == set()
    with pytest.raises(RulesViolated):
        new.post(person("kim@contoso.com"))


def test_nobody_signs_in_through_a_rehearsal(database: Database) -> None:
    """Its provider is offered, and its identities stand for people, once it is live."""
    entra = _rehearsing(database)
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
    _go_live(entra)

    assert before == (0, [])
    assert standing() == (1, [entra.user(link_id).id])


def test_a_rehearsed_takeover_moves_nobody(database: Database) -> None:
    """The former connection keeps its people until the new one goes live."""
    old = provider(database, "old")
    old_id = str(old.post(person("kim@contoso.com")).id)
    user = old.user(old_id)
    entra = _rehearsing(database, takes_over=old.connection.id)

    new_id = str(entra.post(person("kim@contoso.com")).id)
    link = links.of_user(database.reader(), user.id)
    assert link is not None
    _go_live(entra)

    assert link.id == old_id
    assert entra.user(new_id).id == user.id
    with pytest.raises(NotFound):
        old.get(old_id)

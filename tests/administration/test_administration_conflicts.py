"""The conflict queue as a person works through it: every remedy, and what it leads to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scim_connector.administration import batches
from scim_connector.administration import conflicts as queue
from scim_connector.administration import users as doors
from scim_connector.administration.batches import Choice
from scim_connector.administration.conflicts import KINDS, Done, Query
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.directory import assignments, audit, conflicts, links, roles, users
from scim_connector.directory.database import Database
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import NotFound, ScimError, Uniqueness
from tests.house import (
    Provider,
    last_entry,
    local,
    operator,
    patch_of,
    person,
    provider,
    topics,
)

KIM = "kim.doe@contoso.com"


def _add(database: Database, email: str = KIM, **more: Any) -> users.User:
    new = NewUser(email=email, first_name="Bo", last_name="Local", mail=False, **more)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def _refused(provider_: Provider, body: dict[str, Any]) -> None:
    with pytest.raises((RulesViolated, ScimError)) as refusal:
        provider_.post(body)
    assert refusal.value.status == 409  # type: ignore[attr-defined]


def _waiting(database: Database, **narrowed: Any) -> list[queue.Listed]:
    return queue.listed(database.reader(), Query(**narrowed))


def _fitting(database: Database) -> list[str]:
    (waiting,) = _waiting(database)
    return [r.id for r in queue.fitting(database.reader(), waiting.entry)]


def _decide(database: Database, remedy: str, **values: str) -> Done:
    (waiting,) = _waiting(database)
    return database.write(
        lambda tx: queue.decide(tx, waiting.entry.id, remedy, values, operator())
    )


def _now(database: Database, user: users.User) -> users.User:
    return users.required(database.reader(), user.id)


# ------------------------------------------------------------------------- a taken email


def test_after_a_link_the_same_post_succeeds(database: Database) -> None:
    """Refused 409, linked, and the same POST is 201 for that user, without mail (D11)."""
    user, entra = _add(database, initials="XX"), provider(database)
    _refused(entra, person(KIM))
    fits = _fitting(database)

    done = _decide(database, "link")
    made = entra.post(person(KIM))

    assert fits == ["link", "change_email", "ignore"]
    assert done.sentence.startswith(f"{KIM}: linked to {user.username}")
    assert made.status == 201
    assert entra.user(str(made.id)).id == user.id
    assert entra.user(str(made.id)).initials == "XX"
    assert topics(database) == ["mail:managed-now"]
    assert _waiting(database) == []


def test_somebody_inactive_is_reactivated_and_linked(database: Database) -> None:
    """An inactive holder is active at once and linked by the next try (D11)."""
    user, entra = _add(database), provider(database, link_existing="email")
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    _refused(entra, person(KIM))
    fits = _fitting(database)

    _decide(database, "reactivate_and_link")
    back = _now(database, user).active
    made = entra.post(person(KIM))

    assert fits == ["reactivate_and_link", "change_email", "ignore"]
    assert back
    assert entra.user(str(made.id)).id == user.id


def test_another_person_gets_another_address(database: Database) -> None:
    """The local user has the new address, and the provider's next try creates (D11)."""
    user, entra = _add(database), provider(database)
    _refused(entra, person(KIM))

    _decide(database, "change_email", email="bo@contoso.com")
    made = entra.post(person(KIM))

    assert _now(database, user).email == "bo@contoso.com"
    assert entra.user(str(made.id)).id != user.id


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("", "needs the new email"),
        ("nothing", "is not valid"),
        ("ann@contoso.com", "taken by an active user"),
        (KIM.upper(), "the address that clashes"),
    ],
)
def test_an_address_that_solves_nothing_is_refused(
    database: Database, email: str, told: str
) -> None:
    """The rules refuse with their sentences, and the entry stays open (R4, R5)."""
    _add(database)
    _add(database, "ann@contoso.com", initials="AN")
    _refused(provider(database), person(KIM))

    with pytest.raises((NotPossible, RulesViolated), match=told):
        _decide(database, "change_email", email=email)

    assert len(_waiting(database)) == 1


def test_who_was_removed_comes_back_when_somebody_says_so(database: Database) -> None:
    """Another externalId meets 409; "same person" revives the same user (D12)."""
    entra = provider(database)
    made = entra.post(person(KIM, externalId="1"))
    user = entra.user(str(made.id))
    entra.delete(str(made.id))
    _refused(entra, person(KIM, externalId="2"))
    fits = _fitting(database)

    _decide(database, "same_person")
    back = entra.post(person(KIM, externalId="2"))

    assert fits == ["same_person", "other_person", "ignore"]
    assert back.id != made.id
    assert entra.user(str(back.id)).id == user.id
    assert _now(database, user).active


def test_another_person_than_the_removed_one(database: Database) -> None:
    """The one who left takes another address and stays inactive (D12)."""
    entra = provider(database)
    made = entra.post(person(KIM, externalId="1"))
    user = entra.user(str(made.id))
    entra.delete(str(made.id))
    _refused(entra, person(KIM, externalId="2"))

    _decide(database, "other_person", email="kim.old@contoso.com")
    new = entra.post(person(KIM, externalId="2"))

    kept = _now(database, user)
    assert (kept.active, kept.email) == (False, "kim.old@contoso.com")
    assert kept.username == user.username
    assert entra.user(str(new.id)).id != user.id


def test_a_username_that_matches_is_changed(database: Database) -> None:
    """Where people match by username, another person is given another one (D11)."""
    user = _add(database, "bo@contoso.com", username=KIM)
    entra = provider(database, link_existing="username")
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    _refused(entra, person(KIM))
    fits = _fitting(database)

    _decide(database, "change_username", username="bo.local")
    made = entra.post(person(KIM))

    assert fits == ["reactivate_and_link", "change_username", "ignore"]
    assert _now(database, user).username == "bo.local"
    assert local(made)["username"] == KIM


def test_a_user_of_another_provider_is_changed_there(database: Database) -> None:
    """Nobody linked elsewhere is linked again, or changed behind that provider (D11)."""
    provider(database, "other").post(person(KIM))
    entra = provider(database)
    _refused(entra, person(KIM))

    assert _fitting(database) == ["ignore"]
    with pytest.raises(NotPossible, match="is linked already; unlink them first"):
        _decide(database, "link")
    with pytest.raises(NotPossible, match="managed by a provider; change the address"):
        _decide(database, "change_email", email="k2@contoso.com")


# ---------------------------------------------------------------------- the other kinds


def test_a_duplicate_gives_way_to_the_old_user(database: Database) -> None:
    """The one made by mistake is inactive and unlinked; the next POST links (D11)."""
    old = _add(database, "other@contoso.com", username=KIM)
    entra = provider(database)
    made = entra.post(person(KIM))
    mistaken = entra.user(str(made.id))
    fits = _fitting(database)

    _decide(database, "unlink_and_link")
    with pytest.raises(NotFound):
        entra.get(str(made.id))
    again = entra.post(person(KIM))

    assert fits == ["unlink_and_link", "ignore"]
    assert not _now(database, mistaken).active
    assert entra.user(str(again.id)).id == old.id
    assert _now(database, old).email == "other@contoso.com"


def test_a_duplicate_renamed_since_is_linked_by_its_present_name(
    database: Database,
) -> None:
    """The decision is for the userName the next request brings (D11)."""
    old = _add(database, "other@contoso.com", username=KIM)
    entra = provider(database)
    made = entra.post(person(KIM))
    entra.patch(str(made.id), patch_of(userName="kim.ray@contoso.com"))

    _decide(database, "unlink_and_link")
    again = entra.post(person("kim.ray@contoso.com"))

    assert entra.user(str(again.id)).id == old.id


def test_roles_are_given_again(database: Database) -> None:
    """Who came back gets the roles held here before, once somebody approves (D12)."""
    entra = provider(database)
    database.write(lambda tx: roles.add(tx, "registrar"))
    made = entra.post(person(KIM, externalId="1"))
    user = entra.user(str(made.id))
    database.write(lambda tx: doors.give_role(tx, user, "registrar", operator()))
    entra.delete(str(made.id))
    entra.post(person(KIM, externalId="1"))

    done = _decide(database, "approve_roles")

    held = assignments.names_of_source(database.reader(), user.id, "console")
    assert list(held) == ["registrar"]
    assert "given again: registrar" in done.sentence


def test_a_decision_is_taken_back(database: Database) -> None:
    """The next try is judged as if nobody had decided."""
    _add(database)
    entra = provider(database)
    _refused(entra, person(KIM))
    _decide(database, "link")

    _decide(database, "withdraw")

    _refused(entra, person(KIM))


def test_an_ignored_entry_says_who_and_when(database: Database) -> None:
    """Nothing changes; a further try of the provider is an entry of its own."""
    _add(database)
    entra = provider(database)
    _refused(entra, person(KIM))

    _decide(database, "ignore")
    (closed,) = _waiting(database, is_open=False)
    _refused(entra, person(KIM))

    assert closed.entry.resolution == "ignored, by cli:ann"
    assert closed.entry.resolved_at is not None
    assert queue.fitting(database.reader(), closed.entry) == ()
    assert len(_waiting(database)) == 1


# ----------------------------------------------------------------- deciding, in general


def test_a_decision_is_audited_once_and_final(database: Database) -> None:
    """Audit tells who decided what; a closed entry is not decided again."""
    user = _add(database)
    _refused(provider(database), person(KIM))
    done = _decide(database, "link")

    with pytest.raises(NotPossible, match="closed already: linked to"):
        database.write(
            lambda tx: queue.decide(tx, done.entry.id, "ignore", {}, operator())
        )

    told = audit.newest_named(database.reader(), ["conflict:decided"], at_most=9)
    assert [(e.actor, e.user_id) for e in told] == [("cli:ann", user.id)]
    assert '"decision":"link"' in told[0].facts


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        ("approve_roles", "choose one of: link, reactivate_and_link, same_person"),
        ("same_person", "is active; link them instead"),
        ("other_person", "is active; link them instead"),
        ("reactivate_and_link", "is active; link them instead"),
    ],
)
def test_what_does_not_fit_says_what_does(
    database: Database, remedy: str, told: str
) -> None:
    """A remedy of another kind, or of another state of the user, is refused."""
    _add(database)
    _refused(provider(database), person(KIM))

    with pytest.raises(NotPossible, match=told):
        _decide(database, remedy, email="x@contoso.com")


def test_a_batch_leaves_out_what_cannot_be_done(database: Database) -> None:
    """Each line is done or says why not, and undoes nothing of the others."""
    entra = provider(database)
    for name in ("ann", "bob", "cem"):
        _add(database, f"{name}@contoso.com", initials=name[:2])
        _refused(entra, person(f"{name}@contoso.com"))
    ids = {e.entry.identity[:3]: e.entry.id for e in _waiting(database)}
    choices = [
        Choice(ids["ann"], "link", {}),
        Choice(ids["bob"], "change_email", {"email": "cem@contoso.com"}),
        Choice(ids["cem"], "ignore", {}),
        Choice(99, "link", {}),
    ]

    outcomes = database.write(lambda tx: batches.decide(tx, choices, operator()))

    assert [o.done is not None for o in outcomes] == [True, False, True, False]
    assert "taken by an active user" in (outcomes[1].why_not or "")
    assert "There is no entry 99" in (outcomes[3].why_not or "")
    kinds = {e.entry.identity[:3]: e.entry.kind for e in _waiting(database)}
    assert kinds == {"ann": "decided", "bob": "email_taken"}


# --------------------------------------------------------------------------------- lists


def test_a_list_names_connection_user_and_request(database: Database) -> None:
    """Also where the userName was sent in capitals, the refused request is found."""
    user, entra = _add(database), provider(database)
    _refused(entra, person(KIM.upper()))
    _refused(entra, person(KIM.upper()))
    refused = last_entry(entra).request_id

    (waiting,) = _waiting(database)

    assert (waiting.connection, waiting.user) == ("entra", user)
    assert (waiting.entry.times, waiting.request_id) == (2, refused)
    assert waiting == queue.shown(database.reader(), waiting.entry)
    assert waiting.kind is KINDS["email_taken"]


def test_a_list_is_walked_and_narrowed(database: Database) -> None:
    """Pages meet every entry once, the latest first; filters leave out the rest."""
    entra, okta = provider(database, "entra"), provider(database, "okta")
    for number in range(5):
        _add(database, f"p{number}@contoso.com", initials=f"P{number}")
        _refused(okta if number == 2 else entra, person(f"p{number}@contoso.com"))
    query, met = Query(at_most=2), []
    while page := queue.listed(database.reader(), query):
        met += [each.entry.identity[:2] for each in page]
        query = replace(query, after=page[-1].entry.place)
    at_okta = _waiting(database, connection_id=okta.connection.id)

    assert met == ["p4", "p3", "p2", "p1", "p0"]
    assert [each.entry.identity[:2] for each in at_okta] == ["p2"]
    assert _waiting(database, kind="decided") == []
    assert _waiting(database, is_open=False) == []
    assert len(_waiting(database, is_open=None)) == 5


def test_a_kind_nobody_knows_can_be_ignored(database: Database) -> None:
    """An entry of a later version is shown by its own words."""
    entra = provider(database)
    database.write(
        lambda tx: conflicts.ask(
            tx,
            connection_id=entra.connection.id,
            kind="strange",
            identity="x",
            detail="Something new.",
            now=1,
        )
    )
    (waiting,) = _waiting(database)

    assert (waiting.kind.sentence, waiting.request_id) == ("Something new.", None)
    assert _fitting(database) == ["ignore"]


def test_who_is_taken_over_is_reactivated_and_moved(database: Database) -> None:
    """An inactive user of the connection before is moved by the next try (D13)."""
    old = provider(database, "old")
    made = old.post(person(KIM))
    user = old.user(str(made.id))
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    new = provider(database, "new", takes_over=old.connection.id)
    with pytest.raises(Uniqueness):
        new.post(person(KIM))

    _decide(database, "reactivate_and_link")
    moved = new.post(person(KIM))

    link = links.of_user(database.reader(), user.id)
    assert link is not None
    assert (link.id, link.connection_id) == (moved.id, new.connection.id)

"""Who a POST is about: decisions 10 to 13, each sentence a test."""

from __future__ import annotations

import pytest

from scim_connector.administration import connections as administration
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.directory import conflicts, links, users
from scim_connector.directory.database import Database, Transaction
from scim_connector.rules.users import RulesViolated, UserType
from scim_connector.scim.errors import NotFound, Unavailable, Uniqueness
from tests.house import (
    events_of,
    last_entry,
    local,
    operator,
    patch_of,
    person,
    provider,
    shown,
    topics,
)


def _add(database: Database, email: str, **more: object) -> users.User:
    new = NewUser(email=email, first_name="Bo", last_name="Local", **more)  # type: ignore[arg-type]
    return database.write(lambda tx: doors.add(tx, new, operator()))


def test_a_live_user_name_is_a_conflict_in_any_case(database: Database) -> None:
    """A live link with the userName, folded, answers 409 uniqueness (D10 a)."""
    entra = provider(database)
    entra.post(person("kim.doe@contoso.com"))

    with pytest.raises(Uniqueness, match="already in use by an active user"):
        entra.post(person("KIM.DOE@contoso.com"))


def test_an_inactive_user_name_says_what_to_do(database: Database) -> None:
    """An inactive link of another externalId answers 409: set active=true (D10 a)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com", externalId="1"))
    entra.patch(str(made.id), patch_of(active=False))

    with pytest.raises(Uniqueness, match="inactive: set active=true on it"):
        entra.post(person("kim.doe@contoso.com", externalId="2"))


def test_an_inactive_user_of_the_same_external_id_is_restored(
    database: Database,
) -> None:
    """The same externalId, re-posted, is restored in place: 201, same id (D10 a)."""
    okta = provider(database)
    made = okta.post(person("kim.doe@contoso.com", externalId="00u1"))
    okta.patch(str(made.id), patch_of(active=False))

    again = okta.post(person("kim.doe@contoso.com", externalId="00u1", title="Dean"))

    assert (again.status, again.id) == (201, made.id)
    assert shown(again)["active"] is True
    assert shown(again)["title"] == "Dean"


def test_an_existing_user_is_never_adopted_by_default(database: Database) -> None:
    """With link_existing = never a clash is 409 and one entry in the queue (D11)."""
    _add(database, "kim.doe@contoso.com")
    entra = provider(database)

    for _ in range(2):
        with pytest.raises(RulesViolated) as refusal:
            entra.post(person("kim.doe@contoso.com"))

    assert refusal.value.status == 409
    (entry,) = conflicts.every(database.reader())
    assert (entry.kind, entry.times) == ("email_taken", 2)


def test_a_linked_conflict_succeeds_at_the_next_retry(database: Database) -> None:
    """An admin links there, and the provider's next retry succeeds with 201 (D11)."""
    user = _add(database, "kim.doe@contoso.com")
    entra = provider(database)
    with pytest.raises(RulesViolated):
        entra.post(person("kim.doe@contoso.com"))

    database.write(
        lambda tx: doors.link(tx, "entra", "Kim.Doe@contoso.com", user, operator())
    )
    made = entra.post(person("kim.doe@contoso.com"))

    assert made.status == 201
    assert entra.user(str(made.id)).id == user.id
    assert conflicts.every(database.reader()) == []


def test_one_user_is_not_decided_to_be_two_identities(database: Database) -> None:
    """A second decision is refused: the provider's try could not carry it out (D11)."""
    user = _add(database, "kim.doe@contoso.com")
    provider(database)
    act = operator()
    database.write(lambda tx: doors.link(tx, "entra", "a@contoso.com", user, act))
    database.write(lambda tx: doors.link(tx, "entra", "A@contoso.com", user, act))

    with pytest.raises(NotPossible, match="decided to be a@"):
        database.write(lambda tx: doors.link(tx, "entra", "b@contoso.com", user, act))


def test_an_administrator_is_not_decided_to_be_an_identity(database: Database) -> None:
    """Where the connection may not link one, nobody waits for its next try (D11)."""
    entra = provider(database)
    boss = _add(database, "kim.doe@contoso.com", roles=("Administrator",))

    def link(tx: Transaction) -> None:
        doors.link(tx, "entra", "kim.doe@contoso.com", boss, operator())

    with pytest.raises(NotPossible, match="take the role back, or allow"):
        database.write(link)
    entra.set(may_act_as_administrator=True)
    database.write(link)
    assert entra.user(str(entra.post(person("kim.doe@contoso.com")).id)).id == boss.id


def test_adoption_by_email_changes_no_local_field(database: Database) -> None:
    """Linking is not creation: local fields stay, no mail, sessions end (D11)."""
    user = _add(database, "kim.doe@contoso.com", initials="XX", mail=False)
    entra = provider(database, link_existing="email")

    made = entra.post(person("KIM.doe@contoso.com"))

    after = entra.user(str(made.id))
    assert (after.id, after.initials, after.username) == (user.id, "XX", user.username)
    assert topics(database) == ["mail:managed-now"]
    assert "user:adopted" in events_of(database, user.id)


def test_an_email_set_by_a_provider_does_not_count_for_adoption(
    database: Database,
) -> None:
    """Only an address set by an admin, an import or a confirmed mail counts (D11)."""
    other = provider(database, "other")
    made = other.post(person("kim.doe@contoso.com"))
    user = other.user(str(made.id))
    database.write(lambda tx: doors.unlink(tx, user, operator()))
    entra = provider(database, link_existing="email")

    with pytest.raises(RulesViolated):
        entra.post(person("kim.doe@contoso.com"))


def test_api_users_administrators_and_classic_users_are_not_adopted(
    database: Database,
) -> None:
    """Only an active administrative person is adopted, never the others (D11)."""
    entra = provider(database, link_existing="email")
    _add(database, "api@contoso.com", api_user=True, initials="AP")
    _add(database, "boss@contoso.com", roles=("Administrator",), initials="BO")
    _add(database, "tea@contoso.com", user_type=UserType.TEACHER, initials="TE")

    for name in ("api", "boss", "tea"):
        with pytest.raises(RulesViolated):
            entra.post(person(f"{name}@contoso.com"))


def test_an_inactive_holder_goes_to_the_queue(database: Database) -> None:
    """An inactive match is 409 and waits for a person (D11)."""
    user = _add(database, "kim.doe@contoso.com")
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    entra = provider(database, link_existing="email")

    with pytest.raises(Uniqueness, match="inactive local user"):
        entra.post(person("kim.doe@contoso.com"))

    assert [c.kind for c in conflicts.every(database.reader())] == ["inactive_match"]


def test_adoption_ends_with_its_date(database: Database) -> None:
    """After its end date link_existing adopts nobody (D11)."""
    _add(database, "kim.doe@contoso.com")
    entra = provider(database, link_existing="email", link_until=1)

    with pytest.raises(RulesViolated):
        entra.post(person("kim.doe@contoso.com"))


def test_a_wrong_link_can_be_undone(database: Database) -> None:
    """Unlinked, the user stays, unmanaged, and the old id answers 404 (D11)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com", externalId="1"))
    user = entra.user(str(made.id))

    database.write(lambda tx: doors.unlink(tx, user, operator()))

    with pytest.raises(NotFound):
        entra.get(str(made.id))
    assert users.required(database.reader(), user.id).active
    with pytest.raises(RulesViolated):  # and it is not matched again by itself
        entra.post(person("kim.doe@contoso.com", externalId="1"))


def test_a_username_that_moved_is_a_possible_duplicate(database: Database) -> None:
    """A derived username an unlinked user holds is a possible duplicate (D11)."""
    _add(database, "other@contoso.com", username="kim.doe@contoso.com")
    entra = provider(database)

    made = entra.post(person("kim.doe@contoso.com"))

    assert local(made)["username"] != "kim.doe@contoso.com"
    kinds = [c.kind for c in conflicts.every(database.reader())]
    assert kinds == ["possible_duplicate"]


# ------------------------------------------------------------------------- DELETE


def test_delete_hides_the_link_and_keeps_the_user(database: Database) -> None:
    """DELETE answers 204; the id is 404 for ever; the user stays, inactive (D12)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com", externalId="1"))
    user = entra.user(str(made.id))

    assert entra.delete(str(made.id)).status == 204

    with pytest.raises(NotFound):
        entra.get(str(made.id))
    with pytest.raises(NotFound):
        entra.delete(str(made.id))
    kept = users.required(database.reader(), user.id)
    assert not kept.active
    assert (kept.initials, kept.email) == (user.initials, user.email)


@pytest.mark.parametrize(
    ("external_id", "again"), [("1", "1"), (None, None), ("1", None)]
)
def test_the_same_person_is_revived_under_a_new_id(
    database: Database, external_id: str | None, again: str | None
) -> None:
    """The same externalId, or userName and name, revives the user, new id (D12)."""
    entra = provider(database)
    first = {"externalId": external_id} if external_id else {}
    second = {"externalId": again} if again else {}
    made = entra.post(person("kim.doe@contoso.com", **first))
    user = entra.user(str(made.id))
    entra.delete(str(made.id))

    back = entra.post(person("kim.doe@contoso.com", **second))

    assert back.id != made.id
    assert entra.user(str(back.id)).id == user.id
    assert "user:revived" in events_of(database, user.id)


def test_a_namesake_does_not_inherit_an_account(database: Database) -> None:
    """The same userName with another externalId or name is another person (D12)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com", externalId="1"))
    user = entra.user(str(made.id))
    entra.delete(str(made.id))

    with pytest.raises(RulesViolated) as refusal:  # the email is still hers
        entra.post(person("kim.doe@contoso.com", externalId="2"))
    other = entra.post(
        person(
            "kim.doe@contoso.com", externalId="2", emails=[{"value": "k2@contoso.com"}]
        )
    )

    assert refusal.value.status == 409
    assert entra.user(str(other.id)).id != user.id
    assert local(other)["username"] != user.username


def test_a_revival_is_a_fresh_start(database: Database) -> None:
    """No role returns; those given here wait for approval; the mail is new (D12)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com", externalId="1"))
    user = entra.user(str(made.id))
    database.write(lambda tx: doors.give_role(tx, user, "Administrator", operator()))
    other = _add(database, "boss@contoso.com", roles=("Administrator",))
    assert other.active
    entra.delete(str(made.id))

    back = entra.post(person("kim.doe@contoso.com", externalId="1"))

    assert entra.user(str(back.id)).password_hash is None
    (entry,) = conflicts.every(database.reader())
    assert (entry.kind, entry.detail) == ("roles_to_approve", "Had: Administrator.")
    assert topics(database).count("mail:welcome") == 3


# ---------------------------------------------------------------- changing provider


def test_a_paused_connection_serves_reads_and_deactivations(
    database: Database,
) -> None:
    """Paused: reads and deactivations are served, all else is 503 (D13)."""
    entra = provider(database)
    made = entra.post(person("kim.doe@contoso.com"))
    database.write(lambda tx: administration.pause(tx, entra.connection, operator()))

    with pytest.raises(Unavailable) as refusal:
        entra.patch(str(made.id), patch_of(title="Dean"))
    with pytest.raises(Unavailable):
        entra.post(person("other@contoso.com"))
    assert entra.get(str(made.id))["active"] is True
    done = entra.patch(str(made.id), patch_of(active=False))

    assert refusal.value.retry_after == 300
    assert shown(done)["active"] is False
    assert last_entry(entra).action == "Disable"


def test_a_new_connection_takes_the_people_over(database: Database) -> None:
    """Users of OLD count as adoptable; each takeover moves the link (D13)."""
    old = provider(database, "old")
    made = old.post(person("kim.doe@contoso.com"))
    user = old.user(str(made.id))
    database.write(lambda tx: administration.retire(tx, old.connection, operator()))
    new = provider(database, "new", takes_over=old.connection.id)

    moved = new.post(person("kim.doe@contoso.com"))

    assert users.required(database.reader(), user.id).active
    link = links.of_user(database.reader(), user.id)
    assert link is not None
    assert (link.id, link.connection_id) == (moved.id, new.connection.id)


def test_a_connection_sees_only_its_own(database: Database) -> None:
    """Another connection's id is 404, and nothing changes (D7)."""
    mine, other = provider(database, "mine"), provider(database, "other")
    made = other.post(person("kim.doe@contoso.com"))

    for act in (mine.get, mine.delete):
        with pytest.raises(NotFound):
            act(str(made.id))

    assert other.get(str(made.id))["active"] is True

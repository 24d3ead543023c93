"""A rehearsal answers as a live connection would and touches nobody (decision 14)."""

from __future__ import annotations

import pytest

from scim_connector.administration import users as doors
from scim_connector.directory import audit, conflicts, counters, users
from scim_connector.directory.database import Database
from scim_connector.provisioning import SearchQuery, rehearsal
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import InvalidValue, NotFound, Uniqueness
from tests.house import last_entry, operator, patch_of, person, provider, shown
from tests.rehearsals import (
    digest,
    first_cycle,
    go_live,
    local_user,
    look_at,
    rehearsing,
    sent,
    table,
)

# ------------------------------------------------------------------------ first cycle


def test_a_first_cycle_touches_nobody(database: Database) -> None:
    """Six people in rehearsal: users, roles, audit, mail, sessions stay as they were."""
    for name in ("ann", "ben"):
        local_user(database, f"{name}@contoso.com")
    before = digest(database)
    entra = rehearsing(database, link_existing="email")

    made = entra.post(sent("ann", 1))
    entra.post(sent("cat", 2))
    with pytest.raises(RulesViolated):
        entra.post({**sent("fay", 9), "emails": [{"value": "nothing"}]})
    entra.patch(str(made.id), patch_of(title="Dean"))
    entra.put(str(made.id), sent("ann", 1))
    entra.patch(str(made.id), patch_of(active=False))
    entra.delete(str(made.id))
    look_at(entra)

    assert digest(database) == before
    assert counters.wrong(database.reader()) == []


def test_the_verdicts_say_what_going_live_would_do(database: Database) -> None:
    """Would link (to whom, why), would create (the fields), would refuse (why, fix)."""
    entra, ids = first_cycle(database)
    ben = users.by_email_key(database.reader(), "ben@contoso.com")
    assert ben is not None

    result = look_at(entra)

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
    entra = rehearsing(database)
    for number in range(2):
        entra.post(person(f"kim{number}@contoso.com", displayName=f"Kim {number}"))

    first, second = look_at(entra).verdicts

    assert first.username != second.username
    assert first.initials != second.initials


def test_an_email_of_another_newcomer_is_refused_at_once(database: Database) -> None:
    """The second of one address is 409 with the sentence of a live connection."""
    live = provider(database, "live")
    live.post(person("a@contoso.com"))
    with pytest.raises(RulesViolated) as refused:
        live.post(person("b@contoso.com", emails=[{"value": "a@contoso.com"}]))
    entra = rehearsing(database, name="entra")
    entra.post(person("c@contoso.com"))

    with pytest.raises(RulesViolated) as again:
        entra.post(person("d@contoso.com", emails=[{"value": "C@contoso.com"}]))

    assert again.value.status == 409
    assert again.value.detail == refused.value.detail.replace("a@", "C@")


def test_the_answers_are_those_of_a_live_connection(database: Database) -> None:
    """201 with id and ETag, GET the same, lists and counts, as on a live one."""
    entra = rehearsing(database)

    made = entra.post(sent("cat", 1))
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
    user = local_user(database, "kim@contoso.com")
    entra = rehearsing(database, link_existing="email")
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
    entra = rehearsing(database)
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


def test_the_last_administrator_is_protected_without_an_alarm(
    database: Database,
) -> None:
    """To deactivate or remove them is 403 as on a live connection; nobody is alarmed."""
    may = {"link_existing": "email", "may_act_as_administrator": True}
    entra = rehearsing(database, **may)
    boss = local_user(database, "kim@contoso.com", roles=("Administrator",))
    link_id = str(entra.post(person("kim@contoso.com")).id)

    with pytest.raises(RulesViolated) as off:
        entra.patch(link_id, patch_of(active=False))
    with pytest.raises(RulesViolated) as gone:
        entra.delete(link_id)

    assert (off.value.status, gone.value.status) == (403, 403)
    assert entra.get(link_id)["active"] is True
    alarms = ["last_administrator:protected"]
    assert audit.newest_named(database.reader(), alarms, at_most=1) == []
    assert users.required(database.reader(), boss.id).active


def test_a_deleted_identity_is_gone_and_its_name_free(database: Database) -> None:
    """DELETE answers 204, then 404, and a POST of the name is new."""
    entra = rehearsing(database)
    first = str(entra.post(person("kim@contoso.com")).id)

    entra.delete(first)
    second = entra.post(person("kim@contoso.com"))

    with pytest.raises(NotFound):
        entra.get(first)
    assert second.id != first
    assert go_live(entra).counts == {"would create": 1}


# ---------------------------------------------------------------------------- refusals


def test_a_refused_identity_waits_for_a_decision(database: Database) -> None:
    """It is one entry of the queue; after user link the retry is stored, to link."""
    user = local_user(database, "kim@contoso.com")
    entra = rehearsing(database)
    for _ in range(2):
        with pytest.raises(RulesViolated):
            entra.post(person("kim@contoso.com"))
    (entry,) = conflicts.every(database.reader())
    (before,) = look_at(entra).verdicts

    database.write(
        lambda tx: doors.link(tx, "entra", "kim@contoso.com", user, operator())
    )
    (decided,) = look_at(entra).verdicts
    made = entra.post(person("kim@contoso.com"))
    (after,) = look_at(entra).verdicts

    assert (entry.kind, entry.times, entry.user_id) == ("email_taken", 2, user.id)
    assert (before.outcome, before.answered) == ("would refuse", False)
    assert (decided.outcome, decided.answered) == ("would link", False)
    assert (after.outcome, after.link_id) == ("would link", made.id)
    go_live(entra)
    assert entra.user(str(made.id)).id == user.id
    assert conflicts.every(database.reader()) == []


def test_the_stored_verdicts_are_read_without_judging(database: Database) -> None:
    """What was judged when it came is listed in order, refused requests last."""
    entra, ids = first_cycle(database)

    found = table(entra)

    assert [v.link_id for v in found] == [*ids.values(), None]
    assert [v.outcome for v in found][-2:] == ["would create", "would refuse"]
    assert rehearsal.waiting(database.reader(), entra.connection) == 5


def test_a_refused_request_is_forgotten_when_it_succeeds(database: Database) -> None:
    """The same userName, sent well, is listed once: as it is stored now."""
    entra = rehearsing(database)
    with pytest.raises(RulesViolated):
        entra.post(person("kim@contoso.com", emails=[{"value": "nothing"}]))

    made = entra.post(person("kim@contoso.com"))

    (only,) = table(entra)
    assert (only.link_id, only.answered) == (made.id, True)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("entra", "mail attribute"), ("okta", "Okta profile"), ("generic", "")],
)
def test_what_to_change_is_said_in_the_words_of_the_provider(
    database: Database, kind: str, said: str
) -> None:
    """The fix of a refusal is the handbook's for Entra ID or for Okta."""
    entra = rehearsing(database)
    entra.set(kind=kind)
    with pytest.raises(RulesViolated):
        entra.post(person("kim@contoso.com", emails=[{"value": "nothing"}]))

    (refused,) = table(entra)

    assert said in refused.fix
    assert bool(said) == bool(refused.fix)

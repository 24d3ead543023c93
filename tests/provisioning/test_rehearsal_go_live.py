"""Going live carries out whom a rehearsal stored, all or nothing (decision 14)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scim_connector.administration import users as doors
from scim_connector.directory import (
    conflicts,
    connections,
    counters,
    links,
    rehearsed,
    users,
)
from scim_connector.directory.database import Database
from scim_connector.provisioning.rehearsal import NothingToCarryOut
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import NotFound, Unavailable
from tests.house import Provider, events_of, operator, patch_of, person, shown, topics
from tests.rehearsals import (
    digest,
    first_cycle,
    go_live,
    local_user,
    look_at,
    rehearsing,
    table,
)

# ----------------------------------------------------------------------------- go live


def test_going_live_keeps_ids_and_resources(database: Database) -> None:
    """Users under the same SCIM ids; what the provider reads is equal to the letter."""
    entra, ids = first_cycle(database)
    before = {name: entra.get(link_id) for name, link_id in ids.items()}
    for resource in before.values():
        assert "local" not in str(resource)

    done = go_live(entra)

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
    entra, ids = first_cycle(database)
    ann = users.by_email_key(database.reader(), "ann@contoso.com")
    assert ann is not None

    go_live(entra)

    linked, made = entra.user(ids["ann"]), entra.user(ids["cat"])
    assert (linked.id, linked.username) == (ann.id, ann.username)
    assert "user:adopted" in events_of(database, linked.id)
    assert (made.username, made.email_trusted) == ("cat@contoso.com", False)
    assert sorted(topics(database)) == ["mail:managed-now"] * 2 + ["mail:welcome"] * 3
    entra.patch(ids["cat"], patch_of(active=False))
    assert not entra.user(ids["cat"]).active


def test_the_foreseen_mails_are_those_that_wait(database: Database) -> None:
    """With password_mail off no password link is foreseen, and none is queued."""
    entra = rehearsing(database, password_mail=False)
    entra.post(person("kim@contoso.com"))

    foreseen = look_at(entra).mails
    go_live(entra)

    assert (foreseen, topics(database)) == ({}, [])


def test_who_was_deactivated_in_the_rehearsal_is_inactive_then(
    database: Database,
) -> None:
    """Linking with active=false deactivates (D11); a newcomer is created inactive."""
    user = local_user(database, "kim@contoso.com")
    entra = rehearsing(database, link_existing="email")
    kim = str(entra.post(person("kim@contoso.com")).id)
    bo = str(entra.post(person("bo@contoso.com")).id)
    for link_id in (kim, bo):
        entra.patch(link_id, patch_of(active=False))
    before = entra.get(kim)["meta"]

    go_live(entra)

    assert not users.required(database.reader(), user.id).active
    assert "user:deactivated" in events_of(database, user.id)
    assert not entra.user(bo).active
    assert "mail:welcome" not in topics(database)
    assert entra.get(kim)["meta"] == before


def test_whoever_is_carried_out_has_no_verdict_any_more(database: Database) -> None:
    """The verdict was about what would be; the user says what is."""
    entra = rehearsing(database)
    link_id = str(entra.post(person("kim@contoso.com")).id)
    reader = database.reader()

    def kept() -> str | None:
        link = links.by_id(reader, entra.connection.id, link_id)
        assert link is not None
        return rehearsed.verdict(reader, link)

    before = kept()
    go_live(entra)

    assert before is not None
    assert kept() is None


class _Cancelled(Exception):
    pass


def test_a_cancelled_go_live_leaves_everything_as_it_was(database: Database) -> None:
    """Raised in the middle, nobody is created and the connection goes on rehearsing."""
    entra, ids = first_cycle(database)
    before, looked = digest(database), look_at(entra)
    done: list[int] = []

    def cancel(count: int) -> None:
        done.append(count)
        if len(done) == 3:
            raise _Cancelled

    with pytest.raises(_Cancelled):
        go_live(entra, progress=cancel)

    assert digest(database) == before
    assert look_at(entra).verdicts == looked.verdicts
    state = connections.required(database.reader(), entra.connection.id).state
    assert state == "rehearsing"
    assert go_live(entra).counts.total() == len(ids)


def _refused_at_go_live(database: Database) -> tuple[Provider, str]:
    """Somebody took the address between the rehearsal and its end."""
    entra = rehearsing(database)
    link_id = str(entra.post(person("kim@contoso.com")).id)
    local_user(database, "kim@contoso.com")
    assert go_live(entra).counts == {"would refuse": 1}
    return entra, link_id


def test_who_is_refused_stays_under_the_id_with_the_reason(database: Database) -> None:
    """Nobody is created for them; they are listed, in the queue, and still answered."""
    entra, link_id = _refused_at_go_live(database)

    (listed,) = table(entra)
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
    assert table(entra) == []
    assert counters.wrong(database.reader()) == []


def test_a_refused_one_is_carried_out_by_going_live_again(database: Database) -> None:
    """Decided by a person, the same job links them; then there is nothing left."""
    entra, link_id = _refused_at_go_live(database)
    user = users.by_email_key(database.reader(), "kim@contoso.com")
    assert user is not None
    database.write(
        lambda tx: doors.link(tx, "entra", "kim@contoso.com", user, operator())
    )

    done = go_live(entra)

    assert done.counts == {"would link": 1}
    assert entra.user(link_id).id == user.id
    with pytest.raises(NothingToCarryOut, match="nobody of it waits"):
        go_live(entra)


def test_a_refused_one_waits_while_the_connection_is_paused(
    database: Database,
) -> None:
    """Paused, nobody is created for it; to be deactivated it is still let through."""
    entra, link_id = _refused_at_go_live(database)
    entra.set(state="paused")

    with pytest.raises(Unavailable, match="is paused"):
        _by_patch(entra, link_id)

    assert shown(entra.patch(link_id, patch_of(active=False)))["active"] is False


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
    entra = rehearsing(database)
    late = entra.call("POST", "/Users", person("kim@contoso.com"))
    go_live(entra)

    with pytest.raises(Unavailable, match="went live a moment ago"):
        entra.service.create(late)

    assert entra.search_total() == 0

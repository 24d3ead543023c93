"""/Bulk and Idempotency-Key: each operation whole, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from scim_connector.directory import idempotency, request_log, users
from scim_connector.directory.database import Database
from scim_connector.provisioning.bulk import Outcome
from scim_connector.scim.errors import InvalidSyntax, KeyUsed
from scim_connector.scim.types import ENTERPRISE, Json
from tests.house import Provider, now, patch_of, person, provider


@pytest.fixture
def entra(database: Database) -> Provider:
    """A provider on either database."""
    return provider(database)


def run(entra: Provider, *operations: Json, **more: Any) -> list[Outcome]:
    call = entra.call("POST", "/Bulk", {"Operations": list(operations), **more})
    return entra.bulk.run(call)


def post(bulk_id: str, body: Json, path: str = "/Users") -> Json:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": body}


def group(bulk_id: str, name: str, *members: str) -> Json:
    listed = [{"value": member} for member in members]
    return post(bulk_id, {"displayName": name, "members": listed}, "/Groups")


def statuses(outcomes: Sequence[Outcome]) -> list[int]:
    return [outcome.status for outcome in outcomes]


def details(outcomes: Sequence[Outcome]) -> list[str]:
    return [str((outcome.error or {}).get("detail", "")) for outcome in outcomes]


# ----------------------------------------------------------------------- references


def test_references_lead_both_ways(entra: Provider) -> None:
    """A group before its member, a PATCH of what a later POST creates (§3.7.2)."""
    outcomes = run(
        entra,
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": {"Operations": [{"op": "replace", "value": {"displayName": "EU"}}]},
        },
        group("g", "Sales", "bulkId:kim"),
        post("kim", person("kim@contoso.com")),
    )
    group_id, kim = str(outcomes[1].id), str(outcomes[2].id)

    assert statuses(outcomes) == [204, 201, 201]
    assert entra.members(group_id) == [kim]
    assert entra.group(group_id)["displayName"] == "EU"


def test_two_groups_may_be_members_of_each_other(entra: Provider) -> None:
    """Circular references are resolved (§3.7.1); versions are those of the end."""
    outcomes = run(entra, group("a", "A", "bulkId:b"), group("b", "B", "bulkId:a"))
    first, second = str(outcomes[0].id), str(outcomes[1].id)

    assert statuses(outcomes) == [201, 201]
    assert (entra.members(first), entra.members(second)) == ([second], [first])
    for outcome in outcomes:
        shown = entra.group(str(outcome.id))["meta"]["version"]
        assert shown == f'W/"{outcome.version}"'


def test_a_circle_may_lead_through_people_and_a_group(entra: Provider) -> None:
    """A manager and a report, and a group that both are in."""
    lee = person(
        "lee@contoso.com", **{ENTERPRISE: {"manager": {"value": "bulkId:kim"}}}
    )
    kim = person(
        "kim@contoso.com", **{ENTERPRISE: {"manager": {"value": "bulkId:lee"}}}
    )
    outcomes = run(
        entra,
        post("lee", lee),
        group("g", "G", "bulkId:lee", "bulkId:kim"),
        post("kim", kim),
    )
    lee_id, kim_id = str(outcomes[0].id), str(outcomes[2].id)

    assert statuses(outcomes) == [201, 201, 201]
    assert entra.get(lee_id)[ENTERPRISE]["manager"] == {"value": kim_id}
    assert entra.get(kim_id)[ENTERPRISE]["manager"] == {"value": lee_id}
    assert entra.members(str(outcomes[1].id)) == [lee_id, kim_id]


def test_what_names_nothing_is_a_conflict(entra: Provider) -> None:
    """409 that says which bulkId, and why it leads nowhere; the others are done."""
    outcomes = run(
        entra,
        group("g", "G", "bulkId:none"),
        post("bad", {"userName": ""}),
        group("h", "H", "bulkId:bad"),
        group("i", "I"),
    )

    assert statuses(outcomes) == [409, 400, 409, 201]
    assert '"bulkId:none" names no POST' in details(outcomes)[0]
    assert '"bulkId:bad" was not created: userName is missing' in details(outcomes)[2]


def test_a_circle_that_cannot_close_says_what_is_there(entra: Provider) -> None:
    """One end fails: the other was created, and its answer says without what."""
    entra.post(person("kim@contoso.com"))
    taken = person(
        "kim@contoso.com", **{ENTERPRISE: {"manager": {"value": "bulkId:b"}}}
    )
    boss = person("b@contoso.com", **{ENTERPRISE: {"manager": {"value": "bulkId:a"}}})
    outcomes = run(entra, post("a", taken), post("b", boss))

    assert statuses(outcomes) == [409, 409]
    assert outcomes[1].id is not None
    assert "Created without what it names" in details(outcomes)[1]
    assert ENTERPRISE not in entra.get(outcomes[1].id)


# --------------------------------------------------------------------------- one by one


def test_a_refused_operation_ends_nothing_else(entra: Provider) -> None:
    """Each operation is a transaction of its own, with an entry of its own."""
    outcomes = run(
        entra,
        post("a", person("kim@contoso.com")),
        post("b", person("kim@contoso.com")),
        {"method": "PUT", "path": "/Nothing/x", "data": {}},
        {"method": "DELETE", "path": "/Users/unknown"},
    )
    entra.gatherer.flush()
    kept = request_log.newest(entra.database.reader(), at_most=20, reads=True)

    assert statuses(outcomes) == [201, 409, 404, 404]
    assert [o.error is None for o in outcomes] == [True, False, False, False]
    told = {(entry.method, entry.path, entry.status) for entry in kept}
    assert ("POST", "/scim/v2/Users", 201) in told
    assert ("POST", "/scim/v2/Users", 409) in told
    assert ("PUT", "/scim/v2/Nothing/x", 404) in told
    assert ("DELETE", "/scim/v2/Users/unknown", 404) in told
    whole = [entry for entry in kept if entry.path == "/Bulk"]
    assert "4 operations: 1 done, 3 refused." in whole[0].steps


def test_two_addresses_are_not_exchanged_past_the_constraint(entra: Provider) -> None:
    """A to B and B to A in one batch: each is taken when it is asked for (T41)."""
    names = ("ada@x.example", "bo@x.example")
    ids = [entra.post(person(name)).id for name in names]
    swap = [
        {
            "method": "PATCH",
            "path": f"/Users/{link_id}",
            "data": patch_of(emails=[{"value": name, "primary": True}]),
        }
        for link_id, name in zip(ids, reversed(names), strict=True)
    ]

    outcomes = run(entra, *swap)

    assert statuses(outcomes) == [409, 409]
    assert [entra.user(link_id).email for link_id in ids] == list(names)


def test_errors_end_it_where_that_is_asked_for(entra: Provider) -> None:
    """failOnErrors: what comes after is not carried out and not answered (§3.7.3)."""
    bad = {"method": "DELETE", "path": "/Users/x"}
    outcomes = run(
        entra, bad, bad, post("a", person("kim@contoso.com")), failOnErrors=2
    )

    assert statuses(outcomes) == [404, 404]
    assert entra.search_total() == 0


def test_a_version_is_compared(entra: Provider) -> None:
    """``version`` is the If-Match of an operation."""
    kim = str(entra.post(person("kim@contoso.com")).id)
    change = {"method": "PATCH", "path": f"/Users/{kim}", "data": patch_of(title="T")}
    outcomes = run(
        entra, {**change, "version": 'W/"1"'}, {**change, "version": 'W/"1"'}
    )

    assert statuses(outcomes) == [200, 412]


def test_a_paused_connection_refuses_each(entra: Provider) -> None:
    """Deactivations are carried out, everything else is 503 (decision 13)."""
    kim = str(entra.post(person("kim@contoso.com")).id)
    entra.set(state="paused")
    outcomes = run(
        entra,
        post("a", person("lee@contoso.com")),
        {"method": "PATCH", "path": f"/Users/{kim}", "data": patch_of(active=False)},
    )

    assert statuses(outcomes) == [503, 200]


def test_a_thousand_operations_are_carried_out(entra: Provider) -> None:
    """MaxOperations in one request, every person with a username and initials."""
    people = [post(str(n), person(f"kim{n}@contoso.com")) for n in range(1_000)]
    outcomes = run(entra, *people)

    assert set(statuses(outcomes)) == {201}
    assert entra.search_total() == 1_000


def test_no_message_is_no_bulk(entra: Provider) -> None:
    """A body that is none is refused, and the refusal is in the log."""
    with pytest.raises(InvalidSyntax):
        entra.bulk.run(entra.call("POST", "/Bulk", {}))
    entra.gatherer.flush()
    kept = request_log.newest(entra.database.reader(), at_most=1, reads=True)

    assert kept[0].status == 400


# ----------------------------------------------------------------------- Idempotency-Key


def test_a_repeated_request_gets_the_first_answer(entra: Provider) -> None:
    """Nothing happens twice, whichever the method (decision 29)."""
    post_ = replace(entra.call("POST", "/Users", person("kim@x.example")), **KEY)
    first, again = (
        entra.service.create(post_),
        entra.service.create(_later(entra, post_)),
    )
    link_id = str(first.id)
    patch = replace(
        entra.call("PATCH", f"/Users/{link_id}", patch_of(title="T")),
        idempotency_key="two",
    )
    changed = entra.service.patch(patch, link_id, if_match='W/"1"')
    repeated = entra.service.patch(_later(entra, patch), link_id, if_match='W/"1"')
    gone = replace(entra.call("DELETE", f"/Users/{link_id}"), idempotency_key="three")
    removed = entra.service.delete(gone, link_id, if_match=None)

    assert (again.status, again.id, again.text) == (201, first.id, first.text)
    assert (repeated.version, repeated.text) == (changed.version, changed.text)
    assert entra.service.delete(_later(entra, gone), link_id, if_match=None) == removed
    assert len(users.search(entra.database.reader(), users.Query())) == 1


KEY: dict[str, Any] = {"idempotency_key": "one"}


def _later(entra: Provider, call: Any) -> Any:
    """The same request once more, as it would come."""
    fresh = entra.call(call.method, call.path, call.body)
    return replace(call, request_id=fresh.request_id, now=fresh.now)


def test_a_key_belongs_to_one_request(entra: Provider) -> None:
    """422 for another body; a refused request keeps no key."""
    entra.service.create(
        replace(entra.call("POST", "/Users", person("kim@x.example")), **KEY)
    )
    other = replace(entra.call("POST", "/Users", person("lee@x.example")), **KEY)
    with pytest.raises(KeyUsed, match="a key of its own"):
        entra.service.create(other)
    elsewhere = replace(other, credential_id="another")

    assert entra.service.create(elsewhere).status == 201


def test_one_key_sent_at_once_creates_one(entra: Provider) -> None:
    """Six workers send the same POST: one user, six times the same answer."""
    calls = [
        replace(entra.call("POST", "/Users", person("kim@x.example")), **KEY)
        for _ in range(6)
    ]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(entra.service.create, calls))

    assert {(answer.status, answer.id) for answer in answers} == {(201, answers[0].id)}
    assert len(users.search(entra.database.reader(), users.Query())) == 1


def test_a_repeated_bulk_request_does_nothing_twice(entra: Provider) -> None:
    """The key of the request covers each of its operations."""
    body = {
        "Operations": [post("a", person("kim@x.example")), group("g", "G", "bulkId:a")]
    }
    call = replace(entra.call("POST", "/Bulk", body), **KEY)
    first, again = entra.bulk.run(call), entra.bulk.run(_later(entra, call))

    assert [o.id for o in first] == [o.id for o in again]
    assert statuses(again) == [201, 201]


def test_a_key_lives_a_day(entra: Provider) -> None:
    """Afterwards it is forgotten, by the housekeeping."""
    call = replace(entra.call("POST", "/Users", person("kim@x.example")), **KEY)
    entra.service.create(call)
    reader = entra.database.reader()
    before = idempotency.has_old(reader, now=call.now + idempotency.LIVES - 1)
    after = call.now + idempotency.LIVES
    entra.database.write(lambda tx: idempotency.drop_old(tx, now=after))

    assert not before
    assert not idempotency.has_old(reader, now=now() + 2 * idempotency.LIVES)

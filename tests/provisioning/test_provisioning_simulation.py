"""The dry run says what the request itself would, and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from scim_connector.administration import shipped
from scim_connector.administration import users as administration
from scim_connector.directory import mapping_versions, outbox, request_log, roles, users
from scim_connector.directory.database import Database
from scim_connector.directory.request_log import Entry
from scim_connector.directory.tables import metadata
from scim_connector.mapping import language
from scim_connector.provisioning import entries, resending, simulation
from scim_connector.provisioning.calls import Call
from scim_connector.provisioning.resending import Sent
from scim_connector.provisioning.simulation import Simulator
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import InvalidSyntax, ScimError
from scim_connector.scim.types import Json
from scim_connector.tokens.secrets import SecretKeys
from tests import house
from tests.digest import digest_of
from tests.house import Provider, patch_of, person

#: Every one makes a request and the act by which a provider really sends it.
Case = Callable[[Provider], tuple[Call, Callable[[], Any]]]
#: What differs between any two requests, and between any two new resources.
PASSING = ("request_id", "at", "duration_us")
OF_NEW = ("link_id", "user_id")
REFUSES_GUESTS = '[[refuse]]\nwhen = \'Contains([userName], "#EXT#")\'\nreason = "No."'


def _simulator(provider: Provider) -> Simulator:
    return Simulator(provider.database, SecretKeys.fresh())


def _essence(entry: Entry) -> Json:
    """An entry without what no two requests share: ids and times."""
    kept = {n: getattr(entry, n) for n in Entry.__dataclass_fields__}
    for name in PASSING + (OF_NEW if entry.method == "POST" else ()):
        del kept[name]
    kept["path"] = f"/scim/v2{entry.path.removeprefix('/scim/v2')}"
    kept["steps"] = orjson.loads(entry.steps)
    answer = kept["response_body"]
    if answer is not None and answer.startswith("{"):
        shown = orjson.loads(answer)
        kept["response_body"] = {**shown, "id": "", "meta": ""}
    return kept


# ------------------------------------------------------------- as the request itself


def _create(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    call = entra.call("POST", "/Users", person("kim@contoso.com"))
    return call, lambda: entra.service.create(call)


def _create_taken(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    house.provider(entra.database, "okta").post(person("kim@contoso.com"))
    return _create(entra)


def _create_broken(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    body = person("kim@contoso.com", emails=[{"type": "work", "value": "kim"}])
    call = entra.call("POST", "/Users", body)
    return call, lambda: entra.service.create(call)


def _create_guest(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    guest = "kim_home.example#EXT#@contoso.onmicrosoft.com"
    call = entra.call(
        "POST", "/Users", person(guest, emails=[{"value": "k@home.example"}])
    )
    return call, lambda: entra.service.create(call)


def _create_unread(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    call = entra.call("POST", "/Users", {"displayName": "Nobody"})
    return call, lambda: entra.service.create(call)


def _create_paused(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    entra.set(state="paused")
    return _create(entra)


def _known(entra: Provider) -> str:
    return str(entra.post(person("kim@contoso.com", externalId="k1")).id)


def _patched(body: Json) -> Case:
    def case(entra: Provider) -> tuple[Call, Callable[[], Any]]:
        link_id = _known(entra)
        call = entra.call("PATCH", f"/Users/{link_id}", body)
        return call, lambda: entra.service.patch(call, link_id, if_match=None)

    return case


def _replaced(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    link_id = _known(entra)
    body = person(
        "kim@contoso.com", emails=[{"type": "work", "value": "new@x.example"}]
    )
    call = entra.call("PUT", f"/Users/{link_id}", body)
    return call, lambda: entra.service.replace(call, link_id, if_match=None)


def _deleted(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    link_id = _known(entra)
    call = entra.call("DELETE", f"/Users/{link_id}")
    return call, lambda: entra.service.delete(call, link_id, if_match=None)


def _returned(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    entra.delete(_known(entra))
    call = entra.call("POST", "/Users", person("kim@contoso.com", externalId="k1"))
    return call, lambda: entra.service.create(call)


def _unknown(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    call = entra.call("PATCH", "/Users/nobody", patch_of(active=False))
    return call, lambda: entra.service.patch(call, "nobody", if_match=None)


def _read(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    link_id = _known(entra)
    call = entra.call("GET", f"/Users/{link_id}")
    return call, lambda: entra.service.get(call, link_id)


def _joined(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    link_id, group_id = _known(entra), entra.post_group("Registrars")
    add = {"op": "add", "path": "members", "value": [{"value": link_id}]}
    call = entra.call("PATCH", f"/Groups/{group_id}", {"Operations": [add]})
    return call, lambda: entra.groups.patch(call, group_id, if_match=None)


def _founded(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    body = {"displayName": "Registrars", "members": [{"value": _known(entra)}]}
    call = entra.call("POST", "/Groups", body)
    return call, lambda: entra.groups.create(call)


def _with_key(entra: Provider) -> tuple[Call, Callable[[], Any]]:
    call = entra.call("POST", "/Users", person("kim@contoso.com"))
    call = replace(call, idempotency_key="once")
    return call, lambda: entra.service.create(call)


RENAME = patch_of(userName="k.doe@contoso.com", **{"name.familyName": "Roe"})
CASES: dict[str, tuple[Case, str, int]] = {
    "create": (_create, "Create", 201),
    "create, email taken": (_create_taken, "Create", 409),
    "create, rule broken": (_create_broken, "Create", 400),
    "create, refused by the mapping": (_create_guest, "Create", 400),
    "create, not a user": (_create_unread, "Create", 400),
    "create, paused": (_create_paused, "Create", 503),
    "create, comes back": (_returned, "Restore", 201),
    "create, with a key": (_with_key, "Create", 201),
    "rename": (_patched(RENAME), "Update", 200),
    "email": (_replaced, "Update", 200),
    "nothing": (_patched(patch_of(active=True)), "Update", 200),
    "quirk": (_patched(patch_of(active="False")), "Disable", 200),
    "deactivation": (_patched(patch_of(active=False)), "Disable", 200),
    "no such path": (_patched(patch_of(nothing="x")), "Update", 200),
    "delete": (_deleted, "Delete", 204),
    "unknown id": (_unknown, "Update", 404),
    "read": (_read, "Read", 200),
    "group, a member more": (_joined, "Update", 204),
    "group": (_founded, "Create", 201),
}


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_says_what_the_request_itself_says(
    database: Database, name: str
) -> None:
    """Action, outcome, status, reason, steps, bodies and identity are the log's own."""
    case, action, status = CASES[name]
    entra = house.provider(database, mapping=_with_guests_refused())
    call, really = case(entra)
    tried = _simulator(entra).run(replace(call, request_id="tried"))
    with suppress(ScimError, RulesViolated):
        really()
    entra.gatherer.flush()
    kept = request_log.by_request_id(database.reader(), call.request_id)

    assert kept is not None
    assert _essence(tried) == _essence(kept)
    assert (tried.action, tried.status) == (action, status)


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_changes_no_row_of_any_table(database: Database, name: str) -> None:
    """The digest of the whole database is the same before and after."""
    entra = house.provider(database, mapping=_with_guests_refused())
    call, _ = CASES[name][0](entra)
    entra.gatherer.flush()
    before = digest_of(database)
    _simulator(entra).run(call)

    assert digest_of(database) == before


def test_the_digest_sees_one_changed_value(database: Database) -> None:
    """What proves that nothing changed would see that something did."""
    entra = house.provider(database)
    link_id = _known(entra)
    before = digest_of(database)
    entra.patch(link_id, patch_of(title="Dean"))

    assert digest_of(database) != before
    assert len(metadata.tables) > 30


def test_the_request_after_a_dry_run_is_as_if_there_had_been_none(
    database: Database,
) -> None:
    """No name, no number and no key is taken by trying; one mail is sent, not two."""
    entra = house.provider(database, password_mail=True)
    call, really = _with_key(entra)
    for _ in range(3):
        _simulator(entra).run(replace(call, request_id="tried"))
    made = house.local(really())

    assert (made["username"], made["initials"]) == ("kim@contoso.com", "KD")
    assert len(outbox.waiting(database.reader())) == 1


def _with_guests_refused() -> str:
    return f"{shipped.text('entra')}\n{REFUSES_GUESTS}\n"


# -------------------------------------------------------------------------- addresses


def _tried(entra: Provider, method: str, path: str, body: Json | None = None) -> Entry:
    call = simulation.call_of(entra.connection, method, path, body, now=house.now())
    return _simulator(entra).run(call)


@pytest.mark.parametrize(
    "path", ["/Users", "Users", "/v2/Users/", "/scim/v2/Users", "/Users?attributes=id"]
)
def test_a_path_is_given_as_a_provider_sends_it(database: Database, path: str) -> None:
    """With /scim/v2 or without it; the entry names the whole one."""
    entra = house.provider(database)
    tried = _tried(entra, "post", path, person("kim@contoso.com"))

    assert (tried.status, tried.method, tried.path) == (201, "POST", "/scim/v2/Users")


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/", 404, "try /Users, /Users/ID, /Groups or /Groups/ID"),
        ("POST", "/Bulk", 404, "There is nothing to try at /scim/v2/Bulk"),
        ("GET", "/Users/a/b", 404, "try /Users"),
        ("GET", "/Users/a%00b", 404, "There is no user with id"),
        ("DELETE", "/Users", 405, "DELETE is not served at this address, only GET"),
        ("POST", "/Groups/x", 405, "only GET, PUT, PATCH, DELETE"),
        ("PUT", "/Users/.search", 405, "only POST"),
        ("PROPFIND" * 9, "/Users/x", 405, "PROPFINDPR is not served"),
        ("POST", "/Users", 400, "The body is empty"),
        ("PATCH", "/Groups/x", 400, "The body is empty"),
        ("GET", "/Users?count=few", 400, "count must be a whole number"),
        ("GET", "/Users?filter=userName+is+x", 400, ""),
        ("GET", "/Groups/x", 404, "There is no group with id x"),
        ("PUT", "/Users/\udcff", 400, "The body is empty"),
    ],
)
def test_what_cannot_be_served_is_an_entry_too(
    database: Database, method: str, path: str, status: int, told: str
) -> None:
    """A wrong address, method, body or page is refused in the words of the server."""
    tried = _tried(house.provider(database), method, path)
    failed = [s for s in orjson.loads(tried.steps) if s["state"] == "Failed"]

    assert (tried.outcome, tried.status) == ("Failure", status)
    assert told in (tried.response_body or "")
    assert [step["sentence"] for step in failed] == [tried.response_body]


def test_lists_are_tried_by_filter_and_by_search(database: Database) -> None:
    """A provider asks whether there is one of this name before it creates somebody."""
    entra = house.provider(database)
    _known(entra)
    wanted = 'userName eq "KIM@contoso.com"'
    path = f"/Users?filter={quote(wanted)}&attributes=userName"
    asked = _tried(entra, "GET", path)
    searched = _tried(entra, "POST", "/Users/.search", {"filter": wanted})

    for tried in (asked, searched):
        assert (tried.action, tried.outcome) == ("Read", "Success")
        assert "1 found." in tried.steps


def test_a_retired_connection_carries_nothing_out(database: Database) -> None:
    """Its tokens died with it, so what would succeed otherwise is 401."""
    entra = house.provider(database)
    entra.set(state="retired")
    call = entra.call("POST", "/Users", person("kim@contoso.com"))
    tried = _simulator(entra).run(call)

    assert (tried.outcome, tried.status) == ("Failure", 401)
    assert "Connection entra is retired" in (tried.response_body or "")


def test_a_version_named_in_if_match_is_asked_for(database: Database) -> None:
    """RFC 7644 section 3.14: another version than the one there is 412."""
    entra = house.provider(database)
    link_id = _known(entra)
    call = entra.call("PATCH", f"/Users/{link_id}", patch_of(title="Dean"))
    simulator = _simulator(entra)

    assert simulator.run(call, if_match='W/"7"').status == 412
    assert simulator.run(call, if_match='W/"1"').status == 200


# ------------------------------------------------------------------------- once again


def _again(entra: Provider, username: str) -> Sent:
    reader = entra.database.reader()
    user = users.by_username_key(reader, username)
    assert user is not None
    return resending.again(reader, entra.connection, user)


def test_somebody_linked_is_put_again_as_they_were_sent(database: Database) -> None:
    """Nothing changes by it, also when the answer says otherwise than was asked."""
    entra = house.provider(database)
    link_id = _known(entra)
    user, act = entra.user(link_id), house.operator()
    database.write(lambda tx: administration.deactivate(tx, user, act))
    sent = _again(entra, "kim@contoso.com")
    tried = _tried(entra, sent.method, sent.path, sent.body)

    assert (sent.method, sent.path) == ("PUT", f"/Users/{link_id}")
    assert (sent.body["active"], sent.body["externalId"]) == (True, "k1")
    assert sent.is_stored
    assert "Nothing changed." in tried.steps


def test_somebody_of_another_connection_is_posted(database: Database) -> None:
    """What the other provider said about them is what this one would say."""
    okta, entra = house.provider(database, "okta"), house.provider(database)
    okta.post(person("kim@contoso.com", title="Dean"))
    sent = _again(entra, "kim@contoso.com")

    assert (sent.method, sent.path, sent.body["title"]) == ("POST", "/Users", "Dean")
    assert sent.is_stored


def test_somebody_removed_is_posted_as_they_were(database: Database) -> None:
    """R20: whoever was deleted at the provider comes back as the same person."""
    entra = house.provider(database)
    entra.delete(_known(entra))
    sent = _again(entra, "kim@contoso.com")
    tried = _tried(entra, sent.method, sent.path, {**sent.body, "active": True})

    assert (sent.method, sent.body["externalId"]) == ("POST", "k1")
    assert (tried.action, tried.status) == ("Restore", 201)


def test_somebody_never_sent_is_made_of_the_local_fields(database: Database) -> None:
    """The first cycle of a provider meets the local user by the email address."""
    entra = house.provider(database)
    act = house.operator()
    new = administration.NewUser("kim@contoso.com", "Kim", "Doe")
    database.write(lambda tx: administration.add(tx, new, act))
    sent = _again(entra, "kim@contoso.com")
    tried = _tried(entra, sent.method, sent.path, sent.body)

    assert not sent.is_stored
    assert sent.body["name"] == {"givenName": "Kim", "familyName": "Doe"}
    assert (tried.status, tried.reason) == (409, "email_taken")


def test_a_request_of_the_log_is_tried_again(database: Database) -> None:
    """Once the cause is gone, the refused request would succeed; its secrets are gone."""
    entra = house.provider(database)
    entra.set(state="paused")
    body = person("kim@contoso.com", password="hunter2")
    call = entra.call("POST", "/Users", body)
    with pytest.raises(ScimError):
        entra.service.create(call)
    entra.set(state="live")
    sent = resending.logged(house.last_entry(entra))
    tried = _tried(entra, sent.method, sent.path, sent.body)

    assert sent.body == {**body, "password": entries.BLOT}
    assert (tried.action, tried.status) == ("Create", 201)


def test_a_body_that_was_cut_is_not_tried(database: Database) -> None:
    """Half a request is another request."""
    entra = house.provider(database)
    entra.post(person("kim@contoso.com", padding="x" * entries.LONGEST_BODY))

    with pytest.raises(InvalidSyntax, match="this one was longer"):
        resending.logged(house.last_entry(entra))


# -------------------------------------------------------------------------- a mapping


def _changed(field: str, value: str) -> language.Mapping:
    """The shipped mapping with another value for one field."""
    head, mark, tail = shipped.text("entra").partition(f"[fields.{field}]")
    line, _, rest = tail.partition("value = ")
    return language.load(
        f"{head}{mark}{line}value = '{value}'\n{rest.partition(chr(10))[2]}", "new.toml"
    )


def _with(entra: Provider, mapping: language.Mapping, body: Json) -> Entry:
    link_id = _known(entra)
    call = entra.call("PUT", f"/Users/{link_id}", body)
    before = digest_of(entra.database)
    tried = _simulator(entra).run(call, mapping=mapping)
    assert digest_of(entra.database) == before
    return tried


def _map_of(entry: Entry) -> Any:
    return next(s for s in orjson.loads(entry.steps) if s["step"] == "map")


SAME = person("kim@contoso.com", externalId="k1")


def test_another_mapping_is_tried_on_one_user(database: Database) -> None:
    """D19: the field that the two mappings give differently follows, and is named."""
    entra = house.provider(database)
    loud = _changed("last_name", "ToUpper([name.familyName])")
    tried = _with(entra, loud, SAME)
    mapped = _map_of(tried)

    assert (tried.outcome, tried.status) == ("Success", 200)
    assert mapped["state"] == "Passed"
    assert mapped["sentence"] == (
        "With this mapping last_name changes from Doe to DOE."
    )
    assert mapped["facts"]["fields"]["last_name"]["became"] == "DOE"


def test_another_mapping_that_changes_nothing_says_so(database: Database) -> None:
    """The fields are shown with their reasons all the same."""
    entra = house.provider(database)
    same = _changed("last_name", "Trim([name.familyName])")
    mapped = _map_of(_with(entra, same, SAME))

    assert mapped["sentence"] == "With this mapping every local field stays as it is."
    assert mapped["facts"]["fields"]["initials"] == {
        "rule": "candidates",
        "became": "KD",
        "kept": True,
    }


def test_another_mapping_meets_what_the_request_changes(database: Database) -> None:
    """First the user follows the mapping, then the request is read by it."""
    entra = house.provider(database)
    loud = _changed("last_name", "ToUpper([name.familyName])")
    body = {**SAME, "name": {"givenName": "Kim", "familyName": "Roe"}}
    mapped = _map_of(_with(entra, loud, body))

    assert "last_name changes from Doe to DOE" in mapped["sentence"]
    assert mapped["sentence"].endswith("The mapping gave every local field.")
    assert mapped["facts"]["fields"]["last_name"]["became"] == "ROE"


def test_another_mapping_that_breaks_a_rule_is_a_warning(database: Database) -> None:
    """As with ``mapping apply`` the user stays as they are, and the rule is named."""
    entra = house.provider(database)
    tried = _with(entra, _changed("email", '"nowhere"'), SAME)
    mapped = _map_of(tried)

    assert (tried.outcome, mapped["state"]) == ("Warning", "Warning")
    assert "This mapping cannot be followed: Email" in mapped["sentence"]


def test_another_mapping_makes_newcomers_and_ties_groups(database: Database) -> None:
    """A POST goes through the new mapping alone; the applied one stays applied."""
    entra = house.provider(database)
    database.write(lambda tx: roles.add(tx, "registrar"))
    tying = language.load(
        f'{shipped.text("entra")}\n[roles.groups]\n"Registrars" = "registrar"\n', "t"
    )
    simulator = _simulator(entra)
    call = entra.call("POST", "/Groups", {"displayName": "Registrars"})
    tied, untied = simulator.run(call, mapping=tying), simulator.run(call)

    assert "Tied to registrar." in tied.steps
    assert (tied.outcome, untied.outcome) == ("Success", "Warning")
    assert len(mapping_versions.every(database.reader(), entra.connection.id)) == 1


def test_a_refused_request_says_nothing_of_the_mapping(database: Database) -> None:
    """What was refused before it was mapped did not reach the map step."""
    entra = house.provider(database)
    loud = _changed("last_name", "ToUpper([name.familyName])")
    call = entra.call("PUT", f"/Users/{_known(entra)}", SAME)
    tried = _simulator(entra).run(call, mapping=loud, if_match='W/"9"')

    assert tried.status == 412
    assert _map_of(tried)["state"] == "Not reached"


def test_a_request_refused_while_it_is_mapped_keeps_its_reason(
    database: Database,
) -> None:
    """Neither hidden by what the mapping does, nor made a warning by a broken rule."""
    entra = house.provider(database)
    link_id = _known(entra)
    call = entra.call("PATCH", f"/Users/{link_id}", patch_of(**{"emails[": "x"}))
    simulator = _simulator(entra)
    alone = simulator.run(call)
    tried = simulator.run(call, mapping=_changed("email", '"nowhere"'))

    assert alone.status == 400
    assert tried.outcome == "Failure"
    assert _map_of(tried) == _map_of(alone)
    assert _map_of(tried)["state"] == "Failed"

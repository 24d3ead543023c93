"""What a change does to the local user: decisions 16 to 30, each sentence a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from scim_connector.administration import (
    api_app,
    applications,
    importing,
    shipped,
    sign_in,
)
from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from scim_connector.directory import access, conflicts, receipts, roles, users
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_keys,
    api_tokens,
    password_resets,
    sessions,
)
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import VersionMismatch
from scim_connector.scim.types import LOCAL
from tests.access import let_in
from tests.house import (
    Provider,
    events_of,
    last_entry,
    local,
    now,
    operator,
    patch_of,
    person,
    provider,
    shown,
    topics,
)

WISHES = LOCAL


@pytest.fixture
def entra(database: Database) -> Provider:
    return provider(database)


def _made(entra: Provider, **more: Any) -> str:
    return str(entra.post(person("kim.doe@contoso.com", **more)).id)


# ------------------------------------------------------------------ answers and origins


def test_the_steps_of_a_change_tell_what_stays(entra: Provider) -> None:
    """A field that does not follow is shown as it is, not as if it became nothing."""
    entra.patch(_made(entra), patch_of(**{"name.familyName": "Roe"}))
    steps = json.loads(last_entry(entra).steps)
    fields = next(s["facts"]["fields"] for s in steps if s["step"] == "map")

    assert fields["last_name"]["became"] == "Roe"
    assert "kept" not in fields["last_name"]
    assert {n: (f["became"], f["kept"]) for n, f in fields.items() if "kept" in f} == {
        "first_name": ("Kim", True),
        "email": ("kim.doe@contoso.com", True),
        "username": ("kim.doe@contoso.com", True),
        "initials": ("KD", True),
    }


def test_what_was_written_is_read_back(entra: Provider) -> None:
    """A resource written and read back shows no drift (D15)."""
    sent = person(
        "jonathan.fitzgerald-the-third@westcollege.example",
        title="Dean",
        phoneNumbers=[{"type": "work", "value": "+1 (555) 01 - 0"}],
    )

    made = shown(entra.post(sent))

    for name in ("userName", "name", "emails", "title", "phoneNumbers"):
        assert made[name] == sent[name]
    assert len(made[LOCAL]["local"]["username"]) <= 30


def test_the_round_trip_of_our_answer_states_nothing_new(entra: Provider) -> None:
    """Okta's PUT of our own answer leaves every origin and the version (D16)."""
    link_id = _made(entra)
    before = entra.user(link_id)

    again = entra.put(link_id, entra.get(link_id))

    assert again.version == 1
    assert entra.user(link_id) == before


def test_a_wish_is_stated_and_its_removal_keeps_the_value(entra: Provider) -> None:
    """Removing a wish makes the field derived again and keeps its value (D16)."""
    link_id = _made(entra, **{WISHES: {"initials": "ZZ"}})
    assert entra.user(link_id).initials_origin == "stated"

    entra.put(link_id, person("kim.doe@contoso.com"))

    after = entra.user(link_id)
    assert (after.initials, after.initials_origin) == ("ZZ", "derived")


def test_a_stated_wish_that_breaks_a_rule_is_refused(entra: Provider) -> None:
    """A stated wish is never altered: 400 when invalid, 409 when taken (D18)."""
    _made(entra, **{WISHES: {"initials": "ZZ"}})

    with pytest.raises(RulesViolated) as invalid:
        entra.post(person("a.b@contoso.com", **{WISHES: {"initials": "TOOLONG"}}))
    with pytest.raises(RulesViolated) as taken:
        entra.post(person("a.b@contoso.com", **{WISHES: {"initials": "zz"}}))

    assert (invalid.value.status, invalid.value.scim_type) == (400, "invalidValue")
    assert (taken.value.status, taken.value.scim_type) == (409, "uniqueness")


def test_derived_values_adapt(entra: Provider) -> None:
    """Two people of one name get different initials and usernames (D18)."""
    first = entra.post(person("kim.doe@a.example"))
    second = entra.post(person("kim.doe@b.example"))

    assert local(first)["initials"] != local(second)["initials"]
    assert local(first)["username"] != local(second)["username"]


def test_on_create_fields_stay_on_update(entra: Provider) -> None:
    """Marriage changes the name, never initials or username by itself (D19)."""
    link_id = _made(entra)
    before = entra.user(link_id)

    married = {"userName": "kim.roe@contoso.com", "name.familyName": "Roe"}
    entra.patch(link_id, patch_of(**married))

    after = entra.user(link_id)
    assert (after.last_name, after.initials, after.username) == (
        "Roe",
        before.initials,
        before.username,
    )


def test_an_override_lives_until_the_provider_sends_another_value(
    entra: Provider,
) -> None:
    """A field changed here lives until the provider sends another value (D19)."""
    link_id = _made(entra)
    user = entra.user(link_id)

    def override(tx: Transaction) -> None:
        doors.edit(tx, user, {"email": "own@x.example"}, operator(), override=True)

    entra.database.write(override)
    entra.patch(link_id, patch_of(title="Dean"))
    kept = entra.user(link_id)
    entra.patch(link_id, patch_of(emails=[{"type": "work", "value": "new@x.example"}]))
    moved = entra.user(link_id)

    assert (kept.email, kept.overridden) == ("own@x.example", {"email"})
    assert (moved.email, moved.overridden) == ("new@x.example", frozenset())


def test_a_managed_field_is_refused_with_whose_it_is(entra: Provider) -> None:
    """Editing what the provider manages names the connection and the way out."""
    user = entra.user(_made(entra))

    with pytest.raises(doors.NotPossible, match="managed by connection entra"):
        entra.database.write(
            lambda tx: doors.edit(tx, user, {"first_name": "Jo"}, operator())
        )


# --------------------------------------------------------------- types, API, administrators


def test_user_type_is_the_providers_text(entra: Provider) -> None:
    """SCIM userType is stored and answered as sent, never compared (D20)."""
    made = entra.post(person("kim.doe@contoso.com", userType="Employee"))

    assert shown(made)["userType"] == "Employee"
    assert local(made)["type"] == "administrative"


def test_api_users_need_permission(entra: Provider) -> None:
    """API users are created by SCIM only when the connection allows it (D21)."""
    api = person("prog@contoso.com", **{WISHES: {"apiUser": True}})

    with pytest.raises(RulesViolated) as refusal:
        entra.post(api)
    entra.set(allow_api_users=True)
    made = entra.post(api)

    assert refusal.value.status == 403
    assert entra.user(str(made.id)).is_api_user
    assert topics(entra.database) == []


def test_the_api_flag_never_changes(entra: Provider) -> None:
    """A change of apiUser after creation is 400 mutability (R11)."""
    link_id = _made(entra)

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(**{f"{LOCAL}:apiUser": True}))

    assert (refusal.value.status, refusal.value.scim_type) == (400, "mutability")


def test_the_api_flag_hides_no_other_broken_rule(entra: Provider) -> None:
    """Every broken rule of an update is told at once (D31)."""
    link_id = _made(entra)

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(
            link_id,
            patch_of(**{f"{LOCAL}:apiUser": True}, emails=[{"value": "nobody"}]),
        )

    codes = [v.code for v in refusal.value.violations]
    assert codes == ["api_flag_immutable", "email_invalid"]


def test_an_api_user_is_deactivated_even_after_the_flag_is_withdrawn(
    entra: Provider,
) -> None:
    """A linked API user can be deactivated later on, reactivation is 403 (D21)."""
    entra.set(allow_api_users=True)
    link_id = _made(entra, **{WISHES: {"apiUser": True}})
    entra.set(allow_api_users=False)

    entra.patch(link_id, patch_of(active=False))
    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(active=True))

    assert refusal.value.status == 403


def _administrator(entra: Provider, link_id: str) -> users.User:
    user = entra.user(link_id)
    entra.database.write(
        lambda tx: doors.give_role(tx, user, "Administrator", operator())
    )
    return user


def test_an_administrators_email_is_not_changed(entra: Provider) -> None:
    """Without the flag a holder keeps email and username: 403 (D22)."""
    link_id = _made(entra)
    _administrator(entra, link_id)

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(emails=[{"value": "x@contoso.com"}]))
    entra.patch(link_id, patch_of(title="Dean"))

    assert refusal.value.status == 403


def test_an_administrators_sign_in_stays_theirs(entra: Provider) -> None:
    """Without the flag nobody puts another identity in a holder's place (R21, R26)."""
    link_id = _made(entra, externalId="kims-object-id")
    _administrator(entra, link_id)

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(externalId="object-id-of-mallory"))
    entra.patch(link_id, patch_of(userName="kim.smith@contoso.com"))
    entra.set(may_act_as_administrator=True)
    answer = entra.patch(link_id, patch_of(externalId="kims-new-object-id"))

    assert [v.code for v in refusal.value.violations] == ["administrator_only"]
    assert "externalId of an Administrator" in refusal.value.detail
    assert shown(answer)["externalId"] == "kims-new-object-id"


def test_a_user_name_is_kept_where_sign_in_is_found_by_it(entra: Provider) -> None:
    """A holder whose sign-in is found by userName keeps that one as well (R21, R26)."""
    link_id = _made(entra)
    _administrator(entra, link_id)
    _signs_in_by_user_name(entra)

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(userName="mallory@contoso.com"))

    assert "userName of an Administrator" in refusal.value.detail


def test_ending_access_moves_no_identity(entra: Provider) -> None:
    """A deactivation that also changes the externalId is served, the id is kept."""
    link_id = _made(entra, externalId="kims-object-id")
    _administrator(entra, link_id)
    _administrator(entra, str(entra.post(person("two@contoso.com")).id))

    answer = entra.patch(link_id, patch_of(active=False, externalId="mallorys"))

    assert not entra.user(link_id).active
    assert shown(answer)["externalId"] == "kims-object-id"
    assert "The old one is kept." in str(last_entry(entra).steps)


def _signs_in_by_user_name(entra: Provider) -> None:
    given = {
        "issuer": "https://login.example/",
        "client_id": "gate",
        "client_secret": None,
        "scopes": None,
        "claim": None,
        "equals": "userName",
        "algorithm": "RS256",
        "second_factor": (),
    }
    settings = sign_in.settings_from(entra.connection, given, now=now())
    entra.database.write(
        lambda tx: sign_in.configure(tx, entra.connection, settings, operator())
    )


def test_an_administrator_is_deactivated_but_not_reactivated(entra: Provider) -> None:
    """Deactivating a linked holder is allowed, reactivating is 403 (D22)."""
    link_id = _made(entra)
    _administrator(entra, link_id)
    other = str(entra.post(person("two@contoso.com")).id)
    _administrator(entra, other)

    entra.patch(link_id, patch_of(active=False))
    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(active=True))

    assert not entra.user(link_id).active
    assert refusal.value.status == 403


def test_the_last_administrator_is_never_deactivated(entra: Provider) -> None:
    """The last active Administrator who can sign in is refused: 403 (D22)."""
    link_id = _made(entra)
    _administrator(entra, link_id)

    for road in (
        lambda: entra.patch(link_id, patch_of(active=False)),
        lambda: entra.delete(link_id),
    ):
        with pytest.raises(RulesViolated) as refusal:
            road()
        assert [v.code for v in refusal.value.violations] == ["last_administrator"]
    user = entra.user(link_id)
    assert user.active
    told = events_of(entra.database, user.id)
    assert told.count("last_administrator:protected") == 2


def test_the_last_administrator_keeps_the_role(entra: Provider) -> None:
    """The role of the last active Administrator is not taken either (R22)."""
    link_id = _made(entra)
    user = _administrator(entra, link_id)

    def take(tx: Transaction) -> None:
        doors.take_role(tx, user, "Administrator", operator())

    with pytest.raises(RulesViolated) as refusal:
        entra.database.write(take)
    other = str(entra.post(person("two@contoso.com")).id)
    _administrator(entra, other)
    entra.database.write(take)

    assert [v.code for v in refusal.value.violations] == ["last_administrator"]
    assert roles.names_held(entra.database.reader(), user.id) == []


MAPPED = shipped.text("entra").replace(
    '# "Registrar" = "Registrar"', '"Reg" = "Registrar"\n"Boss" = "Administrator"'
)


def test_each_road_moves_only_its_own_roles(database: Database) -> None:
    """A user holds a role while one row stands; each road moves its own (D23)."""
    entra = provider(database, mapping=MAPPED)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    link_id = _made(entra, roles=[{"value": "Reg"}, {"value": "Other"}])
    user = entra.user(link_id)
    database.write(lambda tx: doors.give_role(tx, user, "Registrar", operator()))

    entra.patch(link_id, {"Operations": [{"op": "remove", "path": "roles"}]})
    after_provider = roles.names_held(database.reader(), user.id)
    database.write(lambda tx: doors.take_role(tx, user, "Registrar", operator()))

    assert after_provider == ["Registrar"]
    assert roles.names_held(database.reader(), user.id) == []
    assert "user:role:revoked" in events_of(database, user.id)


def test_an_unknown_role_is_a_warning(database: Database) -> None:
    """A role the mapping does not know is a Warning, never created (D23)."""
    entra = provider(database, mapping=MAPPED)

    entra.post(person("kim.doe@contoso.com", roles=[{"value": "Other"}]))

    entry = last_entry(entra)
    assert entry.outcome == "Warning"
    assert 'Role \\"Other\\" is not in the mapping' in entry.steps


def test_the_administrator_role_needs_permission(database: Database) -> None:
    """A connection without the flag grants no Administrator: 403 (D22)."""
    entra = provider(database, mapping=MAPPED)

    with pytest.raises(RulesViolated) as refusal:
        entra.post(person("kim.doe@contoso.com", roles=[{"value": "Boss"}]))
    entra.set(may_act_as_administrator=True)
    entra.post(person("kim.doe@contoso.com", roles=[{"value": "Boss"}]))

    assert refusal.value.status == 403


# ----------------------------------------------------------------- the roads to inactive

Road = Callable[[Provider, str, users.User], object]


def _by_import(entra: Provider, _: str, user: users.User) -> None:
    rows = importing.read(
        "username,email,initials,active\n"
        f"{user.username},{user.email},{user.initials},no\n"
    )
    importing.judge(entra.database.reader(), rows)
    importing.write(entra.database, rows, operator())


ROADS: dict[str, Road] = {
    "PATCH": lambda entra, id_, _: entra.patch(id_, patch_of(active="False")),
    "PATCH without a path": lambda entra, id_, _: entra.patch(
        id_, {"Operations": [{"op": "replace", "value": {"active": False}}]}
    ),
    "PUT": lambda entra, id_, user: entra.put(id_, {**entra.get(id_), "active": False}),
    "DELETE": lambda entra, id_, _: entra.delete(id_),
    "console": lambda entra, _, user: entra.database.write(
        lambda tx: doors.deactivate(tx, user, operator())
    ),
    "import": _by_import,
}


def _count(database: Database, table: Any) -> int:
    return int(
        database.reader().value(Statement(select(func.count()).select_from(table)))
    )


def _let_in(tx: Transaction, user: users.User) -> None:
    """Everything that lets a user in; an API user is that of the app as well."""
    let_in(tx, user)
    if user.is_api_user:
        access.install_api_app(tx)
        api_app.configure(tx, user.username, operator())


NOTHING = {
    "sessions": {},
    "api_tokens": 0,
    "api_keys": 0,
    "password_links": 0,
    "api_app": False,
}


def _listening(tx: Transaction, name: str) -> None:
    """An application that wants to be told of logouts."""
    applications.add(
        tx,
        name,
        kind="web",
        address=None,
        redirects=(),
        logout_url="https://nextgen.example/logout",
        act=operator(),
    )


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("api_user", [False, True], ids=["person", "API user"])
def test_every_road_to_inactive_ends_every_access(
    entra: Provider, road: str, api_user: bool
) -> None:
    """Sessions, links, tokens and API App use end in the same transaction (D26)."""
    database = entra.database
    entra.set(allow_api_users=True)
    link_id = _made(entra, **({WISHES: {"apiUser": True}} if api_user else {}))
    user = entra.user(link_id)
    database.write(lambda tx: _let_in(tx, user))
    database.write(lambda tx: _listening(tx, "nextgen"))

    ROADS[road](entra, link_id, user)

    assert not users.required(database.reader(), user.id).active
    for table in (sessions, password_resets, api_keys, api_tokens):
        assert _count(database, table) == 0
    assert access.api_app_state(database.reader())[1] is None
    assert "user:deactivated" in events_of(database, user.id)
    assert topics(database)[-1] == "logout:application"
    (receipt,) = receipts.of_user(database.reader(), user.id)
    assert receipt.cut_at >= receipt.asked_at
    assert receipt.controls == (
        {**NOTHING, "api_tokens": 1, "api_keys": 1, "api_app": True}
        if api_user
        else {**NOTHING, "sessions": {"classic": 1, "nextgen": 1}, "password_links": 1}
    )
    assert [call.application for call in receipt.calls] == ["nextgen"]


def test_ending_access_is_never_refused_for_another_fields_sake(
    entra: Provider,
) -> None:
    """active=false beside a taken email is carried out, with a Warning (D27)."""
    entra.post(person("other@contoso.com"))
    link_id = _made(entra)

    done = entra.patch(
        link_id,
        {
            "Operations": [
                {"op": "replace", "path": "active", "value": False},
                {
                    "op": "replace",
                    "path": 'emails[type eq "work"].value',
                    "value": "other@contoso.com",
                },
            ]
        },
    )

    assert shown(done)["active"] is False
    assert shown(done)["emails"][0]["value"] == "other@contoso.com"
    assert local(done)["email"] == "kim.doe@contoso.com"
    assert last_entry(entra).outcome == "Warning"
    assert [c.kind for c in conflicts.every(entra.database.reader())] == ["kept_value"]


def test_activation_checks_all_rules_again(entra: Provider) -> None:
    """What was kept while inactive is refused at activation (D27)."""
    entra.post(person("other@contoso.com"))
    link_id = _made(entra)
    entra.patch(link_id, patch_of(active=False))
    entra.patch(link_id, patch_of(emails=[{"value": "other@contoso.com"}]))

    with pytest.raises(RulesViolated) as refusal:
        entra.patch(link_id, patch_of(active=True))

    assert [v.code for v in refusal.value.violations] == ["email_taken"]


def test_a_persons_deactivation_holds(entra: Provider) -> None:
    """A repeated active=true is 200 with active:false and a Warning (D28)."""
    link_id = _made(entra)
    user = entra.user(link_id)
    entra.database.write(lambda tx: doors.deactivate(tx, user, operator()))

    plain = entra.patch(link_id, patch_of(active=True))
    with_more = entra.patch(link_id, patch_of(active=True, title="Dean"))

    assert shown(plain)["active"] is False
    assert shown(with_more)["active"] is False
    assert shown(with_more)["title"] == "Dean"
    entry = last_entry(entra)
    assert entry.outcome == "Warning"
    assert "Held inactive by ann since" in entry.steps


def test_the_providers_own_move_lifts_the_hold(entra: Provider) -> None:
    """A later move from false to true lifts the hold (D28)."""
    link_id = _made(entra)
    user = entra.user(link_id)
    entra.database.write(lambda tx: doors.deactivate(tx, user, operator()))

    entra.patch(link_id, patch_of(active=False))
    done = entra.patch(link_id, patch_of(active=True))

    assert shown(done)["active"] is True
    assert entra.user(link_id).held_by is None


def test_the_echo_of_our_answer_lifts_no_hold(entra: Provider) -> None:
    """A PUT that returns our active:false is not the provider's own move (D28)."""
    link_id = _made(entra)
    user = entra.user(link_id)
    entra.database.write(lambda tx: doors.deactivate(tx, user, operator()))

    entra.put(link_id, {**entra.get(link_id), "title": "Dean"})
    done = entra.patch(link_id, patch_of(active=True))

    assert shown(done)["active"] is False


# ------------------------------------------------------------------ versions and retries


def test_identical_changes_change_nothing(entra: Provider) -> None:
    """An identical PATCH raises neither version nor lastModified (D29, D30)."""
    link_id = _made(entra)
    before = entra.get(link_id)

    again = entra.patch(link_id, patch_of(userName="kim.doe@contoso.com"))

    assert shown(again) == before


def test_the_version_rises_with_every_change_from_whatever_door(
    entra: Provider,
) -> None:
    """A deactivation at the command line raises version and lastModified (D30)."""
    link_id = _made(entra)
    user = entra.user(link_id)
    before = entra.get(link_id)["meta"]

    entra.database.write(lambda tx: doors.deactivate(tx, user, operator()))

    after = entra.get(link_id)["meta"]
    assert (before["version"], after["version"]) == ('W/"1"', 'W/"2"')
    assert after["lastModified"] > before["lastModified"]


def test_if_match_is_compared_inside_the_transaction(entra: Provider) -> None:
    """Another version than If-Match names is 412, and nothing changes (D30)."""
    link_id = _made(entra)

    with pytest.raises(VersionMismatch):
        entra.patch(link_id, patch_of(title="Dean"), if_match='W/"7"')
    entra.patch(link_id, patch_of(title="Dean"), if_match='W/"1"')

    assert entra.get(link_id)["title"] == "Dean"


def test_a_retried_post_sends_no_second_mail(entra: Provider) -> None:
    """A repeated POST is 409: no second user, no second mail (D29)."""
    _made(entra)

    with pytest.raises(Exception, match="already in use"):
        _made(entra)

    assert topics(entra.database) == ["mail:welcome"]


# ---------------------------------------------------------------------------- mail, log


@pytest.mark.parametrize(
    ("settings", "more"),
    [({"password_mail": False}, {}), ({}, {"active": False})],
    ids=["connection without mail", "created inactive"],
)
def test_no_password_mail(
    database: Database, settings: dict[str, Any], more: dict[str, Any]
) -> None:
    """No mail with --no-password-mail, none for users created inactive (R15)."""
    entra = provider(database, **settings)

    entra.post(person("kim.doe@contoso.com", **more))

    assert topics(database) == []


def test_the_first_activation_sends_the_mail(entra: Provider) -> None:
    """Somebody created inactive is mailed at the first activation, once (R15)."""
    link_id = _made(entra, active=False)

    for active in (True, False, True):
        entra.patch(link_id, patch_of(active=active))

    assert topics(entra.database).count("mail:welcome") == 1


def test_a_password_is_never_kept(entra: Provider) -> None:
    """A password is accepted, never stored, never logged (D25)."""
    made = entra.post(person("kim.doe@contoso.com", password="s3cret-word"))

    entry = last_entry(entra)
    assert "s3cret-word" not in json.dumps([entry.request_body, entry.steps, made.text])
    assert "(not kept)" in str(entry.request_body)


def test_a_refusal_keeps_its_steps(entra: Provider) -> None:
    """The log of a refusal says at which step it ended, and why (D33)."""
    with pytest.raises(RulesViolated):
        entra.post(person("kim.doe@contoso.com", emails=[]))

    entry = last_entry(entra)
    steps = {step["step"]: step for step in json.loads(entry.steps)}
    assert (entry.outcome, entry.reason) == ("Failure", "email_missing")
    assert steps["map"]["state"] == "Passed"
    assert steps["check rules"]["state"] == "Failed"
    assert steps["write"]["state"] == "Not reached"
    assert entry.identity == "kim.doe@contoso.com"


def test_a_new_person_by_hand_gets_proposed_names(entra: Provider) -> None:
    """Initials and username are proposed by the same ladder (local rules 1.1)."""
    new = NewUser(email="Ann.Lee@contoso.com", first_name="Ann", last_name="Lee")

    made = entra.database.write(lambda tx: doors.add(tx, new, operator()))

    assert (made.username, made.initials) == ("ann.lee@contoso.com", "AL")
    assert topics(entra.database) == ["mail:welcome"]

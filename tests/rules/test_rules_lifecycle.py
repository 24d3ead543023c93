"""Creation, change, deactivation and return; the gate; the handbook as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scim_connector.rules import access, handbook, lifecycle
from scim_connector.rules.access import HOUR, ResetLink
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import EVENTS, Event
from scim_connector.rules.lifecycle import CutOff, Standing
from scim_connector.rules.users import Draft, RulesViolated, Taken, UserType

LIMITED = Actor.connection(
    "entra", may_act_as_administrator=False, allow_api_users=False
)
TRUSTED = Actor.connection("entra", may_act_as_administrator=True, allow_api_users=True)
PERSON = Actor.operator("ann")
GOOD = Draft("kim.doe", "KD", "kim.doe@contoso.com")
KIM = Standing(UserType.ADMINISTRATIVE, api_user=False, active=True)
BOSS = replace(KIM, is_administrator=True)
ROBOT = replace(KIM, api_user=True)


def _codes(refusal: pytest.ExceptionInfo[RulesViolated]) -> list[str]:
    return [v.code for v in refusal.value.violations]


def test_a_creation_is_one_event_with_its_values() -> None:
    """What was created, and how, is what audit keeps."""
    (event,) = lifecycle.create(GOOD, Taken(), LIMITED)

    assert event.name == "user:created"
    assert event.facts["initials"] == "KD"


def test_a_provider_creates_administrative_users_only() -> None:
    """R9: other types come by import, from whatever door a list is imported."""
    teacher = replace(GOOD, user_type=UserType.TEACHER)

    with pytest.raises(RulesViolated) as refusal:
        lifecycle.create(teacher, Taken(), TRUSTED)

    assert _codes(refusal) == ["type_not_creatable"]
    assert lifecycle.create(teacher, Taken(), PERSON)
    console = Actor.console("ada", 1, is_administrator=True)
    with pytest.raises(RulesViolated):
        lifecycle.create(teacher, Taken(), console)
    assert lifecycle.create(teacher, Taken(), console.importing())


def test_api_users_need_the_connections_permission() -> None:
    """R12: 403 without the flag."""
    robot = replace(GOOD, api_user=True)

    with pytest.raises(RulesViolated) as refusal:
        lifecycle.create(robot, Taken(), LIMITED)

    assert refusal.value.status == 403
    assert lifecycle.create(robot, Taken(), TRUSTED)


def test_flag_and_type_never_change() -> None:
    """R10 and R11: 400 mutability for either."""
    found = lifecycle.unchangeable(KIM, api_user=True, user_type="teacher")

    assert [v.code for v in found] == ["api_flag_immutable", "type_immutable"]
    assert RulesViolated(found).scim_type == "mutability"


@pytest.mark.parametrize("field", ["email", "username"])
def test_a_limited_connection_keeps_off_administrators(field: str) -> None:
    """R21: email and username of a holder are not a limited connection's."""
    with pytest.raises(RulesViolated):
        lifecycle.may_change(BOSS, {field}, LIMITED)
    lifecycle.may_change(BOSS, {"first_name"}, LIMITED)
    lifecycle.may_change(BOSS, {field}, TRUSTED)
    lifecycle.may_change(KIM, {field}, LIMITED)


@pytest.mark.parametrize(
    ("user", "others", "allowed"),
    [
        (BOSS, 0, False),
        (BOSS, 1, True),
        (KIM, 0, True),
        (replace(BOSS, active=False), 0, True),
    ],
)
def test_the_last_administrator_stays(
    user: Standing, others: int, allowed: bool
) -> None:
    """R22: only the last active Administrator who can sign in is refused."""
    if allowed:
        lifecycle.may_deactivate(user, other_administrators=others)
        return
    with pytest.raises(RulesViolated) as refusal:
        lifecycle.may_deactivate(user, other_administrators=others)
    assert _codes(refusal) == ["last_administrator"]


@pytest.mark.parametrize(
    ("user", "others", "allowed"),
    [
        (BOSS, 0, False),
        (BOSS, 1, True),
        (KIM, 0, True),
        (replace(BOSS, active=False), 0, True),
        (replace(BOSS, api_user=True), 0, True),
    ],
)
def test_the_last_administrator_keeps_the_role(
    user: Standing, others: int, allowed: bool
) -> None:
    """R22: the role is not taken from the last one who can sign in, by anybody."""
    if allowed:
        lifecycle.may_lose_administrator(user, other_administrators=others)
        return
    with pytest.raises(RulesViolated) as refusal:
        lifecycle.may_lose_administrator(user, other_administrators=others)
    assert _codes(refusal) == ["last_administrator"]
    assert refusal.value.status == 403


@pytest.mark.parametrize(
    ("user", "code"), [(BOSS, "administrator_only"), (ROBOT, "api_user_not_allowed")]
)
def test_a_limited_connection_does_not_reactivate(user: Standing, code: str) -> None:
    """R12 and R21: neither Administrators nor API users come back by it."""
    with pytest.raises(RulesViolated) as refusal:
        lifecycle.may_reactivate(user, LIMITED)

    assert _codes(refusal) == [code]


def test_users_of_another_type_are_left_alone() -> None:
    """R31: a teacher is not linked where the mapping manages administrative users."""
    teacher = replace(KIM, user_type=UserType.TEACHER)

    with pytest.raises(RulesViolated) as refusal:
        lifecycle.may_adopt(teacher, TRUSTED, user_type="administrative")

    assert _codes(refusal) == ["type_not_managed"]
    lifecycle.may_adopt(teacher, TRUSTED, user_type="teacher")


def test_a_deactivation_tells_what_it_ended() -> None:
    """R18: one event for the user and one for each kind of access there was."""
    names = [e.name for e in lifecycle.deactivated(CutOff(2, 1, 3, api_app=True))]

    assert names == [
        "user:deactivated",
        "sessions:ended",
        "resets:voided",
        "api_tokens:revoked",
        "api_app:user_removed",
    ]
    assert len(lifecycle.deactivated(CutOff())) == 1


# ---------------------------------------------------------------------------- the gate


@pytest.mark.parametrize(
    ("user", "facts", "code"),
    [
        (None, {}, "unknown_user"),
        (replace(ROBOT, active=False), {}, "api_user_no_login"),
        (replace(KIM, active=False), {}, "inactive"),
        (KIM, {"linked": False}, "unlinked"),
        (KIM, {"limit_reached": True}, "session_limit"),
    ],
)
def test_the_gate_refuses_in_its_order(
    user: Standing | None, facts: dict[str, bool], code: str
) -> None:
    """R25: identity, API user, inactive, unlinked, session limit."""
    refusal = access.may_sign_in(user, **facts)

    assert refusal is not None
    assert refusal.code == code


def test_the_gate_lets_a_person_in() -> None:
    """An active person signs in; the view-only user even past the limit (R28)."""
    watcher = replace(KIM, user_type=UserType.USER_VIEW_ONLY)

    assert access.may_sign_in(KIM) is None
    assert access.may_sign_in(watcher, limit_reached=True) is None


@pytest.mark.parametrize(
    ("link", "user", "now", "code"),
    [
        (ResetLink(HOUR), KIM, HOUR - 1, None),
        (ResetLink(HOUR), KIM, HOUR, "link_expired"),
        (ResetLink(HOUR, used_at=1), KIM, 2, "link_used"),
        (ResetLink(HOUR, revoked_at=1), KIM, 2, "link_revoked"),
        (ResetLink(HOUR), replace(KIM, active=False), 2, "user_inactive"),
        (ResetLink(HOUR), ROBOT, 2, "api_user_no_login"),
    ],
)
def test_a_password_link_lives_one_hour_and_once(
    link: ResetLink, user: Standing, now: int, code: str | None
) -> None:
    """R16: valid while now < expires_at, unused, for an active person."""
    refusal = access.reset_refusal(link, user, now=now)

    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("user", "second_factor", "code"),
    [
        (replace(KIM, signed_in_before=True), True, None),
        (ROBOT, True, "api_user"),
        (replace(KIM, signed_in_before=True, active=False), True, "inactive"),
        (KIM, True, "never_logged_in"),
        (replace(KIM, signed_in_before=True), False, "actor_mfa_required"),
    ],
)
def test_a_password_mail_on_request_has_conditions(
    user: Standing, second_factor: bool, code: str | None
) -> None:
    """R17: to an active person who has signed in, by one with a second factor."""
    refusal = access.may_request_reset(user, second_factor=second_factor)

    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("user", "installed", "code"),
    [
        (ROBOT, True, None),
        (None, True, "unknown_user"),
        (KIM, True, "not_api_user"),
        (replace(ROBOT, active=False), True, "api_user_inactive"),
        (ROBOT, False, "api_app_missing"),
    ],
)
def test_the_api_is_for_active_api_users(
    user: Standing | None, installed: bool, code: str | None
) -> None:
    """R13 and R14: an active API user, while the API App is installed."""
    refusal = access.may_use_api(user, installed=installed)

    assert (refusal.code if refusal else None) == code


# -------------------------------------------------------------------------- the handbook


def test_the_handbook_is_complete() -> None:
    """R1 to R35, each once, each with a sentence and what to do in both providers."""
    assert [rule.id for rule in handbook.HANDBOOK] == [f"R{n}" for n in range(1, 36)]
    for rule in handbook.HANDBOOK:
        assert rule.sentence.endswith(".")
        assert rule.in_entra
        assert rule.in_okta


def test_a_refusal_names_the_very_rule_of_the_handbook() -> None:
    """What refuses is the value the handbook prints; its message ends with the id."""
    draft = Draft("1", "TOOLONG", "nobody", user_type=UserType.TEACHER, api_user=True)
    with pytest.raises(RulesViolated) as refusal:
        lifecycle.create(draft, Taken(), LIMITED)

    broken = refusal.value.violations
    assert {v.rule.id for v in broken} == {"R1", "R4", "R6", "R9", "R12"}
    for violation in broken:
        assert violation.rule is handbook.rule(violation.rule.id)
        assert violation.message.endswith(f"({violation.rule.id}).")
    assert str(refusal.value) == refusal.value.detail


def test_the_printed_handbook_has_every_sentence() -> None:
    """The page is generated from the rules themselves."""
    page = handbook.render()

    assert all(rule.sentence in page for rule in handbook.HANDBOOK)


def test_every_event_has_a_name_of_the_table() -> None:
    """What is not in the table cannot be told, a fact neither; each has a sentence."""
    with pytest.raises(ValueError, match="no event is named"):
        Event("user:vanished")
    with pytest.raises(ValueError, match="user:created tells no shoe_size"):
        Event("user:created", {"shoe_size": 42})
    assert all(":" in n and told.sentence.endswith(".") for n, told in EVENTS.items())

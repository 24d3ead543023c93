"""The gate's rule: the first reason in its order, whatever else is wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scim_connector.rules.access import (
    HOUR,
    FactorPolicy,
    Lifetimes,
    ResetLink,
    may_request_reset,
    may_sign_in,
    needs_second_factor,
    reset_refusal,
    session_over,
)
from scim_connector.rules.lifecycle import Standing
from scim_connector.rules.users import UserType

ORDER = (
    "token_invalid",
    "unknown_user",
    "api_user_no_login",
    "inactive",
    "unlinked",
    "session_limit",
)
LIFETIMES = Lifetimes(idle=60, whole=600)


@given(
    token=st.booleans(),
    known=st.booleans(),
    api_user=st.booleans(),
    active=st.booleans(),
    linked=st.booleans(),
    full=st.booleans(),
    kind=st.sampled_from(UserType),
)
def test_the_first_reason_in_the_order_is_the_one(
    *,
    token: bool,
    known: bool,
    api_user: bool,
    active: bool,
    linked: bool,
    full: bool,
    kind: UserType,
) -> None:
    """R25: token, identity, API user, inactive, unlinked, limit (R28), in this order."""
    user = Standing(kind, api_user=api_user, active=active) if known else None

    refusal = may_sign_in(
        user,
        token_wrong=None if token else "It is forged.",
        linked=linked,
        limit_reached=full,
    )

    over = full and kind is not UserType.USER_VIEW_ONLY
    wrong = (not token, not known, api_user, not active, not linked, over)
    reasons = [code for code, holds in zip(ORDER, wrong, strict=True) if holds]
    assert (refusal.code if refusal else None) == (reasons[0] if reasons else None)


@given(seen=st.integers(0, 700), now=st.integers(0, 1400))
def test_a_session_ends_by_either_of_its_lifetimes(seen: int, now: int) -> None:
    """It is good while it is used within the one and younger than the other."""
    over = session_over(seen_at=seen, expires_at=600, lifetimes=LIFETIMES, now=now)

    assert (over is None) == (now < 600 and now - seen < 60)


@given(
    administrator=st.booleans(),
    has_one=st.booleans(),
    policy=st.sampled_from(FactorPolicy),
)
def test_a_second_factor_is_asked_for_as_the_policy_says(
    *, administrator: bool, has_one: bool, policy: FactorPolicy
) -> None:
    """Off, administrators or everybody; whoever has one is always asked."""
    user = Standing(
        UserType.ADMINISTRATIVE,
        api_user=False,
        active=True,
        is_administrator=administrator,
    )

    asked = needs_second_factor(user, policy, has_one=has_one)

    expected = {"off": False, "administrators": administrator, "everybody": True}
    assert asked == (has_one or expected[policy.value])


@given(
    used=st.booleans(),
    revoked=st.booleans(),
    age=st.integers(-1, 2 * HOUR),
    active=st.booleans(),
    api_user=st.booleans(),
)
def test_a_link_works_once_for_an_hour_for_an_active_person(
    *, used: bool, revoked: bool, age: int, active: bool, api_user: bool
) -> None:
    """R16: to the last microsecond; the first reason in its order is the one."""
    link = ResetLink(HOUR, 1 if used else None, 1 if revoked else None)
    user = Standing(UserType.ADMINISTRATIVE, api_user=api_user, active=active)

    refusal = reset_refusal(link, user, now=age)

    wrong = {
        "link_used": used,
        "link_revoked": revoked,
        "link_expired": age >= HOUR,
        "user_inactive": not active,
        "api_user_no_login": api_user,
    }
    reasons = [code for code, holds in wrong.items() if holds]
    assert (refusal.code if refusal else None) == (reasons[0] if reasons else None)


@given(
    api_user=st.booleans(),
    active=st.booleans(),
    before=st.booleans(),
    factor=st.booleans(),
)
def test_a_mail_on_request_is_for_who_has_signed_in_by_who_has_a_factor(
    *, api_user: bool, active: bool, before: bool, factor: bool
) -> None:
    """R17: API user, inactive, never signed in, and the second factor of who asks."""
    user = Standing(
        UserType.ADMINISTRATIVE,
        api_user=api_user,
        active=active,
        signed_in_before=before,
    )

    refusal = may_request_reset(user, second_factor=factor)

    wrong = {
        "api_user": api_user,
        "inactive": not active,
        "never_logged_in": not before,
        "actor_mfa_required": not factor,
    }
    reasons = [code for code, holds in wrong.items() if holds]
    assert (refusal.code if refusal else None) == (reasons[0] if reasons else None)

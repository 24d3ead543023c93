"""The gate's rule: the first reason in its order, whatever else is wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scim_connector.rules.access import (
    FactorPolicy,
    Lifetimes,
    may_sign_in,
    needs_second_factor,
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

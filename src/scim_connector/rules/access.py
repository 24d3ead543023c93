"""Who may come in: sign-in, password links, the API.  One gate for every door."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from scim_connector.rules.users import Kind, Rule, UserType

if TYPE_CHECKING:
    from scim_connector.rules.lifecycle import Standing

#: What the person at the door reads, whatever the reason; audit keeps the reason.
OUTWARD = "Sign-in is not possible. Ask your administrator."
HOUR = 3600 * 1_000_000

_CONFIGURE = "Configure it here: api-app configure USERNAME."

R14 = Rule(
    "R14",
    "The user of the API App",
    "The API App is configured with one active API user.",
    Kind.FORBIDDEN,
    "api_user",
    _CONFIGURE,
    _CONFIGURE,
)
R17 = Rule(
    "R17",
    "Password mail on request",
    "A password mail is sent on request only to an active person who has signed in"
    " before, by somebody with a second factor.",
    Kind.FORBIDDEN,
    None,
    "The person signs in once by Entra; then a link can be sent. If"
    " they cannot, check that they are assigned.",
    "The person signs in once by Okta; then a link can be sent. If"
    " they cannot, check that they are assigned.",
)
R25 = Rule(
    "R25",
    "The gate",
    "Nobody signs in who is an API user, inactive, or no longer linked; the person sees"
    " the same message for every reason, the log has the exact one.",
    Kind.FORBIDDEN,
    None,
    "Read the reason in the log here; then enable the person and"
    " assign them to the application.",
    "Read the reason in the log here; then activate the person and"
    " assign them to the application.",
)
R16 = Rule(
    "R16",
    "Password links",
    "A password link works once, for one hour, for an active person.",
    Kind.FORBIDDEN,
    None,
    "Send a new password link from here.",
    "Send a new password link from here.",
)
R28 = Rule(
    "R28",
    "Session limit",
    "When a limit of sessions is set and reached, nobody new signs in but the"
    " view-only user.",
    Kind.FORBIDDEN,
    None,
    "End sessions here, or raise the limit.",
    "End sessions here, or raise the limit.",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not come in: the rule, its code, and the sentence for the log."""

    rule: Rule
    code: str
    sentence: str


def may_sign_in(
    user: Standing | None,
    *,
    token_wrong: str | None = None,
    linked: bool = True,
    limit_reached: bool = False,
) -> Refusal | None:
    """Say why somebody may not sign in, or None when they may (R25, in its order).

    *token_wrong* is the sentence of whoever looked at what the person showed: an ID
    token, a password, a mailed link, the token of a session; None when it was good.
    """
    if token_wrong is not None:
        return Refusal(R25, "token_invalid", token_wrong)
    if user is None:
        return Refusal(R25, "unknown_user", "No user belongs to this identity.")
    is_over = limit_reached and user.user_type is not UserType.USER_VIEW_ONLY
    in_order = (
        (user.api_user, R25, "api_user_no_login", "API users are for programs only."),
        (not user.active, R25, "inactive", "The user is inactive."),
        (not linked, R25, "unlinked", "The provider has removed this user."),
        (is_over, R28, "session_limit", "The limit of sessions is reached."),
    )
    for holds, rule, code, sentence in in_order:
        if holds:
            return Refusal(rule, code, sentence)
    return None


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts, microseconds: unused, and at all."""

    idle: int
    whole: int


def session_over(
    *, seen_at: int, expires_at: int, lifetimes: Lifetimes, now: int
) -> str | None:
    """Say why a session is over by its age, or None while it is not (decision 37)."""
    if now >= expires_at:
        return "The session has lasted as long as one may."
    if now - seen_at >= lifetimes.idle:
        return "The session was not used for too long."
    return None


class FactorPolicy(StrEnum):
    """Whom a password alone does not let in."""

    OFF = "off"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


def needs_second_factor(user: Standing, policy: FactorPolicy, *, has_one: bool) -> bool:
    """Whether a password sign-in of *user* asks for a second factor as well.

    Whoever has set one up is always asked for it.
    """
    if has_one or policy is FactorPolicy.EVERYBODY:
        return True
    return policy is FactorPolicy.ADMINISTRATORS and user.is_administrator


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A password link; instants in microseconds UTC."""

    expires_at: int
    used_at: int | None = None
    revoked_at: int | None = None


def reset_refusal(link: ResetLink, user: Standing, *, now: int) -> Refusal | None:
    """Say why a password link does not work; it works while now < expires_at (R16)."""
    if link.used_at is not None:
        return Refusal(R16, "link_used", "The link has been used.")
    if link.revoked_at is not None:
        return Refusal(R16, "link_revoked", "The link was replaced by a later one.")
    if now >= link.expires_at:
        return Refusal(R16, "link_expired", "The link is older than one hour.")
    if not user.active:
        return Refusal(R16, "user_inactive", "The user is inactive.")
    return may_sign_in(user)


def may_request_reset(user: Standing, *, second_factor: bool) -> Refusal | None:
    """Say why a person may not have *user* mailed a password link (R17).

    *second_factor* says whether the one who asks has one on their own account.  The
    first link, at creation, is no request: R15.
    """
    if user.api_user:
        return Refusal(R17, "api_user", "API users have no password.")
    if not user.active:
        return Refusal(R17, "inactive", "The user is inactive.")
    if not user.signed_in_before:
        return Refusal(R17, "never_logged_in", "The user has never signed in.")
    if not second_factor:
        return Refusal(
            R17, "actor_mfa_required", "Set up a second factor on your own account."
        )
    return None


def may_use_api(user: Standing | None, *, installed: bool) -> Refusal | None:
    """Say why *user* may not act through the API, or None when they may (R13, R14).

    *installed* says whether the API App is installed here.
    """
    if user is None:
        return Refusal(R14, "unknown_user", "No user belongs to this token.")
    if not user.api_user:
        return Refusal(R14, "not_api_user", "Only an API user acts through the API.")
    if not user.active:
        return Refusal(R14, "api_user_inactive", "The API user is inactive.")
    if not installed:
        return Refusal(R14, "api_app_missing", "The API App is not installed.")
    return None

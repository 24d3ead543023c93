"""From what the mapping derived to what the local user shall be.

A newcomer gets every field.  A known user gets a field only where the mapping's value
from the resource before and after the change differ (decision 19), so a change made in
the console lives until the provider sends something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scim_connector.accounts import settle
from scim_connector.directory import profiles, roles
from scim_connector.mapping.drafts import differing
from scim_connector.provisioning.steps import Step
from scim_connector.rules.users import Draft, UserType

if TYPE_CHECKING:
    from scim_connector.accounts.settling import Field, Settled
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.users import User
    from scim_connector.mapping.drafts import Derived, FieldTrace
    from scim_connector.provisioning.course import Course

PLAIN: Final = ("first_name", "last_name", "email")
CHOSEN: Final[tuple[Field, ...]] = ("username", "initials")


@dataclass(frozen=True, slots=True)
class Wishes:
    """Local values the provider wishes for, each with its origin (decision 16)."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def draft(self, derived: Derived, *, active: bool) -> Draft:
        """A newcomer as the rules see them."""
        return Draft(
            username=self.values["username"],
            initials=self.values["initials"],
            email=self.values["email"],
            first_name=self.values["first_name"],
            last_name=self.values["last_name"],
            user_type=UserType(derived.user_type),
            api_user=derived.api_user,
            active=active,
        )


def of_newcomer(tx: Transaction, course: Course, derived: Derived) -> Wishes:
    """Choose every field of a new user; what is missing is left empty for the rules."""
    wishes = Wishes()
    for name in PLAIN:
        wishes.values[name] = getattr(derived, name) or ""
        wishes.origins[name] = "derived"
    for name in CHOSEN:
        settled = settle(tx, name, getattr(derived, name))
        _take(wishes, name, settled)
    _explain(course, derived, wishes)
    return wishes


def of_known(
    tx: Transaction,
    course: Course,
    user: User,
    before: Derived,
    after: Derived,
    *,
    all_fields: bool = False,
) -> Wishes:
    """Choose the fields the provider's change asks for.

    With *all_fields* (activation, decision 27) every field that follows the provider is
    compared with the user as they stand, not with the resource before.
    """
    wishes = Wishes()
    moved = differing(before, after)
    for name in PLAIN:
        value = getattr(after, name) or ""
        if name in moved or (all_fields and name not in user.overridden):
            wishes.values[name] = value
            wishes.origins[name] = "derived"
    for name in CHOSEN:
        choices = getattr(after, name)
        if name in moved:
            present = getattr(user, name)
            chosen = settle(tx, name, choices, present=present, of_user=user.id)
            _take(wishes, name, chosen)
        elif choices.stated is None and getattr(before, name).stated is not None:
            # The wish was taken back: the value stays and is derived again.
            wishes.values[name] = getattr(user, name)
            wishes.origins[name] = "derived"
    _explain(course, after, wishes, user)
    return wishes


def _take(wishes: Wishes, name: str, settled: Settled) -> None:
    wishes.values[name] = settled.value or ""
    wishes.origins[name] = settled.origin


def _explain(
    course: Course, derived: Derived, wishes: Wishes, user: User | None = None
) -> None:
    facts = {trace.field: _fact(trace, wishes, user) for trace in derived.trace}
    course.steps.passed(Step.MAP, "The mapping gave every local field.", fields=facts)


def _fact(trace: FieldTrace, wishes: Wishes, user: User | None) -> dict[str, Any]:
    """What a field became; ``kept`` where a known user's stays, whatever was derived."""
    if user is None or trace.field in wishes.values:
        return trace.as_json(chosen=wishes.values.get(trace.field))
    return {**trace.as_json(), "became": getattr(user, trace.field), "kept": True}


def role_ids(tx: Transaction, course: Course, derived: Derived) -> frozenset[int]:
    """The local roles the resource asks for; unknown ones are warned about (D23)."""
    for name in derived.unknown_roles:
        course.steps.warn(Step.MAP, f'Role "{name}" is not in the mapping; not given.')
    found = roles.by_names(tx, derived.roles or ())
    for name in derived.roles or ():
        if name not in found:
            course.steps.warn(
                Step.MAP, f'The mapping names role "{name}", which does not exist here.'
            )
    return frozenset(found.values())


def profile_id(tx: Transaction, course: Course, derived: Derived) -> int | None:
    """The local profile the resource asks for; an unknown one is warned about (D23)."""
    if derived.profile is None:
        return None
    found = profiles.by_name(tx, derived.profile)
    if found is None:
        course.steps.warn(
            Step.MAP, f'Profile "{derived.profile}" does not exist here; not given.'
        )
        return None
    return found.id

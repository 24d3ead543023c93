"""PUT, PATCH and DELETE: what a change of the resource does to the local user.

The order of judgement matters.  First it is settled whether the user will be active
afterwards; a request that ends access, or leaves the user inactive, is never refused
for another field's sake (decision 27).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Account, groups, representation
from scim_connector.directory import sso, users
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import matching, wishes
from scim_connector.provisioning.exchange import paused
from scim_connector.provisioning.steps import Step
from scim_connector.rules import lifecycle
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.drafts import Derived
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.course import Course
    from scim_connector.rules.users import Violation
    from scim_connector.scim.types import Json


#: What a sign-in may be found by (R26).
IDENTITY = ("externalId", "userName")


class Update:
    """One change of a linked user inside one transaction."""

    def __init__(
        self,
        tx: Transaction,
        course: Course,
        act: Act,
        link: Link,
        mapping: Mapping,
    ) -> None:
        """Open the account behind *link*."""
        self.tx = tx
        self.course = course
        self.act = act
        self.link = link
        self.mapping = mapping
        self.connection = course.call.connection
        user = users.required(tx, link.local_user_id)
        self.account = Account(tx, user, act, link=link, connection=self.connection)
        self.before = representation.stated(link)
        course.link_id = link.id
        course.user_id = link.user_id
        course.about(self.before)
        course.steps.passed(Step.MATCH, f"Found by id: {self.account.user.username}.")

    # ------------------------------------------------------------------- PUT, PATCH

    def run(self, after: Json, *, echo: bool = False) -> Link:
        """Make *after* the resource; returns the link as it stands then.

        With *echo* (PUT) the provider may be returning our own answer: an
        ``active=false`` that we told it of a user held inactive is not its own move.

        Raises ScimError or RulesViolated with nothing written.  A resource equal to the
        one before writes nothing and raises no version.
        """
        self.course.about(after)
        asked = self._asked(after, echo)
        after = {**after, "active": asked}
        if after == self.before:
            self._warn_of_hold(asked)
            self.course.steps.passed(Step.WRITE, "Nothing changed.")
            return self.link
        self._refuse_while_paused(asked)
        stays = self._will_be_active(asked)
        after = matching.with_free_user_name(
            self.tx, self.course, self.link, after, refuse=stays
        )
        after = self._with_kept_identity(after, stays)
        returns = stays and not self.account.user.active
        if returns or self.mapping.is_touched(self.before, after):
            self._map(after, stays)
        else:
            self.course.steps.skipped(Step.MAP, "Nothing the mapping reads changed.")
        self._activity(asked)
        return self._write(after, asked)

    def _asked(self, after: Json, echo: bool) -> bool:
        asked = bool(after.get("active", self.link.asked_active))
        held = self.account.user.held_by is not None
        return self.link.asked_active if echo and held and not asked else asked

    def _refuse_while_paused(self, asked: bool) -> None:
        """A paused connection serves reads and deactivations only (decision 13)."""
        if self.connection.state == "paused" and asked:
            raise paused(self.connection)

    def _will_be_active(self, asked: bool) -> bool:
        """Whether the user is active once this request is done (decisions 27 and 28)."""
        user = self.account.user
        if not asked or user.active:
            return asked
        return user.held_by is None or not self.link.asked_active

    def _with_kept_identity(self, after: Json, stays: bool) -> Json:
        """*after* with what an Administrator's sign-in is found by as it was (R21).

        Raises RulesViolated while the user stays active.  Without this, whoever has the
        token of a connection could put their own account in an Administrator's place.
        """
        moved = [n for n in IDENTITY if after.get(n) != self.before.get(n)]
        if not moved or not self.account.standing().is_administrator:
            return after
        protected = self._found_by(moved)
        try:
            lifecycle.may_change(self.account.standing(), protected, self.act.actor)
        except RulesViolated as refusal:
            if stays:
                raise
            warning = f"{refusal.detail} The old one is kept."
            self.course.steps.warn(Step.CHECK_RULES, warning)
            return {**after, **{name: self.before.get(name) for name in protected}}
        return after

    def _found_by(self, names: list[str]) -> list[str]:
        """Those of *names* a sign-in is found by: externalId, or userName if chosen."""
        settings = sso.settings_of(self.tx, self.connection.id)
        if settings is not None and settings.equals == "userName":
            return names
        return [name for name in names if name != "userName"]

    def _map(self, after: Json, stays: bool) -> None:
        """Let the local user follow what the mapping now says."""
        derived = derive(self.mapping, after)
        touched = self.mapping.is_touched(self.before, after)
        derived_before = derive(self.mapping, self.before) if touched else derived
        self._meet_refusals(derived_before, derived, stays)
        self._fields(derived_before, derived, stays)
        with self._refusing(stays):
            self._equip(derived_before, derived)

    def _meet_refusals(self, before: Derived, after: Derived, stays: bool) -> None:
        """A refusal of the mapping that the resource before did not meet (D17)."""
        news = tuple(r for r in after.refusals if r not in before.refusals)
        if stays and news:
            raise InvalidValue(" ".join(news))
        for sentence in news:
            self.course.steps.warn(Step.CHECK_RULES, sentence)

    def _unchangeable(self, after: Derived) -> tuple[Violation, ...]:
        """What no update may do: flip the API flag, or change the type."""
        user = self.account.user
        flag = after.api_user if after.api_user_stated else user.is_api_user
        return lifecycle.unchangeable(
            self.account.standing(), api_user=flag, user_type=after.user_type
        )

    def _fields(self, before: Derived, after: Derived, stays: bool) -> None:
        """Judge every field at once, then write those that keep the rules."""
        user = self.account.user
        chosen = wishes.of_known(
            self.tx,
            self.course,
            user,
            before,
            after,
            all_fields=stays and not user.active,
        )
        never = self._unchangeable(after)
        kept = self.account.violations(chosen.values)
        if stays and (never or kept):
            raise RulesViolated((*never, *kept))
        for violation in (*never, *kept):
            self.course.steps.warn(
                Step.CHECK_RULES, f"{violation.message} The present value is kept."
            )
            self.course.ask("kept_value", violation.message, user_id=user.id)
        broken = {violation.attribute for violation in kept}
        values = {n: v for n, v in chosen.values.items() if n not in broken}
        with self._refusing(stays):
            lifecycle.may_change(
                self.account.standing(), self._moved(values), self.act.actor
            )
            self.account.follow(values, chosen.origins)
        self.course.steps.passed(Step.CHECK_RULES, "Every local rule is kept.")

    @contextmanager
    def _refusing(self, stays: bool) -> Iterator[None]:
        """Let a broken rule refuse the request only while the user stays active."""
        try:
            yield
        except RulesViolated as refusal:
            if stays:
                raise
            self.course.steps.warn(Step.CHECK_RULES, refusal.detail)

    def _moved(self, values: dict[str, Any]) -> frozenset[str]:
        user = self.account.user
        return frozenset(n for n, v in values.items() if getattr(user, n) != v)

    def _equip(self, before: Derived, after: Derived) -> None:
        if before.roles != after.roles:
            self.account.assign(
                wishes.role_ids(self.tx, self.course, after),
                source="resource",
                connection_id=self.connection.id,
            )
        if before.profile != after.profile:
            profile = wishes.profile_id(self.tx, self.course, after)
            if profile is not None or after.profile is None:
                self.account.edit({"profile_id": profile})

    def _activity(self, asked: bool) -> None:
        user = self.account.user
        if not asked:
            self.course.action = "Disable" if user.active else self.course.action
            self.account.deactivate()
        elif not user.active and self._will_be_active(asked):
            self.course.action = "Enable"
            self.account.reactivate()
            if self.connection.password_mail:
                self.account.welcome()
        else:
            self._warn_of_hold(asked)

    def _warn_of_hold(self, asked: bool) -> None:
        """Say who holds a user inactive whom the provider asks to be active (D28)."""
        user = self.account.user
        if asked and not user.active:
            since = timestamp(user.held_at or 0)
            self.course.steps.warn(
                Step.CHECK_RULES, f"Held inactive by {user.held_by} since {since}."
            )

    def _write(self, after: Json, asked: bool) -> Link:
        self.account.describe(after, asked_active=asked)
        self.account.save()
        link = self.account.link or self.link
        self.course.changed = True
        self.course.steps.passed(
            Step.WRITE,
            f"{self.course.action}: {self.account.user.username}.",
            **self.account.cut_off(),
        )
        return link

    # ----------------------------------------------------------------------- DELETE

    def remove(self) -> None:
        """Hide the link and deactivate the user, who is never deleted (R20)."""
        self.course.action = "Delete"
        self.account.deactivate()
        self.account.drop_roles_of(self.connection.id)
        self.account.note("user:unlinked", connection=self.connection.name)
        self.account.save()
        link = self.account.link or self.link
        groups.hide_link(self.tx, link, self.act, why="deleted")
        self.course.changed = True
        self.course.steps.passed(
            Step.CHECK_RULES, "Ending access is never refused for a field's sake."
        )
        self.course.steps.passed(
            Step.WRITE,
            f"Hid the identity and deactivated {self.account.user.username}.",
            **self.account.cut_off(),
        )

"""POST /Users: one new link, for somebody new, adopted, revived or restored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from scim_connector import accounts
from scim_connector.accounts import Account, groups, representation
from scim_connector.directory import (
    conflicts,
    links,
    users,
)
from scim_connector.provisioning import matching, wishes
from scim_connector.provisioning.steps import Step
from scim_connector.provisioning.updating import Update
from scim_connector.rules import folding, lifecycle
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.mapping.drafts import Derived
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.course import Course
    from scim_connector.scim.types import Json


class Creation:
    """One POST inside one transaction."""

    def __init__(
        self,
        tx: Transaction,
        course: Course,
        act: Act,
        document: Json,
        derived: Derived,
        mapping: Mapping,
        *,
        link: Link | None = None,
    ) -> None:
        """Take the resource as read and what the mapping derives from it.

        *link* is the identity that waits for the user, if it is known already.
        """
        self.tx = tx
        self.course = course
        self.act = act
        self.document = document
        self.derived = derived
        self.mapping = mapping
        self.link = link
        self.connection = course.call.connection
        self.asked_active = bool(document.get("active", True))

    def run(self) -> Link:
        """Carry the POST out; raises ScimError or RulesViolated, nothing written then."""
        match matching.match(self.tx, self.course, self.document):
            case matching.Restored(link):
                self.course.action = "Restore"
                update = Update(self.tx, self.course, self.act, link, self.mapping)
                update.account.note("user:restored")
                return update.run({**self.document, "active": True})
            case matching.Revived(user):
                return self._revive(user.id)
            case matching.Adopted(user, _, former):
                return self._adopt(user.id, former)
            case _:
                return self._create()

    # ------------------------------------------------------------------ somebody new

    def _create(self) -> Link:
        self._refuse_by_mapping()
        chosen = wishes.of_newcomer(self.tx, self.course, self.derived)
        draft = chosen.draft(self.derived, active=self.asked_active)
        try:
            account = accounts.create(
                self.tx,
                draft,
                chosen.origins,
                self.act,
                mail=self.connection.password_mail,
            )
        except RulesViolated as refusal:
            self._ask_about(refusal, draft.email or "")
            raise
        self.course.steps.passed(Step.CHECK_RULES, "Every local rule is kept.")
        self._ask_about_duplicate(draft.username)
        self._equip(account)
        return self._finish(account)

    def _refuse_by_mapping(self) -> None:
        if self.derived.refusals:
            raise InvalidValue(" ".join(self.derived.refusals))

    def _ask_about(self, refusal: RulesViolated, email: str) -> None:
        """A taken email may be the same person: somebody has to say so."""
        if not any(v.code == "email_taken" for v in refusal.violations):
            return
        holder = users.by_email_key(self.tx, folding.email_key(email))
        if holder is not None:
            detail = f"The email address belongs to {holder.username}."
            self.course.ask("email_taken", detail, user_id=holder.id)

    def _ask_about_duplicate(self, username: str) -> None:
        """A derived username that had to move may mean the person exists already."""
        ladder = self.derived.username.ladder
        if not ladder or ladder[0].value == username:
            return
        key = folding.username_key(ladder[0].value)
        holder = users.by_username_key(self.tx, key)
        if holder is not None and links.of_user(self.tx, holder.id) is None:
            detail = f"{username} may be the same person as {holder.username}."
            self.course.ask("possible_duplicate", detail, user_id=holder.id)

    # ------------------------------------------------------------- somebody who exists

    def _adopt(self, user_id: int, former: Link | None) -> Link:
        """Link an existing user: nothing local changes, password sessions end (D11)."""
        self.course.action = "Link"
        if former is not None:
            groups.hide_link(self.tx, former, self.act, why="taken_over")
        account = Account.open(self.tx, user_id, self.act)
        lifecycle.may_adopt(
            account.standing(), self.act.actor, user_type=self.derived.user_type
        )
        account.adopted()
        if not self.asked_active:
            account.deactivate()
        self.course.steps.passed(
            Step.CHECK_RULES, "Linking changes no local field; nothing to check."
        )
        return self._finish(account)

    def _revive(self, user_id: int) -> Link:
        """A fresh start for a removed user: nothing that let them in returns (D12)."""
        self.course.action = "Restore"
        account = Account.open(self.tx, user_id, self.act)
        kept = account.fresh_start()
        if kept:
            names = ", ".join(kept)
            self.course.ask("roles_to_approve", f"Had: {names}.", user_id=user_id)
        chosen = wishes.of_known(
            self.tx,
            self.course,
            account.user,
            self.derived,
            self.derived,
            all_fields=True,
        )
        violations = account.violations(chosen.values)
        if violations and self.asked_active:
            refusal = RulesViolated(violations)
            self._ask_about(refusal, chosen.values.get("email", ""))
            raise refusal
        self.course.steps.passed(Step.CHECK_RULES, "Every local rule is kept.")
        if not violations:
            account.edit(chosen.values, origin="derived")
        if self.asked_active:
            account.reactivate()
        self._equip(account)
        if self.connection.password_mail:
            account.welcome()
        return self._finish(account)

    # ------------------------------------------------------------------------ finish

    def _equip(self, account: Account) -> None:
        role_ids = wishes.role_ids(self.tx, self.course, self.derived)
        account.assign(role_ids, source="resource", connection_id=self.connection.id)
        profile = wishes.profile_id(self.tx, self.course, self.derived)
        if profile is not None:
            account.edit({"profile_id": profile})

    def _finish(self, account: Account) -> Link:
        account.save()
        link = self._link(account.user)
        account.note(
            "user:linked",
            connection=self.connection.name,
            **representation.changed(None, link),
        )
        account.save()
        if self.course.has_questions:
            key = text_key(self.document["userName"])
            conflicts.settle(self.tx, self.connection.id, key, now=self.act.now)
        self.course.user_id = account.user.id
        self.course.link_id = link.id
        self.course.steps.passed(
            Step.WRITE,
            f"{self.course.action}: {account.user.username}.",
            username=account.user.username,
            initials=account.user.initials,
            email=account.user.email,
        )
        return link

    def _link(self, user: User) -> Link:
        """The link of *user*: a new one, or that of the identity that waited for them."""
        waited = self.link or self.course.unlinked
        if waited is None:
            return representation.establish(
                self.tx,
                self.connection,
                user,
                self.document,
                link_id=str(uuid4()),
                asked_active=self.asked_active,
                now=self.act.now,
            )
        link = representation.attach(
            self.tx,
            self.connection,
            waited,
            user,
            self.document,
            asked_active=self.asked_active,
            now=self.act.now,
        )
        self._join_groups(link)
        return link

    def _join_groups(self, link: Link) -> None:
        """Hold what the groups give that the identity was put into before."""
        try:
            with self.tx.savepoint():
                groups.follow(self.tx, self.connection.id, [link.seq], self.act)
        except RulesViolated as refusal:
            self.course.steps.warn(Step.CHECK_RULES, refusal.detail)

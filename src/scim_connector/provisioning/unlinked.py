"""PUT, PATCH and DELETE of an identity that stands for nobody.

It was answered in a rehearsal and could not be carried out when its connection went
live.  Every request for it tries again, under the id the provider knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.accounts import groups, representation
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import matching
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.exchange import paused
from scim_connector.provisioning.steps import Step
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.course import Course
    from scim_connector.scim.types import Json


class Unlinked:
    """One change of an identity without a user, inside one transaction."""

    def __init__(
        self,
        tx: Transaction,
        course: Course,
        act: Act,
        link: Link,
        mapping: Mapping,
    ) -> None:
        """Change *link*, and tell *course*."""
        self.tx = tx
        self.course = course
        self.link = link
        self.mapping = mapping
        self.act = act
        self.connection = course.call.connection
        self.before = representation.stated(link)
        course.link_id = link.id
        course.about(self.before)

    def run(self, after: Json, *, echo: bool = False) -> Link:
        """Make *after* the resource, and create or link whom it describes.

        *echo* is of no account: nobody is held inactive here.

        Raises ScimError or RulesViolated when that is refused; never for a request
        that leaves the person inactive (decision 27), which is stored as sent then.
        """
        asked = bool(after.get("active", self.link.asked_active))
        if self.connection.state == "paused" and asked:
            raise paused(self.connection)
        after = matching.with_free_user_name(
            self.tx, self.course, self.link, {**after, "active": asked}, refuse=asked
        )
        try:
            with self.tx.savepoint():
                link = self._created(after)
        except (ScimError, RulesViolated) as refusal:
            if asked:
                raise
            self.course.steps.warn(Step.CHECK_RULES, refusal.detail)
            link = self._stored(after)
        self.course.changed = True
        return link

    def _created(self, after: Json) -> Link:
        derived = derive(self.mapping, after)
        creation = Creation(
            self.tx, self.course, self.act, after, derived, self.mapping, link=self.link
        )
        return creation.run()

    def _stored(self, after: Json) -> Link:
        self.course.action = "Disable"
        self.course.steps.passed(
            Step.WRITE, "Stored as sent; no local user stands behind it."
        )
        return representation.restate(
            self.tx,
            self.connection,
            self.link,
            after,
            asked_active=False,
            now=self.act.now,
        )

    def remove(self, *, why: str = "unlinked") -> None:
        """Hide the identity; nobody stands behind it who could be deactivated."""
        self.course.action = "Delete"
        groups.hide_link(self.tx, self.link, self.act, why=why)
        self.course.changed = True
        self.course.steps.passed(
            Step.WRITE, "Hid the identity; no local user stands behind it."
        )

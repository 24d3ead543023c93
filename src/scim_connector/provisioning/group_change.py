"""What a request does to one group: its attributes, its members, the roles it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.accounts import groups as accounts
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import groups, members
from scim_connector.directory.members import Moved
from scim_connector.provisioning.exchange import act_in
from scim_connector.provisioning.steps import Step
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.membership import Add, Member, Remove, Replace, Rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scim_connector.directory.database import Transaction
    from scim_connector.directory.groups import Group
    from scim_connector.provisioning.course import Course
    from scim_connector.scim import membership
    from scim_connector.scim.types import Json


class GroupChange:
    """One change of a group inside one transaction."""

    def __init__(self, tx: Transaction, course: Course, group: Group) -> None:
        """Change *group*, and tell *course*."""
        self._tx = tx
        self._course = course
        self._group = group
        self._connection = course.call.connection
        self._moved = Moved()
        begin(course, group)

    def take(self, step: membership.Step) -> None:
        """Carry out what a PATCH does to the members."""
        match step:
            case Add(given):
                self._add(given)
            case Remove(values):
                self._moved += members.remove(self._tx, self._group, values)
            case Replace(given):
                self.replace(given)
            case Rewrite():
                seq = self._group.seq
                present = members.of_groups(self._tx, [seq]).get(seq, [])
                self.replace(step.applied_to([_element(m) for m in present]))

    def replace(self, given: Sequence[Member]) -> None:
        """Make the members exactly these."""
        if given:
            values = [member.value for member in given]
            self._moved += members.keep(self._tx, self._group, values)
            self._add(given)
        else:
            self._moved += members.clear(self._tx, self._group)

    def _add(self, given: Sequence[Member]) -> None:
        pairs = [(member.value, member.display) for member in given]
        moved = members.add(self._tx, self._group, pairs)
        self._meet_strangers(moved.strangers)
        self._moved += moved

    def _meet_strangers(self, values: Sequence[str]) -> None:
        """Members that name nobody are kept as sent, or refused where that is strict."""
        if not values:
            return
        shown = ", ".join(values[:3])
        message = (
            f"{len(values)} of the members name nobody on this connection: {shown}"
        )
        if self._connection.strict:
            raise InvalidValue(f"{message}. Send the ids that this server gave out.")
        self._course.steps.warn(Step.MATCH, f"{message[:300]}; kept as sent.")

    def finish(
        self, document: Json, *, renamed: bool = False, is_new: bool = False
    ) -> Group:
        """Write the group if anything changed, and let its members hold its roles."""
        group, act = self._group, act_in(self._course)
        before = accounts.stated(group)
        self._course.about(document)
        if document == before and not self._moved.rows and not is_new:
            self._course.steps.passed(Step.WRITE, "Nothing changed.")
            return group
        if not is_new:
            rows = self._moved.rows
            group = accounts.renew(self._tx, group, document, act, moved=rows)
        if renamed or document["displayName"] != before["displayName"]:
            self._tie(group)
        given = accounts.follow(self._tx, group.connection_id, self._moved.links, act)
        self._course.changed = True
        self._course.link_id = group.id
        self._course.steps.passed(
            Step.WRITE,
            f"{self._course.action}: {group.display_name}.",
            members_changed=self._moved.rows,
            roles_changed=given,
        )
        return group

    def _tie(self, group: Group) -> None:
        """Tie a group by its name; until it is tied, say that it gives nothing."""
        table = mapping_of(self._tx, self._connection).roles.groups
        act = act_in(self._course)
        missing = accounts.tie_by_mapping(self._tx, group, table, act).missing
        if missing is not None:
            message = f'[roles.groups] names role "{missing}", which does not exist.'
            self._course.steps.warn(Step.MAP, message)
        ties = groups.ties(self._tx, group)
        if ties:
            names = ", ".join(sorted({tie.role for tie in ties}))
            self._course.steps.passed(Step.MAP, f"Tied to {names}.")
        else:
            self._course.steps.warn(
                Step.MAP,
                f'Group "{group.display_name}" is tied to no role, so it gives nothing;'
                " tie it on the page of its connection, or with: scim-connector"
                f" connection group tie {self._connection.name} GROUP ROLE",
            )


def begin(course: Course, group: Group) -> None:
    """Say which group a request is about."""
    course.link_id = group.id
    course.about({"displayName": group.display_name, "externalId": group.external_id})
    course.steps.passed(Step.MATCH, f"Found by id: {group.display_name}.")


def _element(member: members.Member) -> Json:
    element = {"value": member.value}
    if member.display is not None:
        element["display"] = member.display
    return element

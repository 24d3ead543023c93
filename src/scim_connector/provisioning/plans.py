"""``mapping plan`` and ``mapping apply``: what a new mapping would change, before it does.

The stored resource of every linked person goes through the applied mapping and the new
one.  A field follows only where the two give different values, as on any update (D19),
so a value chosen here by hand stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Account, representation
from scim_connector.accounts import groups as account_groups
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import (
    audit,
    connections,
    groups,
    links,
    mapping_versions,
)
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import wishes
from scim_connector.provisioning.calls import Call
from scim_connector.provisioning.course import Course
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import may_lead_to_administrator
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.language import Mapping

#: More users changed than this share must be named to be applied.
SHARE = 0.05
BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one user that would change; ``refused`` says why it could not."""

    username: str
    field: str
    before: Any
    after: Any
    refused: str = ""


@dataclass(slots=True)
class Plan:
    """What applying a mapping would do to everybody who is stored.

    ``roles`` is how many people gain or lose a role through the groups it ties.
    """

    people: int = 0
    differences: list[Difference] = field(default_factory=list)
    number: int = 0
    roles: int = 0

    @property
    def changed(self) -> int:
        """How many users would change."""
        return len({d.username for d in self.differences if not d.refused})

    @property
    def refused(self) -> list[Difference]:
        """The changes that a rule would refuse; those users stay as they are."""
        return [d for d in self.differences if d.refused]

    @property
    def is_large(self) -> bool:
        """Whether so many would change that the number has to be named."""
        return max(self.changed, self.roles) > SHARE * self.people


class TooManyChanges(Exception):
    """Applying was refused because the number of changed users was not named."""

    def __init__(self, plan: Plan) -> None:
        """Keep the plan, and say what it would change."""
        self.plan = plan
        super().__init__(
            f"{plan.changed} of {plan.people} users would change, and {plan.roles}"
            f" gain or lose a role through groups: more than {SHARE:.0%}. Look at the"
            f" plan; to go on, repeat with --changes {plan.changed}."
        )


def plan(
    database: Database,
    connection: Connection,
    new: Mapping,
    act: Act,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> Plan:
    """Say what *new* would change on *connection*; keeps nothing."""
    return database.preview(lambda tx: _follow_all(tx, connection, new, act, progress))


def apply(
    database: Database,
    connection: Connection,
    new: Mapping,
    act: Act,
    *,
    named: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Plan:
    """Make *new* the applied mapping and let every user follow it, or nothing at all.

    Raises TooManyChanges when more than 5 % of the users would change and *named* is
    not that number; RulesViolated for somebody who is no Administrator (R35).
    """

    def work(tx: Transaction) -> Plan:
        _refuse_to_lead(connections.required(tx, connection.id), act)
        result = _follow_all(tx, connection, new, act, progress)
        if result.is_large and named != result.changed:
            raise TooManyChanges(result)
        facts = {"connection": connection.name, "number": result.number}
        audit.record(
            tx,
            [Event("mapping:applied", facts | {"changed": result.changed})],
            at=act.now,
            actor=act.actor,
            connection_id=connection.id,
        )
        return result

    return database.write(work)


def _refuse_to_lead(connection: Connection, act: Act) -> None:
    if connection.may_act_as_administrator:
        what = f"{connection.name} may act as an Administrator; its mapping"
        may_lead_to_administrator(act.actor, what)


def _follow_all(
    tx: Transaction,
    connection: Connection,
    new: Mapping,
    act: Act,
    progress: Callable[[int], None],
) -> Plan:
    result = Plan()
    old = mapping_of(tx, connection)
    moved = put_in_place(tx, connection, new, act)
    result.number = moved.mapping_number
    for link in _links(tx, connection.id):
        if link.user_id is None:  # judged anew whenever the rehearsal is looked at
            continue
        result.people += 1
        course = Course.of(_call(moved, act), "Update")
        result.differences += follow(tx, course, link, old, new, act)
        progress(1)
    for group in groups.every(tx, connection.id):
        table = new.roles.groups
        result.roles += account_groups.tie_by_mapping(tx, group, table, act).moved
    return result


def put_in_place(
    tx: Transaction, connection: Connection, new: Mapping, act: Act
) -> Connection:
    """Make *new* the applied mapping; returns the connection as it stands then.

    Nobody follows yet, see :func:`follow`.
    """
    mapping_versions.apply(
        tx,
        connection.id,
        text=new.text,
        file_name=new.name,
        by=str(act.actor),
        now=act.now,
    )
    return connections.required(tx, connection.id)


def _links(tx: Transaction, connection_id: int) -> Iterator[Link]:
    after = 0
    while batch := links.batch(tx, connection_id, after=after, at_most=BATCH):
        yield from batch
        after = batch[-1].seq


def follow(
    tx: Transaction,
    course: Course,
    link: Link,
    old: Mapping,
    new: Mapping,
    act: Act,
) -> list[Difference]:
    """Let one user follow the new mapping; returns what changed, or why nothing did.

    The fields, each with its reason, stand in *course* afterwards.
    """
    account = Account.open(tx, link.local_user_id, act)
    user = account.user
    document = representation.stated(link)
    chosen = wishes.of_known(
        tx, course, user, derive(old, document), derive(new, document)
    )
    moved = {n: v for n, v in chosen.values.items() if getattr(user, n) != v}
    violations = {v.attribute: v.message for v in account.violations(moved)}
    differences = [
        Difference(user.username, n, getattr(user, n), v, violations.get(n, ""))
        for n, v in moved.items()
    ]
    if not violations:
        account.follow(moved, chosen.origins)
        try:
            account.save()
        except RulesViolated as refusal:
            return [Difference(user.username, "", None, None, refusal.detail)]
    return differences


def _call(connection: Connection, act: Act) -> Call:
    return Call(
        request_id="mapping",
        method="PUT",
        path="",
        source="mapping",
        now=act.now,
        started=perf_counter_ns(),
        connection=connection,
        credential_id="mapping",
    )

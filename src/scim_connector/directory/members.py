"""Who belongs to a provider's group: changed by sets, in one statement each.

A group may have a hundred thousand members, so nothing here reads them to change one.
Sets are handed over as one JSON document, which both databases can take apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from scim_connector.directory.search_json import DOCUMENTS
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    assignments,
    group_links,
    group_members,
    group_ties,
    links,
)
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.groups import Group
    from scim_connector.directory.search_json import Clause, Documents

Given = tuple[str, str | None]
"""A member's value and display."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member; ``endpoint`` of whom it names, None when it names nobody here."""

    value: str
    display: str | None
    endpoint: str | None


def _each_given(documents: Documents, dialect: str) -> tuple[Clause, Clause]:
    """The elements of the parameter ``given``: what to select from, and an element."""
    source: Clause = bindparam("given")
    if dialect == "postgresql":
        source = cast(source, JSONB)
    return documents.each(source, ("given",))


def _by_dialect(
    build: Callable[[Documents, Clause, Clause], Any],
) -> dict[str, Statement]:
    """The statement that *build* makes of the given elements, for each database."""
    return {
        dialect: Statement(build(documents, *_each_given(documents, dialect)))
        for dialect, documents in DOCUMENTS.items()
    }


def _text(documents: Documents, element: Clause, key: str) -> Clause:
    return documents.value(element, (key,), "string")


_GROUP: Final = cast(bindparam("of_group"), BigInteger)
_HERE: Final = cast(bindparam("of_connection"), BigInteger)
_OF_GROUP = group_members.c.group_seq == _GROUP


def _add(documents: Documents, elements: Clause, element: Clause) -> Any:
    """Insert those who are no members yet, resolved, in the order given."""
    value = _text(documents, element, "value")
    person = and_(
        links.c.id == value,
        links.c.connection_id == _HERE,
        links.c.hidden_at.is_(None),
    )
    nested = and_(group_links.c.id == value, group_links.c.connection_id == _HERE)
    known = exists().where(_OF_GROUP, group_members.c.value == value)
    display = _text(documents, element, "display")
    key = _text(documents, element, "display_key")
    rows = (
        select(_GROUP, _HERE, value, display, key, links.c.seq, group_links.c.seq)
        .select_from(elements.outerjoin(links, person).outerjoin(group_links, nested))
        .where(~known)
        .order_by(documents.position(elements))
    )
    names = ["group_seq", "connection_id", "value", "display", "display_key"]
    made = group_members.c
    return (
        insert(group_members)
        .from_select([*names, "link_seq", "member_group_seq"], rows)
        .returning(made.value, made.link_seq, made.member_group_seq)
    )


def _rename(documents: Documents, _: Clause, element: Clause) -> Any:
    """Bring the names of members up to date."""
    display = _text(documents, element, "display")
    return (
        update(group_members)
        .where(
            _OF_GROUP,
            group_members.c.value == _text(documents, element, "value"),
            display.is_not(None),
            group_members.c.display.is_distinct_from(display),
        )
        .values(display=display, display_key=_text(documents, element, "display_key"))
    )


def _removal(*, listed: bool) -> Callable[[Documents, Clause, Clause], Any]:
    """Delete those who are listed, or those who are not."""

    def build(documents: Documents, elements: Clause, element: Clause) -> Any:
        given = select(_text(documents, element, "value")).select_from(elements)
        value = group_members.c.value
        met = value.in_(given) if listed else value.not_in(given)
        return delete(group_members).where(_OF_GROUP, met).returning(*_GONE)

    return build


def _wanted(documents: Documents, elements: Clause, element: Clause) -> Any:
    """Which roles the ties give to the users behind links."""
    seq = documents.value(element, ("seq",), "integer")
    return (
        select(links.c.user_id, group_ties.c.role_id)
        .select_from(elements)
        .join(links, links.c.seq == seq)
        .join(group_members, group_members.c.link_seq == links.c.seq)
        .join(group_ties, group_ties.c.group_seq == group_members.c.group_seq)
        .where(links.c.user_id.is_not(None))
    )


def _held(documents: Documents, elements: Clause, element: Clause) -> Any:
    """Which roles the users behind links hold through groups of their connection."""
    seq = documents.value(element, ("seq",), "integer")
    return (
        select(assignments.c.user_id, assignments.c.role_id)
        .select_from(elements)
        .join(links, links.c.seq == seq)
        .join(
            assignments,
            and_(
                assignments.c.user_id == links.c.user_id,
                assignments.c.connection_id == links.c.connection_id,
                assignments.c.source == "group",
            ),
        )
    )


def _of(documents: Documents, elements: Clause, element: Clause) -> Any:
    """Everybody in the groups that are given."""
    seq = documents.value(element, ("seq",), "integer")
    found = group_members.c
    return (
        select(
            found.group_seq,
            found.value,
            found.display,
            found.link_seq,
            found.member_group_seq,
        )
        .select_from(elements)
        .join(group_members, found.group_seq == seq)
        .order_by(found.group_seq, found.seq)
    )


_GONE: Final = (group_members.c.seq, group_members.c.link_seq)
_ADD: Final = _by_dialect(_add)
_RENAME: Final = _by_dialect(_rename)
_REMOVE: Final = _by_dialect(_removal(listed=True))
_KEEP: Final = _by_dialect(_removal(listed=False))
_WANTED: Final = _by_dialect(_wanted)
_HELD: Final = _by_dialect(_held)
_OF: Final = _by_dialect(_of)

_CLEAR = Statement(delete(group_members).where(_OF_GROUP).returning(*_GONE))
_LINKS = Statement(
    select(group_members.c.link_seq)
    .where(_OF_GROUP, group_members.c.link_seq.is_not(None))
    .order_by(group_members.c.seq)
)
_FORGET_LINK = Statement(
    delete(group_members)
    .where(group_members.c.link_seq == bindparam("of_link"))
    .returning(group_members.c.group_seq)
)
_FORGET_GROUP = Statement(
    delete(group_members)
    .where(group_members.c.member_group_seq == _GROUP)
    .returning(group_members.c.group_seq)
)
_HAS_TIES = Statement(
    select(group_ties.c.role_id)
    .join(group_links, group_links.c.seq == group_ties.c.group_seq)
    .where(group_links.c.connection_id == bindparam("of_connection"))
    .limit(1)
)


def of_groups(reader: Reader, seqs: Iterable[int]) -> dict[int, list[Member]]:
    """The members of groups, in the order they were added, by the group's number."""
    given = _given({"seq": seq} for seq in seqs)
    found: dict[int, list[Member]] = {}
    for seq, value, display, link_seq, nested in reader.rows(
        _OF[reader.dialect], given=given
    ):
        member = Member(value, display, _endpoint(link_seq, nested))
        found.setdefault(seq, []).append(member)
    return found


def _endpoint(link_seq: int | None, nested: int | None) -> str | None:
    if link_seq is not None:
        return "/Users"
    return None if nested is None else "/Groups"


def links_of(reader: Reader, group: Group) -> list[int]:
    """The links of the users among the members of a group."""
    return [row[0] for row in reader.rows(_LINKS, of_group=group.seq)]


# -------------------------------------------------------------------------- changes


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of members did: the links that came or went, and how many rows.

    ``strangers`` are new members that name nobody this connection knows.
    """

    rows: int = 0
    links: frozenset[int] = frozenset()
    strangers: tuple[str, ...] = ()

    def __add__(self, other: Moved) -> Moved:
        """Both changes, one after the other."""
        return Moved(
            self.rows + other.rows,
            self.links | other.links,
            (*self.strangers, *other.strangers),
        )


def add(tx: Transaction, group: Group, given: Sequence[Given]) -> Moved:
    """Add members; those who are members already get the display that is given."""
    if not given:
        return Moved()
    values: dict[str, Any] = {
        "of_group": group.seq,
        "given": _given(_element(value, display) for value, display in given),
    }
    renamed = 0
    if any(display is not None for _, display in given):
        renamed = tx.run(_RENAME[tx.dialect], **values)
    made = tx.rows(_ADD[tx.dialect], of_connection=group.connection_id, **values)
    return Moved(
        renamed + len(made),
        frozenset(row[1] for row in made if row[1] is not None),
        tuple(row[0] for row in made if row[1] is None and row[2] is None),
    )


def remove(tx: Transaction, group: Group, values: Iterable[str]) -> Moved:
    """Remove the members with these values."""
    given = _given({"value": value} for value in values)
    return _gone(tx.rows(_REMOVE[tx.dialect], of_group=group.seq, given=given))


def keep(tx: Transaction, group: Group, values: Iterable[str]) -> Moved:
    """Remove all members but those with these values."""
    given = _given({"value": value} for value in values)
    return _gone(tx.rows(_KEEP[tx.dialect], of_group=group.seq, given=given))


def clear(tx: Transaction, group: Group) -> Moved:
    """Remove all members."""
    return _gone(tx.rows(_CLEAR, of_group=group.seq))


def _gone(rows: Sequence[Sequence[Any]]) -> Moved:
    return Moved(len(rows), frozenset(row[1] for row in rows if row[1] is not None))


def forget_link(tx: Transaction, link_seq: int) -> frozenset[int]:
    """Take a user out of every group; returns the groups, by sequence number."""
    return frozenset(row[0] for row in tx.rows(_FORGET_LINK, of_link=link_seq))


def forget_group(tx: Transaction, group: Group) -> frozenset[int]:
    """Take a group out of every other one; returns these, by sequence number."""
    return frozenset(row[0] for row in tx.rows(_FORGET_GROUP, of_group=group.seq))


def _element(value: str, display: str | None) -> dict[str, Any]:
    key = None if display is None else text_key(display)
    return {"value": value, "display": display, "display_key": key}


def _given(elements: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps({"given": list(elements)}).decode()


# ---------------------------------------------------------------------------- roles


def has_ties(reader: Reader, connection_id: int) -> bool:
    """Whether any group of a connection gives a role."""
    return reader.row(_HAS_TIES, of_connection=connection_id) is not None


def roles_wanted(reader: Reader, link_seqs: Iterable[int]) -> dict[int, frozenset[int]]:
    """The roles that groups give to the users behind links, by user id."""
    return _by_user(reader, _WANTED, link_seqs)


def roles_held(reader: Reader, link_seqs: Iterable[int]) -> dict[int, frozenset[int]]:
    """The roles these users hold through groups now, by user id."""
    return _by_user(reader, _HELD, link_seqs)


def _by_user(
    reader: Reader, statements: dict[str, Statement], link_seqs: Iterable[int]
) -> dict[int, frozenset[int]]:
    given = _given({"seq": seq} for seq in link_seqs)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for user_id, role_id in reader.rows(statements[reader.dialect], given=given):
        found[user_id].add(role_id)
    return {user_id: frozenset(role_ids) for user_id, role_ids in found.items()}

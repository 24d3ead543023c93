"""Who the members of a provider's group are here, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import group_links, group_members, links, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader


@dataclass(frozen=True, slots=True)
class Belonging:
    """One member: as the provider names it, and the user or the group it is here.

    Neither is known for a stranger; in a rehearsal nobody is a user yet.
    """

    value: str
    display: str | None
    user_id: int | None
    username: str | None
    group_seq: int | None
    group: str | None


_PAGE = Statement(
    select(
        group_members.c.value,
        group_members.c.display,
        users.c.id,
        users.c.username,
        group_links.c.seq,
        group_links.c.display_name,
    )
    .select_from(
        group_members.outerjoin(links, links.c.seq == group_members.c.link_seq)
        .outerjoin(users, users.c.id == links.c.user_id)
        .outerjoin(group_links, group_links.c.seq == group_members.c.member_group_seq)
    )
    .where(
        group_members.c.group_seq == bindparam("of_group"),
        group_members.c.value > bindparam("after"),
    )
    .order_by(group_members.c.value)
    .limit(bindparam("at_most", type_=BigInteger))
)


def page(
    reader: Reader, group_seq: int, *, after: str = "", at_most: int
) -> list[Belonging]:
    """The members of a group by value; go on with *after* = that of the last one."""
    rows = reader.rows(_PAGE, of_group=group_seq, after=after, at_most=at_most)
    return [Belonging(*row) for row in rows]

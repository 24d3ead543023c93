"""In which groups a user is: what ``User.groups`` is answered from.

``group_links.reference`` holds one entry of the list as ready JSON text, so an answer
only strings them together, in the order in which the groups were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, case, exists, func, select
from sqlalchemy import literal_column as sql

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import group_links, group_members, links

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from scim_connector.directory.database import Reader

_IN_GROUPS: Final = group_members.join(
    group_links, group_links.c.seq == group_members.c.group_seq
)


def references(table: FromClause) -> Any:
    """Return the entries of a row of ``links`` (or an alias of it) with commas between.

    NULL for who is in no group: most are in none, so that is looked up first.
    """
    mine = group_members.c.link_seq == table.c.seq
    found = (
        select(group_links.c.reference)
        .select_from(_IN_GROUPS)
        .where(mine)
        .order_by(group_members.c.group_seq)
        .correlate(table)
        .subquery("references_found")
    )
    comma: Any = sql("','")
    joined = func.aggregate_strings(found.c.reference, comma)
    is_member = exists(select(sql("1")).where(mine).correlate(table))
    return case((is_member, select(joined).correlate(table).scalar_subquery()))


_REFERENCES: Final = Statement(
    select(references(links)).where(links.c.seq == bindparam("of_seq"))
)


def references_of(reader: Reader, link_seq: int) -> str | None:
    """The entries of one link with commas between, None without a group."""
    found: str | None = reader.value(_REFERENCES, of_seq=link_seq)
    return found

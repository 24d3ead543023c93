"""What can be searched: users and groups, each with its columns and its tables.

A search is the same for every kind of resource; a ``Target`` says where its values lie
(decision 40): in a typed, folded, indexed column, in a table with a row for each
element of a list, or in the search document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, case, null
from sqlalchemy import literal_column as sql

from scim_connector.directory import memberships
from scim_connector.directory.tables import (
    group_links,
    group_members,
    link_emails,
    links,
)
from scim_connector.rules.folding import initials_key
from scim_connector.scim.errors import InvalidFilter
from scim_connector.scim.folding import text_key
from scim_connector.scim.types import ENTERPRISE, LOCAL

if TYPE_CHECKING:
    from sqlalchemy import FromClause, Table

    from scim_connector.directory.search_json import Clause
    from scim_connector.scim.filters import AttributePath

CONNECTION: Final = "of_connection"
"""The parameter of every statement of a search: whose resources are searched."""

_ENTERPRISE: Final = ENTERPRISE.lower()
_LOCAL: Final = LOCAL.lower()


@dataclass(frozen=True, slots=True)
class SearchColumn:
    """A column of a target and what is known of it.

    *fold* makes the key that the column holds from the text in a filter. *selective*
    says that a comparison leaves so few rows that they are better sorted afterwards
    than met in the order of the page; *unique* that ``eq`` leaves one row at most.
    """

    name: str
    fold: Callable[[str], str] = text_key
    selective: bool = True
    unique: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """A multi-valued attribute with a row for each of its elements.

    *owner* is the ``seq`` of the resource; *values* has what a row says, by the key of
    the sub-attribute, and *indexed* names those with an index. The rows are all there
    is, unless *is_copy*: then the search document holds the whole elements.
    """

    source: FromClause
    owner: Clause
    connection: Clause
    values: Mapping[str, Clause]
    indexed: frozenset[str]
    is_copy: bool = False
    selective: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A kind of resource that is searched.

    *elements* are the lists with a table of their own, by the name of the attribute.
    What is *made* is made when a resource is answered and stored nowhere. *constants*
    are the same in every resource, so they are not looked up. *shown* gives
    what an answer needs of a row: seq, id, served text and references of groups.
    *indexed* names, for a message, what is found fast.
    """

    table: Table
    columns: Mapping[tuple[str, ...], SearchColumn]
    elements: Mapping[str, Elements]
    made: frozenset[tuple[str, ...]]
    constants: Mapping[tuple[str, ...], str]
    shown: Callable[[FromClause], list[Clause]]
    indexed: str
    may_be_hidden: bool = False
    has_counters: bool = False

    def column(self, path: AttributePath) -> SearchColumn | None:
        """Return the column that holds the values of *path*, None without one."""
        return self.columns.get(steps_of(path))

    def is_nullable(self, column: SearchColumn) -> bool:
        """Say whether the attribute of a column may be absent."""
        return bool(self.table.c[column.name].nullable)

    def rows_of(self, path: AttributePath) -> Elements | None:
        """Return the table of the elements of *path*, None without one."""
        return self.elements.get(path.keys[0]) if len(path.keys) == 1 else None

    def visible(self, table: FromClause) -> list[Clause]:
        """Return the conditions of what a connection sees."""
        here: list[Clause] = [table.c.connection_id == bindparam(CONNECTION)]
        return [*here, table.c.hidden_at.is_(None)] if self.may_be_hidden else here

    def visible_through_columns(self) -> list[Clause]:
        """Return the same for rows found by the filter: "+ 0" hides the connection.

        Without statistics SQLite takes a connection for as selective as a userName.
        """
        _, *others = self.visible(self.table)
        here = self.table.c.connection_id + sql("0") == bindparam(CONNECTION)
        return [here, *others]

    def refuse_made(self, steps: tuple[str, ...]) -> None:
        """Raise InvalidFilter for what is stored nowhere, such as meta.location."""
        if any(steps[: len(each)] == each for each in self.made):
            message = (
                f"{'.'.join(steps)} is made when a resource is answered: it can be"
                " neither searched nor sorted by. Search by the id instead."
            )
            raise InvalidFilter(message)


def steps_of(path: AttributePath) -> tuple[str, ...]:
    """Return the keys to the values of *path*, its sub-attribute included."""
    key = path.sub_key
    return path.keys if key is None else (*path.keys, key)


# --------------------------------------------------------------------------- the two


def _shown_user(table: FromClause) -> list[Any]:
    references = memberships.references(table)
    return [table.c.seq, table.c.id, table.c.served, references.label("joined")]


def _shown_group(table: FromClause) -> list[Any]:
    return [table.c.seq, table.c.id, table.c.served, null().label("joined")]


USERS: Final = Target(
    table=links,
    columns={
        ("id",): SearchColumn("id", unique=True),
        ("username",): SearchColumn("user_name_key", unique=True),
        ("externalid",): SearchColumn("external_id"),
        ("active",): SearchColumn("active", selective=False),
        ("displayname",): SearchColumn("display_name_key"),
        ("name", "familyname"): SearchColumn("family_name_key"),
        ("name", "givenname"): SearchColumn("given_name_key"),
        (_ENTERPRISE, "employeenumber"): SearchColumn("employee_number_key"),
        ("meta", "created"): SearchColumn("created_at"),
        ("meta", "lastmodified"): SearchColumn("modified_at"),
        (_LOCAL, "local", "username"): SearchColumn("local_username_key"),
        # Local initials are folded by the local rule, wider than SCIM's (decision 9).
        (_LOCAL, "local", "initials"): SearchColumn(
            "local_initials_key", fold=initials_key
        ),
    },
    elements={
        "emails": Elements(
            source=link_emails,
            owner=link_emails.c.link_seq,
            connection=link_emails.c.connection_id,
            values={"value": link_emails.c.value_key},
            indexed=frozenset({"value"}),
            is_copy=True,
        ),
        # A group may have very many members: they are met in the order of the page.
        "groups": Elements(
            source=group_members.join(
                group_links, group_links.c.seq == group_members.c.group_seq
            ),
            owner=group_members.c.link_seq,
            connection=group_links.c.connection_id,
            values={
                "value": group_links.c.id,
                "display": group_links.c.display_name_key,
                "type": sql("'direct'"),
            },
            indexed=frozenset({"value", "display"}),
            selective=False,
        ),
    },
    made=frozenset({("meta", "location"), ("groups", "$ref")}),
    constants={("meta", "resourcetype"): "User"},
    shown=_shown_user,
    indexed=(
        "userName, externalId, id, displayName, employeeNumber or an e-mail address"
    ),
    may_be_hidden=True,
    has_counters=True,
)

GROUPS: Final = Target(
    table=group_links,
    columns={
        ("id",): SearchColumn("id", unique=True),
        ("externalid",): SearchColumn("external_id"),
        ("displayname",): SearchColumn("display_name_key"),
        ("meta", "created"): SearchColumn("created_at"),
        ("meta", "lastmodified"): SearchColumn("modified_at"),
    },
    elements={
        "members": Elements(
            source=group_members,
            owner=group_members.c.group_seq,
            connection=group_members.c.connection_id,
            values={
                "value": group_members.c.value,
                "display": group_members.c.display_key,
                "type": case(
                    (group_members.c.link_seq.is_not(None), sql("'user'")),
                    (group_members.c.member_group_seq.is_not(None), sql("'group'")),
                ),
            },
            indexed=frozenset({"value"}),
        ),
    },
    made=frozenset({("meta", "location"), ("members", "$ref")}),
    constants={("meta", "resourcetype"): "Group"},
    shown=_shown_group,
    indexed="displayName, externalId, id or members.value",
)

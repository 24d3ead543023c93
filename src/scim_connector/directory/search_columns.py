"""Which attributes have an indexed column of ``links`` of their own (decision 40)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory.tables import links
from scim_connector.rules.folding import initials_key
from scim_connector.scim.errors import InvalidFilter
from scim_connector.scim.folding import text_key
from scim_connector.scim.search_documents import UNSEARCHABLE
from scim_connector.scim.types import ENTERPRISE, LOCAL

if TYPE_CHECKING:
    from sqlalchemy import FromClause
    from sqlalchemy.sql.elements import KeyedColumnElement

    from scim_connector.scim.filters import AttributePath

_ENTERPRISE: Final = ENTERPRISE.lower()
_LOCAL: Final = LOCAL.lower()


@dataclass(frozen=True, slots=True)
class SearchColumn:
    """A column of ``links`` and what is known of it.

    *fold* makes the key that the column holds from the text in a filter. *selective*
    says that a comparison leaves so few rows that they are better sorted afterwards
    than met in the order of the page; *unique* that ``eq`` leaves one row at most.
    """

    name: str
    fold: Callable[[str], str] = text_key
    selective: bool = True
    unique: bool = False

    def of(self, table: FromClause) -> KeyedColumnElement[object]:
        """Return the column of ``links`` or of an alias of it."""
        return table.c[self.name]

    @property
    def nullable(self) -> bool:
        """True when the attribute may be absent."""
        return bool(links.c[self.name].nullable)


_COLUMNS: Final = {
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
}

_EMAIL_VALUE: Final = ("emails", "value")


def column_of(path: AttributePath) -> SearchColumn | None:
    """Return the column that holds the values of *path*, None when there is none."""
    return _COLUMNS.get(_steps(path))


def is_email_value(path: AttributePath) -> bool:
    """Say whether the values of *path* are the rows of ``link_emails``."""
    return _steps(path) == _EMAIL_VALUE


def refuse_unsearchable(steps: tuple[str, ...]) -> None:
    """Raise InvalidFilter for what no search document has (groups, meta.location)."""
    if any(steps[: len(each)] == each for each in UNSEARCHABLE):
        message = (
            f"{'.'.join(steps)} is made when a user is answered: it can be neither "
            "searched nor sorted by. For memberships read /Groups."
        )
        raise InvalidFilter(message)


def _steps(path: AttributePath) -> tuple[str, ...]:
    key = path.sub_key
    return path.keys if key is None else (*path.keys, key)

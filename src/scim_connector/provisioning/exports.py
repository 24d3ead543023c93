"""People lists as providers export them, read as SCIM resources.

Three forms are known: SCIM JSON Lines (one resource a line), the CSV of Entra's *Users >
Download users*, and the CSV of Okta's people report.  The first line tells which.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

from scim_connector.scim import gate
from scim_connector.scim.errors import ScimError
from scim_connector.scim.types import ENTERPRISE, Json

#: Column of an export, folded to letters only, and the SCIM path it fills.
_COLUMNS: Final[Mapping[str, str]] = {
    # Entra: Download users
    "userprincipalname": "userName",
    "displayname": "displayName",
    "givenname": "name.givenName",
    "surname": "name.familyName",
    "mail": "email",
    "id": "externalId",
    "objectid": "externalId",
    "accountenabled": "active",
    "department": "department",
    "jobtitle": "title",
    "usertype": "userType",
    # Okta: people export
    "login": "userName",
    "username": "userName",
    "firstname": "name.givenName",
    "lastname": "name.familyName",
    "email": "email",
    "primaryemail": "email",
    "oktaid": "externalId",
    "status": "active",
    "title": "title",
}
_INACTIVE = {"false", "no", "0", "deprovisioned", "deactivated", "suspended", "staged"}


class UnknownExport(Exception):
    """The file is of no known form; the text says which are."""


def read(text: str) -> list[tuple[int, Json]]:
    """Read an export; returns line number and SCIM resource of each person.

    Raises UnknownExport, naming the line, when a line cannot be read.
    """
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return _json_lines(text)
    return _csv(text)


def _json_lines(text: str) -> list[tuple[int, Json]]:
    people = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            people.append((number, gate.loads_object(line.encode())))
        except ScimError as error:
            raise UnknownExport(f"Line {number}: {error.detail}") from None
    return people


def _csv(text: str) -> list[tuple[int, Json]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    header = [_COLUMNS.get(_letters(name), "") for name in next(rows, [])]
    if "userName" not in header:
        message = "The first line names no column for the user name"
        raise UnknownExport(
            f"{message}; expected SCIM JSON Lines, Entra's download of users"
            " (userPrincipalName) or Okta's people list (login)."
        )
    return [
        (rows.line_num, _person(dict(zip(header, cells, strict=False))))
        for cells in rows
        if any(cells)
    ]


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalpha())


def _person(cells: Mapping[str, str]) -> Json:
    """One row of a CSV as the provider would send it."""
    values = {k: v.strip() for k, v in cells.items() if k and v.strip()}
    person: dict[str, Any] = {
        name: values[name]
        for name in ("userName", "externalId", "displayName", "title", "userType")
        if name in values
    }
    name = {
        part: values[f"name.{part}"]
        for part in ("givenName", "familyName")
        if f"name.{part}" in values
    }
    if name:
        person["name"] = name
    if "email" in values:
        person["emails"] = [{"value": values["email"], "type": "work", "primary": True}]
    if "department" in values:
        person[ENTERPRISE] = {"department": values["department"]}
    person["active"] = values.get("active", "true").lower() not in _INACTIVE
    return person

"""Every route of the Admin API as a table of docs/admin-api.md."""

from __future__ import annotations

from scim_connector.web.admin_api import table
from scim_connector.web.admin_api.document import permission_of


def made() -> str:
    """The table with which the page of the documentation ends."""
    rows = [
        "| route | permission | what it does |",
        "| --- | --- | --- |",
        *(
            f"| `{each.method} {each.path}` | {permission_of(each)} | {each.summary} |"
            for each in table.ROUTES
        ),
    ]
    return "\n".join(rows) + "\n"

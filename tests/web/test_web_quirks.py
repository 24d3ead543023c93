"""Quirks that only the address and the headers show are counted, too."""

from __future__ import annotations

import pytest

from scim_connector.directory import quirks
from tests.web.door import Door, person


@pytest.mark.parametrize(
    ("method", "path", "content_type", "name"),
    [
        ("GET", "/Users/?count=1", None, "trailing-slash"),
        ("GET", "/Users?count=1&aadOptscim062020", None, "unknown-query"),
        ("GET", "", None, "base-url-probed"),
        ("POST", "/Users", "application/json", "json-content-type"),
    ],
)
def test_what_the_address_shows_is_counted(
    door: Door, method: str, path: str, content_type: str | None, name: str
) -> None:
    """Per connection, in batches; the same request in plain form counts nothing."""
    body = person("kim@contoso.com") if method == "POST" else None
    headers = {"Content-Type": content_type} if content_type else None
    answer = door.send(method, path, body, headers=headers)
    door.send("GET", "/Users?count=1")
    door.gatherer.flush()
    seen = [(row[1], row[2]) for row in quirks.every(door.house.database.reader())]

    assert answer.status_code in {200, 201}
    assert [row for row in seen if row[0] != "missing-schemas"] == [(name, 1)]

"""The guard at a terminal: shown, set, held, approved."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from scim_connector.directory import connections
from scim_connector.directory.database import Database
from scim_connector.provisioning.guarding import HeldBack
from tests.house import Provider, patch_of, person

Run = Callable[..., Result]


def test_thresholds_are_shown_and_set(run: Run) -> None:
    """As shipped an alert; what is set is shown; numbers that cannot be are refused."""
    run("connection", "add", "entra", "--kind", "entra")

    shipped = run("connection", "guard", "entra").stdout
    changed = run(
        *("connection", "guard", "entra", "renames", "--most", "9", "--share", "0"),
        *("--hours", "3", "--hold"),
    ).stdout
    lines = json.loads(run("connection", "guard", "entra", "--json").stdout)
    refused = run("connection", "guard", "entra", "renames", "--most", "1", code=2)
    unnamed = run("connection", "guard", "entra", "--most", "9", code=2)

    assert shipped.count("more than 50 or 5 % of its people within an hour") == 3
    assert "more than 9 within 3 hours: held until somebody approves" in changed
    assert [line["kind"] for line in lines] == [
        "deactivations",
        "renames",
        "role_removals",
    ]
    assert "most of renames is from 5 to 1,000,000" in refused.stderr
    assert "Say of what: deactivations" in unnamed.stderr


def test_what_is_held_is_said_and_approved(run: Run) -> None:
    """Whoever looks at connections sees it; one command lets it pass."""
    run("connection", "add", "entra", "--kind", "entra")
    run("connection", "guard", "entra", "deactivations", "--hold")
    database = Database("sqlite:///scim-connector.db")
    found = connections.by_name(database.reader(), "entra")
    assert found is not None
    entra = Provider(database, found)
    ids = [entra.post(person(f"user{n}@x.example")).id or "" for n in range(6)]
    nothing = run("connection", "approve", "entra", code=2).stderr
    for each in ids[:5]:
        entra.patch(each, patch_of(active=False))
    with pytest.raises(HeldBack):
        entra.patch(ids[5], patch_of(active=False))

    listed = run("connection", "list").stdout
    shown = run("connection", "show", "entra").stdout
    held = json.loads(run("connection", "guard", "entra", "--json").stdout)
    never = run("connection", "approve", "entra", "--for", "never", code=2).stderr
    approved = run("connection", "approve", "entra", "--for", "2h").stdout
    entra.patch(ids[5], patch_of(active=False))
    after = json.loads(run("connection", "list", "--json").stdout)
    database.close()

    assert "holds nothing back" in nothing
    assert "deactivations" in listed
    assert "holds back" in shown
    assert held[0]["held back since"]
    assert "An approval ends" in never
    assert "Approved on entra: deactivations, until" in approved
    assert not any(row["holds back"] for row in after)

"""What a connection may do, by the Admin API."""

from __future__ import annotations

from tests.admin_api import Caller


def test_linking_ends_and_habits_are_refused(machine: Caller) -> None:
    """A last day is a whole day; null is no end; a strange habit is named."""
    made = machine.done("POST", "/connections", {"name": "settled", "kind": "entra"})
    path = f"/connections/{made['connection']['id']}"

    set_ = machine.done(
        "PATCH", path, {"link_until": "2026-12-31", "quirks_off": ["string-boolean"]}
    )
    lasting = machine.done("PATCH", path, {"link_until": None, "quirks_off": []})
    day = machine.refused(400, "PATCH", path, {"link_until": "soon"})
    habit = machine.refused(400, "PATCH", path, {"quirks_off": ["laziness"]})

    assert made["connection"]["link_until"] is None
    assert set_["link_until"].startswith("2027-01-01T00:00:00")
    assert set_["quirks_off"] == ["string-boolean"]
    assert (lasting["link_until"], lasting["quirks_off"]) == (None, [])
    assert 'link_until "soon" is no day; write it as 2026-12-31.' in day["detail"]
    assert "laziness" in habit["detail"]

"""One of something is never said as many."""

from __future__ import annotations

from scim_connector.rules.counting import counted


def test_a_number_has_its_noun() -> None:
    """One, none and many; a plural of its own where the noun has one."""
    assert counted(1, "mail") == "1 mail"
    assert counted(0, "mail") == "0 mails"
    assert counted(1200, "person", "people") == "1,200 people"

"""The thread beside the requests: no step of a round depends on another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scim_connector.delivery import background
from scim_connector.delivery.background import Background

if TYPE_CHECKING:
    import pytest

    from scim_connector.directory.database import Database


class _Quiet:
    """Nothing was gathered, no session was used."""

    def flush(self, *_: object) -> None:
        """Write nothing."""


def test_a_step_that_fails_keeps_none_of_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alerts tell of a sealer that cannot seal, so they are looked for without it."""
    done: list[str] = []

    def broken(*_: object) -> None:
        raise ValueError("nothing can be sealed")

    def chore(_: Database, now: int) -> None:
        done.append("alerts")

    monkeypatch.setattr(background, "keep_house", broken)
    quiet: Any = _Quiet()
    Background(database, quiet, quiet, broken, chore)._round()

    assert done == ["alerts"]

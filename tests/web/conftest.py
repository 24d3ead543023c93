"""A door for every test of the HTTP edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.door import Door, open_door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A new house with nobody in it."""
    opened = open_door(tmp_path)
    yield opened
    opened.house.database.close()

"""The command line on a house in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a folder with a new house; ``code`` is the expected exit."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, (arguments, result.output, result.exception)
        return result

    command("db", "upgrade")
    return command

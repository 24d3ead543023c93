"""The log of the program: one JSON object a line, whatever is written into it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import SOURCE

HOSTILE = 'kim\n{"level": "info", "event": "all is well"}\r\x1b[2K\u2028'
_PROGRAM = """
import sys, structlog
from scim_connector.wiring.logs import set_up_logs
set_up_logs()
structlog.get_logger().warning("refused", user=sys.argv[1])
print("answered")
"""
FULL = Path("/dev/full")


def test_a_value_writes_no_line_of_its_own() -> None:
    """Line ends and control characters of a value stay inside its text (T85)."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, HOSTILE],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stderr.splitlines()

    assert json.loads(line)["user"] == HOSTILE
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    """Where the disk of the log is full, the work goes on without the line (T80)."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, "kim"],
            env={"PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert done.stdout == "answered\n"

"""What is logged: one JSON object a line, with a request id, and nobody's address."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import structlog

from scim_connector.wiring import logs
from tests import server
from tests.server import Server
from tests.web.door import open_door

ADDRESS = "kim.doe@contoso.com"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What a server would write to stderr; afterwards all is as it was before."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers.clear()  # or those of pytest would be closed
    written = StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        logs.set_up_logs()
    # A logger that is kept would write to the stream of this test for ever.
    structlog.configure(cache_logger_on_first_use=False)
    yield written
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def _lines(text: str) -> list[dict[str, Any]]:
    """Each line as the JSON object it is."""
    made = [json.loads(line) for line in text.splitlines()]
    assert all({"event", "level", "timestamp"} <= set(line) for line in made)
    return made


def test_no_address_is_logged(told: StringIO) -> None:
    """Not in what a mail server answers, nor in a traceback, nor by a library."""
    log = structlog.get_logger("test")
    log.warning("not delivered", reason=f"550 <{ADDRESS}>: no such mailbox", id=7)
    try:
        message = f"Key (email)=({ADDRESS}) already exists."
        raise ValueError(message)
    except ValueError:
        log.exception("unexpected error", request_id="r")
        logging.getLogger("library").exception("for %s", ADDRESS)

    said = told.getvalue()
    refused, broken, library = _lines(said)
    assert "contoso" not in said
    assert refused["reason"] == "550 <(address)>: no such mailbox"
    assert "Key (email)=((address)) already exists." in broken["exception"]
    assert (broken["request_id"], broken["level"]) == ("r", "error")
    assert (library["event"], library["logger"]) == ("for (address)", "library")
    assert "Traceback" in library["exception"]


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/forgot"])
def test_a_fault_is_found_by_its_request(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: StringIO,
    path: str,
) -> None:
    """Who sees it is told the id that the log has, on pages as in SCIM answers."""

    def broken(*_: object, **__: object) -> None:
        message = f"broken for {ADDRESS}"
        raise RuntimeError(message)

    monkeypatch.setattr("scim_connector.web.scim.Scim.answer", broken)
    monkeypatch.setattr("scim_connector.web.pages.frame.Frame.guard", broken)
    door = open_door(tmp_path)
    headers = {"Authorization": f"Bearer {door.token}"}
    if path == "/forgot":
        answer = door.client.post(path, data={"email": ADDRESS})
    else:
        answer = door.client.get(path, headers=headers)

    (line,) = _lines(told.getvalue())
    assert answer.status_code == 500
    assert line["request_id"] in answer.text
    assert "RuntimeError: broken for (address)" in line["exception"]
    assert "Traceback" not in answer.text
    assert door.token not in json.dumps(line)


def test_the_server_logs_as_we_do(tmp_path: Path) -> None:
    """What granian says of a process that ended is JSON on stderr too."""
    with server.running(tmp_path) as scim:
        scim.send("GET", "/Users")
        os.kill(_worker(scim), signal.SIGKILL)
        line = _waited(tmp_path)

    assert "Unexpected exit" in line["event"]
    assert (line["level"], line["logger"]) == ("error", "_granian")


def _worker(scim: Server) -> int:
    """A process that answers: a child of the one that was started."""
    pid = scim.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return int(children.split()[-1])


def _waited(folder: Path) -> dict[str, Any]:
    ends = monotonic() + 20
    while monotonic() < ends:
        said = "".join(f.read_text("utf-8") for f in folder.glob("*") if _is_log(f))
        found = [line for line in said.splitlines() if "Unexpected exit" in line]
        if found:
            return _lines(found[0])[0]
        sleep(0.1)
    raise AssertionError(sorted(folder.iterdir()), sys.executable)


def _is_log(file: Path) -> bool:
    return file.suffix in {".err", ".log", ".out"}

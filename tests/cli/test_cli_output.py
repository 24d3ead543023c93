"""What the command line prints of others' words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scim_connector.cli import output, requests
from scim_connector.directory.request_log import Entry

if TYPE_CHECKING:
    import pytest

HOSTILE = "a\x1b]0;owned\x07b\rc\u202ed\x9be"
SHOWN = "a?]0;owned?b?c?d?e"


def test_a_table_and_a_record_steer_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Escape sequences, carriage returns and marks of direction are shown, not obeyed."""
    output.records([{"who": HOSTILE, "why": HOSTILE}], as_json=False)
    output.record({"why": HOSTILE, "all": [HOSTILE]}, as_json=False)

    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 4
    assert all(sign.isprintable() or sign == "\n" for sign in printed)


def test_letters_of_every_language_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what steers is taken out; a text of several lines stays one in a record."""
    output.record({"name": "Žofia Ångström 李", "text": "one\ntwo"}, as_json=False)

    printed = capsys.readouterr().out
    assert "Žofia Ångström 李" in printed
    assert "one\ntwo" in printed


def test_the_steps_of_a_request_steer_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a provider sent stays on its line of ``log show``, and is not obeyed."""
    spoken = f"{HOSTILE}\nwrite        Passed"
    over = [{"value": spoken, "why": spoken}]
    field = {"became": spoken, "sent": f"{spoken}!", "passed_over": over}
    facts = {"fields": {"username": field}}
    step = {"step": "map", "state": "Passed", "sentence": spoken, "facts": facts}
    requests.print_steps(_entry(path=spoken, steps=json.dumps([step])))
    requests.print_answer(_entry(response_body=spoken))

    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 7
    assert len(printed.splitlines()) == 6
    assert all(sign.isprintable() or sign == "\n" for sign in printed)


def _entry(**known: str) -> Entry:
    """An entry of the request log of which only *known* matters."""
    fields = dict.fromkeys(Entry.__dataclass_fields__, "") | known
    return Entry(**fields)  # type: ignore[arg-type]

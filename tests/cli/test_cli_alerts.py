"""``alerts``: listed, changed, silenced, tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

from scim_connector.administration.alert_conditions import CONDITIONS

Run = Callable[..., Result]


def _row(run: Run, alert: str) -> dict[str, Any]:
    rows = json.loads(run("alerts", "list", "--json").stdout)
    assert [row["alert"] for row in rows] == [each.id for each in CONDITIONS]
    return next(row for row in rows if row["alert"] == alert)


def test_every_alert_is_on_by_itself(run: Run) -> None:
    """By mail and in the log, with a threshold and whom it is mailed to."""
    assert _row(run, "credential_expires") == {
        "alert": "credential_expires",
        "threshold": "30,14,7,1 days",
        "told": "mail, log",
        "silent until": "",
        "mailed to": "provisioning.manage",
        "holds": "",
    }


def test_it_is_told_as_one_likes(run: Run) -> None:
    """Threshold, roads and off; what is not named stays."""
    run("alerts", "set", "backup_old", "--threshold", "48", "--no-mail")
    run("alerts", "set", "backup_old", "--log")
    assert _row(run, "backup_old")["threshold"] == "48 hours"
    assert _row(run, "backup_old")["told"] == "log"

    run("alerts", "set", "backup_old", "--off")
    assert _row(run, "backup_old")["told"] == "off"
    run("alerts", "set", "backup_old", "--on")
    assert _row(run, "backup_old")["told"] == "log"


def test_a_change_that_is_none_is_refused(run: Run) -> None:
    """Each refusal says what to write."""
    said = run("alerts", "set", "disk", code=2).stderr
    assert "Say what to change" in said
    said = run("alerts", "set", "disk", "--threshold", "1,2", code=2).stderr
    assert "Write a whole number of GB from 1 to 10,000, such as 2." in said
    said = run("alerts", "silence", "backups", code=2).stderr
    assert "there are: credential_expires" in said
    said = run("alerts", "silence", "disk", "--for", "never", code=2).stderr
    assert "--off" in said


def test_silence_has_an_end(run: Run) -> None:
    """It says until when, and can be ended before."""
    said = run("alerts", "silence", "disk", "--for", "2d").stdout
    until = _row(run, "disk")["silent until"]
    assert until
    assert until in said

    assert "told again" in run("alerts", "silence", "disk", "--end").stdout
    assert _row(run, "disk")["silent until"] == ""


def test_a_test_is_mailed_to_whom_it_would_be(run: Run) -> None:
    """Nobody can help at first; then one who carries the permission can."""
    said = run("alerts", "test", "disk", code=2).stderr
    assert 'Nobody active holds a role that carries "Manage settings".' in said
    run("role", "add", "Keeper", "--allow", "settings.manage")
    run("user", "add", "--email", "ann@example.com", "--last", "Ann")
    run("user", "role", "add", "ann@example.com", "Keeper")

    assert run("alerts", "test", "disk").stdout == "1 mail is being sent.\n"
    assert "alert" in run("mail", "list", "--not-sent").stdout


def test_nothing_has_held_yet(run: Run) -> None:
    """The history says so."""
    assert "Nothing held" in run("alerts", "history").stdout

"""Receivers of security events on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import main
from tests.receiver import Receiver, receiving

Run = Callable[..., Result]


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiving() as found:
        yield found


def test_a_receiver_from_its_first_word_to_its_last(run: Run, told: Receiver) -> None:
    """Added, tried, sent to by the worker, shown, paused, replayed, removed."""
    added = run("receiver", "add", "soc", told.url)
    assert (
        "Keys:            http://127.0.0.1:8080/.well-known/jwks.json" in added.stdout
    )
    assert "took a verification event" in run("receiver", "test", "soc").stdout
    assert "soc" in run("receiver", "list").stdout
    shown = json.loads(run("receiver", "show", "soc", "--json").stdout)
    assert shown["events"] == ["deactivate", "session-revoked"]
    assert shown["state"] == "up to date"

    run("receiver", "set", "soc", "--event", "activate")
    run("receiver", "pause", "soc")
    assert json.loads(run("receiver", "list", "--json").stdout)[0]["state"] == "paused"
    run("receiver", "resume", "soc")
    refused = run("receiver", "replay", "soc", "--from", "99999", code=2)
    assert "has been sent events up to" in refused.stderr
    run("receiver", "remove", "soc", "--yes")
    assert "No receiver yet" in run("receiver", "list").stdout


def test_a_bearer_token_is_read_and_not_shown(run: Run, told: Receiver) -> None:
    """From standard input, never from the command line, where others see it."""
    command = ["receiver", "add", "soc", told.url, "--bearer"]
    added = CliRunner().invoke(main, command, input="opens-soc\n")
    nothing = CliRunner().invoke(main, [*command[:2], "b", *command[3:]], input="")

    assert added.exit_code == 0, added.output
    run("receiver", "test", "soc")
    assert told.heard[0][0]["Authorization"] == "Bearer opens-soc"
    assert "opens-soc" not in run("receiver", "show", "soc").stdout
    assert "no bearer token on standard input" in nothing.stderr


def test_what_a_receiver_refuses_is_told(run: Run, told: Receiver) -> None:
    """With its own words."""
    run("receiver", "add", "soc", told.url)
    told.answer = (400, b'{"err": "invalid_audience", "description": "not mine"}')

    refused = run("receiver", "test", "soc", code=2)

    assert "soc answered 400 invalid_audience not mine" in refused.stderr
    assert "deactivate" in run("receiver", "events").stdout


def test_one_that_polls_is_added_and_given_another_token(run: Run) -> None:
    """Each token is shown once; where it asks is told, and a test waits for it."""
    added = run("receiver", "add", "archive", "--poll", "--event", "delete")
    assert "It asks at:      http://127.0.0.1:8080/events/1" in added.stdout
    (first,) = re.findall(r"scimc_\S+", added.stdout)
    second = run("receiver", "token", "archive")
    assert second.stdout.strip() != first
    assert "waits for archive to ask" in run("receiver", "test", "archive").stdout

    text = run("receiver", "show", "archive", "--json").stdout
    shown = json.loads(text)
    assert (shown["polls"], shown["last asked"]) == (True, "-")
    assert shown["audience"] == "archive"
    assert first not in text
    assert second.stdout.strip() not in text
    refused = run("receiver", "set", "archive", "--url", "https://x.org/", code=2)
    assert "has no address and no bearer token" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give the URL to push to, or --poll"),
        (["https://x.org/", "--poll"], "Give the URL to push to, or --poll"),
        (["--poll", "--bearer"], "--bearer is for one that is pushed to"),
    ],
)
def test_a_receiver_has_one_road(run: Run, arguments: list[str], said: str) -> None:
    """It is pushed to or it polls, and is told which of both was meant."""
    refused = run("receiver", "add", "soc", *arguments, code=2)

    assert said in refused.stderr
    assert "No receiver yet" in run("receiver", "list").stdout


def test_one_that_is_pushed_to_has_no_token_of_ours(run: Run, told: Receiver) -> None:
    """It has a bearer token of its own, which `receiver set` changes."""
    run("receiver", "add", "soc", told.url)

    assert "it does not poll" in run("receiver", "token", "soc", code=2).stderr

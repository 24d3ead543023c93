"""What every command tells about itself, and how it refuses what it cannot read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import COMMANDS, main

#: Options whose name and value say everything.
OBVIOUS = {
    "json",
    "role",
    "profile",
    "connection",
    "email",
    "limit",
    "kind",
    "help",
    "active",
    "inactive",
    "given",
    "api_user",
    "initials",
    "version",
    "mapping",
}


def _walk(
    command: click.Command, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _walk(below, (*path, name))
    return found


EVERY = _walk(main)
LEAVES = [path for path, command in EVERY if not isinstance(command, click.Group)]


def test_the_table_of_commands_is_the_tree() -> None:
    """Every entry of COMMANDS loads, under the name that --help shows."""
    assert [path[0] for path, _ in EVERY if len(path) == 1] == list(COMMANDS)


@pytest.mark.parametrize(("path", "command"), EVERY, ids=lambda v: str(v)[:40])
def test_every_command_and_option_is_explained(
    path: tuple[str, ...], command: click.Command
) -> None:
    """A docstring that is a sentence, and help for what is not obvious by its name."""
    assert command.help is not None
    assert command.help.split("\n\n")[0].rstrip().endswith((".", ":"))
    silent = [
        param.name
        for param in command.params
        if isinstance(param, click.Option) and not param.help
    ]
    assert set(silent) <= OBVIOUS, " ".join(path)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_an_unknown_option_is_one_sentence(path: tuple[str, ...]) -> None:
    """Exit code 2 with usage, never a trace."""
    result = CliRunner().invoke(main, [*path, "--no-such-option"])

    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert isinstance(result.exception, SystemExit)


_REFERENCE = {
    *(("serve",), ("settings",), ("rules",), ("openapi",), ("commands",)),
    *(("audit", "events"), ("log", "reasons")),
}


@pytest.mark.parametrize(
    "path",
    [p for p in LEAVES if p not in _REFERENCE],
    ids=" ".join,
)
def test_without_a_house_every_command_says_so(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder nothing is made and nothing traces, whatever is asked."""
    monkeypatch.chdir(tmp_path)
    needed = {
        ("connection", "add"): ["x", "--kind", "okta"],
        ("connection", "set"): ["x", "--strict"],
        ("rollout",): ["x", "--connection", "x"],
        ("probe",): ["x", "--as", "okta"],
        ("db", "copy"): ["--to", "sqlite:///x.db"],
        ("user", "add"): ["--email", "x@x.example"],
        ("user", "edit"): ["x", "--email", "x@x.example"],
        ("mapping", "new"): ["x", "--from", "okta"],
        ("conflict", "show"): ["1"],
        ("conflict", "decide"): ["1", "link"],
        ("sign-in", "set"): ["x", "--issuer", "https://x.example", "--client-id", "x"],
        ("receiver", "replay"): ["x", "--from", "1"],
        ("mail", "held"): ["drop"],
        ("mail", "drop"): ["1"],
        ("mail", "resend"): ["1"],
    }
    command = dict(EVERY)[path]
    required = sum(p.required for p in command.params if isinstance(p, click.Argument))
    arguments = needed.get(path, ["x"] * required)
    of_no_house = {("keys", "new"), ("doctor",), ("receiver", "events")}
    of_no_house |= {("webhook", "kinds")}
    if path in {("db", "upgrade"), ("mapping", "new"), *of_no_house}:
        return  # these make something, or need no house
    result = CliRunner().invoke(main, [*path, *arguments])

    assert result.exit_code == 2, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------- addresses and values


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://scim.contoso.com", ["need https"]),
        ("https://10.0.0.5", ["10.0.0.5 cannot be reached from the internet"]),
        ("https://[fd00::1]", ["cannot be reached from the internet"]),
        ("https://scim.local", ["cannot be reached from the internet"]),
        (
            "https://my_scim.contoso.com",
            ["Okta refuses a host name with an underscore"],
        ),
        ("http://my_scim.local", ["https", "underscore", "internet"]),
        ("https://scim.contoso.com", []),
    ],
)
def test_adding_a_connection_warns_about_the_address(
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    told: list[str],
) -> None:
    """What Entra ID and Okta will not like is said where it is set up."""
    monkeypatch.setenv("SCIM_CONNECTOR_PUBLIC_URL", address)
    said = run("connection", "add", "okta", "--kind", "okta").stdout
    notes = [line for line in said.splitlines() if line.startswith("Note: ")]

    assert f"{address}/scim/v2" in said
    assert len(notes) == len(told)
    for note, part in zip(notes, told, strict=True):
        assert part in note


@pytest.mark.parametrize("value", ["", "x", "0d", "-1d", "1m", "9" * 30 + "y", "1.5d"])
def test_a_span_that_is_none(run: Callable[..., Result], value: str) -> None:
    """--expires names the forms it takes."""
    said = run("token", "create", "default", "--expires", value, code=2).stderr

    assert "write 365d, 12h, 2w, 1y or never" in said


@pytest.mark.parametrize("value", ["", "x", "2026-13-01", "31.12.2026", "99999-01-01"])
def test_a_day_that_is_none(run: Callable[..., Result], value: str) -> None:
    """--until names the form it takes."""
    said = run("connection", "set", "default", "--until", value, code=2).stderr

    assert "write a day as 2026-12-31" in said


@pytest.mark.parametrize("span", ["never", "1h", "100y"])
def test_every_span_is_stored(run: Callable[..., Result], span: str) -> None:
    """The longest one does not break the list of tokens."""
    run("token", "create", "default", "--expires", span)

    assert len(json.loads(run("token", "list", "--json").stdout)) == 2


def test_a_span_beyond_the_calendar_is_refused(run: Callable[..., Result]) -> None:
    """A date that nobody could print is no expiry."""
    said = run("token", "create", "default", "--expires", "99999y", code=2).stderr

    assert "beyond 100y; write never" in said


def test_the_settings_show_no_secret(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password inside the database URL, or the key itself, is only '(set)'."""
    key = run("keys", "new").stdout
    monkeypatch.setenv("SCIM_CONNECTOR_SECRET_KEY", key)
    monkeypatch.setenv("SCIM_CONNECTOR_DATABASE_URL", "postgresql://u:hunter2@h/d")
    said = run("settings").stdout + run("settings", "--json").stdout

    assert key.strip() not in said
    assert "hunter2" not in said
    assert "(set)" in said


def test_the_key_in_the_environment_is_not_rotated_in_a_file(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotate says where the key is; two keys in the variable open the house."""
    old = Path("scim-connector.key").read_text()
    monkeypatch.setenv("SCIM_CONNECTOR_SECRET_KEY", old)
    said = run("keys", "rotate", code=2).stderr
    new = run("keys", "new").stdout
    monkeypatch.setenv("SCIM_CONNECTOR_SECRET_KEY", new + old)
    run("user", "list")
    monkeypatch.setenv("SCIM_CONNECTOR_SECRET_KEY", new)
    wrong = run("user", "list", code=2).stderr

    assert "put a new line before it" in said
    assert "is not the one this database was made with" in wrong


def test_the_commands_are_listed_with_what_they_do(run: Callable[..., Result]) -> None:
    """One line each, also for programs."""
    listed = json.loads(run("commands", "--json").stdout)
    does = {each["command"]: each["does"] for each in listed}

    assert does["db check"].startswith("Check")
    assert all(does.values())
    assert "connection add " in run("commands").stdout


def test_the_reasons_are_listed_with_what_they_mean(run: Callable[..., Result]) -> None:
    """Those of the rules name the rule."""
    listed = json.loads(run("log", "reasons", "--json").stdout)
    rules = {each["reason"]: each["rule"] for each in listed}

    assert (rules["email_taken"], rules["invalidFilter"]) == ("R5", "")
    assert all(each["means"] for each in listed)

"""The command line as an operator uses it, on a house in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import main
from tests.server import PROGRAM

Run = Callable[..., Result]


def _walk(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = [path]
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found += _walk(below, (*path, name))
    return found


@pytest.mark.parametrize("path", _walk(main), ids=" ".join)
def test_every_command_teaches(path: tuple[str, ...]) -> None:
    """--help of every command and group says what it is for."""
    shown = CliRunner().invoke(main, [*path, "--help"])

    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) >= 4


@pytest.mark.parametrize(
    "path",
    [
        ("connection", "list"),
        ("token", "list"),
        ("user", "list"),
        ("role", "list"),
        ("profile", "list"),
        ("conflict", "list"),
        ("log", "list"),
        ("log", "knocks"),
        ("dialects",),
        ("rules",),
        ("settings",),
        ("mapping", "versions", "default"),
        ("connection", "show", "default"),
        ("api-app", "show"),
    ],
    ids=" ".join,
)
def test_records_are_printed_as_json(run: Run, path: tuple[str, ...]) -> None:
    """--json prints JSON, and without it something is always said."""
    json.loads(run(*path, "--json").stdout)

    assert run(*path).stdout.strip()


def test_a_connection_is_added_and_changed(run: Run) -> None:
    """Adding says what comes next and what providers will not like."""
    added = run("connection", "add", "entra", "--kind", "entra", "--allow-api-users")
    run(
        "connection",
        "set",
        "entra",
        "--link-existing",
        "email",
        "--until",
        "2030-01-31",
    )
    shown = json.loads(run("connection", "show", "entra", "--json").stdout)

    assert "token create entra" in added.stdout
    assert "Entra ID and Okta need https; see docs/https.md." in added.stdout
    assert (shown["link existing"], shown["until"]) == ("email", "2030-02-01 00:00:00")
    assert shown["API users"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("connection", "add", "default", "--kind", "okta"), "choose another name"),
        (
            ("connection", "show", "nobody"),
            'no connection "nobody"; there are: default',
        ),
        (("connection", "set", "default"), "Nothing to set"),
        (
            ("connection", "set", "default", "--quirk-off", "x"),
            "cannot be switched off",
        ),
        (("token", "create", "nobody"), 'no connection "nobody"'),
        (("token", "revoke", "nobody"), "There is no token of this id"),
        (("user", "show", "nobody"), "Run: scim-connector user list"),
        (("user", "add", "--email", "bad"), 'Email "bad" is not valid'),
        (("user", "role", "add", "nobody", "x"), 'There is no user "nobody"'),
        (("user", "list", "--role", "x"), 'There is no role "x"'),
        (("role", "add", "Administrator"), 'There is a role "Administrator" already'),
        (("api-app", "configure", "nobody"), "The API App is not installed"),
        (("mapping", "check", "none.toml"), "There is no file none.toml"),
        (("mapping", "new", "scim-connector.key", "--from", "okta"), "exists already"),
        (("import",), "import --template"),
        (
            ("rollout", "none.csv", "--connection", "default"),
            "There is no file none.csv",
        ),
        (("log", "show", "x"), "There is no request of this id"),
        (("conflict", "show", "9"), "There is no entry 9"),
        (("conflict", "decide", "9", "ignore"), "There is no entry 9"),
        (("conflict", "list", "--connection", "nobody"), 'no connection "nobody"'),
        (("db", "backup", "scim-connector.db"), "exists already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_refusal_is_one_sentence(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    """Bad input ends with exit code 2 and a sentence that says what to do."""
    result = run(*arguments, code=2)

    assert told in result.stderr
    assert "Traceback" not in result.output


def test_a_token_is_printed_alone(run: Run) -> None:
    """Stdout holds the token and nothing else; it can be extended and revoked."""
    made = run("token", "create", "default", "--expires", "12h")
    token = made.stdout.strip()
    listed = json.loads(run("token", "list", "--json").stdout)

    assert token.startswith("scimc_")
    assert token not in json.dumps(listed)
    run("token", "extend", token, "--expires", "never")
    run("token", "revoke", token)
    run("token", "extend", token, code=2)
    states = [t["state"] for t in json.loads(run("token", "list", "--json").stdout)]
    assert states == ["live", "revoked"]


def test_the_life_of_a_user(run: Run) -> None:
    """Add, edit, give a role, deactivate, reactivate: all told by the history."""
    run("role", "add", "Registrar")
    run("profile", "add", "Office")
    run(
        "user", "add", "--email", "Ann.Lee@x.example", "--first", "Ann", "--last", "Lee"
    )
    run("user", "edit", "ann.lee@x.example", "--initials", "ALE")
    run("user", "role", "add", "ANN.LEE@x.example", "registrar")
    run("user", "profile", "ann.lee@x.example", "Office")
    run("user", "deactivate", "ann.lee@x.example")
    held = json.loads(run("user", "show", "ann.lee@x.example", "--json").stdout)
    run("user", "reactivate", "ann.lee@x.example")
    run("user", "role", "remove", "ann.lee@x.example", "Registrar")
    run("user", "role", "remove", "ann.lee@x.example", "Registrar", code=2)
    history = json.loads(run("user", "history", "ann.lee@x.example", "--json").stdout)

    assert (held["initials"], held["active"], held["profile"]) == (
        "ALE",
        False,
        "Office",
    )
    assert held["roles"] == ["Registrar (here)"]
    assert [entry["event"] for entry in history] == [
        "user:created",
        "user:initials:changed",
        "user:role:granted",
        "user:profile:changed",
        "user:held",
        "user:deactivated",
        "user:reactivated",
        "user:role:revoked",
    ]


def test_an_api_user_acts_for_the_api_app(run: Run) -> None:
    """Deactivating the user of the API App takes it out of the configuration.

    The command says so first, and asks: where nobody can answer it does nothing.
    """
    run("user", "add", "--email", "prog@x.example", "--api")
    run("api-app", "install")
    run("api-app", "configure", "prog@x.example")
    run("api-key", "create", "prog@x.example")
    asked = run("user", "deactivate", "prog@x.example", code=2)
    before = json.loads(run("api-app", "show", "--json").stdout)
    told = run("user", "deactivate", "prog@x.example", "--yes").stdout
    shown = json.loads(run("api-app", "show", "--json").stdout)

    assert "The API App acts as prog@x.example; then it acts as nobody" in asked.stderr
    assert "then it acts as nobody (1 key dies)" in asked.stderr
    assert "Repeat with --yes" in asked.stderr
    assert before == {"installed": True, "acts as": "prog@x.example"}
    assert "Ended: 1 api keys, api app." in told
    assert shown == {"installed": True, "acts as": ""}


@pytest.mark.parametrize(("answer", "active"), [("n", True), ("y", False)])
def test_whoever_sits_there_is_asked(
    run: Run, tmp_path: Path, answer: str, active: bool
) -> None:
    """At a terminal the consequence is a question; no means nothing was changed."""
    run("user", "add", "--email", "prog@x.example", "--api")
    run("api-app", "install")
    run("api-app", "configure", "prog@x.example")
    keyboard, terminal = os.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    told = subprocess.run(
        [*PROGRAM, "user", "deactivate", "prog@x.example"],
        cwd=tmp_path,
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(keyboard)
    shown = json.loads(run("user", "show", "prog@x.example", "--json").stdout)

    assert "then it acts as nobody. Go on?" in told.stdout + told.stderr
    assert shown["active"] is active


def test_an_import_names_what_the_api_app_loses(run: Run, tmp_path: Path) -> None:
    """A row that deactivates the user of the API App is named before it is written."""
    run("user", "add", "--email", "prog@x.example", "--api", "--initials", "PR")
    run("api-app", "install")
    run("api-app", "configure", "prog@x.example")
    row = "username,email,initials,active\nprog@x.example,prog@x.example,PR,no\n"
    (tmp_path / "users.csv").write_text(row)
    dry = run("import", "users.csv", "--dry-run")
    asked = run("import", "users.csv", code=2)
    before = json.loads(run("api-app", "show", "--json").stdout)
    run("import", "users.csv", "--yes")
    shown = json.loads(run("api-app", "show", "--json").stdout)

    assert "then it acts as nobody" in dry.stdout
    assert "Repeat with --yes" in asked.stderr
    assert before["acts as"] == "prog@x.example"
    assert shown["acts as"] == ""


def test_an_import_is_all_or_nothing(run: Run, tmp_path: Path) -> None:
    """One bad row keeps every row out, unless --keep-going."""
    (tmp_path / "users.csv").write_text(
        "username,email,initials\nann.lee,ann@x.example,AL\nbad,bob@x.example,BB\n"
    )

    refused = run("import", "users.csv", code=2)
    nobody = json.loads(run("user", "list", "--json").stdout)
    kept = run("import", "users.csv", "--keep-going", code=1)
    dry = run("import", "users.csv", "--dry-run", "--keep-going")

    assert "1 of 2 rows refused; nothing was written." in refused.stdout
    assert nobody == []
    assert "1 created, 0 changed, 0 as they were, 1 refused." in kept.stdout
    assert "0 to create, 0 to change, 1 as they are, 1 refused." in dry.stdout


def test_links_are_applied_all_or_none(run: Run, tmp_path: Path) -> None:
    """A batch is checked whole before any identity is linked."""
    run("user", "add", "--email", "ann.lee@x.example")
    table = "connection,identity,username\ndefault,ann@p.example,ann.lee@x.example\n"
    (tmp_path / "bad.csv").write_text(f"{table}default,bob@p.example,nobody\n")
    (tmp_path / "good.csv").write_text(table)

    bad = run("link", "apply", "bad.csv", code=2)
    waiting = json.loads(run("conflict", "list", "--json").stdout)
    run("link", "apply", "good.csv")
    linked = json.loads(run("conflict", "list", "--json").stdout)

    assert 'bob@p.example: There is no user "nobody"' in bad.stderr
    assert waiting == []
    assert [entry["kind"] for entry in linked] == ["decided"]


def test_names_are_recomputed_after_a_look(run: Run) -> None:
    """Candidates and consequences come first; the former value is kept (R2)."""
    add = ("user", "add", "--first", "Kim", "--last", "Doe", "--no-mail", "--email")
    run(*add, "kim.doe@x.example", "--initials", "ZZ")

    asked = run("user", "recompute", "kim.doe@x.example", code=2)
    odd = ("--initials", "Q", "--yes")
    wrong = run("user", "recompute", "kim.doe@x.example", *odd, code=2)
    done = run("user", "recompute", "kim.doe@x.example", "--yes").stdout
    again = run("user", "recompute", "kim.doe@x.example").stdout
    other = run(*add, "bo@x.example", "--initials", "ZZ", code=2).stderr

    assert "KD: free  by Coalesce(Initials(" in asked.stdout
    assert "kept for 90 days" in asked.stdout
    assert "Change initials ZZ -> KD. Repeat with --yes." in asked.stderr
    assert 'The mapping does not derive "Q"' in wrong.stderr
    assert done.endswith("Changed initials ZZ -> KD.\n")
    assert "Nothing changes" in again
    assert 'Initials "ZZ" are kept for another user for a while (R2).' in other


def test_a_decision_is_shown_and_taken_back(run: Run) -> None:
    """Show names what it is and the commands that fit; decide carries one out."""
    run("user", "add", "--email", "ann.lee@x.example")
    run("user", "link", "default", "ann@p.example", "ann.lee@x.example")
    (entry,) = json.loads(run("conflict", "list", "--kind", "decided", "--json").stdout)
    number = str(entry["id"])

    shown = run("conflict", "show", number).stdout
    wrong = run("conflict", "decide", number, "link", code=2).stderr
    done = run("conflict", "decide", number, "withdraw").stdout
    again = run("conflict", "decide", number, "withdraw", code=2).stderr
    closed = json.loads(run("conflict", "show", number, "--json").stdout)

    assert "Decided; the provider's next try is due" in shown
    assert f"scim-connector conflict decide {number} withdraw" in shown
    assert "choose one of: withdraw." in wrong
    assert done == "ann@p.example: not ann.lee@x.example after all.\n"
    assert "closed already: not ann.lee@x.example after all, by cli:" in again
    assert closed["remedies"] == []
    assert run("conflict", "list").stdout == "Nothing waits for a decision.\n"


def test_a_mapping_is_made_tried_and_applied(run: Run, tmp_path: Path) -> None:
    """new, check, try, plan, apply and versions work one after the other."""
    run("mapping", "new", "our.toml", "--from", "entra")
    (tmp_path / "user.json").write_text('{"userName": "007bond@mi6.example"}')
    checked = run("mapping", "check", "our.toml")
    tried = run("mapping", "try", "our.toml", "user.json")
    run("mapping", "plan", "default", "our.toml")
    run("mapping", "apply", "default", "our.toml")
    first = run("mapping", "versions", "default", "--show", "1")
    versions = json.loads(run("mapping", "versions", "default", "--json").stdout)
    run("mapping", "versions", "default", "--show", "7", code=2)

    assert "our.toml: 10 of 10 tests passed." in checked.stdout
    assert "username    bond@mi6.example" in tried.stdout
    assert 'provider = "generic"' in first.stdout
    assert [v["in use"] for v in versions] == [False, True]


def test_a_failing_test_of_a_mapping_fails_the_check(run: Run, tmp_path: Path) -> None:
    """Mapping check exits with 1 and names the test and what came instead."""
    run("mapping", "new", "our.toml", "--from", "okta")
    text = (
        (tmp_path / "our.toml").read_text().replace('initials = "JB"', 'initials = "X"')
    )
    (tmp_path / "our.toml").write_text(text)

    told = run("mapping", "check", "our.toml", code=1).stdout

    assert "a leading digit falls off" in told
    assert "initials: expected 'X', got 'JB'" in told


def test_a_rollout_exits_with_1_while_somebody_is_refused(
    run: Run, tmp_path: Path
) -> None:
    """The table names the reason, the CSV holds everybody, formulas quoted."""
    (tmp_path / "people.csv").write_text(
        "userPrincipalName,displayName,mail\n"
        "=ann@x.example,Ann Lee,ann@x.example\n"
        "bob@x.example,Bob Ray,ann@x.example\n"
    )

    told = run(
        "rollout", "people.csv", "--connection", "default", "--csv", "out.csv", code=1
    )
    rows = (tmp_path / "out.csv").read_text().splitlines()

    assert "1 would create, 1 would refuse" in told.stdout
    assert "email_taken" in told.stdout
    assert rows[1].split(",")[1] == "'=ann@x.example"
    assert json.loads(run("user", "list", "--json").stdout) == []


def test_the_database_is_checked(run: Run) -> None:
    """Db check finds nothing wrong, db upgrade has nothing to do."""
    checked = run("db", "check")
    again = run("db", "upgrade")

    assert checked.stdout.strip() == "All is well."
    assert "Nothing to do" in again.stdout


def test_rotating_the_key_keeps_tokens(run: Run, tmp_path: Path) -> None:
    """A new key stands in front, the old one stays for reading (D6)."""
    before = (tmp_path / "scim-connector.key").read_text()
    run("keys", "rotate")
    after = (tmp_path / "scim-connector.key").read_text()

    assert after.endswith(before)
    assert len(after.splitlines()) == 2
    run("token", "create", "default")


def test_a_connection_ends_in_two_ways(run: Run) -> None:
    """Retiring kills the tokens; deactivating its people has to be said."""
    run("connection", "pause", "default")
    run("connection", "resume", "default")
    asked = run("connection", "retire", "default", "--deactivate", code=2)
    run("connection", "retire", "default")
    tokens = json.loads(run("token", "list", "--json").stdout)

    assert "Repeat with --yes" in asked.stderr
    assert [t["state"] for t in tokens] == ["revoked"]
    run("connection", "resume", "default", code=2)
    run("token", "create", "default", code=2)

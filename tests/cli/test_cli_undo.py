"""Undoing at a terminal: the walk after a wrong rule, and what the options choose."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from scim_connector.administration import shipped
from scim_connector.directory import connections, users
from scim_connector.directory.database import Database
from tests.house import Provider, patch_of, person

Run = Callable[..., Result]

PEOPLE = 400


def _renaming(tag: str) -> str:
    """The shipped mapping with a rule for usernames that renames everybody."""
    head, _, tail = shipped.text("entra").partition("[fields.username]")
    rest = tail.partition("]\n\n")[2]
    return (
        f'{head}[fields.username]\napply = "always"\nwhen_taken = "number"\n'
        f'candidates = [\'Join("", "{tag}", [name.familyName])\']\n\n{rest}'
    )


@pytest.fixture
def entra(run: Run) -> Iterator[Provider]:
    """The connection of an Entra ID, as its requests reach it."""
    run("connection", "add", "entra", "--kind", "entra")
    database = Database("sqlite:///scim-connector.db")
    found = connections.by_name(database.reader(), "entra")
    assert found is not None
    yield Provider(database, found)
    database.close()


def _people(entra: Provider, count: int) -> dict[str, str]:
    """Provision people; the SCIM id of each with their username."""
    made = {}
    for n in range(count):
        name = {"givenName": "Kim", "familyName": f"Doe{n:03d}"}
        scim_id = entra.post(person(f"kim{n:03d}@x.example", name=name)).id or ""
        made[scim_id] = entra.user(scim_id).username
    return made


def _names(entra: Provider, ids: dict[str, str]) -> dict[str, str]:
    return {scim_id: entra.user(scim_id).username for scim_id in ids}


def test_a_wrong_rule_is_undone_in_four_commands(run: Run, entra: Provider) -> None:
    """400 people are renamed; undo with a pause, repair, resume: nobody is again."""
    before = _people(entra, PEOPLE)
    Path("wrong.toml").write_text(_renaming("wrong."))
    run("mapping", "apply", "entra", "wrong.toml", "--changes", str(PEOPLE))
    renamed = _names(entra, before)

    planned = run("undo", "plan", "--connection", "entra", "--mapping", "2").stdout
    options = ("--connection", "entra", "--mapping", "2", "--pause", "--yes")
    undone = run("undo", "run", *options)
    restored = _names(entra, before)
    state = run("connection", "show", "entra").stdout
    Path("right.toml").write_text(shipped.text("entra"))
    run("mapping", "apply", "entra", "right.toml")
    run("connection", "resume", "entra")
    for n, scim_id in enumerate(before):
        entra.patch(scim_id, patch_of(title=f"Title {n}"))

    assert all(name.startswith("wrong.Doe") for name in renamed.values())
    assert (
        f"{PEOPLE} people of {PEOPLE} would have {PEOPLE} values put back." in planned
    )
    assert "entra would write over them" in planned
    assert f"Put back {PEOPLE} values of {PEOPLE} people." in undone.stdout
    assert "Paused entra; go on with: connection resume entra" in undone.stderr
    assert "paused" in state
    assert restored == before
    assert _names(entra, before) == before


def test_the_report_is_a_table_csv_or_json(run: Run, entra: Provider) -> None:
    """Each line names who, what, from what to what, and why where it stayed."""
    before = _people(entra, 2)
    first, second = before
    began = max(e["at"] for e in _history(run, before[first]))
    run("user", "edit", before[first], "--last", "=Wrong", "--override")
    run("user", "deactivate", before[second])

    options = ("undo", "plan", "--by", _me(run, before[first]), "--since", began)
    table = run(*options).stdout
    lines = json.loads(run(*options, "--json").stdout)
    rows = run(*options, "--csv").stdout.splitlines()
    done = run("undo", "run", *options[2:], "--yes").stdout

    assert [line["result"] for line in lines] == ["would be restored", "not undone"]
    assert (lines[0]["before"], lines[0]["after"]) == ("=Wrong", "Doe000")
    assert rows[0].startswith("user_id,username,field,before,after,result,why")
    assert ",'=Wrong,Doe000," in rows[1]
    assert f"Run: scim-connector user reactivate {before[second]}" in table
    assert "Put back 1 values of 1 people." in done
    assert entra.user(first).last_name == "Doe000"
    assert not entra.user(second).active


def _history(run: Run, username: str) -> list[dict[str, str]]:
    return list(json.loads(run("user", "history", username, "--json").stdout))


def _me(run: Run, username: str) -> str:
    """Who acts at this terminal, as audit names them."""
    return _history(run, username)[-1]["by"].partition(":")[2]


def test_one_person_from_an_event_on(run: Run, entra: Provider) -> None:
    """The id of the event is in the history; what was before it is put back."""
    ((scim_id, name),) = _people(entra, 1).items()
    run("user", "edit", name, "--last", "One", "--override")
    run("user", "edit", name, "--first", "Two", "--override")
    changed = [e for e in _history(run, name) if e["event"] == "user:name:changed"]
    event = str(changed[0]["id"])

    run("undo", "run", "--user", name, "--event", event, "--yes")
    again = run("undo", "run", "--user", name, "--event", event, "--yes").stdout

    user = users.required(entra.database.reader(), entra.user(scim_id).id)
    assert (user.first_name, user.last_name) == ("Kim", "Doe000")
    assert "as it was already" in again


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Say which changes"),
        (["--event", "4"], "one of a person: name them"),
        (["--mapping", "4"], "name it too"),
        (["--since", "yesterday"], "write 2026-12-31"),
        (["--by", "x", "--only", "shoes"], "shoes"),
    ],
)
def test_a_batch_that_is_none_is_refused(
    run: Run, options: list[str], said: str
) -> None:
    """One sentence, exit code 2, nothing looked at."""
    assert said in run("undo", "plan", *options, code=2).stderr


def test_without_a_terminal_it_must_be_said_twice(run: Run, entra: Provider) -> None:
    """Nothing is written before --yes."""
    ((scim_id, name),) = _people(entra, 1).items()
    run("user", "edit", name, "--last", "One", "--override")

    said = run("undo", "run", "--user", name, code=2).stderr

    assert "Put back" in said
    assert "Repeat with --yes" in said
    assert entra.user(scim_id).last_name == "One"

"""``simulate`` as an operator uses it: every form, what it prints, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scim_connector.administration import shipped
from scim_connector.cli import main
from scim_connector.directory.database import Database
from tests import house
from tests.digest import digest_of
from tests.house import Provider, person

Run = Callable[..., Result]
KIM = person("kim.doe@contoso.com", externalId="k1")


@pytest.fixture
def entra(run: Run) -> Iterator[Provider]:
    """A provider at a connection of the house on which commands are run."""
    database = Database("sqlite:///scim-connector.db")
    yield house.provider(database)
    database.close()


def _file(name: str, value: object) -> str:
    Path(name).write_text(json.dumps(value), "utf-8")
    return name


def _steps(printed: str) -> list[str]:
    """What is printed of the steps, but for who sent the request."""
    lines = printed.splitlines()
    end = next(n for n, line in enumerate(lines) if line.startswith("notify")) + 1
    return [line for line in lines[1:end] if not line.startswith("authenticate")]


def test_the_steps_are_those_of_log_show(run: Run, entra: Provider) -> None:
    """What is tried, and what is then sent, print the same; the last line reassures."""
    tried = run("simulate", "entra", _file("kim.json", KIM)).stdout
    call = entra.call("POST", "/Users", KIM)
    entra.service.create(call)
    logged = run("log", "show", call.request_id).stdout

    assert tried.startswith("POST /scim/v2/Users  201  Success\n")
    assert _steps(tried) == _steps(logged)
    assert "             initials: KD" in tried.splitlines()
    assert '\nanswer   {"schemas":[' in tried
    assert tried.endswith("\nNothing was written.\n")


def test_a_refused_one_ends_with_exit_1(run: Run, entra: Provider) -> None:
    """The sentence is the one the provider would get."""
    entra.post(KIM)
    told = run("simulate", "entra", _file("kim.json", KIM), code=1).stdout

    assert told.startswith("POST /scim/v2/Users  409  Failure\n")
    assert "\nanswer   " in told
    assert told.endswith("\nNothing was written.\n")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("GET /Users/{id}", "GET /scim/v2/Users/{id}  200  Success"),
        ("get /scim/v2/Users?filter=x+pr", "GET /scim/v2/Users  400  Failure"),
        ("PATCH /Users/{id} off.json", "PATCH /scim/v2/Users/{id}  200  Success"),
        ("DELETE /Users/{id}", "DELETE /scim/v2/Users/{id}  204  Success"),
        ("DELETE /Users/nobody", "DELETE /scim/v2/Users/nobody  404  Failure"),
        ("POST /Groups group.json", "POST /scim/v2/Groups  201  Warning"),
        ("POST /Bulk group.json", "POST /scim/v2/Bulk  404  Failure"),
        ("--user kim.doe@contoso.com", "PUT /scim/v2/Users/{id}  200  Success"),
        ("--user KIM.doe@contoso.com DELETE", "DELETE /scim/v2/Users/{id}  204  Succ"),
        ("--user kim.doe@contoso.com PATCH off.json", "PATCH /scim/v2/Users/{id}  200"),
    ],
)
def test_every_form_of_the_command(
    run: Run, entra: Provider, request_: str, said: str
) -> None:
    """METHOD PATH [FILE], and --user in the place of the path; no row is changed."""
    link_id = entra.post(KIM).id
    _file("off.json", house.patch_of(active=False))
    _file("group.json", {"displayName": "Registrars"})
    before = digest_of(entra.database)
    words = request_.format(id=link_id).split()
    told = run("simulate", "entra", *words, code=int("Failure" in said)).stdout

    assert told.startswith(said.format(id=link_id))
    assert digest_of(entra.database) == before


def test_what_is_typed_is_read(run: Run, entra: Provider) -> None:
    """With "-" the JSON comes from the pipe."""
    result = CliRunner().invoke(main, ["simulate", "entra", "-"], input=json.dumps(KIM))

    assert result.exit_code == 0, result.output
    assert "201  Success" in result.stdout


def test_json_is_for_programs(run: Run, entra: Provider) -> None:
    """Steps, bodies and outcome in one object, and the exit code all the same."""
    entra.post(KIM)
    words = ("simulate", "entra", _file("kim.json", KIM), "--json")
    refused = json.loads(run(*words, code=1).stdout)

    assert (refused["outcome"], refused["status"]) == ("Failure", 409)
    assert [step["step"] for step in refused["steps"]][-1] == "notify"
    assert json.loads(refused["request"])["userName"] == "kim.doe@contoso.com"
    assert refused["answer"]


def test_a_changed_mapping_is_tried_on_one_user(run: Run, entra: Provider) -> None:
    """--mapping is as if it were applied; what a mistake in it is, is told."""
    entra.post(KIM)
    Path("our.toml").write_text(
        shipped.text("entra").replace(
            "value = '[name.familyName]'", "value = 'ToUpper([name.familyName])'"
        )
    )
    Path("bad.toml").write_text("version = 1\nversoin = 1\n")
    about = ("simulate", "entra", "--user", "kim.doe@contoso.com", "--mapping")
    told = run(*about, "our.toml").stdout
    bad = run(*about, "bad.toml", code=2).stderr

    assert "With this mapping last_name changes from Doe to DOE." in told
    assert "             first_name: Kim, as before" in told.splitlines()
    assert "bad.toml:2" in bad
    assert run("mapping", "versions", "entra").stdout.count("\n") == 2


def test_somebody_no_provider_sent_is_tried_by_the_local_fields(
    run: Run, entra: Provider
) -> None:
    """It is said so, on stderr, that nobody takes it for what was sent."""
    run("user", "add", "--email", "bo@x.example", "--first", "Bo", "--last", "Ray")
    username = json.loads(run("user", "list", "--json").stdout)[0]["username"]
    tried = run("simulate", "entra", "--user", username, code=1)
    ended = run("simulate", "entra", "--user", username, "DELETE", code=2)

    assert f"No provider ever sent {username}" in tried.stderr
    assert 'Email "bo@x.example" is taken' in tried.stdout
    assert f"entra has no id for {username}" in ended.stderr


def test_a_request_of_the_log_is_tried_again(run: Run, entra: Provider) -> None:
    """--request takes the id that ``log list`` shows, of this connection alone."""
    call = entra.call("POST", "/Users", KIM)
    entra.service.create(call)
    again = run("simulate", "entra", "--request", call.request_id, code=1).stdout
    other = run("simulate", "default", "--request", call.request_id, code=2).stderr

    assert again.startswith("POST /scim/v2/Users  409  Failure")
    assert "default sent no request of this id" in other


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("entra", "Say what to try"),
        ("entra a b c d", "Say what to try"),
        ("nowhere x.json", 'There is no connection "nowhere"'),
        ("entra none.json", "There is no file none.json"),
        ("entra bad.json", "bad.json: The body is not JSON: Expecting"),
        ("entra bad.json", "(line 2, column 6)"),
        ("entra list.json", "list.json: The body must be one JSON object"),
        ("entra --user nobody", 'There is no user "nobody"'),
        ("entra --user kim.doe@contoso.com PUT /Users off.json", "the path is theirs"),
    ],
)
def test_what_cannot_be_tried_ends_with_exit_2(
    run: Run, entra: Provider, words: str, told: str
) -> None:
    """One sentence that says what to change."""
    entra.post(KIM)
    Path("bad.json").write_text('{"a": 1,\n "b" 2}')
    Path("list.json").write_text("[]")

    assert told in run("simulate", *words.split(), code=2).stderr


def test_a_mapping_is_tried_on_a_user_with_the_same_words(run: Run) -> None:
    """Bad JSON is told with file, line and column by ``mapping try``, too."""
    Path("our.toml").write_text(shipped.text("entra"))
    Path("bad.json").write_text('{"a": 1,\n "b" 2}')
    told = run("mapping", "try", "our.toml", "bad.json", code=2).stderr

    assert "bad.json: The body is not JSON" in told
    assert "(line 2, column 6)" in told

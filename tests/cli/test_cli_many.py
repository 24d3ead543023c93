"""Many people at once: import and rollout, with the files admins have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scim_connector.cli import main

Run = Callable[..., Result]

ENTRA = """\ufeffuserPrincipalName,displayName,surname,mail,givenName,id,userType,\
accountEnabled
kim.doe@contoso.com,Kim Doe,Doe,kim.doe@contoso.com,Kim,8a1,Member,True
kurt.dorn@contoso.com,Kurt Dorn,Dorn,kurt.dorn@contoso.com,Kurt,8a2,Member,True
,,,,,,,
left@contoso.com,Left Person,Person,left@contoso.com,Left,8a3,Member,False
nomail@contoso.com,No Mail,Mail,,No,8a4,Member,True
"""
OKTA = """login,firstName,lastName,email,status
"doe, kim@x.example",Kim,Doe,kim@x.example,ACTIVE
bo@x.example,Bo,Ray,bo@x.example,DEPROVISIONED
"""


def _users(run: Run) -> dict[str, dict[str, object]]:
    listed = json.loads(run("user", "list", "--json").stdout)
    return {user["username"]: user for user in listed}


# --------------------------------------------------------------------------- import


def test_the_template_is_imported_and_imported_again(run: Run) -> None:
    """What --template prints is a good file once its roles exist; twice is no change."""
    Path("users.csv").write_text(run("import", "--template").stdout)
    told = run("import", "users.csv", code=2).stdout
    assert 'There is no role "registrar"; add it first' in told
    assert 'There is no profile "Standard office"' in told
    for name in ("registrar", "finance"):
        run("role", "add", name)
    run("profile", "add", "Standard office")

    first = run("import", "users.csv").stdout
    again = run("import", "users.csv").stdout
    shown = json.loads(run("user", "show", "anna.virtanen", "--json").stdout)

    assert "2 created, 0 changed, 0 as they were, 0 refused." in first
    assert "0 created, 0 changed, 2 as they were, 0 refused." in again
    assert shown["roles"] == ["finance (here)", "registrar (here)"]
    assert shown["profile"] == "Standard office"
    assert _users(run)["bo.teacher"]["kind"] == "teacher"


def test_a_changed_row_changes_the_person(run: Run) -> None:
    """The same file with another email and active=no; the change is shown first."""
    header = "username,email,initials,first_name,active\n"
    Path("users.csv").write_text(f"{header}ann.lee,ann@x.example,AL,Ann,yes\n")
    run("import", "users.csv")
    Path("users.csv").write_text(f"{header}ANN.LEE,ann.lee@x.example,AL,Ann,no\n")

    dry = run("import", "users.csv", "--dry-run").stdout
    before = _users(run)["ann.lee"]
    run("import", "users.csv")
    after = _users(run)["ann.lee"]

    assert "email: ann@x.example -> ann.lee@x.example" in dry
    assert "active: yes -> no" in dry
    assert "1 user is made inactive: every session, link and key ends" in dry
    assert "1 person gets another email; the former address is told." in dry
    assert (before["email"], before["active"]) == ("ann@x.example", True)
    assert (after["email"], after["active"]) == ("ann.lee@x.example", False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The first line must name the columns"),
        ("username,email\n", "missing: initials"),
        ("username,email,initials,rolls\nx,y,z,q\n", 'did you mean "roles"?'),
        ("username,email,initials\n", "a header and no rows"),
    ],
)
def test_a_file_of_another_form_is_one_sentence(run: Run, text: str, told: str) -> None:
    """The sentence names the file and what is missing."""
    Path("users.csv").write_text(text)

    said = run("import", "users.csv", code=2).stderr
    assert said.startswith("Error: users.csv: ")
    assert told in said


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a.lee,a@x.example,AL\nb.lee,b@x.example,al\n", "stands in line 2 already"),
        ("a.lee,a@x.example,AL\nA.LEE,b@x.example,BL\n", "stands in line 2 already"),
        ("a.lee,a@x.example,AL\nb.lee,A@X.EXAMPLE,BL\n", "stands in line 2 already"),
        ("a.lee,nothing,AL\n", 'Email "nothing" is not valid'),
        (",a@x.example,AL\n", "Username"),
        ("a.lee,a@x.example,\n", "Initials"),
        ("a.lee,a@x.example\n", "Initials"),
    ],
)
def test_a_bad_row_is_told(run: Run, rows: str, told: str) -> None:
    """Twins within the file count as taken; nothing is written (all or nothing)."""
    Path("users.csv").write_text(f"username,email,initials\n{rows}")
    said = run("import", "users.csv", code=2).stdout

    assert told in said
    assert "nothing was written" in said
    assert _users(run) == {}


def test_no_file_of_bytes_breaks_the_import(run: Run) -> None:
    """Not UTF-8, NUL, and a single endless field are refused in a sentence."""
    for content in (
        b"\xff\xfeu\x00s\x00",
        b"username,email,initials\na\x00b,a@x.example,AL\n",
        b'username,email,initials\n"' + b"a" * 200_000,
    ):
        Path("users.csv").write_bytes(content)
        said = run("import", "users.csv", code=2)
        assert "Traceback" not in said.output


@pytest.mark.parametrize(
    "rows",
    ["default,ann@p.example\n", ",,\n", f'"{"a" * 200_000}"\n', "x,y,z,more,more\n"],
)
def test_no_file_breaks_the_links(run: Run, rows: str) -> None:
    """Short rows, empty ones and endless fields are refused; nothing is linked."""
    Path("links.csv").write_text(f"connection,identity,username\n{rows}")
    said = run("link", "apply", "links.csv", code=2)

    assert said.stderr.startswith("Error: ")
    assert json.loads(run("conflict", "list", "--json").stdout) == []


# -------------------------------------------------------------------------- rollout


def _rollout(run: Run, text: str, code: int) -> tuple[str, list[str]]:
    Path("people").write_text(text, "utf-8")
    told = run(
        "rollout", "people", "--connection", "default", "--csv", "out.csv", code=code
    ).stdout
    return told, Path("out.csv").read_text().splitlines()


def test_the_download_of_entra_is_read(run: Run) -> None:
    """Names, email and accountEnabled; who has no email is refused, the rest is told."""
    told, rows = _rollout(run, ENTRA, 1)

    assert "3 would create, 1 would refuse" in told
    assert "Nothing was kept." in told
    by_identity = {row.split(",")[1]: row.split(",") for row in rows[1:]}
    assert by_identity["kim.doe@contoso.com"][4] == "KD"
    assert by_identity["kurt.dorn@contoso.com"][4] not in {"KD", ""}
    assert by_identity["nomail@contoso.com"][2] == "would refuse"
    assert _users(run) == {}
    assert json.loads(run("log", "list", "--json").stdout) == []


def test_the_people_list_of_okta_is_read(run: Run) -> None:
    """Login, names and status; a comma in a login is no new cell."""
    told, rows = _rollout(run, OKTA, 0)

    assert "2 would create" in told
    assert rows[1].startswith('2,"doe, kim@x.example",would create')


def test_json_lines_are_read(run: Run) -> None:
    """One SCIM resource a line; blank lines are skipped, line numbers kept."""
    person = {"userName": "kim@x.example", "emails": [{"value": "kim@x.example"}]}
    twin = {**person, "userName": "KIM@x.example"}
    told, rows = _rollout(run, f"{json.dumps(person)}\n\n{json.dumps(twin)}\n", 1)

    assert "1 would create, 1 would refuse" in told
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "3"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,mail\nKim,kim@x.example\n", "names no column for the user name"),
        ("", "names no column for the user name"),
        ('{"userName": 1}\n{bad\n', "Line 2"),
        ("{}\n[]\n", "Line 2"),
        ("login\n" + "a" * 200_000, "field larger than field limit"),
    ],
)
def test_an_unknown_export_is_one_sentence(run: Run, text: str, told: str) -> None:
    """The sentence names the file, the line and the forms that are known."""
    Path("people").write_text(text)
    said = run("rollout", "people", "--connection", "default", code=2).stderr

    assert said.startswith("Error: people: ")
    assert told in said


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(run: Run, start: str) -> None:
    """A spreadsheet that opens the result must not run what a person is called."""
    person = {"userName": f"{start}cmd|x", "emails": [{"value": "kim@x.example"}]}
    Path("people").write_text(json.dumps(person))
    CliRunner().invoke(
        main, ["rollout", "people", "--connection", "default", "--csv", "out.csv"]
    )
    written = Path("out.csv").read_bytes().decode()

    assert "cmd|x" in written
    assert f",{start}cmd" not in written
    assert f',"{start}cmd' not in written

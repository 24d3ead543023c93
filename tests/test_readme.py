"""What the README promises a newcomer, done as a newcomer would."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests import server

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
TEACHERS = """username,email,initials,first_name,last_name,type,active
kim.teacher,kim.doe@contoso.com,KD,Kim,Doe,teacher,no
"""


def _transcript() -> str:
    """The block behind the mark, white space folded."""
    found = re.search(r"<!-- transcript: refused -->\n```\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def test_the_printed_curl_line_creates_a_user(tmp_path: Path) -> None:
    """The line of the first start, pasted, answers 201, and the user is there."""
    with server.running(tmp_path) as scim:
        printed = (tmp_path / "server.out").read_text().splitlines()
        (line,) = [said for said in printed if said.startswith("curl ")]
        pasted = f"{line} -w '\\n%{{http_code}}'"
        ran = subprocess.run(
            ["sh", "-c", pasted], capture_output=True, text=True, check=True
        )
        body, _, status = ran.stdout.rpartition("\n")
        shown = json.loads(scim.cli("user", "show", "kim.doe@example.com", "--json"))

    assert status == "201"
    assert json.loads(body)["userName"] == "kim.doe@example.com"
    assert (shown["initials"], shown["email"]) == ("KD", "kim.doe@example.com")


def test_the_refusal_is_the_one_printed(tmp_path: Path) -> None:
    """The refused user of the README is refused so, and linking helps as it says."""
    with server.running(tmp_path) as scim:
        (tmp_path / "teachers.csv").write_text(TEACHERS)
        scim.cli("import", "teachers.csv")
        token = scim.connection("entra", "--kind", "entra")
        person = {
            "userName": "kim.doe@contoso.com",
            "name": {"givenName": "Kim", "familyName": "Doe"},
            "emails": [{"type": "work", "value": "kim.doe@contoso.com"}],
        }
        refused = scim.send("POST", "/Users", person, token=token)
        request_id = refused.headers["x-request-id"]
        log = scim.cli("log", "show", request_id)

    printed = _transcript()
    detail = refused.body["detail"].split(" [request")[0]
    assert json.dumps(detail)[1:-1] in printed
    told = [line for line in log.splitlines() if not line.startswith("authenticate")]
    for line in told:
        shown = " ".join(line.split()).split(" If it is the same")[0]
        assert shown in printed


def test_the_readme_names_the_two_commands() -> None:
    """./dev run and ./dev test stand in the README and in ./dev help."""
    taught = subprocess.run(
        [Path(__file__).parents[1] / "dev", "help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    for verb in ("run", "test"):
        assert f"./dev {verb}" in README
        assert verb in taught

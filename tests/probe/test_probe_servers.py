"""``probe`` as an operator runs it: against our server, another's, and none at all."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scim_connector.cli import main
from tests import server
from tests.probe import faults
from tests.probe.lab import Json, Lab, serving
from tests.server import PROGRAM, SOURCE, Server, free_port

PROVIDERS = ("entra", "okta")
TOKEN = {"SCIM_PROBE_TOKEN": Lab.token}


def run(url: str, *arguments: str, **environment: str) -> Result:
    """Run the command; the token comes from the environment."""
    return CliRunner().invoke(main, ["probe", url, *arguments], env=environment)


# ----------------------------------------------------------------- our own server


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of these tests; each has a connection of its own."""
    with server.running(tmp_path_factory.mktemp("probed")) as served:
        yield served


@pytest.mark.parametrize("provider", PROVIDERS)
def test_our_server_passes(scim: Server, provider: str) -> None:
    """Everything is green in each provider's script, and nothing is left behind."""
    token = scim.connection(f"probed-{provider}", "--kind", provider)
    said = run(
        scim.base_url,
        *("--as", provider, "--yes", "--json"),
        SCIM_PROBE_TOKEN=token,
    )
    found = json.loads(said.stdout)

    assert said.exit_code == 0
    assert {check["result"] for check in found["checks"]} == {"ok"}
    assert found["counts"]["FAILS"] == found["counts"]["warning"] == 0
    assert found["left_behind"] == []
    listed = scim.send("GET", "/Users", token=token).body
    assert listed["totalResults"] == 0


def test_users_alone_are_all_green(scim: Server) -> None:
    """--no-groups leaves nothing unknown."""
    token = scim.connection("probed-alone", "--kind", "okta")
    said = run(
        scim.base_url, *("--as", "okta", "--yes", "--no-groups"), SCIM_PROBE_TOKEN=token
    )

    assert said.exit_code == 0
    assert "0 FAILS, 0 warning, 0 skipped. Okta can work with this server." in (
        said.stdout
    )


# --------------------------------------------------------------- somebody else's

#: What scim2-server 0.8.3 does not give them, as it answers.
SCIM2_SERVER = {
    "entra": {
        "create-nulls": "Extra inputs are not permitted: department",
        "create-manager-text": "Input should be an object",
        "create-custom-extension": "Extra inputs are not permitted",
        "filtered-path": "no value of 'phone_numbers' matches",
        "manager-add": "Input should be a valid dictionary or instance of Manager",
        "group-remove": "a remove operation carries no value",
        "group-create-urn": "Unknown extension schemas",
    },
    "okta": {"put-without-active": "active is missing, not a JSON boolean"},
}


@contextmanager
def scim2_server() -> Iterator[str]:
    """The server of that package in a process of its own."""
    port = free_port()
    program = [sys.executable, "-m", "scim2_server.testserver.cli"]
    process = subprocess.Popen(
        [*program, "--port", str(port), "--bearer-token", Lab.token],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        try:
            yield address
        finally:
            process.terminate()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_server_has_the_findings_it_has(provider: str) -> None:
    """scim2-server keeps to RFC 7644 by the letter, and providers do not."""
    with scim2_server() as url:
        said = run(url, "--as", provider, "--yes", "--json", **TOKEN)
    found = json.loads(said.stdout)
    failed = {
        c["check"]: c["finding"] for c in found["checks"] if c["result"] == "FAILS"
    }
    expected = SCIM2_SERVER[provider]

    assert said.exit_code == 1
    assert failed.keys() == expected.keys()
    assert all(expected[name] in finding for name, finding in failed.items())
    assert found["left_behind"] == []


# --------------------------------------------------------- what the command says


def test_a_failure_says_what_an_administrator_sees() -> None:
    """What was sent, what came back, what is needed, what it means; exit 1."""
    with serving(faults.WipesGroup()) as url:
        said = run(url, "--as", "entra", "--yes", **TOKEN)

    assert said.exit_code == 1
    for part in (
        "T31    group-remove",
        "T31 group-remove: the group should have 2 members and has 0",
        "in Entra ID: One leaver empties the whole group",
        "Entra ID will meet the failures above.",
    ):
        assert part in said.stdout
    assert Lab.token not in said.stdout


def test_nothing_is_written_without_a_word() -> None:
    """Nobody at the keyboard and no --yes: refused with 2, nothing was sent to write."""
    lab = Lab()
    with serving(lab) as url:
        said = run(url, "--as", "okta", **TOKEN)

    assert said.exit_code == 2
    assert "say --yes if this server may be written to" in said.stderr
    assert lab.users == {}


def test_the_token_may_come_from_a_file(tmp_path: Path) -> None:
    """--token-file is read, its last line break left out."""
    (tmp_path / "token").write_text(f"{Lab.token}\n")
    with serving(Lab()) as url:
        said = run(
            url,
            *("--as", "okta", "--yes", "--token-file", str(tmp_path / "token")),
        )

    assert said.exit_code == 0


def test_the_token_may_be_an_argument() -> None:
    """--token is taken as it is."""
    with serving(Lab()) as url:
        said = run(url, "--as", "okta", "--yes", "--token", Lab.token)

    assert said.exit_code == 0


class Interrupted(Lab):
    """Stops the probe, as Ctrl-C does, at its first PATCH."""

    process: subprocess.Popen[str] | None = None

    def patch(self, store: dict[str, Json], key: str, body: Json) -> tuple[int, Any]:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process = None
        return super().patch(store, key, body)


def test_an_interrupted_run_cleans_up_too() -> None:
    """Ctrl-C in the middle leaves nobody behind."""
    lab = Interrupted()
    with serving(lab) as url:
        lab.process = subprocess.Popen(
            [*PROGRAM, "probe", url, "--as", "okta", "--yes"],
            env={**os.environ, "PYTHONPATH": str(SOURCE), **TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with lab.process as process:
            stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "Aborted!" in stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert lab.process is None
    assert lab.users == lab.groups == {}


@pytest.mark.parametrize(
    ("token", "told"),
    [("", "Give the token in SCIM_PROBE_TOKEN"), ("Bearer x", "give it alone")],
)
def test_a_token_that_is_none(token: str, told: str) -> None:
    """One sentence, exit 2."""
    said = run("http://127.0.0.1:9/v2", "--as", "okta", SCIM_PROBE_TOKEN=token)

    assert said.exit_code == 2
    assert told in said.stderr


class Website(Lab):
    """Answers everything, and not in SCIM."""

    def __call__(self, environ: Json, start_response: Callable[..., Any]) -> Any:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<h1>Welcome</h1>"]


class Elsewhere(Lab):
    """Has moved."""

    def __call__(self, environ: Json, start_response: Callable[..., Any]) -> Any:
        start_response("301 Moved", [("Location", "https://scim.example.com/")])
        return [b""]


@pytest.mark.parametrize(
    ("lab", "token", "told"),
    [
        (Lab(), "wrong", "refuses the token (401)"),
        (
            Website(),
            Lab.token,
            "is no SCIM server: GET /Users answers 200 as text/html",
        ),
        (Elsewhere(), Lab.token, "redirects to https://scim.example.com/."),
    ],
    ids=["token", "website", "moved"],
)
def test_what_cannot_be_probed_is_one_sentence(lab: Lab, token: str, told: str) -> None:
    """Exit 2, and nothing was written."""
    with serving(lab) as url:
        said = run(url, "--as", "entra", "--yes", SCIM_PROBE_TOKEN=token)

    assert said.exit_code == 2
    assert told in said.stderr
    assert lab.users == {}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:9/v2", "cannot be reached"),
        ("scim.example.com", "write the SCIM base URL"),
        ("https://scim.example.com/v2?x=1", "without query"),
        ("http://127.0.0.1:99999/v2", "write the SCIM base URL"),
    ],
)
def test_where_nobody_is(url: str, told: str) -> None:
    """Exit 2 with what to write instead."""
    said = run(url, "--as", "entra", "--yes", **TOKEN)

    assert said.exit_code == 2
    assert told in said.stderr


class Hostile(Lab):
    """Puts the token and terminal codes into its errors."""

    def error(self, status: int, scim_type: str = "", detail: str = "no") -> Json:
        return {"message": f"{self.token} \x1b[31mred\x1b[0m"}


def test_a_hostile_answer_cannot_paint_or_leak() -> None:
    """Neither the token nor an escape of the answer reaches the terminal."""
    with serving(Hostile()) as url:
        said = run(url, "--as", "okta", "--yes", "--json", **TOKEN)

    shown = "".join(c["answered"] for c in json.loads(said.stdout)["checks"])
    assert "red" in shown
    assert "\x1b" not in shown
    assert Lab.token not in said.stdout


# ------------------------------------------------------------------------------ TLS


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """A server's context with a certificate nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "lab.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_is_checked_unless_told(certified: ssl.SSLContext) -> None:
    """A lab's own certificate is refused with 2; --insecure takes it."""
    with serving(Lab(), certified) as url:
        checked = run(url, "--as", "okta", "--yes", **TOKEN)
        trusted = run(url, "--as", "okta", "--yes", "--insecure", **TOKEN)

    assert checked.exit_code == 2
    assert "the certificate is not trusted" in checked.stderr
    assert trusted.exit_code == 0

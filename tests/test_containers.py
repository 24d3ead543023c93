"""What lies in deploy/ for containers: no default password, nothing more than is needed."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scim_connector.settings import SETTINGS, Settings
from scim_connector.tokens.secrets import SecretKeys

TOP = Path(__file__).parents[1]
DEPLOY = TOP / "deploy"
COMPOSE = ("compose.yaml", "compose.postgres.yaml")
SINGLE, SPREAD = COMPOSE
_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


def compose(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return loaded


def ours(name: str) -> dict[str, dict[str, Any]]:
    """The services of a compose file that run our image."""
    services = compose(name)["services"]
    return {n: s for n, s in services.items() if s.get("image") == "scim-connector"}


@pytest.mark.parametrize("name", COMPOSE)
def test_our_containers_can_do_nothing_else(name: str) -> None:
    """Read-only, without capabilities, and with one volume, for the data."""
    for service in ours(name).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["volumes"] == ["data:/data"]


@pytest.mark.parametrize("name", COMPOSE)
def test_no_compose_file_has_a_default_for_what_must_be_said(name: str) -> None:
    """Each variable that is asked for is demanded; no password stands in the file."""
    text = (DEPLOY / name).read_text()

    assert all(":?" in asked for asked in re.findall(r"\$\{[^}]+\}", text))
    for line in re.findall(r"^ .*(?:PASSWORD|DATABASE_URL|SECRET_KEY).*$", text, re.M):
        assert "_FILE: /run/secrets/" in line


@pytest.mark.parametrize("name", COMPOSE)
def test_our_containers_are_set_as_the_program_reads_it(name: str) -> None:
    """Every setting in a compose file is one, and nobody serves plain HTTP unawares."""
    known = {setting.variable for setting in SETTINGS}
    for service in ours(name).values():
        given = {v.removesuffix("_FILE") for v in service["environment"]}
        assert given <= known
        proxy = service["environment"]["SCIM_CONNECTOR_TRUSTED_PROXIES"]
        loaded = Settings.load(
            {
                "SCIM_CONNECTOR_HOST": "0.0.0.0",  # noqa: S104 - as in the image
                "SCIM_CONNECTOR_TRUSTED_PROXIES": proxy,
            }
        )
        assert not loaded.is_open


def test_the_spread_topology_is_what_nginx_believes() -> None:
    """Nginx asks the addresses of the two web services, and they believe its own."""
    services = compose(SPREAD)["services"]
    asked = re.findall(
        r"^ +server ([\d.]+):8080", (DEPLOY / "nginx/balancer.conf").read_text(), re.M
    )
    webs = [services[name] for name in ("web-1", "web-2")]
    nginx = services["nginx"]["networks"]["inside"]["ipv4_address"]

    assert asked == [web["networks"]["inside"]["ipv4_address"] for web in webs]
    assert {w["environment"]["SCIM_CONNECTOR_TRUSTED_PROXIES"] for w in webs} == {nginx}
    assert {w["environment"]["SCIM_CONNECTOR_DELIVER"] for w in webs} == {"no"}
    assert services["worker"]["deploy"]["replicas"] == 2


def test_the_build_is_given_what_it_copies_and_no_more() -> None:
    """.dockerignore lets in each source of a COPY, and nothing that holds data."""
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = set()
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= set(line.split()[1:-1])

    assert "*" in ignored
    assert let_in == copied


def test_the_image_has_the_versions_that_are_tested() -> None:
    """image.txt is run.txt and the extras, each version the same."""
    pinned = {
        name: dict(_PIN.findall((TOP / "requirements" / f"{name}.txt").read_text()))
        for name in ("run", "image", "test")
    }

    assert pinned["run"].items() <= pinned["image"].items()
    assert pinned["image"].items() <= pinned["test"].items()
    assert {"psycopg", "opentelemetry-sdk"} <= pinned["image"].keys()


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """Fresh ones that the program takes, in a folder of one's own; never anew."""
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DEPLOY / script.name).read_bytes())
    subprocess.run(["sh", script], check=True, capture_output=True)
    folder = tmp_path / "secrets"
    made = {file.name: file.read_text() for file in folder.iterdir()}
    again = subprocess.run(["sh", script], check=True, capture_output=True, text=True)

    assert set(made) == {"database-url", "postgres-password", "secret-key"}
    assert SecretKeys.parse(made["secret-key"])
    assert f":{made['postgres-password'].strip()}@postgres/" in made["database-url"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert again.stdout == ""
    assert {file.name: file.read_text() for file in folder.iterdir()} == made

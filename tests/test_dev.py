"""The ./dev script and the promises of the repository's own files."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEV = ROOT / "dev"
VERBS = [
    *("run", "cli", "test", "check", "fmt", "conformance", "e2e", "bench"),
    *("pictures", "image", "sbom", "site", "audit", "lock", "help"),
]

# Written in two halves, so that this file names none of them itself.
PACKAGE_HOSTS = [
    left + right
    for left, right in [
        ("pypi.", "org"),
        ("python", "hosted.org"),
        ("npmjs.", "org"),
        ("npmjs.", "com"),
    ]
]


def dev(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DEV), *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def committed_files() -> list[Path]:
    """Give the files git knows or would take; all of them outside a checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout, so nobody can say which files are committed")
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_dev_is_valid_shell() -> None:
    """A POSIX shell can read ./dev whole."""
    reading = subprocess.run(
        ["sh", "-n", str(DEV)], capture_output=True, text=True, check=False
    )

    assert (reading.returncode, reading.stderr) == (0, "")


@pytest.mark.parametrize("verb", VERBS)
def test_help_teaches_every_verb(verb: str) -> None:
    """Each verb has its one line on the help page."""
    assert re.search(rf"^  {verb} .*\w", dev("help").stdout, re.MULTILINE)


def test_the_help_page_forgets_no_verb() -> None:
    """The verbs the script acts on are those listed above, so each has its line."""
    acted_on = re.findall(
        r"^    ([a-z0-9]+)(?: \|.*)?\)$", DEV.read_text(), re.MULTILINE
    )

    assert sorted(acted_on) == sorted(VERBS)


def test_an_unknown_verb_is_refused_with_the_help_page() -> None:
    """A mistyped verb ends with exit code 2 and tells which verbs there are."""
    refused = dev("tset")

    assert refused.returncode == 2
    assert "there is no verb 'tset'" in refused.stderr
    assert "conformance" in refused.stderr


@pytest.fixture
def installed_checkout(tmp_path: Path) -> Path:
    """Make a checkout whose .venv is up to date and whose program is an echo."""
    checkout = tmp_path / "checkout"
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(DEV, checkout)
    shutil.copy(ROOT / "pyproject.toml", checkout)
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    (programs / "python").symlink_to(sys.executable)
    program = programs / "scim-connector"
    program.write_text('#!/bin/sh\necho "$@"\npwd -P\n')
    program.chmod(0o755)
    fingerprint = "{ pwd -P && cat pyproject.toml requirements/*.txt; } | cksum"
    stamp = subprocess.run(
        ["sh", "-c", f'echo "$({fingerprint}) run"'],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    (checkout / ".venv" / ".installed").write_text(stamp.stdout)
    return checkout


def test_run_serves_in_the_folder_it_is_called_from(
    installed_checkout: Path, tmp_path: Path
) -> None:
    """Called through a link from elsewhere, run keeps the caller's folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "dev").symlink_to("../checkout/dev")

    served = subprocess.run(
        ["./dev", "run", "--port", "1"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )

    assert served.stdout.splitlines() == [
        "serve --port 1",
        str(elsewhere.resolve()),
    ]
    assert served.stderr == "", "nothing is installed twice"


def test_no_python_is_said_clearly(installed_checkout: Path, tmp_path: Path) -> None:
    """Where an installation is due and no Python is found, one sentence says so."""
    (installed_checkout / ".venv" / ".installed").unlink()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ["sh", "dirname", "cat", "cksum", "grep", "readlink", "mkdir"]:
        (programs / name).symlink_to(str(shutil.which(name)))

    refused = subprocess.run(
        [str(installed_checkout / "dev"), "run"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 1
    assert "no Python 3.11 or newer found" in refused.stderr


@pytest.mark.parametrize("host", PACKAGE_HOSTS)
def test_no_file_names_a_package_host(host: str) -> None:
    """Packages are named without the address they come from (a mirror may serve)."""
    naming = [
        str(path.relative_to(ROOT))
        for path in committed_files()
        if host.encode() in path.read_bytes()
    ]

    assert naming == []


@pytest.mark.parametrize("name", ["run", "build", "test", "bench", "e2e", "tools"])
def test_every_pinned_package_has_a_hash(name: str) -> None:
    """A requirements file holds exact versions with hashes and nothing else."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = [line for line in text.splitlines() if line and line[0] not in " #"]

    assert pins
    assert [pin for pin in pins if not re.match(r"[a-z0-9-]+==\S+.* \\$", pin)] == []
    assert len(re.findall(r"\\\n    --hash=sha256:", text)) >= len(pins)


def test_every_test_says_what_it_proves() -> None:
    """A test without its sentence is not finished."""
    silent = [
        f"{file.relative_to(ROOT)}: {node.name}"
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_every_dependency_earns_its_line() -> None:
    """Each package that is asked for by name has its reason in docs/dependencies.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    for file in (ROOT / "requirements").glob("*.in"):
        asked += [line for line in file.read_text().splitlines() if line[:1].isalpha()]
    names = {re.split(r"[\[=<>~ ]", line, maxsplit=1)[0] for line in asked}
    reasons = (ROOT / "docs" / "dependencies.md").read_text()

    assert "flask" in names
    assert {
        name for name in names if not re.search(rf"\| .*\b{name}\b", reasons)
    } == set()

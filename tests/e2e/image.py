"""The image without a container engine: its Dockerfile, carried out in a folder.

Each line is run as it stands, with three folders of the image put below one of our own;
`python` and `pip` are those of a new virtual environment, as the base image has new
ones. What a container adds beyond that view (a network and processes of its own, the
libraries of the base image) is not proved here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.server import ROOT
from tests.test_wheel import base_python

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
USER = 10001
FOLDERS = ("/build", "/opt/scim-connector", "/data")
_VARIABLE = re.compile(r"(\w+)=(\S+)")
_PASSING = "/var/tmp"  # noqa: S108 - an empty one of its own is put there
_READ_ONLY = f"""
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t tmpfs tmpfs {_PASSING}
mount -o remount,bind,ro /
cd "$1"
shift
exec "$@"
"""
_SHIM = """#!/bin/sh
case " $* " in
    *" --python "*) exec {base} -m pip "$@" ;;
    *) exec {base} -m pip --python {own} "$@" ;;
esac
"""


def instructions(file: Path = DOCKERFILE) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile and the rest of its line."""
    lines = [line for line in file.read_text().splitlines() if line[:1] != "#"]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


@dataclass(slots=True)
class Image:
    """What the Dockerfile made below *folder*, and how it says to run it."""

    folder: Path
    where: str = "/"
    user: int = 0
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """*text* with the folders of the image below ours."""
        for name in FOLDERS:
            text = re.sub(rf"(?<![\w/.]){name}(?!\w)", f"{self.folder}{name}", text)
        return text

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """What a program in the container finds set."""
        return self.variables | dict(extra)

    def start(self, command: list[str], **extra: str) -> subprocess.Popen[str]:
        """Run a command as a container does: as the image's user, in its folder.

        In a mount namespace of its own everything is read-only but the volume and the
        folder of passing files; no capability is left, and none can be had again.
        """
        user = str(self.user)
        lowered = (
            *("setpriv", "--reuid", user, "--regid", user, "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
        )
        inside = ("sh", "-c", _READ_ONLY, "sh", self.here("/data"), *lowered)
        return subprocess.Popen(
            ["unshare", "--mount", *inside, *command],
            cwd=self.here(self.where),
            env=self.environment({"TMPDIR": _PASSING, **extra}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def built(folder: Path) -> Image:
    """Carry the Dockerfile out below *folder*; raises where a line fails."""
    image = Image(folder)
    path = f"{_tools(folder)}{os.pathsep}{os.environ['PATH']}"
    for word, rest in instructions():
        match word:
            case "WORKDIR":
                image.where = rest
                Path(image.here(rest)).mkdir(parents=True, exist_ok=True)
            case "COPY" if not rest.startswith("--from"):
                _copied(rest.split(), Path(image.here(image.where)))
            case "RUN":
                _run(image, rest, path)
            case _:
                _noted(image, word, rest)
    return image


def _noted(image: Image, word: str, rest: str) -> None:
    """How the image is run; the rest (FROM, EXPOSE and such) makes nothing."""
    match word:
        case "ENV":
            found = _VARIABLE.findall(image.here(rest))
            image.variables |= {
                name: value.replace("$PATH", os.defpath) for name, value in found
            }
        case "USER":
            image.user = int(rest.partition(":")[0])
        case "ENTRYPOINT" | "CMD":
            image.command += json.loads(rest)
        case "HEALTHCHECK":
            image.health = json.loads(rest.partition(" CMD ")[2])


def can_be_contained() -> bool:
    """Whether this user may make a mount namespace, as an engine does."""
    tried = ["unshare", "--mount", "mount", "--make-rprivate", "/"]
    try:
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def python_for_all() -> str | None:
    """A Python that every user may run, as that of the base image; the newest first."""
    for name in (base_python(), "python3.13", "python3.12", "python3.11", "python3"):
        for folder in ("", *os.defpath.split(os.pathsep)):
            program = Path(folder, name)
            if program.is_absolute() and _runs(program):
                return str(program)
    return None


def _runs(program: Path) -> bool:
    tried = "import sys, ssl; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run(
            [program, "-c", tried], user=USER, cwd="/", capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _tools(folder: Path) -> Path:
    """A Python with nothing in it, and a pip that installs into that."""
    tools = folder / "base"
    python = python_for_all()
    assert python is not None
    subprocess.run([python, "-m", "venv", "--without-pip", tools], check=True)
    pip = tools / "bin" / "pip"
    pip.write_text(_SHIM.format(base=base_python(), own=tools / "bin" / "python"))
    pip.chmod(0o755)
    return tools / "bin"


def _copied(what: list[str], where: Path) -> None:
    *sources, target = what
    for name in sources:
        source, to = ROOT / name, where / target
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)


def _run(image: Image, command: str, path: str) -> None:
    # The caller's own, as pip's way to its index may be among them.
    environment = os.environ | {"PATH": path}
    done = subprocess.run(
        ["sh", "-c", image.here(command)],
        cwd=image.here(image.where),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout}\n{done.stderr}"

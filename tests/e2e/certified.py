"""A certified OpenID provider from npm, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.provider import ProviderProcess
from tests.server import CACHE, free_port

HERE = Path(__file__).parent
CLIENT_ID = "scim-connector"
CLIENT_SECRET = "known to the two of them, and long enough"


def installed() -> Path:
    """The folder with the provider and its pinned packages; npm fills it once."""
    folder = CACHE / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    lock = (HERE / "package-lock.json").read_bytes()
    done = folder / "installed-lock.json"
    if not done.exists() or done.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True)
        done.write_bytes(lock)
    shutil.copy(HERE / "provider.mjs", folder)
    return folder


@dataclass
class CertifiedProvider(ProviderProcess):
    """A provider at which whoever types a name is that person."""

    redirect_uri: str

    @classmethod
    def at(cls, gate: str, folder: Path) -> CertifiedProvider:
        """One that sends people back to the gate; what it says is kept in *folder*."""
        return cls(free_port(), folder, f"{gate}/login/callback")

    def start(self) -> None:
        """Start it, with fresh keys; raises ServerFailed when it does not answer."""
        words = (str(self.port), self.redirect_uri, CLIENT_ID, CLIENT_SECRET)
        command = ("node", "provider.mjs", *words)
        self._run(command, cwd=installed(), env={**os.environ, "NODE_ENV": "test"})

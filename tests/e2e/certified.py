"""A certified OpenID provider from npm, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.server import CACHE, START_SECONDS, ServerFailed, free_port

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


@dataclass(slots=True)
class CertifiedProvider:
    """A provider at which whoever types a name is that person."""

    port: int
    redirect_uri: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, gate: str, folder: Path) -> CertifiedProvider:
        """One that sends people back to the gate; what it says is kept in *folder*."""
        return cls(free_port(), f"{gate}/login/callback", folder)

    @property
    def issuer(self) -> str:
        """The issuer, as its ID tokens name it."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it, with fresh keys; raises ServerFailed when it does not answer."""
        words = (str(self.port), self.redirect_uri, CLIENT_ID, CLIENT_SECRET)
        with (self.folder / "provider.err").open("ab") as said:
            self.process = subprocess.Popen(
                ["node", "provider.mjs", *words],
                cwd=installed(),
                env={**os.environ, "NODE_ENV": "test"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise ServerFailed((self.folder / "provider.err").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it: from now on nobody answers at its address."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        address = f"{self.issuer}/.well-known/openid-configuration"
        try:
            with urlopen(address, timeout=5) as answer:  # noqa: S310 - our own address
                return int(answer.status) == 200
        except OSError:
            return False

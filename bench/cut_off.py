"""``python -m bench.cut_off``: how fast somebody is in, and how fast they are out.

Sign-ins per second with a password (Argon2id decides).  Then people are deactivated one
by one while somebody asks about their session without pause: from the moment the provider
sends ``active=false`` to its answer, and to the first refusal.  Nothing may be let in that
was asked after the answer; the exit status is 1 if anything was.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench import gate, people, targets
from bench.groups import Client
from bench.seed import CACHE, seeded

_PEOPLE: Final = 2_000
_PASSWORD: Final = "plinth orchard cobalt"  # noqa: S105 - of nobody
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass
class Asker:
    """Asks about one session without pause; instants in seconds, monotonic."""

    port: int
    session: str
    allowed: list[float] = field(default_factory=list)
    refused: float | None = None

    def run(self) -> None:
        """Ask until the first refusal; keeps when each question was asked."""
        client = HTTPConnection("127.0.0.1", self.port)
        headers = {"Cookie": f"__Host-session-{gate.APPLICATION}={self.session}"}
        path = f"/auth/verify?application={gate.APPLICATION}"
        while self.refused is None:
            asked = time.monotonic()
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            answer.read()
            if answer.status == 200:  # noqa: PLR2004
                self.allowed.append(asked)
            else:
                self.refused = time.monotonic()
        client.close()


@dataclass(frozen=True, slots=True)
class Cut:
    """One deactivation: milliseconds to its answer and to the first refusal."""

    answered: float
    refused: float
    late: int
    """How many questions were let in that were asked after the answer."""


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cut_off", description=__doc__
    )
    parser.add_argument("--cuts", type=int, default=200, metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        house = seeded(_PEOPLE, Path(folder) / "house")
        gate.give_passwords(house.folder, range(1, 101), _PASSWORD)
        with targets.ours(house.folder) as target:
            _print_sign_ins(target.port, asked.seconds)
            client = Client(HTTPConnection("127.0.0.1", target.port), house.token)
            sessions = house.signed_in.sessions[: asked.cuts]
            cuts = [
                _cut(client, target.port, house.ids[at], session)
                for at, session in enumerate(sessions)
            ]
    _print_cuts(cuts)
    return 1 if any(cut.late for cut in cuts) else 0


# ------------------------------------------------------------------------- signing in


def _print_sign_ins(port: int, seconds: float) -> None:
    """Let a few browsers sign in over and over, each with people of its own."""
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(4) as browsers:
        counts = browsers.map(lambda at: _sign_ins(port, at, ends), range(4))
        total = sum(counts)
    print(f"sign-ins with a password: {total / seconds:.1f}/s (Argon2id, 64 MiB each)")


def _sign_ins(port: int, browser: int, ends: float) -> int:
    client, done = HTTPConnection("127.0.0.1", port), 0
    while time.monotonic() < ends:
        name = people.user_name(browser * 25 + done % 25)
        form = urlencode({"username": name, "password": _PASSWORD})
        origin = {"Content-Type": _FORM, "Origin": f"http://127.0.0.1:{port}"}
        client.request("POST", "/login/password", form, origin)
        answer = client.getresponse()
        text = answer.read()
        if answer.status != 303:  # noqa: PLR2004
            raise RuntimeError(f"{answer.status} {text[:300]!r}")
        done += 1
    client.close()
    return done


# -------------------------------------------------------------------------- cutting off


def _cut(client: Client, port: int, link_id: str, session: str) -> Cut:
    asker = Asker(port, session)
    thread = threading.Thread(target=asker.run)
    thread.start()
    while not asker.allowed:
        time.sleep(0.001)
    sent = time.monotonic()
    client.send("PATCH", f"/Users/{link_id}", gate.DEACTIVATE)
    answered = time.monotonic()
    thread.join()
    assert asker.refused is not None  # noqa: S101 - it asks until then
    late = sum(asked > answered for asked in asker.allowed)
    return Cut((answered - sent) * 1000, (asker.refused - sent) * 1000, late)


def _print_cuts(cuts: list[Cut]) -> None:
    late = sum(cut.late for cut in cuts)
    print(f"{len(cuts)} deactivations, milliseconds from sending active=false")
    print(f"{'':24}{'p50':>8}{'p95':>8}{'max':>8}")
    for name, values in (
        ("to the answer", sorted(cut.answered for cut in cuts)),
        ("to the first refusal", sorted(cut.refused for cut in cuts)),
    ):
        at_95 = values[min(len(values) - 1, len(values) * 95 // 100)]
        middle = statistics.median(values)
        print(f"{name:24}{middle:8.1f}{at_95:8.1f}{values[-1]:8.1f}")
    print(f"let in although asked after the answer: {late}")


if __name__ == "__main__":
    sys.exit(main())

"""Fills a directory with people: through the product's own code, in one transaction.

Everything is there that a POST leaves (user, link, served and search documents, audit,
counters), so what is measured is what a provider meets; only the request log is not.
A filled folder is kept in ``.cache/bench`` and copied for each run, until code changes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import gate, people

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / ".cache" / "bench"
CONNECTION: Final = "bench"
_SHOWN_EVERY: Final = 1_000
_LIVES: Final = 365 * 24 * 3600 * 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Seeded:
    """A folder to serve from, a token, and the SCIM ids in the order of numbers.

    Some of the people are signed in at an application.
    """

    folder: Path
    token: str
    ids: tuple[str, ...]
    signed_in: gate.SignedIn


def seeded(count: int, into: Path) -> Seeded:
    """Return *count* people in the new folder *into*, from the cache if it has them."""
    kept = CACHE / f"{count}-{_fingerprint()}"
    if not (kept / "ids").exists():
        _make(count, kept)
    shutil.copytree(kept, into)
    ids = tuple((into / "ids").read_text().split())
    signed_in = gate.sign_in(into, range(1, min(count // 4, gate.MOST) + 1))
    return Seeded(into, (into / "token").read_text(), ids, signed_in)


def _fingerprint() -> str:
    """Return a sum over all code that decides what a user looks like when stored."""
    files = sorted((ROOT / "src" / "scim_connector").rglob("*.py"))
    files = [file for file in files if file.parent.name not in {"cli", "web"}]
    files += [*sorted((ROOT / "mappings").glob("*.toml")), ROOT / "bench" / "people.py"]
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


def _make(count: int, kept: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    (ROOT / ".cache" / ".gitignore").write_text("*\n")
    for old in CACHE.glob(f"{count}-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        _fill(count, Path(unfinished))
        shutil.copytree(unfinished, kept)


def _fill(count: int, folder: Path) -> None:
    from scim_connector.settings import Settings  # noqa: PLC0415 - the product
    from scim_connector.wiring import open_house, prepare  # noqa: PLC0415

    settings = Settings(
        database_url=f"sqlite:///{folder}/scim-connector.db",
        secret_key_file=folder / "scim-connector.key",
        statement_timeout=3_000.0,
    )
    prepare(settings)
    house = open_house(settings)
    try:
        ids = house.database.write(lambda tx: _write(tx, house, count, folder))
    finally:
        house.database.close()
    (folder / "ids").write_text("\n".join(ids))


def _write(tx: Transaction, house: House, count: int, folder: Path) -> list[str]:
    """Add the connection, its token and all of its people."""
    from scim_connector.accounts import Act  # noqa: PLC0415
    from scim_connector.administration import connections, shipped  # noqa: PLC0415
    from scim_connector.rules.actors import Actor  # noqa: PLC0415

    now = time.time_ns() // 1000
    act = Act(Actor.operator("bench"), now)
    connection = connections.add(
        tx,
        CONNECTION,
        kind="entra",
        mapping_text=shipped.text("entra"),
        mapping_name="entra.toml",
        settings={"password_mail": False},
        act=act,
    )
    token = connections.create_token(
        tx,
        connection,
        pepper=house.keys.peppers()[0],
        expires_at=now + _LIVES,
        act=act,
    )
    (folder / "token").write_text(str(token))
    return [_one(tx, connection, number, count, now) for number in range(count)]


def _one(
    tx: Transaction, connection: Connection, number: int, count: int, now: int
) -> str:
    """Create one person as POST does; returns the SCIM id."""
    from scim_connector.accounts.compiled import mapping_of  # noqa: PLC0415
    from scim_connector.mapping.drafts import derive  # noqa: PLC0415
    from scim_connector.provisioning.calls import Call  # noqa: PLC0415
    from scim_connector.provisioning.course import Course  # noqa: PLC0415
    from scim_connector.provisioning.creation import Creation  # noqa: PLC0415
    from scim_connector.provisioning.exchange import act_of, dialect_of  # noqa: PLC0415
    from scim_connector.scim import resources  # noqa: PLC0415

    body = people.resource(number)
    call = Call(
        request_id=f"seed-{number}",
        method="POST",
        path="/v2/Users",
        source="",
        now=now + number,
        started=0,
        connection=connection,
        credential_id="seed",
        body=body,
    )
    mapping = mapping_of(tx, connection)
    read = resources.read(
        mapping.resource_type, body, dialect=dialect_of(connection), strict=False
    )
    derived = derive(mapping, read.document)
    course = Course.of(call, "Create")
    creation = Creation(tx, course, act_of(call), read.document, derived, mapping)
    if number % _SHOWN_EVERY == 0 or number == count - 1:
        _show(number + 1, count)
    return creation.run().id


def _show(done: int, count: int) -> None:
    end = "\n" if done == count else ""
    print(
        f"\rbench: seeding {done:,} of {count:,}", end=end, file=sys.stderr, flush=True
    )

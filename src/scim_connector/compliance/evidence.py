"""The evidence pack: one signed archive that an auditor checks with standard tools.

Every file has its SHA-256 in ``SHA256SUMS``, which is signed; so nothing of ours is
needed to see that the pack is as it was made, and by whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import orjson

from scim_connector import __version__
from scim_connector.compliance import chain, reports, sheets
from scim_connector.compliance.controls import CONTROLS
from scim_connector.compliance.drafts import new_file
from scim_connector.compliance.reports.report import instant
from scim_connector.directory import audit, connections, mapping_versions, seals
from scim_connector.scim.rendering import timestamp
from scim_connector.settings import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from scim_connector.compliance.reports import Asked
    from scim_connector.directory.database import Database, Reader
    from scim_connector.settings import Settings
    from scim_connector.tokens.signing import SigningKeys

SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = "SHA256SUMS.sig"
KEY: Final = "public-key.pem"
HOW: Final = """\
Evidence of {address}
Period {period}, made {made} by scim_connector {version}.

What is here: index.csv says which file speaks to which control. reports/*.csv are the
reports, reports/*.json the same with the population each is of (filter, rows, time, hash
of the CSV file) and what it cannot see. audit/ has the events of the period, the newest
seal of the whole chain, signed, and the result of checking it. configuration/ is how the
system was set up, without secrets.

Check it with openssl and sha256sum, in the folder it was unpacked to:

  openssl dgst -sha256 -verify {key} -signature {signature} {sums}
  sha256sum -c {sums}

The first must say "Verified OK", the second "OK" for every file.

That the key is that of the installation: x and y of public-key.json are those of the
first key at {address}/.well-known/jwks.json, and public-key.json is the same key as
{key} in another form. Compare over a connection you trust.

audit/head.jws is a JSON Web Signature (ES256) by the same key. Kept elsewhere, it lets
the operator prove later that nothing before it was changed:
scim-connector audit verify --head head.jws
"""

Progress = Callable[[str], None]


class _Pack:
    """An archive that remembers the hash of each file it holds."""

    def __init__(self, archive: ZipFile) -> None:
        self.sums: dict[str, str] = {}
        self._archive = archive

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file, a piece at a time."""
        digest = sha256()
        with self._archive.open(name, "w") as out:
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
        self.sums[name] = digest.hexdigest()

    def seal(self, signing: SigningKeys) -> None:
        """Add the hashes and their signature; nothing is added after this."""
        listed = "".join(f"{self.sums[n]}  {n}\n" for n in sorted(self.sums)).encode()
        self._archive.writestr(SUMS, listed)
        self._archive.writestr(SIGNATURE, signing.signature(listed))


def write(
    file: Path,
    database: Database,
    settings: Settings,
    signing: SigningKeys,
    asked: Asked,
    *,
    progress: Progress = lambda part: None,
) -> list[str]:
    """Write the pack to *file*; returns what checking audit found (mostly nothing).

    *progress* is told the name of each part before it is made.  Raises NotPossible when
    the file exists or cannot be written.
    """
    with new_file(file) as out, ZipFile(out, "w", ZIP_DEFLATED) as archive:
        return _fill(_Pack(archive), database, settings, signing, asked, progress)


def _fill(
    pack: _Pack,
    database: Database,
    settings: Settings,
    signing: SigningKeys,
    asked: Asked,
    progress: Progress,
) -> list[str]:
    populations = []
    for kind in reports.KINDS:
        progress(kind.title)
        report = reports.made(database, kind.id, asked)
        pack.add(f"reports/{kind.id}.csv", (p.encode() for p in report.csv()))
        pack.add(f"reports/{kind.id}.json", [report.json()])
        populations.append({"report": kind.id, **report.population})
    progress("Audit")
    found = _audit(pack, database, settings, signing, asked)
    progress("Configuration")
    _configuration(pack, database.reader(), settings)
    pack.add("index.csv", (p.encode() for p in index()))
    pack.add(KEY, [signing.public_pem()])
    pack.add("public-key.json", [_json(signing.published()["keys"][0])])
    manifest = {
        "made_at": instant(asked.now),
        "period": asked.period.name,
        "from": instant(asked.period.start),
        "up_to": instant(asked.period.end),
        "address": settings.address,
        "program": f"scim_connector {__version__}",
        "audit_is_whole": not found,
        "reports": populations,
        "files": dict(sorted(pack.sums.items())),
    }
    pack.add("manifest.json", [_json(manifest)])
    pack.add("README.txt", [_how(settings, asked).encode()])
    pack.seal(signing)
    return found


def _how(settings: Settings, asked: Asked) -> str:
    return HOW.format(
        address=settings.address,
        period=asked.period.name,
        made=instant(asked.now),
        version=__version__,
        key=KEY,
        signature=SIGNATURE,
        sums=SUMS,
    )


def index() -> Iterator[str]:
    """Which file speaks to which control, as CSV."""
    return sheets.pieces(
        ("framework", "control", "asks", "files", "how_to_read"),
        ((c.framework, c.id, c.asks, "; ".join(c.files), c.read) for c in CONTROLS),
    )


# ------------------------------------------------------------------------------- audit


def _audit(
    pack: _Pack,
    database: Database,
    settings: Settings,
    signing: SigningKeys,
    asked: Asked,
) -> list[str]:
    """The events of the period, the newest seal, and whether the chain is whole."""
    chain.seal_all(database, now=asked.now)
    with database.snapshot() as reader:
        found = chain.findings(reader, signing, [])
        pack.add("audit/events.jsonl", _events(reader, asked))
        if seals.head(reader) is not None:
            head = chain.signed_head(
                reader, signing, issuer=settings.address, now=asked.now
            )
            pack.add("audit/head.jws", [f"{head}\n".encode()])
        checked = {
            "checked_at": instant(asked.now),
            "events": audit.count(reader),
            "is_whole": not found,
            "findings": found,
        }
    pack.add("audit/verification.json", [_json(checked)])
    return found


def _events(reader: Reader, asked: Asked) -> Iterator[bytes]:
    for each in chain.lines(reader):
        if asked.period.holds(each.at):
            yield orjson.dumps(chain.row(each), option=orjson.OPT_APPEND_NEWLINE)


# ----------------------------------------------------------------------- configuration


def _configuration(pack: _Pack, reader: Reader, settings: Settings) -> None:
    shown = {
        each.name: _shown(getattr(settings, each.name), secret=each.secret)
        for each in SETTINGS
    }
    pack.add("configuration/settings.json", [_json(shown)])
    every = connections.every(reader)
    pack.add(
        "configuration/connections.json",
        [_json([_connection(each) for each in every])],
    )
    for each in every:
        for version in mapping_versions.every(reader, each.id):
            name = f"configuration/mappings/{each.id}-{version.number}.toml"
            pack.add(name, [version.text.encode()])


def _shown(value: Any, *, secret: bool) -> str | None:
    if value is None:
        return None
    return "set, not shown" if secret else str(value)


def _connection(each: Any) -> dict[str, Any]:
    values = {name: getattr(each, name) for name in each.__dataclass_fields__}
    return {**values, "created_at": timestamp(each.created_at)}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

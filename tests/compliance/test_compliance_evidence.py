"""The evidence pack: whole, signed, and checked with nothing of ours."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from scim_connector.administration.errors import NotPossible
from scim_connector.compliance import evidence
from scim_connector.compliance.controls import CONTROLS
from scim_connector.compliance.period import period
from scim_connector.compliance.reports import KINDS, Asked
from scim_connector.directory.database import Database
from scim_connector.settings import Settings
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests.house import now, patch_of, person, provider

SECRET = "postgresql://ann:hunter2@db/x"


def _pack(database: Database, file: Path) -> dict[str, bytes]:
    present = now()
    asked = Asked(now=present, at=present, period=period("2025..2035"))
    settings = Settings(database_url=SECRET, smtp_password="hunter3")
    signing = SigningKeys(SecretKeys.fresh())
    assert evidence.write(file, database, settings, signing, asked) == []
    with ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _signed(files: dict[str, bytes]) -> None:
    """What openssl does: raises InvalidSignature."""
    key = load_pem_public_key(files["public-key.pem"])
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature, sums = files["SHA256SUMS.sig"], files["SHA256SUMS"]
    key.verify(signature, sums, ec.ECDSA(SHA256()))


def test_every_file_is_in_the_sums_and_the_sums_are_signed(
    database: Database, tmp_path: Path
) -> None:
    """So that one signature covers all; a changed list is refused."""
    entra = provider(database)
    link = str(entra.post(person("kim.doe@x.org")).id)
    entra.patch(link, patch_of(active=False))

    files = _pack(database, tmp_path / "evidence.zip")

    _signed(files)
    lines = files["SHA256SUMS"].decode().splitlines()
    sums = dict(reversed(line.split("  ", 1)) for line in lines)
    rest = {"SHA256SUMS", "SHA256SUMS.sig"}
    assert sums.keys() == files.keys() - rest
    assert all(sha256(files[name]).hexdigest() == each for name, each in sums.items())
    with pytest.raises(InvalidSignature):
        _signed({**files, "SHA256SUMS": files["SHA256SUMS"] + b"0  x\n"})


def test_the_pack_has_each_report_the_events_and_the_head(
    database: Database, tmp_path: Path
) -> None:
    """The head is signed by the key of the pack; the events are those of the period."""
    entra = provider(database)
    entra.post(person("kim.doe@x.org"))

    files = _pack(database, tmp_path / "evidence.zip")

    for kind in KINDS:
        whole = json.loads(files[f"reports/{kind.id}.json"])
        body = files[f"reports/{kind.id}.csv"]
        assert whole["population"]["csv_sha256"] == sha256(body).hexdigest()
    head = jwt.decode(
        files["audit/head.jws"].strip(),
        load_pem_public_key(files["public-key.pem"]),
        algorithms=["ES256"],
    )
    events = [json.loads(line) for line in files["audit/events.jsonl"].splitlines()]
    assert head["last_event"] == events[-1]["id"]
    assert json.loads(files["audit/verification.json"])["is_whole"] is True
    assert b"openssl dgst -sha256 -verify public-key.pem" in files["README.txt"]


def test_no_secret_is_in_the_pack(database: Database, tmp_path: Path) -> None:
    """Neither an address with a password nor the password of the mail server."""
    provider(database)

    files = _pack(database, tmp_path / "evidence.zip")

    assert not any(b"hunter" in body for body in files.values())
    shown = json.loads(files["configuration/settings.json"])
    assert shown["smtp_password"] == "set, not shown"
    assert b"emails" in files["configuration/mappings/1-1.toml"]


def test_each_control_names_files_that_are_there(
    database: Database, tmp_path: Path
) -> None:
    """ISO 27001 A.5.15 to A.5.18, SOC 2 CC6.1 to CC6.3, NIST AC-2."""
    provider(database)

    files = _pack(database, tmp_path / "evidence.zip")

    rows = list(csv.DictReader(io.StringIO(files["index.csv"].decode())))
    assert len(rows) == len(CONTROLS)
    assert {name for row in rows for name in row["files"].split("; ")} <= files.keys()
    assert {row["control"] for row in rows} == {
        *("A.5.15", "A.5.16", "A.5.17", "A.5.18"),
        *("CC6.1", "CC6.2", "CC6.3", "AC-2"),
    }


def _said_meanwhile(
    database: Database, file: Path, meanwhile: Callable[[], None]
) -> list[str]:
    """Write a pack; something else happens before its part Audit is made."""
    present = now()
    asked = Asked(now=present, at=present, period=period("2025"))
    signing = SigningKeys(SecretKeys.fresh())

    def progress(part: str) -> None:
        if part == "Audit":
            meanwhile()

    settings = Settings(database_url=SECRET)
    return evidence.write(file, database, settings, signing, asked, progress=progress)


def test_two_packs_at_once_are_both_written(database: Database, tmp_path: Path) -> None:
    """Each has a draft of its own, and a draft left behind is in nobody's way."""
    provider(database)
    left_behind = tmp_path / "a.zip.part"
    left_behind.write_bytes(b"of another run")

    _said_meanwhile(
        database,
        tmp_path / "a.zip",
        lambda: _signed(_pack(database, tmp_path / "b.zip")),
    )

    assert ZipFile(tmp_path / "a.zip").testzip() is None
    assert sorted(each.name for each in tmp_path.iterdir() if "zip" in each.name) == [
        *("a.zip", "a.zip.part", "b.zip")
    ]
    assert left_behind.read_bytes() == b"of another run"
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600


def test_of_two_packs_of_one_name_the_first_stays(
    database: Database, tmp_path: Path
) -> None:
    """The second says so, and leaves nothing behind."""
    provider(database)
    file = tmp_path / "a.zip"

    with pytest.raises(NotPossible, match="exists already"):
        _said_meanwhile(database, file, lambda: _signed(_pack(database, file)))

    assert ZipFile(file).testzip() is None
    assert [each.name for each in tmp_path.iterdir() if "zip" in each.name] == ["a.zip"]


def test_a_folder_that_is_not_there_is_said(database: Database, tmp_path: Path) -> None:
    """In one sentence, before anything is made."""
    with pytest.raises(NotPossible, match=r"e\.zip cannot be written: No such file"):
        _pack(database, tmp_path / "nofolder" / "e.zip")


def test_a_pack_is_never_overwritten(database: Database, tmp_path: Path) -> None:
    """Nor left half written under its name."""
    provider(database)
    file = tmp_path / "evidence.zip"
    _pack(database, file)

    with pytest.raises(NotPossible, match="exists already"):
        _pack(database, file)
    assert [each.name for each in tmp_path.glob("evidence*")] == ["evidence.zip"]
    assert file.stat().st_mode & 0o777 == 0o600

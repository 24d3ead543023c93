"""The doctor: looks at everything an installation needs, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from scim_connector.administration import checkup, guide
from scim_connector.administration.findings import Finding, good, look, wrong
from scim_connector.delivery.senders import NotSent, sender_of
from scim_connector.directory import audit, connections, sso, trusts, upgrade
from scim_connector.directory.database import DatabaseUnavailable
from scim_connector.directory.statements import Statement
from scim_connector.directory.upgrade import Schema
from scim_connector.settings import BadSettings
from scim_connector.tokens import discovery, jwks
from scim_connector.tokens.fetching import CannotFetch
from scim_connector.wiring import machine
from scim_connector.wiring.house import (
    NotReady,
    check_key,
    not_current,
    open_database,
    read_keys,
    schema_of,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader
    from scim_connector.settings import Settings

_SECOND: Final = 1_000_000
#: What two clocks may differ by.
_APART: Final = 5 * _SECOND
#: A journal that grows beyond this is not folded into the database.
_LARGE_JOURNAL: Final = 256 * 1024 * 1024
_JOURNAL = Statement(text("PRAGMA journal_mode"))
_SERVER = Statement(text("SHOW server_version_num"))
_SERVER_CLOCK = Statement(
    text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
)
_OLDEST_SERVER: Final = 140_000


def examined(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one finding after the other; some ask other servers."""
    yield good("settings", "The settings can be read.")
    yield from machine.served(settings)
    yield machine.clock()
    yield from _key(settings)
    yield from _database(settings)
    yield from _mail(settings)
    yield from _address(settings)


def _key(settings: Settings) -> Iterator[Finding]:
    advice = "Put the right key back from your backup; without it nobody gets in."
    try:
        read_keys(settings)
    except NotReady as error:
        yield wrong("key", str(error), advice)
        return
    if settings.secret_key:
        yield good("key", "The secret key is in the settings, and can be read.")
    else:
        yield machine.private("key", settings.secret_key_file)


# -------------------------------------------------------------------------- database


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        database = open_database(settings)
    except NotReady as error:
        yield wrong("database", str(error), "Correct SCIM_CONNECTOR_DATABASE_URL.")
        return
    try:
        yield from _opened(settings, database)
    finally:
        database.close()


def _opened(settings: Settings, database: Database) -> Iterator[Finding]:
    try:
        state = schema_of(database)
    except NotReady as error:
        advice = "See that it runs, and that this account may reach it."
        yield wrong("database", str(error), advice)
        return
    if state is not Schema.CURRENT:
        sentence = not_current(state, database)
        yield wrong("database", sentence, "Nothing else was looked at there.")
        return
    yield good("database", "Its schema is that of this program.")
    try:
        yield from _inside(settings, database, database.reader())
    except DatabaseUnavailable as error:
        yield wrong("database", f"It stopped answering: {error}", "Run this again.")


def _inside(
    settings: Settings, database: Database, reader: Reader
) -> Iterator[Finding]:
    yield from _right_key(settings, database)
    if database.path is not None:
        yield from _file(database, database.path, reader)
    else:
        yield from _server(reader)
    now = time_ns() // 1000
    yield _order_of_time(reader, now)
    yield from checkup.examined(reader, now)
    yield from _providers(reader)


def _right_key(settings: Settings, database: Database) -> Iterator[Finding]:
    try:
        check_key(database, read_keys(settings))
    except NotReady as error:
        yield wrong("key", str(error), "Use the key that lay beside this database.")


def _file(database: Database, path: Path, reader: Reader) -> Iterator[Finding]:
    damage = upgrade.damage(database)
    for line in damage:
        yield wrong("database", line, "Restore your backup; keep this file.")
    if not damage:
        yield good("database", "The file is whole.")
    if reader.value(_JOURNAL) != "wal":
        yield wrong(
            "database",
            "It has no write-ahead log: readers wait for writers.",
            "Move it to a local disk; network drives cannot do this.",
        )
    yield from _journal(path.with_name(f"{path.name}-wal"))
    yield machine.private("database", path)
    folder = path.absolute().parent
    if not machine.writable(folder):
        sentence = f"Nothing can be written in {folder}."
        yield wrong("database", sentence, "Give this account the right to write there.")
    yield machine.space(folder)


def _journal(file: Path) -> Iterator[Finding]:
    size = file.stat().st_size if file.exists() else 0
    if size > _LARGE_JOURNAL:
        yield look(
            "database",
            f"Its write-ahead log has {size / 1024**2:,.0f} MB.",
            "Some program keeps a transaction open on the file: end it.",
        )


def _server(reader: Reader) -> Iterator[Finding]:
    version = int(reader.value(_SERVER))
    if version < _OLDEST_SERVER:
        sentence = f"PostgreSQL {version // 10_000} is too old."
        yield wrong("database", sentence, "Use PostgreSQL 14 or newer.")
    apart = abs(int(reader.value(_SERVER_CLOCK)) - time_ns() // 1000)
    if apart > _APART:
        yield look(
            "clock",
            f"The clock of the database differs by {apart // _SECOND:,} seconds.",
            "Let both machines keep their clocks by the network.",
        )


def _order_of_time(reader: Reader, now: int) -> Finding:
    newest = audit.newest_at(reader)
    if newest is not None and newest > now + _APART:
        ahead = (newest - now) // _SECOND
        return wrong(
            "clock",
            f"The newest event of audit lies {ahead:,} seconds in the future.",
            "Set the clock right; expiries and proofs rest on it.",
        )
    return good("clock", "Nothing here was recorded in the future.")


# ------------------------------------------------------------------------- elsewhere


def _providers(reader: Reader) -> Iterator[Finding]:
    for connection in connections.every(reader):
        if connection.state == "retired":
            continue
        area = f"connection {connection.name}"
        sign_in = sso.settings_of(reader, connection.id)
        if sign_in is not None and sign_in.enabled:
            yield _fetched(area, sign_in.issuer, _keys_of_issuer)
        for trust in trusts.of_connection(reader, connection.id):
            yield _fetched(area, trust.jwks_url, jwks.fetch)


def _keys_of_issuer(issuer: str) -> object:
    return jwks.fetch(discovery.fetch(issuer).jwks_uri)


def _fetched(area: str, url: str, fetch: Callable[[str], object]) -> Finding:
    try:
        found = fetch(url)
    except CannotFetch as error:
        return wrong(
            area,
            f"The keys of the provider cannot be fetched: {error}",
            "Nobody signs in through it for longer than a day: let this machine reach it.",
        )
    if not found:
        advice = "See what the provider publishes there."
        return wrong(area, f"No usable key is published at {url}.", advice)
    return good(area, f"The keys of {url} can be fetched.")


def _mail(settings: Settings) -> Iterator[Finding]:
    try:
        sender = sender_of(settings)
        sender.greet()
    except BadSettings as error:
        yield wrong("mail", str(error), "Correct the setting.")
    except NotSent as error:
        yield wrong("mail", str(error), "Then send a test mail.", "mail test ADDRESS")
    else:
        yield _mail_road(settings, sender.describe())


def _mail_road(settings: Settings, sentence: str) -> Finding:
    if settings.smtp_host is None:
        return look("mail", sentence, "People get no mail until then.")
    if settings.smtp_security == "none":
        advice = "Set SCIM_CONNECTOR_SMTP_SECURITY=starttls unless it is this machine."
        return look("mail", sentence, advice)
    return good("mail", f"{sentence} It takes our connection.")


def _address(settings: Settings) -> Iterator[Finding]:
    if settings.public_url is None:
        return
    problem = guide.reach(settings.address)
    if problem:
        advice = "Start the server and its proxy, then look again; see docs/https.md."
        yield look("address", f"From here it cannot be reached: {problem}", advice)
    else:
        yield good("address", f"{settings.address} is answered by this program.")

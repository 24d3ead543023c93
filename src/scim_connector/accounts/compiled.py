"""Mappings compiled once per process.

An applied mapping is a numbered version that never changes (decision 17), so what was
compiled from one text stays true for as long as the process lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.directory import mapping_versions
from scim_connector.mapping import language

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.mapping.language import Mapping

_COMPILED: dict[str, Mapping] = {}
MOST_KEPT = 256


def mapping_of(reader: Reader, connection: Connection) -> Mapping:
    """The applied mapping of *connection*, read from the database the first time."""
    found = _COMPILED.get(connection.mapping_sha256)
    return found if found is not None else _compile(reader, connection)


def _compile(reader: Reader, connection: Connection) -> Mapping:
    version = mapping_versions.applied(reader, connection.id)
    if version is None:
        message = f"Connection {connection.name} has no mapping; run mapping apply."
        raise LookupError(message)
    if len(_COMPILED) >= MOST_KEPT:
        _COMPILED.clear()
    mapping = language.load(version.text, version.file_name)
    _COMPILED[version.sha256] = mapping
    return mapping

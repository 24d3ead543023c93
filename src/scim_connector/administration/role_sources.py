"""Where each role comes from: what mappings give, and what groups of providers give."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import connections, groups, mapping_versions
from scim_connector.mapping import language
from scim_connector.mapping.errors import MappingError
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.roles import Role

#: More groups than a page names for one role.
MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Source:
    """One road by which a provider gives a role.

    ``group`` is the number of a group, None for a value that the mapping names.
    """

    connection: Connection
    name: str
    by_mapping: bool
    group: int | None = None


def of_roles(reader: Reader, listed: Sequence[Role]) -> Mapping[int, Sequence[Source]]:
    """The sources of each role, by its id; a role that people alone give has none."""
    living = [c for c in connections.every(reader) if c.state != "retired"]
    by_value = _by_value(reader, living)
    known = {each.id: each for each in living}
    return {
        role.id: [
            *by_value[name_key(role.name)],
            *_by_group(reader, role.id, known),
        ]
        for role in listed
    }


def _by_value(
    reader: Reader, living: Sequence[Connection]
) -> Mapping[str, Sequence[Source]]:
    """What ``[roles.map]`` of each applied mapping gives, by the folded role."""
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for connection in living:
        version = mapping_versions.applied(reader, connection.id)
        if version is None:
            continue
        try:
            table = language.load(version.text, version.file_name).roles.table
        except MappingError:  # of an older program: it gives nothing any more
            continue
        for value, role in table.items():
            source = Source(connection, value, by_mapping=True)
            found[name_key(role)].append(source)
    return found


def _by_group(
    reader: Reader, role_id: int, known: Mapping[int, Connection]
) -> Iterator[Source]:
    for each in groups.giving(reader, role_id, at_most=MOST):
        if each.connection_id in known:
            yield Source(
                known[each.connection_id],
                each.name,
                by_mapping=each.source == "mapping",
                group=each.seq,
            )

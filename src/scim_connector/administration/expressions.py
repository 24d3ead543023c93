"""An expression of a mapping, tried on one SCIM resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.directory import mapping_versions
from scim_connector.mapping import language
from scim_connector.mapping.expressions import compile_expression

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.mapping.values import Value
    from scim_connector.scim.types import Json


def evaluated(
    reader: Reader, connection: Connection, text: str, document: Json
) -> Value:
    """What an expression gives, with the attributes that the connection declares.

    Raises MappingError with the place of what is wrong.
    """
    applied = mapping_versions.applied(reader, connection.id)
    known = language.load(applied.text if applied else "", "applied").resource_type
    return compile_expression(text, known).evaluate(document)

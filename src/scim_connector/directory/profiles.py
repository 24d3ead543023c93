"""The profiles a user may be assigned."""

from __future__ import annotations

from scim_connector.directory.named import Named, Names
from scim_connector.directory.tables import profiles

__all__ = ["Named", "add", "by_name", "every", "name"]

_NAMES = Names(profiles)
every, by_name, name, add = _NAMES.every, _NAMES.by_name, _NAMES.name, _NAMES.add

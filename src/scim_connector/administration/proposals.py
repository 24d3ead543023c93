"""Initials and a username for somebody entered by hand, by the shipped mapping."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from scim_connector.administration import shipped
from scim_connector.mapping import language
from scim_connector.mapping.drafts import derive

if TYPE_CHECKING:
    from scim_connector.mapping.drafts import Derived
    from scim_connector.mapping.language import Mapping


@lru_cache(maxsize=1)
def _generic() -> Mapping:
    return language.load(shipped.text("generic"), "generic.toml")


def proposed(first_name: str, last_name: str, email: str) -> Derived:
    """What the generic mapping derives for a person of this name and address."""
    name = {"givenName": first_name.strip(), "familyName": last_name.strip()}
    return derive(
        _generic(),
        {
            "userName": email.strip() or "user",
            "name": {key: value for key, value in name.items() if value},
            "emails": [{"value": email.strip(), "type": "work", "primary": True}],
        },
    )

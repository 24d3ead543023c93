"""A stored user as the rules see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.rules.users import Draft, UserType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.directory.users import User


def draft_of(user: User, values: Mapping[str, str]) -> Draft:
    """The user as the rules see them, with *values* in place of the present ones."""
    return Draft(
        username=values.get("username", user.username),
        initials=values.get("initials", user.initials),
        email=values.get("email", user.email),
        first_name=values.get("first_name", user.first_name),
        last_name=values.get("last_name", user.last_name),
        user_type=UserType(user.user_type),
        api_user=user.is_api_user,
        active=user.active,
    )

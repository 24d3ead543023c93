"""Rule proof: what the rules forbid, counted in the database; every count must be 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance.reports.report import Kind
from scim_connector.directory import populations
from scim_connector.rules.users import Draft, Taken, UserType, check

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User

RULE_PROOF: Final = Kind(
    "rule-proof",
    "Rule proof",
    "What the local rules forbid, counted over all users; every number must be 0.",
    ("must_be_0", "found", "holds"),
    (
        "The database refuses most of this by itself (unique indexes, foreign keys);"
        " these counts show that it did.",
    ),
)
_FORM: Final = "users whose initials, username or email break the form (R1, R4, R6)"


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """One row for each rule, and whether all hold."""
    counted = {
        what: int(reader.value(statement))
        for what, statement in populations.FORBIDDEN.items()
    }
    counted[_FORM] = _malformed(reader, asked, progress)
    found = [(what, n, "no" if n else "yes") for what, n in counted.items()]
    wrong = sum(1 for _, n, _ in found if n)
    said = f"{wrong} rules are broken." if wrong else f"All {len(found)} rules hold."
    return found, (said,)


def _malformed(reader: Reader, asked: Asked, progress: Callable[[int], None]) -> int:
    broken = 0
    for piece in populations.slices(reader, at=asked.now):
        broken += sum(1 for user in piece.users if _is_malformed(user))
        progress(len(piece.users))
    return broken


def _is_malformed(user: User) -> bool:
    draft = Draft(
        username=user.username,
        initials=user.initials,
        email=user.email,
        user_type=UserType(user.user_type),
        api_user=user.is_api_user,
    )
    return bool(check(draft, Taken()))

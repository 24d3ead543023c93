"""scim2-tester with lawful values for our own attributes, and otherwise as published.

It fills every published text attribute with a random UUID. Two of ours have a form that
no schema can express: initials have 1 to 5 characters (R1), a username has 5 to 30 and
begins with a letter (R6). For those the generator is given lawful values, unique ones.
It tosses a coin for every flag, also in a PATCH of a person: there ``apiUser`` can only
be false (R11), so it is. Nothing else of the package is touched.
"""

from __future__ import annotations

import json
import secrets
import string
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, check_server, filling
from scim2_tester.checkers import patch_add, patch_replace

LOCAL: Final = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
_GOOD: Final = frozenset({"SUCCESS", "COMPLIANT", "ACCEPTABLE"})
_BAD: Final = frozenset({"ERROR", "CRITICAL", "DEVIATION"})


@dataclass(frozen=True, slots=True)
class Counts:
    """How many checks passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int


def check(base_url: str, token: str) -> list[CheckResult]:
    """Run every check of scim2-tester; returns its results."""
    headers = {"Authorization": f"Bearer {token}"}
    with (
        Client(base_url=base_url, headers=headers, timeout=60) as http,
        _lawful_values(),
    ):
        return check_server(SyncSCIMClient(http))


def count(results: list[CheckResult]) -> Counts:
    """Count the results as the published runner does."""
    statuses = Counter(result.status.name for result in results)
    return Counts(
        passed=sum(statuses[name] for name in _GOOD),
        failed=sum(statuses[name] for name in _BAD),
        skipped=statuses["SKIPPED"],
    )


def write_report(base_url: str, token: str, report: Path) -> Counts:
    """Run every check and write the rows to *report* as JSON."""
    results = check(base_url, token)
    rows = [
        {
            "status": result.status.name,
            "title": result.title,
            "resource_type": result.resource_type,
            "reason": result.reason,
        }
        for result in results
    ]
    report.write_text(json.dumps({"rows": rows}, indent=1))
    return count(results)


@contextmanager
def _lawful_values() -> Iterator[None]:
    """Let the generator give lawful values for our attributes, wherever it is used."""
    published = filling.generate_random_value

    def lawful(context: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        value = published(context, path, *args, **kwargs)
        make = None if value is None else _MAKERS.get(_name(path))
        return value if make is None else make()

    users: tuple[Any, ...] = (filling, patch_add, patch_replace)
    for module in users:
        module.generate_random_value = lawful
    try:
        yield
    finally:
        for module in users:
            module.generate_random_value = published


def _name(path: Any) -> str:
    """Return the name of an attribute of our extension, empty for all others.

    A path begins at the resource, with our URN, or at our extension itself.
    """
    text = str(path)
    if text.lower().startswith(f"{LOCAL.lower()}:"):
        return text[len(LOCAL) + 1 :]
    return text if getattr(path.model, "__schema__", None) == LOCAL else ""


def _person() -> bool:
    return False


def _initials() -> str:
    letters = string.ascii_uppercase + string.digits
    return "".join(secrets.choice(letters) for _ in range(5))


def _username() -> str:
    return f"tester.{secrets.token_hex(8)}"


_MAKERS: Final[dict[str, Callable[[], str | bool]]] = {
    "apiUser": _person,
    "initials": _initials,
    "username": _username,
}

"""A requirement of an RFC as a value, and how it is tied to the test that proves it.

A test states what it proves::

    @requirement("RFC7644-3.6-4", "MUST", "A successful DELETE is answered 204.")
    def test_delete_answers_204(scim): ...

What has no test stands in the tuple ``WITHOUT_TEST`` of the section's module, with the
reason. The number at the end of an id is ours: the RFCs do not number their sentences.
SHALL and REQUIRED are written MUST, RECOMMENDED is written SHOULD (RFC 2119).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final, Literal, TypeVar

FOLDER: Final = Path(__file__).parent
Level = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"]
LEVELS: Final[tuple[Level, ...]] = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT")
Result = Literal["met", "deviates", "not supported", "not applicable", "not tested"]
RESULTS: Final[tuple[Result, ...]] = (
    "met",
    "deviates",
    "not supported",
    "not applicable",
    "not tested",
)
_ID: Final = re.compile(r"(?P<rfc>RFC\d{4})-(?P<section>\d+(\.\d+)*)-(?P<number>\d+)")
_Test = TypeVar("_Test", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing an RFC demands of a service provider, in our own words.

    *reason* says why it is not simply met; it is empty for those that are. *tests* are
    the names of the tests that prove it, or that show how we deviate.
    """

    id: str
    level: Level
    summary: str
    result: Result = "met"
    reason: str = ""
    tests: tuple[str, ...] = ()

    @property
    def rfc(self) -> str:
        """The document, ``RFC7644``."""
        return self._parts["rfc"]

    @property
    def section(self) -> str:
        """The section, ``3.5.2.1``."""
        return self._parts["section"]

    @property
    def number(self) -> int:
        """The place among the requirements of its section, from 1."""
        return int(self._parts["number"])

    @property
    def order(self) -> tuple[object, ...]:
        """What requirements are sorted by: document, section, number."""
        section = tuple(int(part) for part in self.section.split("."))
        return (self.rfc, section, self.number)

    @property
    def _parts(self) -> re.Match[str]:
        found = _ID.fullmatch(self.id)
        if found is None:
            raise ValueError(f"{self.id} is not of the form RFC7644-3.5.2-1")
        return found


def requirement(
    requirement_id: str, level: Level, summary: str, *, deviates: str = ""
) -> Callable[[_Test], _Test]:
    """Tie a test to the requirement it proves; several may stand above one test.

    With *deviates*, the test proves what we do instead, and this says why.
    """
    result: Result = "deviates" if deviates else "met"
    stated = Requirement(requirement_id, level, summary, result, deviates)

    def tied(test: _Test) -> _Test:
        present = getattr(test, "requirements", ())
        test.requirements = (stated, *present)  # type: ignore[attr-defined]
        return test

    return tied


def not_supported(
    requirement_id: str, level: Level, summary: str, why: str
) -> Requirement:
    """Something that this server does not do; *why* it does not."""
    return Requirement(requirement_id, level, summary, "not supported", why)


def not_applicable(
    requirement_id: str, level: Level, summary: str, why: str
) -> Requirement:
    """Something whose condition never comes true here; *why* not."""
    return Requirement(requirement_id, level, summary, "not applicable", why)


def not_tested(
    requirement_id: str, level: Level, summary: str, why: str
) -> Requirement:
    """Something that HTTP from outside cannot show; *why*, and where else to look."""
    return Requirement(requirement_id, level, summary, "not tested", why)


def modules() -> list[ModuleType]:
    """Every module of tests beside this file, one for each section."""
    names = sorted(path.stem for path in FOLDER.glob("test_rfc*.py"))
    return [importlib.import_module(f"tests.rfc.{name}") for name in names]


def tests_of(module: ModuleType) -> Iterator[FunctionType]:
    """The test functions that a module defines, in their order."""
    for name, value in vars(module).items():
        if name.startswith("test_") and isinstance(value, FunctionType):
            yield value


def stated_by(test: FunctionType) -> tuple[Requirement, ...]:
    """The requirements that stand above a test."""
    found: tuple[Requirement, ...] = getattr(test, "requirements", ())
    return found


def every() -> list[Requirement]:
    """All requirements in the order of the RFCs, each with its tests.

    Raises ValueError when one id stands for two different requirements.
    """
    found: dict[str, Requirement] = {}
    for module in modules():
        for stated in getattr(module, "WITHOUT_TEST", ()):
            _keep(found, stated)
        for test in tests_of(module):
            for stated in stated_by(test):
                _keep(found, replace(stated, tests=(test.__name__,)))
    return sorted(found.values(), key=lambda stated: stated.order)


def _keep(found: dict[str, Requirement], stated: Requirement) -> None:
    if stated.id in found:
        raise ValueError(f"{stated.id} is stated twice; number it anew")
    found[stated.id] = stated

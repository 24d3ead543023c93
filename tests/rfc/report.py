"""Writes docs/conformance.md: ``python -m tests.rfc.report``.

The tables come from the requirements that the tests beside this file state, the rest
from ``conformance.md.in``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.rfc import requirements
from tests.rfc.requirements import LEVELS, RESULTS, Requirement
from tests.rfc.sections import TITLES

PAGE: Final = Path(__file__).parents[2] / "docs" / "conformance.md"
TEMPLATE: Final = Path(__file__).with_name("conformance.md.in")


def page() -> str:
    """The page as it should stand in docs/."""
    stated = requirements.every()
    parts = {
        "counts": _counts(stated),
        "differences": _differences(stated),
        "tables": "\n\n".join(_sections(stated)),
        "total": str(len(stated)),
    }
    text = TEMPLATE.read_text("utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def _counts(stated: Sequence[Requirement]) -> str:
    """How many of each level came to which result."""
    heads = ("", *RESULTS, "together")
    rows = [(level, *_count(s for s in stated if s.level == level)) for level in LEVELS]
    return _table(heads, [*rows, ("together", *_count(stated))])


def _count(stated: Iterable[Requirement]) -> tuple[str, ...]:
    counted = Counter(one.result for one in stated)
    numbers = [counted[result] for result in RESULTS]
    return tuple(str(number) for number in (*numbers, sum(numbers)))


def _differences(stated: Sequence[Requirement]) -> str:
    """What is not met, for those who read no further."""
    wanted = ("deviates", "not supported")
    rows = [
        (one.id, one.level, one.summary, f"{one.result}: {one.reason}")
        for one in stated
        if one.result in wanted
    ]
    return _table(("requirement", "level", "what it asks for", "what we do"), rows)


def _sections(stated: Sequence[Requirement]) -> list[str]:
    grouped = groupby(stated, key=lambda one: (one.rfc, one.section))
    return [_section(key, list(members)) for key, members in grouped]


def _section(key: tuple[str, str], members: Sequence[Requirement]) -> str:
    rfc, section = key
    heading = f"### {rfc[:3]} {rfc[3:]}, {section}: {TITLES[key]}"
    rows = [(one.id, one.level, one.summary, _outcome(one)) for one in members]
    table = _table(("id", "level", "requirement", "result"), rows)
    return f"{heading}\n\n{table}"


def _outcome(one: Requirement) -> str:
    said = f"{one.result}: {one.reason}" if one.reason else one.result
    return " ".join([said, *(f"`{test}`" for test in one.tests)])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

"""The list of requirements is whole, and docs/conformance.md shows it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest

from tests.rfc import report, requirements
from tests.rfc.requirements import LEVELS, RESULTS, Requirement
from tests.rfc.sections import TITLES

STATED = requirements.every()
TESTS = [
    (module.__name__, test)
    for module in requirements.modules()
    for test in requirements.tests_of(module)
]


def test_the_page_is_current() -> None:
    """docs/conformance.md is generated: python -m tests.rfc.report."""
    assert report.PAGE.read_text("utf-8") == report.page()


@pytest.mark.parametrize("stated", STATED, ids=lambda stated: stated.id)
def test_every_requirement_has_a_test_or_a_reason(stated: Requirement) -> None:
    """What is met or deviates is shown by a test; all but what is met has a reason."""
    is_shown = stated.result in {"met", "deviates"}

    assert bool(stated.tests) is is_shown
    assert bool(stated.reason) is (stated.result != "met")
    assert stated.level in LEVELS
    assert stated.result in RESULTS
    assert stated.summary.endswith(".")


@pytest.mark.parametrize(
    "test", [test for _, test in TESTS], ids=[test.__name__ for _, test in TESTS]
)
def test_every_test_proves_a_requirement(test: object) -> None:
    """A test of the RFCs names what it proves."""
    assert requirements.stated_by(test)  # type: ignore[arg-type]


def test_every_test_lies_in_a_module_of_its_document() -> None:
    """A module of RFC 7644 holds requirements of RFC 7644 alone."""
    for module, test in TESTS:
        rfc = module.rpartition(".")[2].split("_")[1].upper()
        assert {one.rfc for one in requirements.stated_by(test)} == {rfc}


def test_no_number_is_left_out() -> None:
    """The requirements of a section are numbered from 1 on: a lost one is missed."""
    for key, members in groupby(STATED, key=lambda one: (one.rfc, one.section)):
        numbers = [one.number for one in members]
        assert numbers == list(range(1, len(numbers) + 1)), key


def test_every_section_has_its_title() -> None:
    """No section is without its title."""
    assert {(one.rfc, one.section) for one in STATED} <= TITLES.keys()


def test_one_id_is_one_requirement() -> None:
    """Stated twice, an id is refused when the list is made."""
    known = STATED[0]
    found = {known.id: known}

    with pytest.raises(ValueError, match="is stated twice"):
        requirements._keep(found, replace(known, summary="Something else."))


def test_an_id_has_its_form() -> None:
    """An id that names no section is refused."""
    with pytest.raises(ValueError, match="not of the form"):
        _ = Requirement("RFC7644-3.6", "MUST", "Something.").section

"""What a mapping derives, how values go on, and what counts as a change."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim_connector.administration import shipped
from scim_connector.mapping import language, numbering, samples
from scim_connector.mapping.choices import Candidate, Choices
from scim_connector.mapping.drafts import derive, differing
from scim_connector.mapping.numbering import (
    LetteredInitials,
    NumberedInitials,
    NumberedUsername,
)
from scim_connector.rules.folding import initials_key
from scim_connector.rules.users import is_initials, is_username
from scim_connector.scim.types import LOCAL

ENTRA = language.load(shipped.text("entra"), "entra.toml")
ALWAYS = language.load(
    shipped.text("entra").replace('apply      = "on_create"', 'apply = "always"'),
    "always.toml",
)


def _person(user_name: str, given: str = "", family: str = "", **more: Any) -> Any:
    name = {"givenName": given, "familyName": family}
    return {
        "userName": user_name,
        "name": {key: value for key, value in name.items() if value},
        **more,
    }


@pytest.mark.parametrize(
    ("document", "username", "initials"),
    [
        (_person("li@x.io", "Li", "Wu"), "li@x.io", "LW"),
        (_person("007bond@mi6.example", "James", "Bond"), "bond@mi6.example", "JB"),
        (_person("bo", "Bo", "Q"), "bo002", "BQ"),
        (
            _person(f"{'j' * 40}@x.example", "Jane", "Doe"),
            "jane.doe",
            "JD",
        ),
        (_person("12345678", "", ""), "u12345678", "U"),
        (_person("x@y.example", "", "", displayName="Ann Lee"), "x@y.example", "AL"),
        (_person("иван@пример.example", "Иван", "Петров"), "ivan@primer.example", "IP"),
    ],
)
def test_names_that_break_the_rules_become_lawful(
    document: Any, username: str, initials: str
) -> None:
    """The worked examples of the mapping language."""
    got = samples.outcome(derive(ENTRA, document), {})

    assert (got["username"], got["initials"]) == (username, initials)


def test_when_all_are_too_long_the_first_is_cut() -> None:
    """Only when every candidate is too long is the first one cut at 30."""
    long = "jane-doe-with-a-very-long-name-indeed"

    derived = derive(ENTRA, _person(long, "Jane", "d" * 40))

    assert derived.username.ladder[0].value == long[:30]
    assert any("at most 30" in passed.why for passed in derived.username.passed)


def test_stated_wishes_come_as_they_are() -> None:
    """A wish in our extension is stated, never altered (D18)."""
    wish = {"initials": "too long", "username": "x", "profile": "P", "apiUser": True}

    derived = derive(ENTRA, _person("kim@x.example", **{LOCAL: wish}))

    assert (derived.initials.stated, derived.username.stated) == ("too long", "x")
    assert (derived.profile, derived.api_user) == ("P", True)


def test_an_address_is_only_trimmed() -> None:
    """Case and everything else of an email stays as it was sent (D18)."""
    document = _person("k@x.example", emails=[{"value": " Kim.DOE@X.example "}])

    assert derive(ENTRA, document).email == "Kim.DOE@X.example"


def test_only_what_moved_is_followed() -> None:
    """on_create fields never move; the others as their values do (D19)."""
    before = _person("kim.doe@x.example", "Kim", "Doe")
    after = _person("kim.roe@x.example", "Kim", "Roe")

    created = differing(derive(ENTRA, before), derive(ENTRA, after))
    always = differing(derive(ALWAYS, before), derive(ALWAYS, after))

    assert created == {"last_name"}
    assert always == {"last_name", "username", "initials"}


def test_a_mapping_knows_what_it_reads() -> None:
    """A change of anything else needs no mapping at all."""
    before = _person("kim.doe@x.example", "Kim", "Doe", active=True)

    assert not ENTRA.is_touched(before, {**before, "active": False, "title": "Dean"})
    assert ENTRA.is_touched(before, {**before, LOCAL: {"initials": "X"}})


NAMES = st.text(max_size=40)


@settings(max_examples=150, deadline=None)
@given(user_name=st.text(min_size=1, max_size=80), given_name=NAMES, family=NAMES)
def test_whatever_is_sent_the_ladder_is_lawful(
    user_name: str, given_name: str, family: str
) -> None:
    """No name raises, and every candidate keeps the rules."""
    derived = derive(ENTRA, _person(user_name, given_name, family))

    assert all(is_username(c.value) for c in derived.username.ladder)
    assert all(is_initials(c.value) for c in derived.initials.ladder)
    assert derived.initials.ladder


# ------------------------------------------------------------------------- numbering


@pytest.mark.parametrize(
    "base",
    [
        NumberedUsername("k.doe"),
        NumberedUsername("bo"),
        NumberedUsername("x" * 30),
        NumberedInitials("AO"),
        LetteredInitials("AO"),
        LetteredInitials("A"),
    ],
)
def test_a_base_knows_its_own_values(base: numbering.Base) -> None:
    """Every value is lawful, distinct, and covered by its base again."""
    lawful = is_username if isinstance(base, NumberedUsername) else is_initials

    values = [base.value(number) for number in range(base.first, base.first + 400)]

    assert len(set(values)) == len(values)
    assert all(lawful(str(value)) and base.covers(str(value)) for value in values)
    assert not base.covers("ZZZZZ9")


def test_numbers_of_initials_end_where_they_no_longer_fit() -> None:
    """AO2 to AO999, then the base says so (R1)."""
    base = NumberedInitials("AO")

    assert (base.value(2), base.value(999), base.value(1000)) == ("AO2", "AO999", None)


def test_initials_never_run_out() -> None:
    """60,000 people with 33 by 33 common names all get initials of their own.

    With 300,000 it takes 4 s on two cores and nobody is refused either.
    """
    taken: set[str] = set()
    counters: dict[str, int] = defaultdict(int)
    letters = "ABCDEFGHIJKLMNOPRSTVWZ"
    given = [f"{a}{b}n" for a in letters[:11] for b in "aei"]
    family = [f"{a}{b}s" for a in letters[11:] for b in "oua"]

    for number in range(60_000):
        value = _allocate(
            given[number % 33], family[number // 33 % 33], taken, counters
        )
        taken.add(initials_key(value))

    assert len(taken) == 60_000


def _allocate(
    given: str, family: str, taken: set[str], counters: dict[str, int]
) -> str:
    """Choose as the directory does, with a set in place of the database."""
    ladder = [
        f"{given[0]}{family[0]}",
        f"{given[0]}{family[:2]}".upper(),
        f"{given[:2]}{family[:2]}".upper(),
    ]
    for value in ladder:
        if initials_key(value) not in taken:
            return value
    choices = Choices(None, tuple(Candidate(v, "") for v in ladder), (), tuple(ladder))
    for base in numbering.plans("initials", choices):
        number = counters[base.key] or base.first
        while (value := base.value(number)) is not None:
            number += 1
            if initials_key(value) not in taken:
                counters[base.key] = number
                return value
        counters[base.key] = number
    raise AssertionError(f"nobody named {given} {family} can be added any more")

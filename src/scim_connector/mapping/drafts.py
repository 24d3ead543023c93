"""What a mapping derives from one resource: candidates, and why others were passed over.

Nothing is chosen here that depends on who else exists; the directory does that with the
ladders and bases of :class:`Choices`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim_connector.mapping.choices import Candidate, Choices, Passed
from scim_connector.mapping.numbering import (
    LONGEST_USERNAME,
    SHORTEST_USERNAME,
    NumberedUsername,
)
from scim_connector.mapping.values import as_list, as_text, as_truth
from scim_connector.rules.folding import initials_key, username_key
from scim_connector.rules.users import (
    initials_violations,
    is_initials,
    is_username,
    username_violations,
)
from scim_connector.scim.types import LOCAL

if TYPE_CHECKING:
    from scim_connector.mapping.language import ChosenField, Mapping
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class FieldTrace:
    """How one field came about, for the log and for ``mapping try``."""

    field: str
    sent: str
    rule: str
    candidates: tuple[Candidate, ...] = ()
    passed: tuple[Passed, ...] = ()

    def as_json(self, *, chosen: Any = None) -> dict[str, Any]:
        """The trace for the request log; *chosen* is what the directory gave."""
        made: dict[str, Any] = {"rule": self.rule, "became": chosen}
        if self.sent:
            made["sent"] = self.sent
        if self.rule == "stated":
            return made
        over = [{"value": p.value, "why": p.why} for p in self.passed]
        for candidate in self.candidates:
            if chosen is None or candidate.value == chosen:
                break
            over.append({"value": candidate.value, "why": "taken"})
        return made | ({"passed_over": over} if over else {})


@dataclass(frozen=True, slots=True)
class Derived:
    """Everything a mapping says about one resource."""

    first_name: str
    last_name: str
    email: str | None
    user_type: str
    api_user: bool
    api_user_stated: bool
    username: Choices
    initials: Choices
    profile: str | None
    profile_stated: bool
    roles: tuple[str, ...]
    unknown_roles: tuple[str, ...]
    refusals: tuple[str, ...]
    trace: tuple[FieldTrace, ...]


def derive(mapping: Mapping, document: Json) -> Derived:
    """Apply a mapping to the whole resource (never to the body of a PATCH)."""
    wishes = document.get(LOCAL) or {}
    first, last, email, kind = (
        as_text(mapping.plain[name].evaluate(document))
        for name in ("first_name", "last_name", "email", "type")
    )
    username = _username(mapping.username, document, wishes.get("username"))
    initials = _initials(mapping.initials, document, wishes.get("initials"))
    roles, unknown = _roles(mapping, document)
    stated = wishes.get("profile")
    return Derived(
        first_name=first.strip(),
        last_name=last.strip(),
        email=email.strip() or None,
        user_type=kind or "administrative",
        api_user=wishes.get("apiUser") is True,
        api_user_stated="apiUser" in wishes,
        username=username,
        initials=initials,
        profile=stated or as_text(mapping.profile.evaluate(document)) or None,
        profile_stated=stated is not None,
        roles=roles,
        unknown_roles=unknown,
        refusals=(*_refusals(mapping, document), *_refused_roles(mapping, unknown)),
        trace=_trace(mapping, document, username, initials),
    )


def differing(before: Derived, after: Derived) -> frozenset[str]:
    """The fields whose derived value changed from one resource to the other (D19).

    A field of ``apply = "on_create"`` never counts, unless the provider states it.
    """
    moved = {
        name
        for name in ("first_name", "last_name", "email")
        if getattr(before, name) != getattr(after, name)
    }
    for name in ("username", "initials"):
        if _choices_differ(getattr(before, name), getattr(after, name)):
            moved.add(name)
    return frozenset(moved)


def _choices_differ(before: Choices, after: Choices) -> bool:
    if after.stated is not None:
        return after.stated != before.stated
    if before.stated is not None or after.apply == "on_create":
        return False
    return (before.ladder, before.bases) != (after.ladder, after.bases)


# ------------------------------------------------------------------ with candidates


def _username(field: ChosenField, document: Json, stated: str | None) -> Choices:
    ladder: list[Candidate] = []
    passed: list[Passed] = []
    long: list[str] = []
    for source, value in _evaluated(field, document):
        if is_username(value):
            ladder.append(Candidate(value, source))
        elif 0 < len(value) < SHORTEST_USERNAME and is_username(value.ljust(5, "0")):
            padded = NumberedUsername(value).value(2)
            ladder.append(Candidate(padded or value, source))
            passed.append(Passed(value, f"{len(value)} characters, at least 5 (R6)"))
        else:
            passed.append(Passed(value, _why_not_username(value)))
            if is_username(value[:LONGEST_USERNAME]):
                long.append(value)
    if not ladder and long:
        cut = long[0][:LONGEST_USERNAME]
        ladder.append(Candidate(cut, "the first candidate, cut at 30"))
    return _choices(field, stated, ladder, passed, username_key)


def _why_not_username(value: str) -> str:
    if not value:
        return "empty"
    if len(value) > LONGEST_USERNAME:
        return f"{len(value)} characters, at most 30 (R6)"
    return username_violations(value)[0].message


def _initials(field: ChosenField, document: Json, stated: str | None) -> Choices:
    ladder: list[Candidate] = []
    passed: list[Passed] = []
    for source, value in _evaluated(field, document):
        if value and is_initials(value):
            ladder.append(Candidate(value, source))
        else:
            why = initials_violations(value)[0].message if value else "empty"
            passed.append(Passed(value, why))
    return _choices(field, stated, ladder, passed, initials_key)


def _evaluated(field: ChosenField, document: Json) -> Iterator[tuple[str, str]]:
    for expression in field.candidates:
        yield expression.text, as_text(expression.evaluate(document))


def _choices(
    field: ChosenField,
    stated: str | None,
    ladder: Sequence[Candidate],
    passed: Sequence[Passed],
    fold: Any,
) -> Choices:
    unique = {fold(c.value): c for c in reversed(ladder)}
    kept = tuple(c for c in ladder if unique[fold(c.value)] is c)
    return Choices(
        stated=stated,
        ladder=kept,
        passed=tuple(passed),
        bases=tuple(c.value for c in kept),
        when_taken=field.when_taken,
        apply=field.apply,
    )


# --------------------------------------------------------------------- the other fields


def _roles(mapping: Mapping, document: Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The local roles the resource asks for, and the values the mapping does not know."""
    sent = as_list(mapping.roles.source.evaluate(document))
    table = mapping.roles.table
    known = dict.fromkeys(table[v.casefold()] for v in sent if v.casefold() in table)
    unknown = tuple(v for v in sent if v.casefold() not in table)
    return tuple(known), unknown if mapping.roles.unknown != "ignore" else ()


def _refused_roles(mapping: Mapping, unknown: Sequence[str]) -> Iterator[str]:
    if mapping.roles.unknown == "refuse":
        for name in unknown:
            yield f'Role "{name}" is not in the mapping; add it to [roles.map].'


def _refusals(mapping: Mapping, document: Json) -> Iterator[str]:
    for refusal in mapping.refusals:
        if as_truth(refusal.when.evaluate(document)):
            yield refusal.reason


def _trace(
    mapping: Mapping, document: Json, username: Choices, initials: Choices
) -> tuple[FieldTrace, ...]:
    user_name = str(document.get("userName", ""))
    plain = tuple(
        FieldTrace(name, "", mapping.plain[name].text)
        for name in ("first_name", "last_name", "email")
    )
    return (
        *plain,
        FieldTrace(
            "username",
            user_name,
            "stated" if username.stated is not None else "candidates",
            username.ladder,
            username.passed,
        ),
        FieldTrace(
            "initials",
            "",
            "stated" if initials.stated is not None else "candidates",
            initials.ladder,
            initials.passed,
        ),
    )

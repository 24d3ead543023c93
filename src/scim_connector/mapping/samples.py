"""The ``[[tests]]`` of a mapping: run without a directory, on what is said to be taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from scim_connector.mapping import numbering
from scim_connector.mapping.drafts import Derived, derive
from scim_connector.rules.folding import initials_key, username_key
from scim_connector.scim import resources
from scim_connector.scim.dialects import Dialect
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.mapping import language
    from scim_connector.mapping.choices import Choices

_FOLD: Mapping[str, Callable[[str], str]] = {
    "username": username_key,
    "initials": initials_key,
}
#: No sample needs more numbers than this before a free one comes.
ENOUGH = 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """How one test of a mapping ended; no faults is good."""

    name: str
    faults: tuple[str, ...]


def run(mapping: language.Mapping) -> list[Result]:
    """Run every test of a mapping file."""
    return [_run(mapping, sample) for sample in mapping.samples]


def _run(mapping: language.Mapping, sample: language.Sample) -> Result:
    try:
        read = resources.read(
            mapping.resource_type, dict(sample.user), dialect=Dialect(), strict=False
        )
    except ScimError as error:
        return Result(sample.name, (error.detail,))
    derived = derive(mapping, read.document)
    if sample.refused is not None:
        said = " ".join(derived.refusals)
        fault = f'expected a refusal with "{sample.refused}", got "{said}"'
        return Result(sample.name, () if sample.refused in said and said else (fault,))
    got = outcome(derived, sample.taken)
    faults = [
        f"{name}: expected {wanted!r}, got {got.get(name)!r}"
        for name, wanted in sample.expect.items()
        if got.get(name) != wanted
    ]
    return Result(sample.name, (*derived.refusals, *faults))


def outcome(derived: Derived, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Every local field, as it would become if only *taken* values were held."""
    return {
        "first_name": derived.first_name,
        "last_name": derived.last_name,
        "email": derived.email,
        "type": derived.user_type,
        "api_user": derived.api_user,
        "profile": derived.profile,
        "roles": list(derived.roles),
        "unknown_roles": list(derived.unknown_roles),
        "username": _settled("username", derived.username, taken),
        "initials": _settled("initials", derived.initials, taken),
    }


def _settled(
    field: Literal["username", "initials"], choices: Choices, taken: Mapping[str, Any]
) -> str | None:
    if choices.stated is not None:
        return choices.stated
    fold = _FOLD[field]
    held = {fold(value) for value in taken.get(field, ())}
    for candidate in choices.ladder:
        if fold(candidate.value) not in held:
            return candidate.value
    for base in numbering.plans(field, choices):
        for number in range(base.first, ENOUGH):
            value = base.value(number)
            if value is None:
                break
            if fold(value) not in held:
                return value
    return None

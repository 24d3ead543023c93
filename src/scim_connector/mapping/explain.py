"""A derivation as lines for people: ``mapping try`` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scim_connector.mapping.drafts import Derived, FieldTrace


def lines(derived: Derived, chosen: Mapping[str, Any]) -> Iterator[str]:
    """Each field with what was passed over and why, and what it became."""
    for refusal in derived.refusals:
        yield f"refused     {refusal}"
    for trace in derived.trace:
        yield from _field(trace, chosen.get(trace.field))
    yield f"{'type':<12}{derived.user_type}"
    if derived.roles or derived.unknown_roles:
        yield f"{'roles':<12}{', '.join(derived.roles) or 'none'}"
    for name in derived.unknown_roles:
        yield f'{"":<12}passed over "{name}": not in [roles.map]'
    if derived.profile:
        yield f"{'profile':<12}{derived.profile}"


def _field(trace: FieldTrace, chosen: Any) -> Iterator[str]:
    yield f"{trace.field:<12}{chosen if chosen else 'nothing'}"
    if trace.sent:
        yield f"{'':<12}sent {trace.sent}"
    if trace.rule == "stated":
        yield f"{'':<12}stated by the provider"
        return
    for passed in trace.passed:
        shown = passed.value or "nothing"
        yield f"{'':<12}passed over {shown}: {passed.why}"
    for candidate in trace.candidates:
        if candidate.value == chosen:
            yield f"{'':<12}by {candidate.source}"
            return
        yield f"{'':<12}passed over {candidate.value}: taken"
    if not trace.candidates and not trace.passed:
        yield f"{'':<12}by {trace.rule}"

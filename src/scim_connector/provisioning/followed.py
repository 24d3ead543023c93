"""What a mapping that is only tried does to one user, told in the steps of a dry run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.provisioning.steps import State, Step

if TYPE_CHECKING:
    from scim_connector.directory.request_log import Entry
    from scim_connector.provisioning.course import Course
    from scim_connector.provisioning.plans import Difference

_UNTAKEN = {State.NOT_REACHED, State.SKIPPED}
_NOT_MAPPED = {State.NOT_REACHED, State.FAILED}


@dataclass(frozen=True, slots=True)
class Followed:
    """The differences a new mapping makes, and the fields it gave with their reasons."""

    course: Course
    differences: list[Difference]

    def told_in(self, entry: Entry) -> Entry:
        """*entry* with the differences in its map step; a refused one is a warning.

        A request that was refused before it was mapped stays as it is.
        """
        rows = orjson.loads(entry.steps)
        mapped = next(row for row in rows if row["step"] == Step.MAP)
        if entry.outcome == "Failure" and mapped["state"] in _NOT_MAPPED:
            return entry
        told = [self._told(row) if row is mapped else row for row in rows]
        outcome = entry.outcome
        if outcome == "Success" and self._refused:
            outcome = "Warning"
        return replace(entry, steps=orjson.dumps(told).decode(), outcome=outcome)

    @property
    def _refused(self) -> bool:
        return any(difference.refused for difference in self.differences)

    def _told(self, row: dict[str, Any]) -> dict[str, Any]:
        """The map step; the fields of the request itself win over those followed."""
        state, sentence, facts = row["state"], row.get("sentence", ""), row.get("facts")
        if state in _UNTAKEN:
            own = self.course.steps.taken[Step.MAP]
            state, sentence, facts = own.state.value, "", own.facts
        if self._refused:
            state = State.WARNING.value
        told = f"{self._sentence()} {sentence}".strip()
        made = {"step": row["step"], "state": state, "sentence": told}
        return made | ({"facts": facts} if facts else {})

    def _sentence(self) -> str:
        if not self.differences:
            return "With this mapping every local field stays as it is."
        return " ".join(_said(difference) for difference in self.differences)


def _said(difference: Difference) -> str:
    if difference.refused:
        return f"This mapping cannot be followed: {difference.refused}"
    before, after = difference.before or "nothing", difference.after or "nothing"
    return f"With this mapping {difference.field} changes from {before} to {after}."

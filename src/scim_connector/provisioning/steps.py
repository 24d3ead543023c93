"""The six steps of a request, each with its state, one sentence and its facts.

The same steps are shown by the request log, by a dry run and by ``rollout``: what an
admin reads after a refusal is what the request really went through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Step(StrEnum):
    """The steps in the order a request takes them."""

    AUTHENTICATE = "authenticate"
    MATCH = "match"
    MAP = "map"
    CHECK_RULES = "check rules"
    WRITE = "write"
    NOTIFY = "notify"


class State(StrEnum):
    """How a step ended."""

    PASSED = "Passed"
    WARNING = "Warning"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    NOT_REACHED = "Not reached"


@dataclass(slots=True)
class Taken:
    """One step as it was taken."""

    state: State
    sentence: str
    facts: dict[str, Any]


@dataclass(slots=True)
class Steps:
    """Collects the steps of one request while it runs."""

    taken: dict[Step, Taken] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def passed(self, step: Step, sentence: str, **facts: Any) -> None:
        """Note that *step* passed; a warning given earlier for it stays visible."""
        before = self.taken.get(step)
        if before is not None and before.state is State.WARNING:
            before.facts.update(facts)
            return
        self.taken[step] = Taken(State.PASSED, sentence, facts)

    def skipped(self, step: Step, sentence: str) -> None:
        """Note that *step* had nothing to do."""
        self.taken[step] = Taken(State.SKIPPED, sentence, {})

    def warn(self, step: Step, sentence: str, **facts: Any) -> None:
        """Note that *step* passed although somebody should look at it."""
        self.warnings.append(sentence)
        before = self.taken.get(step)
        if before is not None and before.state is State.WARNING:
            before.sentence = f"{before.sentence} {sentence}"
            before.facts.update(facts)
            return
        self.taken[step] = Taken(State.WARNING, sentence, facts)

    def failed(self, step: Step, sentence: str, **facts: Any) -> None:
        """Note that the request ended at *step*."""
        self.taken[step] = Taken(State.FAILED, sentence, facts)

    @property
    def next_step(self) -> Step:
        """The first step that has not been taken: where a refusal belongs."""
        return next((step for step in Step if step not in self.taken), Step.NOTIFY)

    def as_json(self) -> list[dict[str, Any]]:
        """All six steps in order, those after a failure as *Not reached*."""
        return [self._row(step) for step in Step]

    def _row(self, step: Step) -> dict[str, Any]:
        taken = self.taken.get(step)
        if taken is None:
            return {"step": step.value, "state": State.NOT_REACHED.value}
        row: dict[str, Any] = {
            "step": step.value,
            "state": taken.state.value,
            "sentence": taken.sentence,
        }
        return row | ({"facts": taken.facts} if taken.facts else {})

"""Reads a history of what clients saw, and names every break of the promise.

The promise: once a deactivation is answered, nothing of that user that is asked later is
granted until a reactivation is asked for; and what let them in before opens nothing ever
again.  An operation without a clear answer (``UNKNOWN``) may have happened or not, so it
proves nothing.  Instants are nanoseconds of one monotonic clock for all clients.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
DEACTIVATE: Final = "deactivate"
REACTIVATE: Final = "reactivate"


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One thing one client asked: of whom, when it was asked and answered, and how.

    *kind* is what was asked, *road* how; *using* is the operation that gave what was
    shown here (a session, a key, a token, a link), None where nothing was.
    """

    kind: str
    user: str
    asked: int
    answered: int
    outcome: str
    road: str = ""
    using: Operation | None = None

    @property
    def changes_standing(self) -> bool:
        """Whether it deactivates or reactivates somebody."""
        return self.kind in {DEACTIVATE, REACTIVATE}


@dataclass(frozen=True, slots=True)
class Violation:
    """An operation that was granted, and the deactivation that should have forbidden it."""

    what: str
    granted: Operation
    after: Operation

    def __str__(self) -> str:
        """The violation in a line, with the time that had passed."""
        late = (self.granted.asked - self.after.answered) / 1e6
        return (
            f"{self.what}: {self.granted.kind} of {self.granted.user} was granted, asked"
            f" {late:.1f} ms after the deactivation by {self.after.road} was answered"
        )


def check(history: Iterable[Operation]) -> list[Violation]:
    """Every break of the promise in a history."""
    of_user: dict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        of_user[operation.user].append(operation)
    return [broken for each in of_user.values() for broken in _of_user(each)]


def _of_user(history: list[Operation]) -> Iterator[Violation]:
    granted = [o for o in history if o.outcome == OK and not o.changes_standing]
    back = sorted(o.asked for o in history if _may_let_in(o))
    for cut in history:
        if cut.kind == DEACTIVATE and cut.outcome == OK:
            until = next((at for at in back if at > cut.asked), None)
            yield from _after(cut, until, granted)


def _may_let_in(operation: Operation) -> bool:
    """Whether a user may be active by it: an unknown reactivation may have happened."""
    return operation.kind == REACTIVATE and operation.outcome != REFUSED


def _after(
    cut: Operation, until: int | None, granted: list[Operation]
) -> Iterator[Violation]:
    """What was granted although *cut* was answered; somebody may be back from *until*."""
    for operation in granted:
        if operation.asked <= cut.answered:
            continue
        shown = operation.using
        if until is None or operation.answered < until:
            yield Violation("let in while inactive", operation, cut)
        elif shown is not None and shown.answered < until:
            yield Violation("opened by what had died", operation, cut)


def summary(history: Iterable[Operation]) -> str:
    """How often each kind was asked, and how each was answered, a line for each."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in history:
        name = f"{each.kind} by {each.road}" if each.road else each.kind
        counts[name][each.outcome] += 1
    lines = [f"{'':32}{OK:>8}{REFUSED:>9}{UNKNOWN:>9}"]
    for name, found in sorted(counts.items()):
        numbers = f"{found[OK]:8}{found[REFUSED]:9}{found[UNKNOWN]:9}"
        lines.append(f"{name:32}{numbers}")
    return "\n".join(lines)

"""What a page of a sample finds: whether access ended with the day of HR.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim_connector.compliance.period import instant as instant_of
from scim_connector.compliance.reports.report import instant


@dataclass(frozen=True, slots=True)
class Course:
    """When somebody was cut off and when they came back, the oldest first.

    *active* is whether they are so *now*; instants in microseconds UTC.
    """

    active: bool
    cuts: Sequence[int]
    back: Sequence[int]
    now: int


def finding(course: Course, left_on: str) -> str:
    """One sentence on somebody; *left_on* is the day of HR, or empty."""
    if not left_on:
        return _present(course)
    cut = _cut_of(course, instant_of(left_on))
    if cut is None:
        return _uncut(course, left_on)
    return f"Cut off {after(cut, left_on)} ({left_on}){_since(course, cut)}."


def after(cut_at: int, left_on: str) -> str | None:
    """How long after the end of the day HR names somebody was cut off."""
    if not left_on:
        return None
    late = cut_at - instant_of(left_on)
    hours = abs(late) // 3_600_000_000
    span = f"{hours // 24} days {hours % 24} hours"
    return f"{span} after that day" if late > 0 else f"{span} before its end"


def _present(course: Course) -> str:
    if course.active:
        return "Active."
    if not course.cuts:
        return "Inactive since they were created; there was nothing to cut off."
    return f"Cut off at {instant(course.cuts[-1])}."


def _cut_of(course: Course, day: int) -> int | None:
    """The cut-off that belongs to a day: the last before it, or the first after it."""
    if _was_active(course, day):
        return next((cut for cut in course.cuts if cut > day), None)
    return next((cut for cut in reversed(course.cuts) if cut <= day), None)


def _was_active(course: Course, at: int) -> bool:
    """Whether they were active at an instant, by what came next."""
    cut = next((each for each in course.cuts if each > at), None)
    back = next((each for each in course.back if each > at), None)
    if cut is None and back is None:
        return course.active
    return back is None or (cut is not None and cut < back)


def _uncut(course: Course, left_on: str) -> str:
    """Of somebody whom no cut-off of that day is on record of."""
    day = instant_of(left_on)
    if not _was_active(course, day):
        if not course.active:
            return _present(course)
        since = _since(course, day)
        return f"Inactive on that day ({left_on}), with no cut-off on record{since}."
    if day > course.now:
        return f"Active; HR says they leave on {left_on}."
    return f"Still active, although HR says they left on {left_on}."


def _since(course: Course, cut: int) -> str:
    """What became of somebody after they were cut off, as the end of a sentence."""
    if course.active:
        back = [each for each in course.back if each > cut]
        return f"; active again since {instant(back[-1])}" if back else "; active again"
    if course.cuts and course.cuts[-1] > cut:
        return f"; active again later, and cut off at {instant(course.cuts[-1])}"
    return ""

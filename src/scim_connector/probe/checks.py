"""What a check is and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation


class Outcome(StrEnum):
    """The four results, as they are printed."""

    OK = "ok"
    FAILS = "FAILS"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a provider does, and what depends on it.

    *trace* numbers the habit of the provider, *sends*, *needs* and *means* are
    sentences: what is sent, what the provider needs, what its administrator sees when
    it is not so. *run* raises Fault, Caution or Skip. *after* are checks without which
    this one says nothing.
    """

    id: str
    trace: str
    sends: str
    needs: str
    means: str
    run: Callable[[Conversation], None]
    after: tuple[str, ...] = ()

    @property
    def of_groups(self) -> bool:
        """Whether it works on groups."""
        return self.id.startswith("group")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a check: the finding, the request and the answer it was seen in."""

    check: Check
    outcome: Outcome
    finding: str = ""
    sent: str = ""
    got: str = ""

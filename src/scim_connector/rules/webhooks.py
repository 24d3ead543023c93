"""What a webhook may be told of, as values: each kind, and the messages it consists of.

The form is that of Standard Webhooks: a type, an instant, and what is to be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALERT_BEGAN: Final = "alert.began"
ALERT_ENDED: Final = "alert.ended"
AUDIT_HEAD: Final = "audit.head"
#: Sent by a person, to see whether the way is open.
TEST: Final = "webhook.test"


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to hear of: its word, title and sentence, and its types of messages."""

    id: str
    title: str
    sentence: str
    types: tuple[str, ...]


KINDS: Final = (
    Kind(
        "alerts",
        "Alerts",
        "An alert began to hold, grew worse, or is over.",
        (ALERT_BEGAN, ALERT_ENDED),
    ),
    Kind(
        "heads",
        "Signed record of changes",
        "The record of changes was signed, so that nobody can cut it off unseen.",
        (AUDIT_HEAD,),
    ),
)
BY_ID: Final = {each.id: each for each in KINDS}
_KIND_OF: Final = {type_: each.id for each in KINDS for type_ in each.types}


def kind_of(type_: str) -> str:
    """The word of the kind that messages of a type belong to."""
    return _KIND_OF[type_]

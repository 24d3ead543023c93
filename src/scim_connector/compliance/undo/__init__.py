"""Undoing changes: of one person, or of a whole batch, planned before it is done."""

from scim_connector.compliance.undo.batch import KINDS, Batch, find
from scim_connector.compliance.undo.job import Wish, run
from scim_connector.compliance.undo.lines import (
    AS_IT_WAS,
    NOT_RESTORED,
    NOT_UNDONE,
    RESTORED,
    WOULD_BE,
    Line,
    Report,
    lines_of,
)
from scim_connector.compliance.undo.plan import make
from scim_connector.compliance.undo.report import restored
from scim_connector.compliance.undo.trace import UNDONE
from scim_connector.compliance.undo.values import Plan
from scim_connector.compliance.undo.words import sentences

__all__ = [
    "AS_IT_WAS",
    "KINDS",
    "NOT_RESTORED",
    "NOT_UNDONE",
    "RESTORED",
    "UNDONE",
    "WOULD_BE",
    "Batch",
    "Line",
    "Plan",
    "Report",
    "Wish",
    "find",
    "lines_of",
    "make",
    "restored",
    "run",
    "sentences",
]

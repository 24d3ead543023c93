"""Which control each file of the evidence pack speaks to, and how to read it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a framework, in our words, and the files that show it."""

    framework: str
    id: str
    asks: str
    files: tuple[str, ...]
    read: str


_ISO, _SOC, _NIST = "ISO/IEC 27001:2022", "SOC 2 (TSC 2017)", "NIST SP 800-53"
_ACCESS, _LEAVERS = "reports/access.csv", "reports/leavers.csv"
_JOINERS, _EXCEPTIONS = "reports/joiners.csv", "reports/exceptions.csv"
_RULES, _CHANGES = "reports/rule-proof.csv", "reports/changes.csv"
_DIFFERENCES = "reports/differences.csv"

CONTROLS: Final = (
    Control(
        _ISO,
        "A.5.15",
        "Rules for access exist and are kept.",
        (_RULES, "configuration/connections.json", _CHANGES),
        "Every count of the rule proof is 0; each change of the rules has its author.",
    ),
    Control(
        _ISO,
        "A.5.16",
        "Identities are managed over their whole life.",
        (_JOINERS, _LEAVERS, _ACCESS, _DIFFERENCES),
        "Each identity has a beginning, a source and, where it ended, an end.",
    ),
    Control(
        _ISO,
        "A.5.17",
        "Passwords and other secrets are given out and managed safely.",
        (_EXCEPTIONS, "configuration/settings.json", _CHANGES),
        "Credentials without an end or unused are listed; each creation is a change.",
    ),
    Control(
        _ISO,
        "A.5.18",
        "Access rights are given, reviewed, changed and removed.",
        (_ACCESS, _JOINERS, _LEAVERS),
        "The access list is the population of a review; leavers show the removal.",
    ),
    Control(
        _SOC,
        "CC6.1",
        "Logical access is restricted to who is authorised.",
        (_ACCESS, _RULES, "configuration/settings.json"),
        "Inactive and API users hold no session; sign-in is as the settings say.",
    ),
    Control(
        _SOC,
        "CC6.2",
        "Users are registered before they get access, and removed when it ends.",
        (_JOINERS, _LEAVERS),
        "Who carried out each registration and each removal, with the request behind.",
    ),
    Control(
        _SOC,
        "CC6.3",
        "Access follows roles, and changes of it are authorised.",
        (_ACCESS, _CHANGES, _EXCEPTIONS),
        "Each role says where it comes from; what deviates is an exception.",
    ),
    Control(
        _NIST,
        "AC-2",
        "Accounts are created, watched, changed, disabled and reviewed.",
        (_ACCESS, _JOINERS, _LEAVERS, _EXCEPTIONS, _CHANGES, "audit/events.jsonl"),
        "The record of events is chained; audit/verification.json says it is whole.",
    ),
)

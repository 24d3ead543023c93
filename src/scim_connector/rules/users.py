"""The rules of the fields of a user, as values: id, sentence, and what to change.

A rule's sentence is the one every reader sees: in a SCIM error, a form, the command line
and the handbook.  Facts from the world (who holds a value) are passed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from email_validator import EmailNotValidError, validate_email

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST_USERNAME = 5
LONGEST_USERNAME = 30
LONGEST_INITIALS = 5
LONGEST_EMAIL = 254
LONGEST_LOCAL_PART = 64
_USERNAME_CHARACTERS = re.compile(r"[A-Za-z0-9@._-]*")
_QUOTED = 60


class UserType(StrEnum):
    """The kinds of local users; a provider and the console create only the first."""

    ADMINISTRATIVE = "administrative"
    TEACHER = "teacher"
    TEACHER_ONLY = "teacher_only"
    USER_VIEW_ONLY = "user_view_only"


class Kind(StrEnum):
    """How a rule is broken, which decides the status of the answer."""

    INVALID = "invalid"
    TAKEN = "taken"
    IMMUTABLE = "immutable"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the handbook.

    ``sentence`` states it; ``in_entra`` and ``in_okta`` say what an admin does there.
    ``attribute`` is the local field it is about, None for a rule about the whole user.
    """

    id: str
    title: str
    sentence: str
    kind: Kind
    attribute: str | None
    in_entra: str
    in_okta: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: ``code`` for machines, ``message`` for the admin."""

    rule: Rule
    code: str
    message: str

    @property
    def attribute(self) -> str:
        """The local field that breaks the rule; empty when it is the whole user."""
        return self.rule.attribute or ""


class RulesViolated(Exception):
    """A change breaks local rules; every broken one is named."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        """Keep every violation, in the order of the handbook."""
        self.violations = tuple(violations)
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        """All messages, then each broken rule in the words of the handbook.

        The first sentence is short, because providers cut.
        """
        messages = [violation.message for violation in self.violations]
        rules = dict.fromkeys(violation.rule for violation in self.violations)
        return " ".join([*messages, *(f"{r.id}: {r.sentence}" for r in rules)])

    @property
    def status(self) -> int:
        """403 when something is forbidden, 409 when all of it is taken, else 400."""
        kinds = self._kinds()
        if Kind.FORBIDDEN in kinds:
            return 403
        return 409 if kinds == {Kind.TAKEN} else 400

    @property
    def scim_type(self) -> str | None:
        """The error type of RFC 7644 §3.12 that fits; None beside a 403."""
        kinds = self._kinds()
        if Kind.FORBIDDEN in kinds:
            return None
        if kinds == {Kind.TAKEN}:
            return "uniqueness"
        return "mutability" if kinds == {Kind.IMMUTABLE} else "invalidValue"

    def _kinds(self) -> set[Kind]:
        return {violation.rule.kind for violation in self.violations}


class Holder(StrEnum):
    """How a value is not to be had; who holds it is never told."""

    ACTIVE = "taken by an active user"
    INACTIVE = "taken by an inactive user"
    KEPT = "kept for another user for a while"
    ERASED = "given to nobody any more, after somebody who was erased"


@dataclass(frozen=True, slots=True)
class Draft:
    """A user as they would be; what the rules of the fields judge."""

    username: str
    initials: str
    email: str | None
    first_name: str = ""
    last_name: str = ""
    user_type: UserType = UserType.ADMINISTRATIVE
    api_user: bool = False
    active: bool = True
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Which values of a draft somebody else holds or is kept, inactive ones included."""

    username: Holder | None = None
    initials: Holder | None = None
    email: Holder | None = None


R1 = Rule(
    "R1",
    "Form of initials",
    "Initials have 1 to 5 characters, without spaces or control characters.",
    Kind.INVALID,
    "initials",
    "Map the extension attribute initials to a value of 1 to 5 characters, or leave it"
    " unmapped so that initials are derived from the name.",
    "Map the extension attribute initials to a value of 1 to 5 characters, or leave it"
    " unmapped so that initials are derived from the name.",
)
R2 = Rule(
    "R2",
    "Initials are unique",
    "Initials are unique among all users, inactive ones included; after a recompute the"
    " former ones are kept for their user for 90 days, and those of somebody who was"
    " erased are given to nobody any more.",
    Kind.TAKEN,
    "initials",
    "Send other initials for this person, or remove the mapping of initials so that"
    " free ones are chosen.",
    "Send other initials for this person, or unmap initials so that free ones are"
    " chosen.",
)
R3 = Rule(
    "R3",
    "Initials can be derived",
    "Initials are derived from the name, the display name or the userName.",
    Kind.INVALID,
    "initials",
    "Fill givenName and surname of the person, or map the extension attribute initials.",
    "Fill first and last name of the person, or map the extension attribute initials.",
)
R4 = Rule(
    "R4",
    "Email is valid",
    "Every user has one valid email address.",
    Kind.INVALID,
    "email",
    'Fill the mail attribute of the person, or map emails[type eq "work"].value to'
    " Coalesce([mail], [userPrincipalName]).",
    "Fill the primary email of the person in the Okta profile.",
)
R5 = Rule(
    "R5",
    "Email is unique",
    "An email address is unique among all users, inactive ones included; that of"
    " somebody who was erased is given to nobody any more.",
    Kind.TAKEN,
    "email",
    "If it is the same person, link them here (conflict list); otherwise correct the"
    " mail attribute in Entra.",
    "If it is the same person, link them here (conflict list); otherwise correct the"
    " primary email in Okta.",
)
R6 = Rule(
    "R6",
    "Form of a username",
    "A username has 5 to 30 characters: letters a-z, digits and @ . _ -, the first a"
    " letter.",
    Kind.INVALID,
    "username",
    "Leave the extension attribute username unmapped, so that a username is derived"
    " from userPrincipalName, or map it to a value of this form.",
    "Leave the extension attribute username unmapped, so that a username is derived"
    " from userName, or map it to a value of this form.",
)
R7 = Rule(
    "R7",
    "Username is unique",
    "A username is unique among all users, inactive ones included; after a recompute the"
    " former one is kept for its user for 90 days, and that of somebody who was erased"
    " is given to nobody any more.",
    Kind.TAKEN,
    "username",
    "Send another username for this person, or unmap username so that a free one is"
    " derived.",
    "Send another username for this person, or unmap username so that a free one is"
    " derived.",
)


def quoted(text: str) -> str:
    """*text* as it may be shown: cut at 60 characters, control characters escaped."""
    cut = text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f'"{shown}"'


# ------------------------------------------------------------------------- username


def username_violations(username: str) -> tuple[Violation, ...]:
    """Every way in which *username* breaks R6; all clauses are named."""
    return tuple(
        Violation(R6, code, f"Username {quoted(username)} {said} (R6).")
        for code, said in _username_faults(username)
    )


def _username_faults(username: str) -> Iterator[tuple[str, str]]:
    if not SHORTEST_USERNAME <= len(username) <= LONGEST_USERNAME:
        count = len(username)
        unit = "character" if count == 1 else "characters"
        yield "username_length", f"has {count} {unit}; it needs 5 to 30"
    if _USERNAME_CHARACTERS.fullmatch(username) is None:
        odd = next(c for c in username if not _USERNAME_CHARACTERS.fullmatch(c))
        said = f"holds {quoted(odd)}; use a-z, digits and @ . _ - only"
        yield "username_charset", said
    if username and not (username[0].isascii() and username[0].isalpha()):
        yield "username_first", "must begin with a letter a-z"


def is_username(text: str) -> bool:
    """Say whether *text* keeps R6."""
    return next(_username_faults(text), None) is None


# ------------------------------------------------------------------------- initials


def initials_violations(initials: str) -> tuple[Violation, ...]:
    """Every way in which *initials* break R1; none at all is R3."""
    if not initials:
        message = "Initials could not be derived: there is no name to take them from"
        return (Violation(R3, "initials_exhausted", f"{message} (R3)."),)
    if len(initials) > LONGEST_INITIALS:
        said = f"have {len(initials)} characters; they need 1 to 5"
        message = f"Initials {quoted(initials)} {said} (R1)."
        return (Violation(R1, "initials_length", message),)
    if not initials.isprintable() or any(c.isspace() for c in initials):
        said = "hold a space or a control character; use letters and digits"
        message = f"Initials {quoted(initials)} {said} (R1)."
        return (Violation(R1, "initials_length", message),)
    return ()


def is_initials(text: str) -> bool:
    """Say whether *text* keeps R1."""
    return not initials_violations(text)


# ---------------------------------------------------------------------------- email


def email_violations(email: str | None) -> tuple[Violation, ...]:
    """Say how *email* breaks R4: missing, or not an address that mail can reach."""
    if not email:
        message = "Email is missing; every user needs one valid address (R4)."
        return (Violation(R4, "email_missing", message),)
    fault = _email_fault(email)
    if fault is None:
        return ()
    message = f"Email {quoted(email)} is not valid: {fault} (R4)."
    return (Violation(R4, "email_invalid", message),)


def _email_fault(email: str) -> str | None:
    if len(email) > LONGEST_EMAIL:
        return f"it has {len(email)} characters, at most {LONGEST_EMAIL}"
    local, _, domain = email.rpartition("@")
    fault = _local_part_fault(local)
    if fault is not None:
        return fault
    if "." not in domain.strip("."):
        return "the domain needs a dot, as in example.com"
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError) as refusal:
        return str(refusal).rstrip(".")
    return None


def _local_part_fault(local: str) -> str | None:
    if not local.isascii() or not local.isprintable():
        return 'letters before the "@" must be plain ASCII'
    if "=?" in local:
        return '"=?" begins an encoded word in the header of a mail'
    if len(local) > LONGEST_LOCAL_PART:
        return f'it has more than {LONGEST_LOCAL_PART} characters before the "@"'
    return None


def is_email(text: str) -> bool:
    """Say whether *text* keeps R4."""
    return not email_violations(text)


# ------------------------------------------------------------------------- all of it


def check(draft: Draft, taken: Taken) -> tuple[Violation, ...]:
    """Every rule of the fields that *draft* breaks, all at once."""
    return (
        *initials_violations(draft.initials),
        *_taken(R2, "Initials", "are", draft.initials, taken.initials),
        *email_violations(draft.email),
        *_taken(R5, "Email", "is", draft.email or "", taken.email),
        *username_violations(draft.username),
        *_taken(R7, "Username", "is", draft.username, taken.username),
    )


#: What to change when a value is taken; the sentence before it is short, this follows.
_WAY_OUT = {
    "R2": "Send others, or none at all so that free ones are chosen.",
    "R5": "If it is the same person, an administrator links them here; otherwise correct"
    " the address.",
    "R7": "Send another, or none at all so that a free one is derived.",
}
_OTHER_ADDRESS = "Send another address for this person."


def _taken(
    rule: Rule, noun: str, verb: str, value: str, holder: Holder | None
) -> tuple[Violation, ...]:
    if holder is None:
        return ()
    said = f"{noun} {quoted(value)} {verb} {holder.value} ({rule.id})."
    is_other_address = rule is R5 and holder is Holder.ERASED
    message = f"{said} {_OTHER_ADDRESS if is_other_address else _WAY_OUT[rule.id]}"
    return (Violation(rule, f"{rule.attribute}_taken", message),)


def require(draft: Draft, taken: Taken) -> None:
    """Raise RulesViolated with every broken rule, if any is broken."""
    violations = check(draft, taken)
    if violations:
        raise RulesViolated(violations)

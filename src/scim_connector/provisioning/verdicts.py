"""What would become of an identity: judged by carrying it out in a savepoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from scim_connector.directory import users
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.exchange import act_of
from scim_connector.provisioning.steps import Step
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.course import Course
    from scim_connector.scim.types import Json

T = TypeVar("T")

CREATE: Final = "would create"
LINK: Final = "would link"
RESTORE: Final = "would restore"
REFUSE: Final = "would refuse"
WORDS: Final = {"Create": CREATE, "Link": LINK, "Restore": RESTORE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would become of one person: ``outcome`` is a phrase of :data:`WORDS`.

    A refused one has ``outcome`` "would refuse", the reason codes, the sentence, and
    what to change at Entra ID or Okta (``fix``; empty for another kind).  ``why`` says
    how the person was matched; ``user_id`` is the local user they would be linked to.
    ``link_id`` is the SCIM id the provider knows; None in a list from a file, and where
    its request was refused (``answered`` is False then).  ``detail`` has the warnings of
    one who is not refused.
    """

    line: int
    identity: str
    outcome: str
    username: str = ""
    initials: str = ""
    email: str = ""
    reason: str = ""
    detail: str = ""
    fix: str = ""
    why: str = ""
    user_id: int | None = None
    link_id: str | None = None
    active: bool = True
    answered: bool = True

    @property
    def sentence(self) -> str:
        """The verdict for the log, in one sentence without its end."""
        match self.outcome:
            case "would refuse":
                return f"would refuse {self.identity}: {self.detail.rstrip('.')}"
            case "would create":
                who = f"{self.username} ({self.initials}, {self.email})"
                return f"would create {who}{'' if self.active else ', inactive'}"
        ending = "" if self.active else " and deactivate them"
        return f"{self.outcome} {self.identity} to {self.username}{ending}"

    def as_json(self) -> str:
        """The text that is kept beside the identity."""
        return orjson.dumps(asdict(self)).decode()


_NAMES: Final = frozenset(each.name for each in fields(Verdict))


def of_json(text: str) -> Verdict:
    """The verdict that was kept."""
    kept = orjson.loads(text)
    return Verdict(**{name: value for name, value in kept.items() if name in _NAMES})


@dataclass(slots=True)
class Forecast:
    """The verdicts in order, and the local users nobody matched.

    ``mails`` is how many mails of each topic would be sent.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    unmatched: list[User] = field(default_factory=list)
    mails: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> list[Verdict]:
        """Those a provider would see refused."""
        return [v for v in self.verdicts if v.outcome == REFUSE]

    @property
    def counts(self) -> Counter[str]:
        """How many there are of each outcome, of those that have an id."""
        return Counter(v.outcome for v in self.verdicts if v.answered)

    @property
    def unanswered(self) -> list[Verdict]:
        """Those whose request was refused; the provider sends them again by itself."""
        return [v for v in self.verdicts if not v.answered]


class _Undone(Exception):
    """Ends a savepoint so that nothing is kept."""


def tried(tx: Transaction, work: Callable[[], T]) -> T:
    """Carry *work* out in a savepoint; what it returns stays, what it wrote does not."""
    results: list[T] = []
    try:
        with tx.savepoint():
            results.append(work())
            raise _Undone
    except _Undone:
        return results[0]


def judged(
    tx: Transaction,
    course: Course,
    mapping: Mapping,
    document: Json,
    *,
    line: int = 0,
    link: Link | None = None,
) -> Verdict:
    """Create whom *document* describes, or say why that is refused.

    Whoever is created stays in the transaction; undo it by :func:`tried`.
    """
    course.about(document)
    try:
        with tx.savepoint():
            derived = derive(mapping, document)
            act = act_of(course.call)
            Creation(tx, course, act, document, derived, mapping, link=link).run()
            verdict = outcome(tx, course)
    except (ScimError, RulesViolated) as refusal:
        verdict = refused(course, refusal)
    active, link_id = bool(document.get("active", True)), link.id if link else None
    return replace(verdict, line=line, active=active, link_id=link_id)


def outcome(tx: Transaction, course: Course) -> Verdict:
    """The verdict of somebody whom *course* has just created, linked or restored."""
    user = users.required(tx, course.user_id or 0)
    known = course.action != "Create"
    return Verdict(
        0,
        course.identity or "",
        WORDS[course.action],
        username=user.username,
        initials=user.initials,
        email=user.email,
        detail=" ".join(course.steps.warnings),
        why=course.steps.taken[Step.MATCH].sentence if known else "",
        user_id=user.id if known else None,
    )


def refused(course: Course, refusal: ScimError | RulesViolated) -> Verdict:
    """The verdict of somebody who is refused, with what to change at the provider."""
    said: dict[str, Any] = {"detail": refusal.detail}
    if isinstance(refusal, RulesViolated):
        said["reason"] = ",".join(v.code for v in refusal.violations)
        said["fix"] = _fix(refusal, course.call.connection.kind)
    else:
        said["reason"] = refusal.scim_type or ""
    return Verdict(0, course.identity or "", REFUSE, **said)


def _fix(refusal: RulesViolated, kind: str) -> str:
    """What an administrator of this kind of provider does about broken rules."""
    rules = dict.fromkeys(violation.rule for violation in refusal.violations)
    told = {rule: {"entra": rule.in_entra, "okta": rule.in_okta} for rule in rules}
    return " ".join(told[rule][kind] for rule in rules if kind in told[rule])

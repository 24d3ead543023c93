"""Conditions that hold or held, and what a person changed about telling them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, bindparam, delete, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import alert_rules, alerts

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Rule:
    """How one condition is told; *threshold* None for the one it comes with.

    Instants in microseconds UTC.
    """

    condition: str
    threshold: str | None = None
    is_on: bool = True
    by_mail: bool = True
    by_log: bool = True
    silent_until: int | None = None
    by_webhook: bool = True

    def is_silent(self, now: int) -> bool:
        """Whether nothing is told of it for now."""
        return self.silent_until is not None and now < self.silent_until


@dataclass(frozen=True, slots=True)
class Alert:
    """One condition that holds for one subject since an instant, or held until one.

    *level* says how bad it is where that grows, *told_level* what was told last.
    """

    id: int
    condition: str
    subject: str
    level: str
    sentence: str
    since: int
    told_level: str | None
    over_at: int | None


_RULE = tuple(Rule.__dataclass_fields__)
_FLAGS = ("is_on", "by_mail", "by_log", "by_webhook")
_RULES = Statement(select(*(alert_rules.c[name] for name in _RULE)))
_OF = alert_rules.c.condition == bindparam("of_condition")
_CHANGE = Statement(
    update(alert_rules)
    .where(_OF)
    .values({name: bindparam(f"new_{name}") for name in _RULE if name != "condition"})
)
_ADD_RULE = Statement(insert(alert_rules), _RULE)

_NAMES = tuple(Alert.__dataclass_fields__)
_COLUMNS = tuple(alerts.c[name] for name in _NAMES)
_OPEN = Statement(
    select(*_COLUMNS).where(alerts.c.over_at.is_(None)).order_by(alerts.c.id)
)
_LATEST = (
    select(*_COLUMNS)
    .order_by(alerts.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)
_NEWEST = Statement(_LATEST)
_NEWEST_OF = Statement(_LATEST.where(alerts.c.condition == bindparam("of_condition")))
_BEGIN = Statement(
    insert(alerts).returning(alerts.c.id),
    ("condition", "subject", "level", "sentence", "since"),
)
_THIS = update(alerts).where(alerts.c.id == bindparam("of_id"))
_SAY = Statement(
    _THIS.values(level=bindparam("new_level"), sentence=bindparam("new_sentence"))
)
_TOLD = Statement(_THIS.values(told_level=bindparam("new_level")))
_END = Statement(_THIS.values(over_at=bindparam("at")))
_FORGET = Statement(
    delete(alerts).where(alerts.c.over_at < bindparam("before", type_=BigInteger))
)


def rules(reader: Reader) -> dict[str, Rule]:
    """What a person changed, by condition."""
    return {row[0]: _rule(row) for row in reader.rows(_RULES)}


def _rule(row: tuple[Any, ...]) -> Rule:
    values = dict(zip(_RULE, row, strict=True))
    flags = {name: bool(values[name]) for name in _FLAGS}
    return Rule(**{**values, **flags})


def keep(tx: Transaction, rule: Rule) -> None:
    """Keep how a condition is told."""
    values = {name: getattr(rule, name) for name in _RULE}
    new = {f"new_{name}": v for name, v in values.items() if name != "condition"}
    if not tx.run(_CHANGE, of_condition=rule.condition, **new):
        tx.run(_ADD_RULE, **values)


def holding(reader: Reader) -> list[Alert]:
    """What holds, the oldest first."""
    return [Alert(*row) for row in reader.rows(_OPEN)]


def newest(reader: Reader, *, at_most: int) -> list[Alert]:
    """What holds or held, the newest first."""
    return [Alert(*row) for row in reader.rows(_NEWEST, at_most=at_most)]


def newest_of(reader: Reader, condition: str, *, at_most: int) -> list[Alert]:
    """For what one condition holds or held, the newest first."""
    rows = reader.rows(_NEWEST_OF, of_condition=condition, at_most=at_most)
    return [Alert(*row) for row in rows]


def begin(
    tx: Transaction, condition: str, subject: str, level: str, sentence: str, now: int
) -> Alert:
    """A condition holds from now on; raises ConstraintBroken when it did already."""
    alert_id = tx.insert(
        _BEGIN,
        condition=condition,
        subject=subject,
        level=level,
        sentence=sentence,
        since=now,
    )
    return Alert(alert_id, condition, subject, level, sentence, now, None, None)


def say(tx: Transaction, alert: Alert, level: str, sentence: str) -> None:
    """A condition still holds, in other words."""
    tx.run(_SAY, of_id=alert.id, new_level=level, new_sentence=sentence)


def told(tx: Transaction, alert: Alert, level: str) -> None:
    """Remember what was told of it."""
    tx.run(_TOLD, of_id=alert.id, new_level=level)


def end(tx: Transaction, alert: Alert, now: int) -> None:
    """A condition holds no more."""
    tx.run(_END, of_id=alert.id, at=now)


def forget(tx: Transaction, before: int) -> None:
    """Forget what was over before an instant."""
    tx.run(_FORGET, before=before)

"""Alerts, as a person deals with them: looked at, changed, silenced, tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration.alert_conditions import BY_ID, CONDITIONS, Condition
from scim_connector.administration.alert_watch import mail_of
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import alerts, audit, webhooks
from scim_connector.directory.alerts import Alert, Rule
from scim_connector.rules.events import Event
from scim_connector.rules.webhooks import ALERT_BEGAN, kind_of

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction

_MOST_THRESHOLDS: Final = 10
_LARGEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """One condition, how it is told, and for what it holds."""

    condition: Condition
    rule: Rule
    holding: Sequence[Alert]

    @property
    def threshold(self) -> str:
        """The threshold in force."""
        return self.rule.threshold or self.condition.threshold

    @property
    def shown(self) -> str:
        """The threshold in force, with its unit."""
        return self.condition.shown(self.threshold)


def listed(reader: Reader) -> list[Standing]:
    """Every condition, how it is told, and for what it holds."""
    rules, open_ = alerts.rules(reader), alerts.holding(reader)
    return [
        Standing(
            each,
            rules.get(each.id, Rule(each.id)),
            [alert for alert in open_ if alert.condition == each.id],
        )
        for each in CONDITIONS
    ]


def find(condition: str) -> Condition:
    """The condition of this id; raises NotPossible with those there are."""
    found = BY_ID.get(condition)
    if found is None:
        names = ", ".join(BY_ID)
        raise NotPossible(f'There is no alert "{condition}"; there are: {names}.')
    return found


def webhooks_hear(reader: Reader) -> bool:
    """Whether there is a webhook that is told of alerts."""
    kind = kind_of(ALERT_BEGAN)
    return any(kind in each.kinds for each in webhooks.every(reader))


def change(tx: Transaction, condition: Condition, act: Act, **changes: Any) -> Rule:
    """Change how a condition is told; raises NotPossible for a bad threshold.

    What is the same already is no change.  The threshold that an alert comes with is
    not kept, so that it follows where a later release moves it.
    """
    if changes.get("threshold") == condition.threshold:
        changes["threshold"] = None
    if changes.get("threshold") is not None:
        _refuse_threshold(condition, changes["threshold"])
    before = alerts.rules(tx).get(condition.id, Rule(condition.id))
    after = replace(before, **changes)
    if after == before:
        return before
    alerts.keep(tx, after)
    _record(tx, Event("alert:changed", {"alert": condition.id, **changes}), act)
    return after


def _refuse_threshold(condition: Condition, text: str) -> None:
    parts = text.split(",")
    most = _MOST_THRESHOLDS if "," in condition.threshold else 1
    largest = 100 if condition.unit == "percent" else _LARGEST
    sound = all(p.isascii() and p.isdigit() and 0 < int(p) <= largest for p in parts)
    if len(parts) > most or not sound:
        many = "whole numbers with commas" if most > 1 else "a whole number"
        bounds = f"from 1 to {largest:,}"
        message = f"Write {many} of {condition.unit} {bounds}, such as"
        raise NotPossible(f"{message} {condition.threshold}.")


def test(tx: Transaction, condition: Condition, act: Act) -> int:
    """Queue a test mail as this alert would send it; returns to how many people."""
    sentence = f"This is a test of the alert: {condition.title}. Nothing has happened."
    sample = Alert(0, condition.id, "test", "", sentence, act.now, None, None)
    count = mail_of(tx, sample, act.now, kind="test")
    if not count:
        name = condition.permission.name
        raise NotPossible(f'Nobody active holds a role that carries "{name}".')
    _record(tx, Event("alert:tested", {"alert": condition.id, "mails": count}), act)
    return count


def _record(tx: Transaction, event: Event, act: Act) -> None:
    audit.record(tx, [event], at=act.now, actor=act.actor)

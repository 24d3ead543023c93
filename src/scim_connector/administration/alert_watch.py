"""Alerts: what holds is told once, told again when it grows worse, and when it is over.

Any process may look at any time; once a minute one of them does.  What holds and what
was told of it stands in the database, so that nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from scim_connector.administration.alert_conditions import BY_ID, CONDITIONS, WEBHOOK
from scim_connector.administration.alert_judges import MAIL, MINUTE, Holding, Look
from scim_connector.administration.overview import DAY
from scim_connector.directory import alerts, installation, outbox, roles, webhooks
from scim_connector.directory.alerts import Alert, Rule
from scim_connector.rules.webhooks import ALERT_BEGAN, ALERT_ENDED
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.settings import Settings

#: When somebody looked last, in microseconds UTC; a fact of the installation.
LOOKED: Final = "alerts:looked"
#: What is over is kept for so long.
KEPT: Final = 90 * DAY
_log = structlog.get_logger("alerts")

Found = Mapping[str, Sequence[Holding]]


# --------------------------------------------------------------------------- looking


def watch(database: Database, settings: Settings, now: int) -> None:
    """Look once a minute, whoever comes first, and tell what is new."""
    if not _is_due(database.reader(), now) or not database.write(
        lambda tx: _claimed(tx, now)
    ):
        return
    look = Look(database.reader(), now, database.path, settings.tls_cert)
    rules = alerts.rules(database.reader())
    found = _judged(look, rules)
    for line in database.write(lambda tx: _settle(tx, found, rules, now)):
        _log.warning("alert", **line)


def _is_due(reader: Reader, now: int) -> bool:
    before = installation.read(reader, LOOKED)
    return before is None or abs(now - int(before)) >= MINUTE


def _claimed(tx: Transaction, now: int) -> bool:
    """Whether it is this process that looks; of several at once one does."""
    if not _is_due(tx, now):
        return False
    installation.write(tx, LOOKED, str(now))
    return True


def _judged(look: Look, rules: Mapping[str, Rule]) -> Found:
    """For what each condition holds; one that cannot be judged now stays as it is."""
    found: dict[str, Sequence[Holding]] = {}
    for each in CONDITIONS:
        rule = rules.get(each.id, Rule(each.id))
        try:
            judged = each.judge(look, numbers(rule.threshold or each.threshold))
            found[each.id] = list(judged) if rule.is_on else []
        except Exception as error:
            _log.warning("alert not judged", condition=each.id, reason=str(error))
    return found


def numbers(threshold: str) -> tuple[int, ...]:
    """The numbers of a threshold."""
    return tuple(int(part) for part in threshold.split(","))


# --------------------------------------------------------------------------- telling


def _settle(
    tx: Transaction, found: Found, rules: Mapping[str, Rule], now: int
) -> list[dict[str, Any]]:
    """Keep what holds, queue the mails, and return the lines for the log."""
    if installation.read(tx, LOOKED) != str(now):
        return []  # this took so long that somebody else has looked meanwhile
    lines: list[dict[str, Any]] = []
    open_ = {(a.condition, a.subject): a for a in alerts.holding(tx)}
    for condition, holdings in found.items():
        rule = rules.get(condition, Rule(condition))
        for holding in holdings:
            alert = _kept(tx, condition, holding, open_, now)
            if not rule.is_silent(now) and _is_news(alert):
                lines += _tell(tx, rule, alert, now)
        still = {holding.subject for holding in holdings}
        for alert in open_.values():
            if alert.condition == condition and alert.subject not in still:
                lines += _over(tx, rule, alert, now)
    alerts.forget(tx, now - KEPT)
    return lines


def _kept(
    tx: Transaction,
    condition: str,
    holding: Holding,
    open_: Mapping[tuple[str, str], Alert],
    now: int,
) -> Alert:
    before = open_.get((condition, holding.subject))
    level, sentence = holding.level, holding.sentence
    if before is None:
        return alerts.begin(tx, condition, holding.subject, level, sentence, now)
    if (before.level, before.sentence) != (level, sentence):
        alerts.say(tx, before, level, sentence)
    return replace(before, level=level, sentence=sentence)


def _is_news(alert: Alert) -> bool:
    """Whether nothing was told of it, or it has grown worse since."""
    if alert.told_level is None:
        return True
    return alert.level != alert.told_level and (
        int(alert.level or 0) < int(alert.told_level or 0)
    )


def _tell(tx: Transaction, rule: Rule, alert: Alert, now: int) -> list[dict[str, Any]]:
    alerts.told(tx, alert, alert.level)
    return _told(tx, rule, alert, now, is_over=False)


def _over(tx: Transaction, rule: Rule, alert: Alert, now: int) -> list[dict[str, Any]]:
    """End it; who was told that it holds is told that it is over."""
    alerts.end(tx, alert, now)
    if alert.told_level is None or not rule.is_on or rule.is_silent(now):
        return []
    return _told(tx, rule, alert, now, is_over=True)


def _told(
    tx: Transaction, rule: Rule, alert: Alert, now: int, *, is_over: bool
) -> list[dict[str, Any]]:
    if rule.by_mail:
        mail_of(tx, alert, now, kind="over" if is_over else "holds")
    if rule.by_webhook:
        _tell_webhooks(tx, alert, now, is_over=is_over)
    if not rule.by_log:
        return []
    return [
        {
            "condition": alert.condition,
            "subject": alert.subject,
            "is_over": is_over,
            "sentence": alert.sentence,
        }
    ]


def _tell_webhooks(tx: Transaction, alert: Alert, now: int, *, is_over: bool) -> None:
    """Queue it for every webhook that hears of alerts, save the one it is about."""
    condition = BY_ID[alert.condition]
    data = {
        "id": alert.id,
        "alert": alert.condition,
        "title": condition.title,
        "subject": alert.subject,
        "sentence": alert.sentence,
        "since": timestamp(alert.since),
    }
    data |= {"over": timestamp(now)} if is_over else {"advice": condition.advice}
    about = alert.subject.partition(" ")[2] if alert.condition == WEBHOOK else None
    type_ = ALERT_ENDED if is_over else ALERT_BEGAN
    webhooks.tell(tx, type_, data, now=now, about=about)


def mail_of(tx: Transaction, alert: Alert, now: int, *, kind: str) -> int:
    """Queue a mail to each who may do something about it; returns how many."""
    condition = BY_ID[alert.condition]
    able = roles.who_may(tx, condition.permission.id)
    payload = {
        "title": condition.title,
        "sentence": alert.sentence,
        "advice": condition.advice,
        "since": alert.since,
        "kind": kind,
    }
    for user_id in able:
        outbox.add(tx, MAIL, payload, user_id=user_id, now=now, best_before=now + DAY)
    return len(able)

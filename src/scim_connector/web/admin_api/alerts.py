"""Alerts as JSON: what is told without asking, how, and what holds now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import alerts as administration
from scim_connector.administration.alert_conditions import BY_ID
from scim_connector.directory import alerts as rows
from scim_connector.rules.permissions import MANAGE_SETTINGS, VIEW_SETTINGS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Missing, Route
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.administration.alert_conditions import Condition
    from scim_connector.administration.alerts import Standing
    from scim_connector.directory.alerts import Alert
    from scim_connector.web.admin_api.routes import Visit

_HOUR: Final = 3600 * 1_000_000
_MOST_HOURS: Final = 24 * 366
_MOST: Final = 200


def list_alerts(visit: Visit) -> dict[str, Any]:
    """Every alert, how it is told, and what holds now."""
    return {"items": [_shown(each) for each in administration.listed(visit.reader)]}


def _shown(standing: Standing) -> dict[str, Any]:
    rule, condition = standing.rule, standing.condition
    return {
        "id": condition.id,
        "title": condition.title,
        "threshold": standing.threshold,
        "unit": condition.unit,
        "is_on": rule.is_on,
        "by_mail": rule.by_mail,
        "by_webhook": rule.by_webhook,
        "by_log": rule.by_log,
        "silent_until": instant(rule.silent_until),
        "mailed_to": condition.permission.id,
        "holding": [_held(each) for each in standing.holding],
    }


def _held(alert: Alert) -> dict[str, Any]:
    return {
        "subject": alert.subject,
        "sentence": alert.sentence,
        "since": instant(alert.since),
        "over": instant(alert.over_at),
    }


def _condition(visit: Visit) -> Condition:
    """The alert in the address; raises Missing."""
    found = BY_ID.get(visit.places["alert_id"])
    if found is None:
        raise Missing("There is no such alert.")
    return found


def _standing(visit: Visit) -> dict[str, Any]:
    wanted = _condition(visit).id
    found = administration.listed(visit.reader)
    return _shown(next(each for each in found if each.condition.id == wanted))


def get_alert(visit: Visit) -> dict[str, Any]:
    """One alert, and when it held."""
    condition = _condition(visit)
    held = rows.newest_of(visit.reader, condition.id, at_most=_MOST)
    return {**_standing(visit), "held": [_held(each) for each in held]}


def change_alert(visit: Visit) -> dict[str, Any]:
    """Another threshold, or another way of telling."""
    condition, act, changes = _condition(visit), visit.act(), dict(visit.body)
    visit.write(lambda tx: administration.change(tx, condition, act, **changes))
    return _standing(visit)


def silence_alert(visit: Visit) -> dict[str, Any]:
    """Tell nothing for some hours; 0 ends it."""
    condition, act, hours = _condition(visit), visit.act(), visit.body["hours"]
    until = now() + hours * _HOUR if hours else None
    visit.write(
        lambda tx: administration.change(tx, condition, act, silent_until=until)
    )
    return _standing(visit)


def send_alert_test(visit: Visit) -> dict[str, Any]:
    """A mail to everybody it would be mailed to."""
    condition, act = _condition(visit), visit.act()
    return {"mails": visit.write(lambda tx: administration.test(tx, condition, act))}


# ---------------------------------------------------------------------------- as data

_HOLDING: Final = shapes.many(
    shapes.answer(
        subject=shapes.told("What it is about."),
        sentence=shapes.told(),
        since=shapes.instant(),
        over=shapes.or_null(shapes.instant()),
    )
)
_MEMBERS: Final = {
    "id": shapes.told(),
    "title": shapes.told(),
    "threshold": shapes.told("In force now."),
    "unit": shapes.told(),
    "is_on": shapes.flag(),
    "by_mail": shapes.flag(),
    "by_webhook": shapes.flag("Told to the webhooks that hear of alerts."),
    "by_log": shapes.flag(),
    "silent_until": shapes.or_null(shapes.instant()),
    "mailed_to": shapes.told("The permission whose holders are mailed."),
    "holding": _HOLDING,
}
SHAPES: Final = {"Alert": shapes.answer(**_MEMBERS)}
_AN_ALERT: Final = shapes.ref("Alert")
_ONE: Final = "/alerts/{alert_id}"

ROUTES: Final = (
    Route(
        "GET",
        "/alerts",
        list_alerts,
        VIEW_SETTINGS,
        "Every alert, how it is told, and what holds now.",
        shapes.answer(items=shapes.many(_AN_ALERT)),
    ),
    Route(
        "GET",
        _ONE,
        get_alert,
        VIEW_SETTINGS,
        "One alert, and when it held.",
        shapes.answer(**_MEMBERS, held=_HOLDING),
    ),
    Route(
        "PATCH",
        _ONE,
        change_alert,
        MANAGE_SETTINGS,
        "Another threshold (null: as shipped), or another way of telling.",
        _AN_ALERT,
        body=shapes.given(
            threshold=shapes.or_null(shapes.text(most=60)),
            is_on=shapes.flag(),
            by_mail=shapes.flag(),
            by_webhook=shapes.flag(),
            by_log=shapes.flag(),
        ),
    ),
    Route(
        "POST",
        f"{_ONE}/silence",
        silence_alert,
        MANAGE_SETTINGS,
        "Tell nothing for some hours; 0 ends it.",
        _AN_ALERT,
        body=shapes.given(("hours",), hours=shapes.number(least=0, most=_MOST_HOURS)),
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        send_alert_test,
        MANAGE_SETTINGS,
        "A mail to everybody it would be mailed to.",
        shapes.answer(mails=shapes.number("How many it was.")),
    ),
)

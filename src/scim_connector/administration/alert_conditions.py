"""What an operator is told of without asking: each condition, with its threshold.

What is told of it, to whom and how often is decided in ``alert_watch``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from scim_connector.administration import alert_judges
from scim_connector.administration.alert_judges import FEWEST, Holding, Look
from scim_connector.rules.permissions import (
    MANAGE_APPS,
    MANAGE_PROVISIONING,
    MANAGE_SETTINGS,
    UPDATE_USERS,
    Permission,
)

#: That which is about webhooks, which are told of it with care.
WEBHOOK: Final = "webhook_not_delivered"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing worth a mail: judged with its threshold, in *unit*."""

    id: str
    title: str
    threshold: str
    unit: str
    sentence: str
    advice: str
    permission: Permission
    judge: Callable[[Look, tuple[int, ...]], Iterator[Holding]]

    def shown(self, threshold: str) -> str:
        """A threshold with its unit: 30,14 days, 1 day."""
        unit = self.unit.removesuffix("s") if threshold == "1" else self.unit
        return f"{threshold} {unit}"


CONDITIONS: Final = (
    Condition(
        "credential_expires",
        "A token or certificate ends",
        "30,14,7,1",
        "days",
        "The last token that opens a connection, or the certificate of this server, ends"
        " within these days, or has ended. Told again at each step.",
        "Make another token on the page of the connection and paste it into the"
        " provider; renew a certificate and restart.",
        MANAGE_PROVISIONING,
        alert_judges.expiring,
    ),
    Condition(
        "connection_silent",
        "A connection is silent",
        "3",
        "hours",
        "Entra ID, which asks every 40 minutes, has not asked for so long. Okta and"
        " others call only when something changes.",
        "See at the provider whether provisioning runs, and whether it reaches this"
        " address.",
        MANAGE_PROVISIONING,
        alert_judges.silent,
    ),
    Condition(
        "connection_refused",
        "A connection is refused",
        "3",
        "hours",
        "A provider asks, and everything it asked for was refused for so long.",
        "See in the provisioning log what it was refused, and why.",
        MANAGE_PROVISIONING,
        alert_judges.refused,
    ),
    Condition(
        "refusals",
        "Many refusals of one reason",
        "20",
        "percent",
        "This share of the changes a connection asked for in three hours was refused for"
        f" one reason, {FEWEST} at least.",
        "See under Needs you what to change; a mapping may be wrong for many people.",
        MANAGE_PROVISIONING,
        alert_judges.share,
    ),
    Condition(
        "requests_waiting",
        "Requests are not carried out",
        "5",
        "minutes",
        "A request that a provider asked to be carried out later (Prefer:"
        " respond-async) has waited for so long; it takes a second.",
        "See that a server or a worker runs, and what it writes into its log.",
        MANAGE_PROVISIONING,
        alert_judges.waiting,
    ),
    Condition(
        "last_administrator",
        "The last Administrator was to go",
        "24",
        "hours",
        "Somebody was refused to deactivate the last Administrator, or to take the role,"
        " within these hours.",
        "Make a second Administrator, and see why the first was to go.",
        UPDATE_USERS,
        alert_judges.last_administrator,
    ),
    Condition(
        "cut_off_unfinished",
        "A deactivation is not confirmed",
        "5",
        "minutes",
        "An application was told that somebody was deactivated and has not confirmed it"
        " for so long. Here the person is out already.",
        "See the page of the application, and whether it can be reached.",
        MANAGE_APPS,
        alert_judges.cut_off,
    ),
    Condition(
        "events_not_taken",
        "A receiver does not take security events",
        "1",
        "hours",
        "A receiver of security events has not taken one for so long, or has refused one"
        " within 24 hours. What it watches over may still let somebody in who is out here.",
        "See on the page of the receiver why. What it has not taken is sent once it"
        " answers; what it has refused, once you send it again from there.",
        MANAGE_APPS,
        alert_judges.receivers_behind,
    ),
    Condition(
        "mail_not_delivered",
        "Mails were not delivered",
        "1",
        "mails",
        "So many mails were given up within 24 hours.",
        "See under Settings, Mail why, and send them again.",
        MANAGE_SETTINGS,
        alert_judges.not_delivered,
    ),
    Condition(
        WEBHOOK,
        "A webhook does not take what it is sent",
        "1",
        "hours",
        "A webhook has not taken a message for so long, or one was given up within 24"
        " hours. The webhook itself is not told of it; other ones are.",
        "See on the page of the webhook why, and send again what it did not take.",
        MANAGE_APPS,
        alert_judges.webhooks_failing,
    ),
    Condition(
        "disk",
        "The disk fills up",
        "2",
        "GB",
        "Less than this is free where the SQLite database lies.",
        "Make room; without room nothing is written.",
        MANAGE_SETTINGS,
        alert_judges.disk,
    ),
    Condition(
        "backup_old",
        "The last backup is old",
        "26",
        "hours",
        "The last backup that is known here is older. Nothing is said where none is"
        " known.",
        "See why the last one was not made.",
        MANAGE_SETTINGS,
        alert_judges.backup,
    ),
    Condition(
        "audit_unsealed",
        "The record of changes is not sealed",
        "5",
        "minutes",
        "An event of audit waits for its seal for so long; a server seals in a second.",
        "Tell who maintains this server.",
        MANAGE_SETTINGS,
        alert_judges.unsealed,
    ),
)
BY_ID: Final = {each.id: each for each in CONDITIONS}

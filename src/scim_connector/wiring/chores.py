"""What is done beside the requests, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scim_connector.administration import alert_watch
from scim_connector.compliance.heads import Heads
from scim_connector.delivery.retention import Retention
from scim_connector.tokens.signing import SigningKeys

if TYPE_CHECKING:
    from scim_connector.delivery.background import Chore
    from scim_connector.wiring.house import House

_MINUTE: Final = 60 * 1_000_000
_DAY: Final = 24 * 60 * _MINUTE


def chores(house: House) -> Iterator[Chore]:
    """Looking for alerts, signing heads of audit, forgetting what is old."""
    settings = house.settings
    yield lambda database, now: alert_watch.watch(database, settings, now)
    bodies, events = settings.keep_requests_days, settings.keep_events_days
    yield Retention(
        bodies * _DAY if bodies else None, events * _DAY if events else None
    ).round
    if settings.audit_head_minutes:
        yield Heads(
            SigningKeys(house.keys),
            settings.address,
            settings.audit_head_minutes * _MINUTE,
            settings.audit_head_file,
        ).keep

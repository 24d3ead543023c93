"""The console of one installation: its desk and its rooms, built together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.delivery.trial import Trial
from scim_connector.web.console import Console
from scim_connector.web.console.api_app import ApiAppPages
from scim_connector.web.console.applications import ApplicationPages
from scim_connector.web.console.desk import Desk
from scim_connector.web.console.groups import GroupPages
from scim_connector.web.console.home import HomePages
from scim_connector.web.console.log import LogPages
from scim_connector.web.console.mails import MailPages
from scim_connector.web.console.receipts import ReceiptPages
from scim_connector.web.console.roles import RolePages
from scim_connector.web.console.settings import SettingsPages
from scim_connector.web.pages.frame import Frame

if TYPE_CHECKING:
    from scim_connector.login.sessions import Sessions
    from scim_connector.wiring.house import House


def build(house: House, sessions: Sessions) -> Console:
    """Build the console of a process, for people with *sessions* at the gate."""
    frame = Frame(house.settings)
    desk = Desk(frame, house.database, sessions, house.settings, house.keys)
    return Console(
        desk,
        [
            HomePages(desk),
            LogPages(desk),
            ReceiptPages(desk),
            RolePages(desk),
            GroupPages(desk),
            ApplicationPages(desk),
            ApiAppPages(desk),
            SettingsPages(desk, Trial(house.settings)),
            MailPages(desk),
        ],
    )

"""The console of one installation, and the API that does what its pages do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.delivery.trial import Trial
from scim_connector.provisioning.simulation import Simulator
from scim_connector.web.admin_api.callers import Callers
from scim_connector.web.admin_api.front import AdminApi
from scim_connector.web.admin_api.routes import Office
from scim_connector.web.console import Console
from scim_connector.web.console.alerts import AlertPages
from scim_connector.web.console.api_app import ApiAppPages
from scim_connector.web.console.applications import ApplicationPages
from scim_connector.web.console.compliance import CompliancePages
from scim_connector.web.console.conflicts import ConflictPages
from scim_connector.web.console.connection_change import ChangePages
from scim_connector.web.console.connection_settings import ConnectionSettings
from scim_connector.web.console.connection_test import TestPages
from scim_connector.web.console.connection_tokens import TokenPages
from scim_connector.web.console.connection_trusts import TrustPages
from scim_connector.web.console.connections import ConnectionPages
from scim_connector.web.console.desk import Desk
from scim_connector.web.console.groups import GroupPages
from scim_connector.web.console.guard import GuardPages
from scim_connector.web.console.home import HomePages
from scim_connector.web.console.log import LogPages
from scim_connector.web.console.mails import MailPages
from scim_connector.web.console.mapping import MappingPages
from scim_connector.web.console.receipts import ReceiptPages
from scim_connector.web.console.receivers import ReceiverPages
from scim_connector.web.console.rehearsal import RehearsalPages
from scim_connector.web.console.roles import RolePages
from scim_connector.web.console.settings import SettingsPages
from scim_connector.web.console.single_sign_on import SignInSettings
from scim_connector.web.console.undo import UndoPages
from scim_connector.web.console.user import UserPages
from scim_connector.web.console.user_import import ImportPages
from scim_connector.web.console.user_new import NewUserPages
from scim_connector.web.console.users import UserList
from scim_connector.web.console.users_together import TogetherPages
from scim_connector.web.console.webhooks import WebhookPages
from scim_connector.web.pages.frame import Frame
from scim_connector.wiring.playing import OwnPlayer
from scim_connector.wiring.workers import transmitter, webhooks

if TYPE_CHECKING:
    from scim_connector.provisioning import Provisioning
    from scim_connector.wiring.gate import Gate
    from scim_connector.wiring.house import House


def build(house: House, gate: Gate, provisioning: Provisioning) -> Console:
    """Build the console of a process, for people who signed in at its *gate*.

    What a provider was refused is applied again by *provisioning*.
    """
    sessions, single = gate.sessions, gate.single
    simulator = Simulator(house.database, house.keys)
    frame = Frame(house.settings)
    desk = Desk(frame, house.database, sessions, house.settings, house.keys)
    return Console(
        desk,
        [
            HomePages(desk),
            ConflictPages(desk),
            ConnectionPages(desk),
            ChangePages(desk),
            TokenPages(desk),
            TrustPages(desk),
            TestPages(desk, OwnPlayer(house.settings.base_url)),
            ConnectionSettings(desk),
            GuardPages(desk),
            SignInSettings(desk, single),
            RehearsalPages(desk),
            LogPages(desk, simulator, provisioning),
            MappingPages(desk, simulator),
            CompliancePages(desk),
            ReceiptPages(desk),
            UserList(desk),
            UserPages(desk),
            NewUserPages(desk),
            ImportPages(desk),
            TogetherPages(desk),
            UndoPages(desk),
            RolePages(desk),
            GroupPages(desk),
            ApplicationPages(desk),
            ApiAppPages(desk),
            ReceiverPages(desk, transmitter(house)),
            WebhookPages(desk, webhooks(house)),
            SettingsPages(desk, Trial(house.settings)),
            MailPages(desk),
            AlertPages(desk),
        ],
    )


def build_api(house: House, gate: Gate, provisioning: Provisioning) -> AdminApi:
    """Build the Admin API of a process, for the same people and for API users."""
    database, keys, settings = house.database, house.keys, house.settings
    simulator = Simulator(database, keys)
    return AdminApi(
        Office(
            *(settings, database, keys, simulator, provisioning),
            mail=Trial(settings),
            trier=transmitter(house),
            poster=webhooks(house),
        ),
        Callers(settings.address, database, gate.sessions, gate.programs),
    )

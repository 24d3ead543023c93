"""What works beside the requests: it sends what waits, and carries out what was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.delivery.letters import Letters
from scim_connector.delivery.logout import LogoutCalls
from scim_connector.delivery.postbox import Postbox
from scim_connector.delivery.security_events import Transmitter, unwatched
from scim_connector.delivery.senders import sender_of
from scim_connector.delivery.webhooks import Webhooks
from scim_connector.delivery.worker import Rounds, Worker, Workers
from scim_connector.login.links import MailedLinks
from scim_connector.provisioning import Provisioning, RequestGatherer
from scim_connector.tokens.signing import SigningKeys
from scim_connector.web.carrying_out import Carrier
from scim_connector.web.scim import Scim

if TYPE_CHECKING:
    from scim_connector.delivery.worker import Deliver
    from scim_connector.directory.stores import Store
    from scim_connector.wiring.house import House

#: Nobody shall wait long for what a provider asked, a deactivation perhaps.
_LOOK_SECONDS: Final = 0.2


def workers(house: House) -> tuple[Workers, Rounds]:
    """What sends, and what carries requests out, beside those that are being answered.

    A mail server that hangs holds no request up: each works by itself.
    """
    return senders(house), Rounds(house.database, carrier(house).round, _LOOK_SECONDS)


def carrier(house: House) -> Carrier:
    """What carries out the requests that were taken to be carried out later."""
    settings, database, keys = house.settings, house.database, house.keys

    def scim_on(store: Store, gatherer: RequestGatherer) -> Scim:
        return Scim(settings, Provisioning(store, gatherer, keys))

    return Carrier(settings, database, keys, scim_on)


def senders(house: House) -> Workers:
    """What sends mails and calls, what sends security events, what sends webhooks.

    Each has a thread of its own: one that waits holds up none of the others.
    """
    settings, database, keys = house.settings, house.database, house.keys
    postbox = Postbox(
        database,
        MailedLinks(database, keys),
        Letters(settings.organisation, settings.address, settings.time_zone),
        sender_of(settings),
        settings,
    )
    calls = LogoutCalls(database, SigningKeys(keys), issuer=settings.address)
    mails: dict[str, Deliver] = {"mail": postbox.deliver, "logout": calls.deliver}
    hooks: dict[str, Deliver] = {"webhook": webhooks(house).deliver}
    if house.traces is not None:
        around = house.traces.jobs.around
        mails = {name: around(deliver) for name, deliver in mails.items()}
        hooks = {name: around(deliver) for name, deliver in hooks.items()}
    return Workers(
        Worker(database, mails),
        Rounds(database, transmitter(house).round),
        Worker(database, hooks, of_webhooks=True),
    )


def webhooks(house: House) -> Webhooks:
    """What sends webhooks."""
    return Webhooks(house.database, house.keys)


def transmitter(house: House) -> Transmitter:
    """What sends security events to their receivers."""
    signing, issuer = SigningKeys(house.keys), house.settings.address
    watch = unwatched if house.traces is None else house.traces.jobs.pushing
    return Transmitter(house.database, house.keys, signing, issuer=issuer, watch=watch)

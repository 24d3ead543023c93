"""The gate of one installation: its use cases, pages and endpoints, built together."""

from __future__ import annotations

from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Final

from scim_connector.administration import mails
from scim_connector.delivery.polling import Polls
from scim_connector.delivery.senders import sender_of
from scim_connector.directory import outbox
from scim_connector.login.api_keys import ApiKeys
from scim_connector.login.client_credentials import ClientCredentials
from scim_connector.login.introspection import Introspection
from scim_connector.login.links import MailedLinks
from scim_connector.login.own_account import OwnAccount
from scim_connector.login.passwords import PasswordSignIn
from scim_connector.login.second_factor import SecondFactors
from scim_connector.login.sessions import Sessions
from scim_connector.login.sso import SingleSignOn
from scim_connector.login.token_endpoint import TokenEndpoint
from scim_connector.login.token_exchange import TokenExchange
from scim_connector.rules.access import FactorPolicy, Lifetimes
from scim_connector.tokens.discovery import MetadataSource
from scim_connector.tokens.passwords import PasswordHasher
from scim_connector.tokens.signing import SigningKeys
from scim_connector.tokens.turns import Turns
from scim_connector.web.forward_auth import ForwardAuth
from scim_connector.web.oauth import OAuth
from scim_connector.web.pages import Pages
from scim_connector.web.pages.account import AccountPages
from scim_connector.web.pages.frame import Frame
from scim_connector.web.pages.links import LinkPages
from scim_connector.web.pages.setup import SetupPages
from scim_connector.web.pages.signing_in import SignInPages
from scim_connector.web.polling import PollingDoor
from scim_connector.web.published import Published

if TYPE_CHECKING:
    from scim_connector.provisioning import RequestGatherer
    from scim_connector.tokens.jwks import KeySource
    from scim_connector.wiring.house import House

_MINUTE: Final = 60 * 1_000_000
_HOUR: Final = 60 * _MINUTE


@dataclass(frozen=True, slots=True)
class Gate:
    """What the WSGI application and the background of a process need of the gate."""

    sessions: Sessions
    single: SingleSignOn
    programs: ApiKeys
    oauth: OAuth
    forward_auth: ForwardAuth
    polling: PollingDoor
    published: Published
    pages: Pages


def build(house: House, gatherer: RequestGatherer, keys_of: KeySource) -> Gate:
    """Build the gate of a process; keys of providers come from *keys_of*."""
    settings, database, keys = house.settings, house.database, house.keys
    sessions = sessions_of(house)
    programs = ApiKeys(database, keys)
    providers = ClientCredentials(database, keys, keys_of.key)
    introspection = Introspection(
        database, keys, sessions, programs, issuer=settings.address
    )
    turns = Turns()
    single = SingleSignOn(
        database,
        keys,
        sessions,
        MetadataSource(),
        keys_of.key,
        turns,
        address=settings.address,
    )
    people = TokenExchange(database, introspection, single)
    endpoint = TokenEndpoint(providers, programs, people)
    return Gate(
        sessions=sessions,
        single=single,
        programs=programs,
        oauth=OAuth(settings, endpoint, introspection, gatherer),
        forward_auth=ForwardAuth(settings, database, sessions),
        polling=_polling(house, gatherer),
        published=Published(settings.address, SigningKeys(keys)),
        pages=_pages(house, sessions, single, turns),
    )


def _polling(house: House, gatherer: RequestGatherer) -> PollingDoor:
    """Where receivers of security events ask for them."""
    settings, database, keys = house.settings, house.database, house.keys
    polls = Polls(database, SigningKeys(keys), issuer=settings.address)
    return PollingDoor(settings, database, keys, polls, gatherer)


def sessions_of(house: House) -> Sessions:
    """The sessions of an installation, as long as its settings let them last."""
    settings = house.settings
    lifetimes = Lifetimes(
        settings.session_idle * _MINUTE, settings.session_hours * _HOUR
    )
    limit = settings.session_limit
    return Sessions(house.database, house.keys, lifetimes, limit=limit)


def _pages(
    house: House, sessions: Sessions, single: SingleSignOn, turns: Turns
) -> Pages:
    settings, database, keys = house.settings, house.database, house.keys
    factors = SecondFactors(database, keys, settings.organisation)
    hasher = PasswordHasher(turns=turns)
    passwords = PasswordSignIn(
        database,
        keys,
        sessions,
        factors,
        hasher,
        policy=FactorPolicy(settings.second_factor),
        password_days=settings.password_days,
    )
    own = OwnAccount(database, keys, passwords, factors)
    frame = Frame(settings)
    return Pages(
        frame,
        SignInPages(frame, database, keys, sessions, passwords, single),
        LinkPages(frame, database, MailedLinks(database, keys), passwords),
        AccountPages(frame, database, sessions, own),
        SetupPages(frame, database, keys, hasher),
    )


def sender_notes(house: House) -> list[str]:
    """What an operator reads at the start about mails; holds what waited till now.

    Raises BadSettings where mails could never be sent as it is set up.
    """
    notes = [sender_of(house.settings).describe()]
    now = time_ns() // 1000
    if house.settings.smtp_host is not None:
        house.database.write(lambda tx: mails.hold_first(tx, now))
    held = outbox.count_held(house.database.reader())
    if held:
        notes.append(
            f"{held} mails had waited before mail was configured and are held; choose:"
            " send or drop them under Mails waiting, or with:"
            " scim-connector mail held send|drop"
        )
    return notes

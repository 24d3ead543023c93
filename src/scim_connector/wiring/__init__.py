"""The one place that builds everything from :class:`Settings`.

``create_app(settings)`` is the WSGI factory for any server::

    from scim_connector.settings import Settings
    from scim_connector.wiring import create_app

    application = create_app(Settings.load(os.environ))

The database must be prepared first, once: ``scim-connector db upgrade`` or ``serve``.
"""

from __future__ import annotations

import os
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector.delivery.background import Background
from scim_connector.login.client_credentials import ClientCredentials
from scim_connector.provisioning import Provisioning, RequestGatherer
from scim_connector.settings import PREFIX, Settings
from scim_connector.tokens.jwks import KeySource
from scim_connector.web.app import create_app as build_app
from scim_connector.web.callers import Callers
from scim_connector.web.door import ScimDoor
from scim_connector.web.health import Health
from scim_connector.web.oauth import OAuth
from scim_connector.web.scim import Scim
from scim_connector.wiring.first_run import Prepared, Welcome, prepare
from scim_connector.wiring.house import House, NotReady, open_house

if TYPE_CHECKING:
    from flask import Flask

__all__ = [
    "House",
    "NotReady",
    "Prepared",
    "Welcome",
    "application",
    "create_app",
    "open_house",
    "prepare",
]


def create_app(settings: Settings) -> Flask:
    """The WSGI application of a prepared installation; raises NotReady."""
    return _app(open_house(settings))[0]


def _app(house: House) -> tuple[Flask, Background]:
    gatherer = RequestGatherer(house.database)
    key_of = KeySource().key
    exchange = ClientCredentials(house.database, house.keys, key_of)
    door = ScimDoor(
        house.settings,
        Callers(house.database, house.keys, key_of),
        Scim(house.settings, Provisioning(house.database, gatherer, house.keys)),
        gatherer,
    )
    background = Background(house.database, gatherer)
    oauth = OAuth(house.settings, exchange, gatherer)
    return build_app(door, Health(house.database), oauth), background


def application() -> Flask:
    """The application of one worker process, from the environment (granian's target)."""
    file = os.environ.get(f"{PREFIX}CONFIG")
    settings = Settings.load(os.environ, Path(file) if file else None)
    app, background = _app(open_house(settings))
    background.start()
    # A forked worker ends without atexit, but not without this.
    Finalize(None, background.stop, exitpriority=1)
    return app

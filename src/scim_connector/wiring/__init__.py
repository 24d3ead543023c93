"""The one place that builds everything from :class:`Settings`.

``create_app(settings)`` is the WSGI factory for any server::

    from scim_connector.settings import Settings
    from scim_connector.wiring import create_app

    application = create_app(Settings.load(os.environ))

The database must be prepared first, once: ``scim-connector db upgrade`` or ``serve``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector.delivery.background import Background
from scim_connector.provisioning import Provisioning, RequestGatherer
from scim_connector.settings import PREFIX, Settings
from scim_connector.tokens.jwks import KeySource
from scim_connector.web.app import create_app as build_app
from scim_connector.web.callers import Callers
from scim_connector.web.door import ScimDoor
from scim_connector.web.health import Health
from scim_connector.web.me import MyDoor
from scim_connector.web.scim import Scim
from scim_connector.wiring.console import build as build_console
from scim_connector.wiring.console import build_api
from scim_connector.wiring.first_run import Prepared, Welcome, prepare
from scim_connector.wiring.gate import build as build_gate
from scim_connector.wiring.gate import sender_notes, worker
from scim_connector.wiring.house import House, NotReady, open_house

if TYPE_CHECKING:
    from flask import Flask

__all__ = [
    "House",
    "NotReady",
    "Parts",
    "Prepared",
    "Welcome",
    "application",
    "create_app",
    "open_house",
    "parts_of",
    "prepare",
    "sender_notes",
    "worker",
]


@dataclass(frozen=True, slots=True)
class Parts:
    """The application of one process, and what works beside it."""

    app: Flask
    gatherer: RequestGatherer
    background: Background


def create_app(settings: Settings) -> Flask:
    """The WSGI application of a prepared installation; raises NotReady."""
    return parts_of(open_house(settings)).app


def parts_of(house: House) -> Parts:
    """Build what one process needs; nothing is started."""
    gatherer = RequestGatherer(house.database)
    keys_of = KeySource()
    gate = build_gate(house, gatherer, keys_of)
    provisioning = Provisioning(house.database, gatherer, house.keys)
    base_url = house.settings.base_url
    door = ScimDoor(
        house.settings,
        Callers(house.database, house.keys, keys_of.key),
        Scim(house.settings, provisioning),
        MyDoor(base_url, provisioning.me, gate.sessions, gate.programs),
        gatherer,
    )
    app = build_app(
        door,
        Health(house.database),
        gate.oauth,
        gate.forward_auth,
        gate.published,
        gate.pages,
        build_console(house, gate, provisioning),
        build_api(house, gate, provisioning),
    )
    background = Background(house.database, gatherer, gate.sessions)
    return Parts(app, gatherer, background)


def application() -> Flask:
    """The application of one worker process, from the environment (granian's target)."""
    file = os.environ.get(f"{PREFIX}CONFIG")
    settings = Settings.load(os.environ, Path(file) if file else None)
    house = open_house(settings)
    parts = parts_of(house)
    parts.background.start()
    # A forked worker ends without atexit, but not without this.
    Finalize(None, parts.background.stop, exitpriority=1)
    if settings.deliver:
        sending = worker(house)
        sending.start()
        Finalize(None, sending.stop, exitpriority=2)
    return parts.app

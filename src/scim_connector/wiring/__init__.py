"""The one place that builds everything from :class:`Settings`.

``create_app(settings)`` is the WSGI factory for any server::

    from scim_connector.settings import Settings
    from scim_connector.wiring import create_app

    application = create_app(Settings.load(os.environ))

The database must be prepared first, once: ``scim-connector db upgrade`` or ``serve``.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from pathlib import Path
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING

import structlog

from scim_connector.delivery.background import Background
from scim_connector.provisioning import Provisioning, RequestGatherer
from scim_connector.settings import PREFIX, Settings
from scim_connector.tokens.jwks import KeySource
from scim_connector.web.admin_api.routes import ROOT as ADMIN_API
from scim_connector.web.app import SCIM
from scim_connector.web.app import create_app as build_app
from scim_connector.web.asynchronous import Asynchronous
from scim_connector.web.callers import Callers
from scim_connector.web.door import ScimDoor
from scim_connector.web.health import Health
from scim_connector.web.me import MyDoor
from scim_connector.web.metrics import Metrics
from scim_connector.web.polling import PATH as EVENTS
from scim_connector.web.scim import Scim
from scim_connector.wiring.chores import chores
from scim_connector.wiring.console import build as build_console
from scim_connector.wiring.console import build_api
from scim_connector.wiring.first_run import Prepared, Welcome, prepare
from scim_connector.wiring.gate import build as build_gate
from scim_connector.wiring.gate import sender_notes
from scim_connector.wiring.house import House, NotReady, open_house
from scim_connector.wiring.logs import set_up_logs
from scim_connector.wiring.traces import refuse_unfit, traced
from scim_connector.wiring.workers import workers

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
    "refuse_unfit",
    "sender_notes",
    "traced",
    "workers",
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
    callers = Callers if house.traces is None else house.traces.callers
    door = ScimDoor(
        house.settings,
        callers(house.database, house.keys, keys_of.key),
        Scim(
            house.settings,
            provisioning,
            Asynchronous(house.settings, house.database, house.keys),
        ),
        MyDoor(base_url, provisioning.me, gate.sessions, gate.programs),
        gatherer,
    )
    app = build_app(
        {
            SCIM: door,
            ADMIN_API: build_api(house, gate, provisioning),
            EVENTS: gate.polling,
        },
        Health(house.database),
        Metrics(house.settings, house.database),
        gate.oauth,
        gate.forward_auth,
        gate.published,
        gate.pages,
        build_console(house, gate, provisioning),
    )
    if house.traces is not None:
        house.traces.watch(app, {*gate.oauth.roads, *gate.forward_auth.roads})
    background = Background(house.database, gatherer, gate.sessions, *chores(house))
    return Parts(app, gatherer, background)


def application() -> Flask:
    """The application of one worker process, from the environment (granian's target)."""
    _end_with_parent()
    if not structlog.is_configured():  # another server than ours has started us
        set_up_logs()
    file = os.environ.get(f"{PREFIX}CONFIG")
    settings = Settings.load(os.environ, Path(file) if file else None)
    house = traced(open_house(settings))
    parts = parts_of(house)
    parts.background.start()
    # A forked worker ends without atexit, but not without this.
    Finalize(None, parts.background.stop, exitpriority=1)
    if settings.deliver:
        for working in workers(house):
            working.start()
            Finalize(None, working.stop, exitpriority=2)
    if house.traces is not None:
        Finalize(None, house.traces.end, exitpriority=0)  # after those who tell
    return parts.app


def _end_with_parent() -> None:
    """End this process when the one that started it is killed.

    It would hold the port and answer on, with nobody left who could end it. The signal
    is sent until it works: not every moment of a start listens for one.
    """
    parent = parent_process()
    if parent is None:  # another server than ours has started us, in its own way
        return

    def wait() -> None:
        parent.join()
        while True:
            os.kill(os.getpid(), signal.SIGTERM)
            sleep(1)

    Thread(target=wait, name="parent", daemon=True).start()

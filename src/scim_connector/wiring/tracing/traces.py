"""What tells the traces of one process, from its start to its end."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from scim_connector.web.sources import Proxies
from scim_connector.wiring.tracing import exporting
from scim_connector.wiring.tracing.jobs import TracedJobs
from scim_connector.wiring.tracing.places import Ids
from scim_connector.wiring.tracing.requests import TracedCallers, TracedRequests
from scim_connector.wiring.tracing.routes import Routes
from scim_connector.wiring.tracing.statements import TracedDatabase

if TYPE_CHECKING:
    from flask import Flask

    from scim_connector.settings import Settings
    from scim_connector.web.callers import Callers


class Traces:
    """Tells requests, statements and messages of one process as spans."""

    #: What finds out who calls, and tells it.
    callers: type[Callers] = TracedCallers

    def __init__(self, settings: Settings) -> None:
        """Nothing is sent before :meth:`begin`; both raise ValueError.

        That is where a variable of OpenTelemetry cannot be used.
        """
        is_continued = settings.traces == "continued"
        self._believed = Proxies(settings.trusted_proxies if is_continued else ())
        self._ids = Ids()
        self._provider = exporting.provider(self._ids)
        self._tracer = self._provider.get_tracer(exporting.NAME)
        self.jobs = TracedJobs(self._tracer, links=not is_continued)

    def begin(self) -> None:
        """Send from now on; call it in the process whose traces they are."""
        exporting.begin_sending(self._provider)

    def end(self) -> None:
        """Send what is left; a collector that does not answer is not waited for."""
        exporting.end_sending(self._provider)

    def database(self, url: str, *, statement_timeout: float) -> TracedDatabase:
        """A database whose statements are told."""
        return TracedDatabase(self._tracer, url, statement_timeout=statement_timeout)

    def watch(self, app: Flask, roads: Collection[str]) -> None:
        """Tell the requests of *app*; *roads* are the addresses in front of Flask."""
        app.wsgi_app = TracedRequests(  # type: ignore[method-assign]
            app.wsgi_app,
            Routes(app, roads),
            self._tracer,
            self._ids,
            self._believed,
        )

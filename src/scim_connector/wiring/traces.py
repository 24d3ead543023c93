"""Whether traces are sent; nothing of OpenTelemetry is imported unless they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scim_connector.settings import PREFIX
from scim_connector.wiring.house import House, NotReady, open_database

if TYPE_CHECKING:
    from scim_connector.settings import Settings
    from scim_connector.wiring.tracing import Traces

_MISSING: Final = (
    "traces: what sends them is not installed. Install the extra otel (pip install"
    f' "scim-connector[otel]"), or set {PREFIX}TRACES=off.'
)


def refuse_unfit(settings: Settings) -> None:
    """Before anything is served: raise NotReady where traces could not be sent."""
    if settings.traces != "off":
        _begun(settings).end()


def traced(house: House) -> House:
    """The same house, whose work is told from now on; itself where that is off.

    Its database is opened anew.  Whoever asked ends the traces.
    """
    settings = house.settings
    if settings.traces == "off":
        return house
    traces = _begun(settings)
    house.database.close()
    database = open_database(settings, kind=traces.database)
    return replace(house, database=database, traces=traces)


def _begun(settings: Settings) -> Traces:
    try:
        from scim_connector.wiring.tracing import Traces  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("scim_connector"):
            raise  # what is missing is ours
        raise NotReady(_MISSING) from None
    try:
        traces = Traces(settings)
        traces.begin()
    except ValueError as error:
        message = f"traces: a variable of OpenTelemetry cannot be used: {error}"
        raise NotReady(message) from None
    return traces

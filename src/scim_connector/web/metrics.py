"""``/metrics``: the figures of the installation, as Prometheus reads them.

There is no such page until a token is set.  That a caller sits on this machine proves
nothing: behind a proxy beside us everybody does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hmac import compare_digest
from threading import Lock
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request

from scim_connector.administration.figures import FIGURES, Figure, read
from scim_connector.administration.readings import Sight, Times
from scim_connector.directory.database import DatabaseUnavailable, StatementTimeout

if TYPE_CHECKING:
    from scim_connector.directory.database import Database
    from scim_connector.settings import Settings

PREFIX: Final = "scim_connector_"
PATH: Final = "/metrics"
#: What was read is told again for so long, whoever asks however often.
FRESH_SECONDS: Final = 5.0
TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_MINUTE: Final = 60 * 1_000_000


class Metrics:
    """The page of one process; what it tells is of the whole installation."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Open with the token of *settings*, read from *database*."""
        self._token = settings.metrics_token
        self._render = partial(render, settings, database)
        self._clock = clock
        self._lock = Lock()
        self._kept = b""
        self._read_at: float | None = None

    def show(self) -> Response:
        """The page; 404 while no token is set, 401 without the right one."""
        if self._token is None:
            return Response("No metrics here.\n", 404, mimetype="text/plain")
        if not self._opens(request.headers.get("Authorization", "")):
            return _unknown()
        try:
            return Response(self._fresh(), content_type=TYPE)
        except (DatabaseUnavailable, StatementTimeout):
            return Response("no database\n", 503, mimetype="text/plain")

    def _opens(self, header: str) -> bool:
        word, _, shown = header.partition(" ")
        given, wanted = shown.strip().encode(), (self._token or "").encode()
        return word.lower() == "bearer" and compare_digest(given, wanted)

    def _fresh(self) -> bytes:
        """What is told now; of several who ask at once, one reads."""
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= FRESH_SECONDS:
                self._kept = self._render()
                self._read_at = now
            return self._kept


def _unknown() -> Response:
    refused = Response("Send the token of the settings.\n", 401, mimetype="text/plain")
    refused.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return refused


def render(settings: Settings, database: Database) -> bytes:
    """Every figure in the text format of Prometheus."""
    # Imported where it is used: most processes tell no figures.
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

    found = read(
        Sight(
            database.reader(),
            time_ns() // 1000,
            settings.session_idle * _MINUTE,
            database.path,
        )
    )
    registry = CollectorRegistry()
    registry.register(_Told(found))
    return generate_latest(registry)


class _Told:
    """The figures as the library takes them."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def describe(self) -> list[Any]:
        """Nothing: or the figures would be read once more."""
        return []

    def collect(self) -> Iterator[Any]:
        """Each figure with its values."""
        for figure in FIGURES:
            family = _family(figure)
            for labels, value in self._found[figure.name]:
                if isinstance(value, Times):
                    family.add_metric(labels, _buckets(value), value.total)
                else:
                    family.add_metric(labels, value)
            yield family


def _family(figure: Figure) -> Any:
    from prometheus_client import core  # noqa: PLC0415

    made = {
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
        "histogram": core.HistogramMetricFamily,
    }[figure.kind]
    sentence = figure.sentence.replace("`", "")
    return made(f"{PREFIX}{figure.name}", sentence, labels=figure.labels)


def _buckets(times: Times) -> list[tuple[str, float]]:
    from prometheus_client.utils import floatToGoString  # noqa: PLC0415

    return [(str(floatToGoString(b)), count) for b, count in times.within]  # type: ignore[no-untyped-call]


def documentation() -> str:
    """Every figure as Markdown, for ``docs/metrics.md``."""
    lines = [
        "# Metrics",
        "",
        "`/metrics` tells these to Prometheus; how to open it stands in"
        " [operations.md](operations.md#metrics). They are figures of the installation,"
        " not of a process: each process and each machine on one database tells the"
        " same, so let Prometheus read one address of it, and add nothing up over"
        " instances. This page is generated: `scim-connector metrics --markdown`.",
        "",
        "| name | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for each in FIGURES:
        labels = ", ".join(f"`{label}`" for label in each.labels) or "none"
        name = f"`{PREFIX}{each.name}`"
        lines.append(f"| {name} | {each.kind} | {labels} | {each.sentence} |")
    return "\n".join(lines) + "\n"

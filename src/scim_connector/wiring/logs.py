"""Logs: one JSON object a line on stderr, in UTC, never with a secret.

Nobody is named in them but by an id or a userName: whatever looks like a mail address is
blotted out, for mail servers and databases repeat in their answers what they were told.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import orjson
import structlog

_ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:=]+@[\w.-]+\w", re.ASCII)
BLOT: Final = "(address)"


class _Stderr:
    """Standard error, which may be a file on a full disk.

    What cannot be written then is left out, because no answer may fail for its log.
    """

    def __init__(self) -> None:
        """Write to what is standard error now."""
        self._stream = sys.stderr

    def write(self, text: str) -> None:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Hand over what can be handed over."""
        with suppress(OSError):
            self._stream.flush()


def set_up_logs() -> None:
    """Send structured logs to stderr, and what libraries log in the same form."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            blot_addresses,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast("TextIO", _Stderr()))
    handler.setFormatter(Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def blot_addresses(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blot out whatever looks like a mail address, tracebacks included."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = _ADDRESS.sub(BLOT, value)
    return event


class Lines(logging.Formatter):
    """What the standard library logs, as our own lines are."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one JSON object."""
        event: dict[str, Any] = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(dict(blot_addresses(None, "", event))).decode()


def of_server() -> dict[str, Any]:
    """How the server logs: as everything else, on stderr."""
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
    return {
        "formatters": {"generic": {"()": Lines}, "access": {"()": Lines}},
        "handlers": {
            "console": {**handler, "formatter": "generic"},
            "access": {**handler, "formatter": "access"},
        },
    }


def pass_over_thread_advice() -> None:
    """Leave out the server's advice about threads: most of ours wait (``tokens.turns``)."""
    logger = logging.getLogger("_granian")
    logger.addFilter(lambda record: "Python threads" not in record.getMessage())

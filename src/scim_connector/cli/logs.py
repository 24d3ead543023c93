"""Logs: one JSON object a line on stderr, in UTC, never with a secret."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs() -> None:
    """Send structured logs to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def pass_over_thread_advice() -> None:
    """Leave out the server's advice about threads: most of ours wait (``tokens.turns``)."""
    logger = logging.getLogger("_granian")
    logger.addFilter(lambda record: "Python threads" not in record.getMessage())

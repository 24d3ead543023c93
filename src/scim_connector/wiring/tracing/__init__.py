"""Traces: how long a request, its statements and its messages took (extra ``otel``).

Spans are made by the few lines of this package.  The ready instrumentation of Flask does
not see ``/scim``, which lies in front of Flask, that of SQLAlchemy sees no statement that
runs on the driver itself, and both tell addresses and texts that name people.  Imported
by ``wiring.traces`` alone, and only where traces are sent.
"""

from scim_connector.wiring.tracing.traces import Traces

__all__ = ["Traces"]

"""POST /Bulk: the message, and the answer to each of its operations (RFC 7644 §3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scim_connector.scim import versions
from scim_connector.scim.bulk import LARGEST, read
from scim_connector.scim.types import BULK_RESPONSE
from scim_connector.web import replies

if TYPE_CHECKING:
    from scim_connector.provisioning import Call
    from scim_connector.provisioning.bulk import Bulk, Outcome
    from scim_connector.web.replies import Reply
    from scim_connector.web.visits import Visit


class BulkEndpoint:
    """``/Bulk``."""

    def __init__(self, bulk: Bulk, base_url: str) -> None:
        """Serve *bulk*; locations begin with *base_url*."""
        self._bulk = bulk
        self._base_url = base_url

    def answer(self, visit: Visit) -> Reply:
        """Carry out a bulk request; what it did is 200, whatever was refused in it."""
        if visit.allow("POST") == "OPTIONS":
            return visit.options("POST")
        outcomes = self._bulk.run(self._call(visit))
        told = [self._told(outcome) for outcome in outcomes]
        return replies.json({"schemas": [BULK_RESPONSE], "Operations": told}, visit.id)

    def asked(self, visit: Visit) -> Call:
        """A bulk request, judged as far as it can be before it is carried out."""
        call = self._call(visit)
        read(call.body or {})
        return call

    def _call(self, visit: Visit) -> Call:
        visit.largest = max(visit.largest, LARGEST)
        return visit.call(visit.body())

    def _told(self, outcome: Outcome) -> dict[str, Any]:
        operation = outcome.operation
        told: dict[str, Any] = {"method": operation.method}
        if operation.bulk_id is not None:
            told["bulkId"] = operation.bulk_id
        if outcome.version is not None:
            told["version"] = versions.etag(outcome.version)
        known = outcome.id or operation.target
        if known is not None and ":" not in known:  # a bulkId leads nowhere
            told["location"] = f"{self._base_url}/{operation.endpoint}/{known}"
        told["status"] = str(outcome.status)
        if outcome.error is not None:
            told["response"] = outcome.error
        return told

"""``Prefer: respond-async``: a request is taken, and its result fetched later.

RFC 9967 section 2.5.1.1.  A result has the form of the answer to a bulk request: one
operation for a request of its own, with its status, location, version and body.  Whoever
accepts security event tokens gets that operation as one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import orjson

from scim_connector.directory import async_requests
from scim_connector.provisioning import asynchronous
from scim_connector.provisioning.asynchronous import Kept
from scim_connector.scim.errors import NotFound
from scim_connector.scim.preferences import RESPOND_ASYNC, preferences, wait_of
from scim_connector.scim.types import BULK_RESPONSE
from scim_connector.tokens.signing import SigningKeys
from scim_connector.web import replies
from scim_connector.web.replies import Reply

if TYPE_CHECKING:
    from scim_connector.directory.async_requests import Asked
    from scim_connector.directory.database import Database
    from scim_connector.provisioning import Call
    from scim_connector.scim.types import Json
    from scim_connector.settings import Settings
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.web.visits import Visit

#: Where results are fetched, below the base URL.
PLACE: Final = "Requests"
#: What a result is as a security event, and what such a token is sent as.
EVENT: Final = "urn:ietf:params:scim:event:misc:asyncresp"
TOKEN_TYPE: Final = "application/secevent+jwt"  # noqa: S105 - a media type
#: What was sent and what came of it are encrypted for this.
_SEALED_FOR: Final = "asynchronous requests"
#: Whoever asks for a result that is not there yet is asked to wait so many seconds.
_RETRY_AFTER: Final = 1
#: What every address of a resource goes on behind.
_BELOW: Final = "/scim/v2"
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST_HEADER: Final = 1_024


class Asynchronous:
    """Takes requests and tells their results; built once per process."""

    def __init__(
        self, settings: Settings, database: Database, keys: SecretKeys
    ) -> None:
        """Store them in *database*, encrypted with *keys*."""
        self._base_url = settings.base_url
        self._issuer = settings.address
        self._most = settings.async_waiting
        self._signing = SigningKeys(keys)
        self._database = database
        self._keys = keys

    @property
    def is_on(self) -> bool:
        """Whether any request is taken."""
        return self._most > 0

    def is_asked(self, visit: Visit) -> bool:
        """Whether a change is to be carried out later."""
        header = visit.header("HTTP_PREFER")
        if header is None or not self.is_on or visit.request.method not in _CHANGES:
            return False
        wanted = preferences(header)
        return RESPOND_ASYNC in wanted and not self._is_in_time(visit, wait_of(wanted))

    def _is_in_time(self, visit: Visit, seconds: int) -> bool:
        """Whether the answer is there sooner than a client would wait (RFC 7240 4.3).

        That of one resource is, unless others of the connection come before it.
        """
        if seconds < 1 or visit.request.path.rstrip("/").endswith("/Bulk"):
            return False
        waiting = async_requests.queue(self._database.reader(), visit.connection.id)
        return waiting.count == 0

    def take(self, visit: Visit, call: Call) -> Reply:
        """Promise a request that could be judged no further (202)."""
        kept = _kept(visit, call, self._keys)
        txn = asynchronous.take(self._database, call, kept, most=self._most)
        return replies.empty(
            202,
            visit.id,
            ("Set-Txn", txn),
            ("Preference-Applied", RESPOND_ASYNC),
            ("Location", f"{self._base_url}/{PLACE}/{txn}"),
            ("Content-Length", "0"),
        )

    def result(self, visit: Visit, txn: str) -> Reply:
        """The result of a request of this connection; 202 until there is one."""
        if visit.allow("GET") == "OPTIONS":
            return visit.options("GET")
        reader = self._database.reader()
        asked = async_requests.of_txn(reader, visit.connection.id, txn)
        if asked is None:
            raise _unknown(txn)
        if asked.result is None:
            wait = ("Retry-After", str(_RETRY_AFTER))
            return replies.empty(202, visit.id, wait, ("Content-Length", "0"))
        text = opened(self._keys, asked.result)
        if _accepts_token(visit) and not is_bulk(asked):
            [operation] = orjson.loads(text)["Operations"]
            return self._token(visit, asked, operation)
        return replies.resource(text.decode(), visit.id)

    def _token(self, visit: Visit, asked: Asked, operation: Json) -> Reply:
        """The result as a security event token (RFC 9967 section 2.5.1.3)."""
        location = operation.get("location", f"/{_place(asked)[0]}")
        claims = {
            "iss": self._issuer,
            "aud": visit.connection.name,
            "iat": (asked.done_at or 0) // 1_000_000,
            "jti": str(uuid5(UUID(asked.txn), EVENT)),
            "txn": asked.txn,
            "sub_id": {
                "format": "scim",
                "uri": location.rpartition(_BELOW)[2],
            },
            "events": {EVENT: operation},
        }
        token = self._signing.security_event(claims).encode()
        made = replies.empty(200, visit.id, ("Content-Type", TOKEN_TYPE))
        length = ("Content-Length", str(len(token)))
        return Reply(made.status, [*made.headers, length], token)


def _accepts_token(visit: Visit) -> bool:
    """Whether a client names the media type; what it accepts beside that is no matter."""
    named = (visit.header("HTTP_ACCEPT") or "")[:_LONGEST_HEADER].split(",")
    return TOKEN_TYPE in {each.partition(";")[0].strip().lower() for each in named}


def _unknown(txn: str) -> NotFound:
    return NotFound(
        f"There is no request {txn[:36]} of this connection that was taken to be carried"
        " out later, or its result was kept for a day and is gone."
    )


# --------------------------------------------------------------------------- at rest


def sealed(keys: SecretKeys, plain: bytes) -> str:
    """What nobody shall read in the database."""
    return b64encode(keys.encrypt(plain, _SEALED_FOR)).decode()


def opened(keys: SecretKeys, text: str) -> bytes:
    """What was sealed; raises WrongKey."""
    return keys.decrypt(b64decode(text), _SEALED_FOR)


def _kept(visit: Visit, call: Call, keys: SecretKeys) -> Kept:
    """Everything of a request that carrying it out needs."""
    environ = visit.request.environ
    sent = {
        "query": environ.get("QUERY_STRING", ""),
        "type": environ.get("CONTENT_TYPE", ""),
        "if_match": visit.header("HTTP_IF_MATCH"),
        "key": call.idempotency_key,
        "body": call.body,
    }
    plain = orjson.dumps(sent)
    return Kept(sealed(keys, plain), len(plain))


# --------------------------------------------------------------------------- results


def told(asked: Asked, reply: Reply, base_url: str) -> bytes:
    """The answer to a request in the form in which its result is fetched."""
    if is_bulk(asked) and reply.status == 200:  # noqa: PLR2004 - OK
        return reply.body
    operation = _operation(asked, reply, base_url)
    return orjson.dumps({"schemas": [BULK_RESPONSE], "Operations": [operation]})


def is_bulk(asked: Asked) -> bool:
    """Whether a request has many operations."""
    return _place(asked) == ["Bulk"]


def _place(asked: Asked) -> list[str]:
    """Where a request went, below the version."""
    return [part for part in asked.path.split("/") if part][2:]


def _operation(asked: Asked, reply: Reply, base_url: str) -> Json:
    headers, place = dict(reply.headers), _place(asked)
    location = headers.get("Location")
    if location is None and len(place) == 2:  # noqa: PLR2004 - an endpoint and an id
        location = "/".join((base_url, *place))
    operation: dict[str, Any] = {
        "method": asked.method,
        "location": location,
        "version": headers.get("ETag"),
        "status": str(reply.status),
        "response": orjson.loads(reply.body) if reply.body else None,
    }
    return {name: value for name, value in operation.items() if value is not None}

"""Webhooks: a message in the outbox is posted to its address, signed.

Each message is tried for itself and comes at least once, under the same id.  Whoever did
not answer a moment ago is not waited for again at once, so that the others get theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import orjson

from scim_connector.administration import webhooks as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.delivery.senders import NotSent, TryLater, Undeliverable
from scim_connector.delivery.worker import present
from scim_connector.directory import webhooks
from scim_connector.rules.webhooks import TEST
from scim_connector.scim.rendering import timestamp
from scim_connector.tokens import fetching
from scim_connector.tokens import webhooks as signing
from scim_connector.tokens.fetching import CannotFetch

if TYPE_CHECKING:
    from scim_connector.directory.database import Database
    from scim_connector.directory.outbox import Message
    from scim_connector.directory.webhooks import Webhook
    from scim_connector.tokens.secrets import SecretKeys

_SECOND: Final = 1_000_000
#: So long is somebody who does not answer left alone; less than the first wait.
_ALONE: Final = 30 * _SECOND
_TAKEN: Final = range(200, 300)
_MOVED: Final = range(300, 400)
#: Standard Webhooks: the address is no more, and nobody is to be sent anything there.
_GONE: Final = 410


class Webhooks:
    """Posts messages to webhooks; any number may work on one database."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        clock: Callable[[], int] = present,
    ) -> None:
        """Secrets are opened with *keys*."""
        self._database = database
        self._keys = keys
        self._clock = clock

    def deliver(self, message: Message) -> None:
        """Post one message; raises TryLater, Undeliverable."""
        found = webhooks.by_id(self._database.reader(), message.webhook_id or 0)
        if found is None:
            raise Undeliverable("There is no such webhook any more.")
        try:
            self._post(found, message.message_id, message.payload.encode())
        except CannotFetch as error:
            self._leave_alone(found)
            raise TryLater(_silence(found, error)) from None

    def _leave_alone(self, webhook: Webhook) -> None:
        now = self._clock()
        put_off = partial(webhooks.put_off, webhook_id=webhook.id, now=now)
        self._database.write(partial(put_off, until=now + _ALONE))

    def try_out(self, webhook: Webhook) -> str:
        """Post a test now; raises NotPossible with what was answered."""
        data = {
            "webhook": webhook.name,
            "sentence": "This is a test. Nothing has happened.",
        }
        at = timestamp(self._clock())
        body = orjson.dumps({"type": TEST, "timestamp": at, "data": data})
        try:
            self._post(webhook, str(uuid4()), body)
        except CannotFetch as error:
            message = f"Not taken: {_silence(webhook, error)}"
            raise NotPossible(message) from None
        except NotSent as error:
            raise NotPossible(f"Not taken: {error}") from None
        return f"{webhook.name} took a test message."

    def _post(self, webhook: Webhook, message_id: str, body: bytes) -> None:
        """Sign and post; raises CannotFetch, TryLater, Undeliverable."""
        now = self._clock()
        held = doors.secrets_of(self._keys, webhook, now)
        headers = signing.headers(held, message_id, now // _SECOND, body)
        status = fetching.post_json(webhook.url, body, headers)
        if status in _TAKEN:
            return
        said = f"{webhook.name} answered {status}"
        if status == _GONE:
            message = f"{said}: it wants nothing more at this address"
            raise Undeliverable(f"{message}; name another, or remove the webhook.")
        if status in _MOVED:
            message = f"{said}: it sends elsewhere, and is not followed there"
            raise TryLater(f"{message}; name the address it means.")
        raise TryLater(said)


def _silence(webhook: Webhook, error: CannotFetch) -> str:
    """Why nothing was answered, without the address: its path may let in who has it."""
    why = str(error).removeprefix(f"{webhook.url}: ")
    return f"{webhook.name} does not answer: {why}"

"""Back-channel logout: an application is told that somebody's sessions are over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.delivery.senders import Silent, TryLater, Undeliverable
from scim_connector.delivery.worker import present
from scim_connector.directory import applications, outbox
from scim_connector.tokens import fetching
from scim_connector.tokens.fetching import CannotFetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.database import Database
    from scim_connector.directory.outbox import Message
    from scim_connector.tokens.signing import SigningKeys

#: OpenID Connect Back-Channel Logout 1.0 section 2.8; 204 is what frameworks send.
_DONE: Final = frozenset({200, 204})
_SECOND: Final = 1_000_000
#: So long nothing else is tried at an application that does not answer.
_ALONE: Final = 30 * _SECOND


class LogoutCalls:
    """Calls the logout addresses of applications."""

    def __init__(
        self,
        database: Database,
        signing: SigningKeys,
        *,
        issuer: str,
        clock: Callable[[], int] = present,
    ) -> None:
        """Sign with *signing* in the name of *issuer*."""
        self._database = database
        self._signing = signing
        self._issuer = issuer
        self._clock = clock

    def deliver(self, message: Message) -> None:
        """Tell one application; raises TryLater, Undeliverable."""
        payload = orjson.loads(message.payload)
        name = payload["application"]
        found = applications.by_name(self._database.reader(), name)
        if found is None or found.logout_url is None:
            raise Undeliverable(f"{name} has no logout address any more.")
        token = self._signing.logout_token(
            issuer=self._issuer,
            audience=found.name,
            subject=payload["sub"],
            session_id=payload["sid"],
            token_id=message.message_id,
            now=self._clock() // _SECOND,
        )
        try:
            answer = fetching.post_form(found.logout_url, {"logout_token": token})
        except CannotFetch as error:
            self._leave_alone(name)
            raise Silent(f"{name} does not answer: {error}") from None
        if answer.status not in _DONE:
            said = str((answer.body or {}).get("error", ""))[:100]
            raise TryLater(f"{name} answered {answer.status} {said}".strip())

    def _leave_alone(self, application: str) -> None:
        """Or each of its calls would keep those to others waiting."""
        until = self._clock() + _ALONE
        put_off = partial(outbox.put_off_calls, application=application, until=until)
        self._database.write(put_off)

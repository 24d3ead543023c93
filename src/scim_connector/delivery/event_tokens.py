"""Security event tokens (RFC 8417): what an event of audit becomes for a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from scim_connector.accounts.closing import subject_of
from scim_connector.directory import audit, links
from scim_connector.rules import events as rules
from scim_connector.rules.security_events import (
    BY_ID,
    CAUSES,
    VERIFICATION,
    SecurityEvent,
    caused_by,
)
from scim_connector.scim import differences, rendering, versions
from scim_connector.scim.types import PATCH_OP

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Database
    from scim_connector.directory.receivers import Receiver
    from scim_connector.tokens.signing import SigningKeys

_SECOND: Final = 1_000_000
_BY: Final = {"connection": "system", "gate": "system", "person": "user"}
#: The kind of a test, and its event: nothing happened.
TEST: Final = "verification"
NO_EVENT: Final = 0
#: Where resources are, below our address.
_BASE: Final = "/scim/v2"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a token is known by: the event it tells, its kind, and its id."""

    event_id: int
    kind: str
    jti: str

    def settled(
        self, receiver_id: int, *, at: int, refused: str | None
    ) -> dict[str, Any]:
        """What is remembered of it when it was taken, or *refused* for good."""
        return {
            "receiver_id": receiver_id,
            "event_id": self.event_id,
            "kind": self.kind,
            "jti": self.jti,
            "at": at,
            "refused": refused,
        }


@dataclass(frozen=True, slots=True)
class EventToken:
    """One token that is not signed yet: its mark, and the claims that are its alone."""

    mark: Mark
    claims: dict[str, Any]


class EventTokens:
    """Makes the tokens of receivers, under the same ids each time they are made."""

    def __init__(self, database: Database, signing: SigningKeys, issuer: str) -> None:
        """Sign with *signing* in the name of *issuer*."""
        self._database = database
        self._signing = signing
        self._issuer = issuer

    def of(
        self,
        receiver: Receiver,
        event: AuditEvent,
        *,
        but: AbstractSet[str] = frozenset(),
    ) -> Iterator[EventToken]:
        """What an event causes for a receiver, save the ids of *but*."""
        for kind, mark in self._wanted(receiver, event):
            subject = None if mark.jti in but else self._subject(event, kind)
            if subject is not None:  # else no provider ever knew them
                yield EventToken(mark, self._claims(event, kind, subject))

    def marks(self, receiver: Receiver, event: AuditEvent) -> Iterator[Mark]:
        """What the tokens of an event are known by, if there are any."""
        return (mark for _, mark in self._wanted(receiver, event))

    def test(self, receiver: Receiver, jti: str) -> EventToken:
        """A token that only says that the way is open."""
        state = str(uuid5(NAMESPACE_URL, f"{self._issuer}:{jti}"))
        claims = {
            "sub_id": {"format": "opaque", "id": receiver.audience},
            "events": {VERIFICATION: {"state": state}},
            "txn": jti,
        }
        return EventToken(Mark(NO_EVENT, TEST, jti), claims)

    def signed(self, receiver: Receiver, token: EventToken, now: int) -> str:
        """A token as it is sent."""
        return self._signing.security_event(
            {
                "iss": self._issuer,
                "aud": receiver.audience,
                "iat": now // _SECOND,
                "jti": token.mark.jti,
                **token.claims,
            }
        )

    def _wanted(
        self, receiver: Receiver, event: AuditEvent
    ) -> Iterator[tuple[SecurityEvent, Mark]]:
        if event.name not in CAUSES or event.user_id is None:
            return
        told = caused_by(event.name, orjson.loads(event.facts))
        asked = [kind for kind in told if kind.id in receiver.kinds]
        with_values = {kind.notice for kind in asked}
        for kind in asked:
            if kind.id in with_values:
                continue  # the one with values tells it
            if event.name == "sessions:ended" and audit.is_of_deactivation(
                self._database.reader(), event
            ):
                continue  # the deactivation has told it
            # The same each time this event is sent to this receiver.
            name = f"{self._issuer}:{receiver.id}:{event.id}:{kind.id}"
            yield kind, Mark(event.id, kind.id, str(uuid5(NAMESPACE_URL, name)))

    def _claims(
        self, event: AuditEvent, kind: SecurityEvent, subject: dict[str, Any]
    ) -> dict[str, Any]:
        happened = f"{event.user_id}:{event.at}"
        return {
            "sub_id": subject,
            "events": self._event(event, kind),
            "toe": event.at // _SECOND,
            "txn": event.request_id or str(uuid5(NAMESPACE_URL, happened)),
        }

    def _event(self, event: AuditEvent, kind: SecurityEvent) -> dict[str, Any]:
        """The event by its URI.

        Values are told as they were then or not at all: where the resource has changed
        since, the next event has them, and this one is a notice.
        """
        if not kind.notice:
            return {kind.uri: _payload(event, kind)}
        data = self._values(event, kind)
        if data is None:
            notice = BY_ID[kind.notice]
            return {notice.uri: _payload(event, notice)}
        version = _payload(event, kind)["version"]
        return {kind.uri: {"data": data, "version": version}}

    def _values(self, event: AuditEvent, kind: SecurityEvent) -> dict[str, Any] | None:
        """What the event made of the resource; None where it is not so any more.

        Nobody is erased who is still linked, so nothing of them is told.
        """
        reader, facts = self._database.reader(), orjson.loads(event.facts)
        link = links.of_user_at(reader, event.user_id or 0, event.at)
        if link is None or link.hidden_at or link.version != facts["version"]:
            return None
        resource = rendering.resource_of(link.served, f"{self._issuer}{_BASE}")
        if kind.notice != "patch":
            return resource
        operations = differences.operations(facts["attributes"], resource)
        return {"schemas": [PATCH_OP], "Operations": operations}

    def _subject(self, event: AuditEvent, kind: SecurityEvent) -> dict[str, Any] | None:
        user_id = event.user_id or 0
        if kind.subject == "scim":
            return self._resource(user_id, event.at)
        person = {
            "format": "iss_sub",
            "iss": self._issuer,
            "sub": subject_of(user_id),
        }
        session = orjson.loads(event.facts).get("session")
        if event.name != "session:ended" or session is None:
            return person
        held = {"format": "opaque", "id": session}
        return {"format": "complex", "user": person, "session": held}

    def _resource(self, user_id: int, at: int) -> dict[str, Any] | None:
        """The resource a user was at an instant; None where no provider knew them."""
        link = links.of_user_at(self._database.reader(), user_id, at)
        if link is None:
            return None
        about = {"format": "scim", "uri": f"/Users/{link.id}"}
        return about | ({"externalId": link.external_id} if link.external_id else {})


def _payload(event: AuditEvent, kind: SecurityEvent) -> dict[str, Any]:
    """What an event says beside its name, which is all that most of them need."""
    if kind.names_attributes:
        facts = orjson.loads(event.facts)
        version = versions.etag(facts["version"])
        return {"attributes": facts["attributes"], "version": version}
    if kind.id != "session-revoked":
        return {}
    by = event.actor.partition(":")[0]
    return {
        "event_timestamp": event.at // _SECOND,
        "initiating_entity": _BY.get(by, "admin"),
        "reason_admin": {"en": rules.sentence_of_event(event.name)},
    }

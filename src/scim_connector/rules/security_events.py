"""Which security events (RFC 8417) tell others what audit tells us, as values.

Each is one token of its own: the subject of a SCIM event is the resource a provider
knows (RFC 9967), that of a CAEP or RISC event is the person as applications know them
from signing in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_SCIM: Final = "urn:ietf:params:scim:event:prov"
_OPENID: Final = "https://schemas.openid.net/secevent"
#: Sent to try a receiver; it is about the stream itself (OpenID SSF 1.0 section 8.1.4).
VERIFICATION: Final = f"{_OPENID}/ssf/event-type/verification"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One kind of event: our short name, its URI, what it tells, what it is about.

    *of* are the events of audit that cause it; *subject* is "scim" or "person".  One that
    names attributes is caused only where audit has them; *road* is how they were set.
    One with values too stands in the place of its *notice*.
    """

    id: str
    uri: str
    sentence: str
    of: tuple[str, ...]
    subject: str = "scim"
    names_attributes: bool = False
    road: str = ""
    notice: str = ""

    def is_caused_by(self, name: str, facts: Mapping[str, Any]) -> bool:
        """Whether an event of audit, with its facts, causes this one."""
        if name not in self.of or (self.names_attributes and "attributes" not in facts):
            return False
        return not self.road or facts.get("road") == self.road


EVENTS: Final = (
    SecurityEvent(
        "deactivate",
        f"{_SCIM}:deactivate",
        "A user was made inactive; all access has ended here.",
        ("user:deactivated",),
    ),
    SecurityEvent(
        "activate",
        f"{_SCIM}:activate",
        "A user was made active again.",
        ("user:reactivated",),
    ),
    SecurityEvent(
        "delete",
        f"{_SCIM}:delete",
        "The SCIM resource is gone; the user stays here.",
        ("user:unlinked",),
    ),
    SecurityEvent(
        "create",
        f"{_SCIM}:create:notice",
        "A SCIM resource was created for a user.",
        ("user:linked",),
        names_attributes=True,
    ),
    SecurityEvent(
        "patch",
        f"{_SCIM}:patch:notice",
        "Attributes of a SCIM resource changed, by its provider or here.",
        ("user:resource:changed",),
        names_attributes=True,
        road="patch",
    ),
    SecurityEvent(
        "put",
        f"{_SCIM}:put:notice",
        "A provider stated a SCIM resource anew.",
        ("user:resource:changed",),
        names_attributes=True,
        road="put",
    ),
    SecurityEvent(
        "create-full",
        f"{_SCIM}:create:full",
        "As create, with the resource: personal data leaves this server.",
        ("user:linked",),
        names_attributes=True,
        notice="create",
    ),
    SecurityEvent(
        "patch-full",
        f"{_SCIM}:patch:full",
        "As patch, with the new values: personal data leaves this server.",
        ("user:resource:changed",),
        names_attributes=True,
        road="patch",
        notice="patch",
    ),
    SecurityEvent(
        "put-full",
        f"{_SCIM}:put:full",
        "As put, with the resource: personal data leaves this server.",
        ("user:resource:changed",),
        names_attributes=True,
        road="put",
        notice="put",
    ),
    SecurityEvent(
        "session-revoked",
        f"{_OPENID}/caep/event-type/session-revoked",
        "Sessions of a person were ended, or one of them.",
        ("user:deactivated", "sessions:ended", "session:ended"),
        subject="person",
    ),
    SecurityEvent(
        "account-disabled",
        f"{_OPENID}/risc/event-type/account-disabled",
        "The account of a person was disabled.",
        ("user:deactivated",),
        subject="person",
    ),
)
BY_ID: Final = {each.id: each for each in EVENTS}
#: What audit has to tell for anything to be sent.
CAUSES: Final = frozenset(name for each in EVENTS for name in each.of)
#: Those that the protocol publishes (RFC 9967 section 4).
SCIM_URIS: Final = tuple(each.uri for each in EVENTS if each.subject == "scim")


def caused_by(name: str, facts: Mapping[str, Any]) -> tuple[SecurityEvent, ...]:
    """The security events that an event of audit causes."""
    return tuple(each for each in EVENTS if each.is_caused_by(name, facts))

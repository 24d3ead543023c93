"""Every event audit knows, named ``subject:action``, with its sentence and its facts.

Facts about a person (names, addresses, networks, what they typed) stand beside the chain
and can be erased; which those are is said here, and the page ``docs/events.md`` is made
of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: Stands among the facts of an event that also tells settings or counts by their name.
OTHERS: Final = "*"


@dataclass(frozen=True, slots=True, init=False)
class Told:
    """What an event says: a sentence, its facts, and those that are about a person."""

    sentence: str
    facts: tuple[str, ...]
    personal: frozenset[str]

    def __init__(self, sentence: str, *, facts: str = "", personal: str = "") -> None:
        """Take the facts as words; the personal ones stand for themselves."""
        object.__setattr__(self, "sentence", sentence)
        object.__setattr__(self, "facts", (*personal.split(), *facts.split()))
        object.__setattr__(self, "personal", frozenset(personal.split()))

    def has(self, fact: str) -> bool:
        """Whether the event tells this fact."""
        return fact in self.facts or OTHERS in self.facts


EVENTS: Final[Mapping[str, Told]] = {
    "user:created": Told(
        "A user was created.",
        facts="type api_user active",
        personal="username initials email",
    ),
    "user:linked": Told(
        "An identity of a provider was tied to the user.",
        facts="connection attributes version",
    ),
    "user:adopted": Told(
        "An existing user became managed by a provider.",
        facts="sessions_ended",
        personal="username initials email",
    ),
    "user:unlinked": Told(
        "The identity of a provider no longer stands for the user.", facts="connection"
    ),
    "user:revived": Told(
        "An inactive user was linked and came back, with nothing of their former access.",
        facts="roles_to_approve",
    ),
    "user:restored": Told(
        "A provider sent an inactive user again; the same identity serves."
    ),
    "user:deactivated": Told("The user was made inactive; all access ended."),
    "user:reactivated": Told(
        "The user was made active again; no former access returned."
    ),
    "user:held": Told("A person made the user inactive; a provider cannot undo it."),
    "user:initials:changed": Told(
        "The initials of the user changed.", facts="field", personal="before after"
    ),
    "user:username:changed": Told(
        "The username of the user changed.", facts="field", personal="before after"
    ),
    "user:name:kept": Told(
        "Former initials or a former username are kept for the user.",
        facts="field until",
        personal="value",
    ),
    "user:email:changed": Told(
        "The email address of the user changed.", facts="field", personal="before after"
    ),
    "user:name:changed": Told(
        "The first or last name of the user changed.",
        facts="field",
        personal="before after",
    ),
    "user:erased": Told(
        "What told of the user as a person was erased; the id and the dates stay.",
        facts="values elsewhere",
    ),
    "user:values:restored": Told(
        "Values of the user were put back to what they were before some changes.",
        facts="undoes fields",
    ),
    "user:resource:changed": Told(
        "What the provider reads of the user changed.",
        facts="attributes version road",
    ),
    "user:profile:changed": Told(
        "The profile of the user changed.", facts="field before after"
    ),
    "user:override:set": Told(
        "A person changed a field that a provider manages.", facts="fields"
    ),
    "user:role:granted": Told("The user was given a role.", facts="role"),
    "user:role:revoked": Told("A role was taken from the user.", facts="role"),
    "sessions:ended": Told(
        "Sessions of the user were ended, in every application.",
        facts="count applications",
    ),
    "resets:voided": Told(
        "Password links that had been mailed to the user were voided.", facts="count"
    ),
    "api_tokens:revoked": Told("Tokens of the API user were revoked.", facts="count"),
    "api_keys:revoked": Told("Keys of the API user were revoked.", facts="count"),
    "api_key:created": Told(
        "A key of the API user was created.", facts="key name expires"
    ),
    "api_key:revoked": Told(
        "A key of the API user was revoked, with its tokens.", facts="key name"
    ),
    "api_token:issued": Told(
        "A key of the API user was exchanged for a token.", facts="token key"
    ),
    "api_token:refused": Told(
        "A key or a token of an API user was refused.", facts="key name reason"
    ),
    "api_token:ended": Told(
        "A token of the API user was given back and ended.", facts="token"
    ),
    "session:opened": Told(
        "The user signed in at an application.",
        facts="session application road second_factor",
        personal="network",
    ),
    "session:ended": Told(
        "A session of the user was ended.", facts="session application"
    ),
    "sign_in:refused": Told(
        "Somebody was refused to sign in as the user.",
        facts="road application connection reason",
        personal="why hint network",
    ),
    "sign_in:bound": Told(
        "The user's identity at the provider was bound to them.",
        facts="issuer",
        personal="subject",
    ),
    "password:changed": Told("The user chose a password."),
    "password:expired": Told("The user has to choose another password."),
    "link:minted": Told(
        "A link was made for a mail to the user.", facts="reason until"
    ),
    "link:used": Told("The user opened a mailed link and used it."),
    "link:requested": Told(
        "Another link was asked for, to the address on record.",
        facts="why",
        personal="network",
    ),
    "mail:resent": Told("A mail to the user was queued again.", facts="mail topic"),
    "mail:dropped": Told(
        "A mail to the user was dropped by a person.", facts="mail topic"
    ),
    "mail:released": Told("A person let the mails go that were held.", facts="mails"),
    "mail:held-dropped": Told(
        "A person dropped the mails that were held.", facts="mails"
    ),
    "email:confirmed": Told("The user confirmed their new address."),
    "factor:added": Told("The user set up a second factor."),
    "factor:removed": Told("The second factor of the user was removed."),
    "factor:codes": Told("The user was given new recovery codes."),
    "user:recovered": Told(
        "A one-time link resets password and second factor of the user.", facts="until"
    ),
    "application:added": Told(
        "An application was registered.",
        facts="application kind address redirects logout_url",
    ),
    "application:changed": Told(
        "The addresses of an application changed.",
        facts="application address redirects logout_url connection client_id",
    ),
    "application:retired": Told(
        "An application was retired; its sessions ended.", facts="application sessions"
    ),
    "application:secret": Told(
        "A secret of an application was created or revoked.",
        facts="application created revoked",
    ),
    "sign_in:configured": Told(
        "The sign-in through a connection was set up.",
        facts="issuer client_id claim equals tried",
    ),
    "sign_in:enabled": Told(
        "The sign-in through a connection was switched on.", facts="people strange"
    ),
    "sign_in:disabled": Told("The sign-in through a connection was switched off."),
    "api_app:user_removed": Told(
        "The user was taken out of the configuration of the API App."
    ),
    "api_app:installed": Told("The API App was installed."),
    "api_app:uninstalled": Told("The API App was taken away; no key opens anything."),
    "api_app:configured": Told(
        "The API App was given the user that performs its actions.", personal="user"
    ),
    "group:created": Told("A provider created a group.", facts="group name"),
    "group:changed": Told(
        "A provider renamed a group, or changed its members.",
        facts="group name was members_changed",
    ),
    "group:removed": Told(
        "A provider removed a group; what it gave went with it.", facts="group name"
    ),
    "group:tied": Told(
        "A group was tied to a role, which its members hold from then on.",
        facts="group name role by",
    ),
    "group:untied": Told(
        "A tie of a group to a role was taken away.", facts="group name role by"
    ),
    "role:added": Told("A role was added.", facts="name permissions"),
    "role:changed": Told(
        "A role was given another name or other permissions.",
        facts="name before permissions",
    ),
    "role:removed": Told("A role that nobody held was removed.", facts="name"),
    "profile:added": Told("A profile was added.", facts="name"),
    "profile:removed": Told("A profile that nobody had was removed.", facts="name"),
    "setup:done": Told(
        "The first administrator was made by the setup link.", personal="username"
    ),
    "connection:added": Told("A connection was added.", facts="connection kind *"),
    "connection:changed": Told("The settings of a connection changed.", facts="*"),
    "connection:paused": Told("A connection was paused."),
    "connection:resumed": Told("A paused connection was resumed."),
    "connection:went_live": Told(
        "A rehearsal ended: what the connection had been sent was carried out.",
        facts="connection *",
    ),
    "connection:retired": Told(
        "A connection was retired; its credentials died.", facts="deactivated"
    ),
    "token:created": Told(
        "A token or a client secret was created.", facts="token kind expires"
    ),
    "token:revoked": Told(
        "A token or a client secret was revoked, with what came of it.", facts="token"
    ),
    "token:extended": Told(
        "The expiry of a bearer token was moved.", facts="token expires"
    ),
    "trust:added": Told(
        "Signed assertions of an issuer open a connection from then on.",
        facts="trust issuer subject",
    ),
    "trust:removed": Told(
        "Assertions of an issuer open a connection no more.", facts="trust issuer"
    ),
    "access_token:issued": Told(
        "A secret or an assertion was exchanged for an access token.", facts="token for"
    ),
    "guard:changed": Told(
        "A threshold of the guard against mass changes was set.", facts="kind *"
    ),
    "mass_change:seen": Told(
        "A provider changed more people than the guard of its connection expects.",
        facts="kind most hours held",
    ),
    "mass_change:approved": Told(
        "A person let a mass change of a connection pass.", facts="kind until held"
    ),
    "mapping:applied": Told(
        "A mapping was applied as a new version.", facts="connection number changed"
    ),
    "conflict:decided": Told(
        "A person decided an entry of the conflict queue.",
        facts="conflict kind decision",
        personal="identity done",
    ),
    "undo:done": Told(
        "The changes of a batch were undone, as far as they could be.",
        facts="people restored as_it_was not_restored",
        personal="batch",
    ),
    "receiver:added": Told(
        "Somebody is sent security events from then on.",
        facts="name url audience kinds polls",
    ),
    "receiver:changed": Told(
        "What a receiver of security events is sent, or where, changed.",
        facts="name *",
    ),
    "receiver:removed": Told(
        "A receiver is sent security events no more.", facts="name url"
    ),
    "receiver:replayed": Told(
        "A receiver is sent events again that it was sent before.",
        facts="name from_event",
    ),
    "receiver:token": Told(
        "A receiver that polls was given another token; the former one opens nothing.",
        facts="name token",
    ),
    "receiver:tested": Told(
        "A test event was left for a receiver that polls.", facts="name"
    ),
    "review:decided": Told(
        "Somebody reviewed an access, and confirmed or revoked it.",
        facts="item decision sheet",
        personal="reviewer comment",
    ),
    "alert:changed": Told("How an alert is told was changed.", facts="alert *"),
    "webhook:added": Told(
        "An address is sent signed webhooks from then on.", facts="name url kinds"
    ),
    "webhook:changed": Told(
        "What a webhook is told, or where, changed; another address got another secret.",
        facts="name *",
    ),
    "webhook:secret": Told(
        "A webhook got another secret; the former one signs too for some hours.",
        facts="name former_hours",
    ),
    "webhook:resent": Told(
        "A webhook is sent a message again, or all that were not delivered.",
        facts="name message messages",
    ),
    "webhook:removed": Told("A webhook is told nothing more.", facts="name url"),
    "alert:tested": Told("A person sent a test of an alert.", facts="alert mails"),
    "database:backup": Told("A backup of everything was begun.", facts="file with_key"),
    "database:restored": Told(
        "A backup was put back; what came after it is not in here.", facts="made_at"
    ),
    "database:copied": Told(
        "Everything was copied here from another database.", facts="from"
    ),
    "audit:pruned": Told(
        "Old events were deleted, whole seals of them; the hash goes on from there.",
        facts="upto events hash",
    ),
    "key:rotated": Told("The secret key was rotated."),
    "last_administrator:protected": Told(
        "The last active Administrator was to be deactivated or to lose the role."
    ),
}


def sentence_of_event(name: str) -> str:
    """The sentence of an event; its name, when an older program wrote it."""
    told = EVENTS.get(name)
    return name if told is None else told.sentence


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with its facts; never a secret among them."""

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name, or a fact of it, that is not in the table."""
        told = EVENTS.get(self.name)
        if told is None:
            message = f"no event is named {self.name}"
            raise ValueError(message)
        unknown = [fact for fact in self.facts if not told.has(fact)]
        if unknown:
            message = f"{self.name} tells no {', '.join(unknown)}"
            raise ValueError(message)

    @property
    def lasting(self) -> dict[str, Any]:
        """The facts that stand in the chain for ever."""
        return {n: v for n, v in self.facts.items() if n not in self._personal}

    @property
    def personal(self) -> dict[str, Any]:
        """The facts about a person, which stand beside the chain."""
        return {n: v for n, v in self.facts.items() if n in self._personal}

    @property
    def _personal(self) -> frozenset[str]:
        return EVENTS[self.name].personal

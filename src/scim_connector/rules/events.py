"""Every event audit knows, named ``subject:action``, each with one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

EVENTS: Final[Mapping[str, str]] = {
    "user:created": "A user was created.",
    "user:linked": "An identity of a provider was tied to the user.",
    "user:adopted": "An existing user became managed by a provider.",
    "user:unlinked": "The identity of a provider no longer stands for the user.",
    "user:revived": "A removed user came back, with nothing of their former access.",
    "user:restored": "A provider sent an inactive user again; the same identity serves.",
    "user:deactivated": "The user was made inactive; all access ended.",
    "user:reactivated": "The user was made active again; no former access returned.",
    "user:held": "A person made the user inactive; a provider cannot undo it.",
    "user:initials:changed": "The initials of the user changed.",
    "user:username:changed": "The username of the user changed.",
    "user:name:kept": "Former initials or a former username are kept for the user.",
    "user:email:changed": "The email address of the user changed.",
    "user:name:changed": "The first or last name of the user changed.",
    "user:profile:changed": "The profile of the user changed.",
    "user:override:set": "A person changed a field that a provider manages.",
    "user:role:granted": "The user was given a role.",
    "user:role:revoked": "A role was taken from the user.",
    "sessions:ended": "Sessions of the user were ended, in every application.",
    "resets:voided": "Password links that had been mailed to the user were voided.",
    "api_tokens:revoked": "Tokens of the API user were revoked.",
    "api_keys:revoked": "Keys of the API user were revoked.",
    "api_key:created": "A key of the API user was created.",
    "api_key:revoked": "A key of the API user was revoked, with its tokens.",
    "api_token:issued": "A key of the API user was exchanged for a token.",
    "api_token:refused": "A key or a token of an API user was refused.",
    "api_token:ended": "A token of the API user was given back and ended.",
    "session:opened": "The user signed in at an application.",
    "session:ended": "A session of the user was ended.",
    "sign_in:refused": "Somebody was refused to sign in as the user.",
    "sign_in:bound": "The user's identity at the provider was bound to them.",
    "password:changed": "The user chose a password.",
    "password:expired": "The user has to choose another password.",
    "link:minted": "A link was made for a mail to the user.",
    "link:used": "The user opened a mailed link and used it.",
    "link:refused": "A mailed link that no longer works was used.",
    "link:requested": "Another link was asked for, to the address on record.",
    "mail:resent": "A mail to the user was queued again.",
    "mail:dropped": "A mail to the user was dropped by a person.",
    "mail:released": "A person let the mails go that were held.",
    "mail:held-dropped": "A person dropped the mails that were held.",
    "email:confirmed": "The user confirmed their new address.",
    "factor:added": "The user set up a second factor.",
    "factor:removed": "The second factor of the user was removed.",
    "factor:codes": "The user was given new recovery codes.",
    "user:recovered": "A one-time link resets password and second factor of the user.",
    "application:added": "An application was registered.",
    "application:changed": "The addresses of an application changed.",
    "application:retired": "An application was retired; its sessions ended.",
    "application:secret": "A secret of an application was created or revoked.",
    "sign_in:configured": "The sign-in through a connection was set up.",
    "sign_in:enabled": "The sign-in through a connection was switched on.",
    "sign_in:disabled": "The sign-in through a connection was switched off.",
    "api_app:user_removed": "The user was taken out of the configuration of the API App.",
    "api_app:installed": "The API App was installed.",
    "api_app:uninstalled": "The API App was taken away; no key opens anything.",
    "api_app:configured": "The API App was given the user that performs its actions.",
    "group:created": "A provider created a group.",
    "group:changed": "A provider renamed a group, or changed its members.",
    "group:removed": "A provider removed a group; what it gave went with it.",
    "group:tied": "A group was tied to a role, which its members hold from then on.",
    "group:untied": "A tie of a group to a role was taken away.",
    "role:added": "A role was added.",
    "role:changed": "A role was given another name or other permissions.",
    "role:removed": "A role that nobody held was removed.",
    "profile:added": "A profile was added.",
    "profile:removed": "A profile that nobody had was removed.",
    "setup:done": "The first administrator was made by the setup link.",
    "connection:added": "A connection was added.",
    "connection:changed": "The settings of a connection changed.",
    "connection:paused": "A connection was paused.",
    "connection:resumed": "A paused connection was resumed.",
    "connection:retired": "A connection was retired; its credentials died.",
    "token:created": "A token or a client secret was created.",
    "token:revoked": "A token or a client secret was revoked, with what came of it.",
    "token:extended": "The expiry of a bearer token was moved.",
    "trust:added": "Signed assertions of an issuer open a connection from then on.",
    "trust:removed": "Assertions of an issuer open a connection no more.",
    "access_token:issued": "A secret or an assertion was exchanged for an access token.",
    "mapping:applied": "A mapping was applied as a new version.",
    "import:applied": "A list of users was imported.",
    "conflict:decided": "A person decided an entry of the conflict queue.",
    "key:rotated": "The secret key was rotated.",
    "last_administrator:protected": (
        "The last active Administrator was to be deactivated or to lose the role."
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with its facts; never a secret among them."""

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that is not in the table."""
        if self.name not in EVENTS:
            message = f"no event is named {self.name}"
            raise ValueError(message)

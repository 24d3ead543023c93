"""From a message in the outbox to a mail that is sent (decision 34).

A link is minted when its mail is built, so that its hour begins then and the outbox
holds nothing that opens anything.  What has lost its sense in the meantime, because the
person was deactivated or had a later mail, is given up with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.administration.alert_judges import MAIL as ALERT_MAIL
from scim_connector.delivery.letters import Addressee, Alert, Letters, Written
from scim_connector.delivery.mails import Mail, to_message
from scim_connector.delivery.senders import Needless, Undeliverable
from scim_connector.delivery.worker import present
from scim_connector.directory import applications, connections, links, users
from scim_connector.login.links import (
    CHANGED_MAIL,
    CONFIRM_MAIL,
    RESET_MAIL,
    MailedLinks,
)

if TYPE_CHECKING:
    from scim_connector.delivery.senders import Sender
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.outbox import Message
    from scim_connector.directory.users import User
    from scim_connector.login.links import Minted
    from scim_connector.settings import Settings

WELCOME_MAIL = "mail:welcome"


@dataclass(frozen=True, slots=True)
class _Letter:
    to: str
    written: Written


class Postbox:
    """Builds and sends the mails of one installation."""

    def __init__(
        self,
        database: Database,
        minting: MailedLinks,
        letters: Letters,
        sender: Sender,
        settings: Settings,
        clock: Callable[[], int] = present,
    ) -> None:
        """Links are *minting*'s, below the address of *settings*."""
        self._database = database
        self._minting = minting
        self._letters = letters
        self._sender = sender
        self._address = settings.address
        self._from = settings.sender
        self._name = settings.organisation
        self._clock = clock

    def deliver(self, message: Message) -> None:
        """Build and send one mail; raises Needless, Undeliverable, TryLater."""
        letter = self._database.write(lambda tx: self._letter(tx, message))
        mail = Mail(
            to=letter.to,
            subject=letter.written.subject,
            text=letter.written.text,
            html=letter.written.html,
            message_id=message.message_id,
            sent_at=self._clock(),
        )
        try:
            made = to_message(mail, self._from, name=self._name)
        except ValueError as error:
            message_ = f"No mail can be written to this address: {error}"
            raise Undeliverable(message_) from None
        self._sender.send(made)

    def _letter(self, tx: Transaction, message: Message) -> _Letter:
        user = None if message.user_id is None else users.by_id(tx, message.user_id)
        if user is None:
            raise Undeliverable("There is no such user.")
        payload = orjson.loads(message.payload)
        match message.topic:
            case topic if topic in {WELCOME_MAIL, RESET_MAIL}:
                return self._with_link(tx, user, message, payload)
            case topic if topic == CONFIRM_MAIL:
                return self._confirming(tx, user, message, payload["to"])
            case "mail:email-changed":
                old = payload["to"]
                written = self._letters.email_changed(_addressee(user), old)
                return _Letter(old, written)
            case "mail:managed-now":
                name = _manager(tx, user)
                written = self._letters.managed_now(_addressee(user), name)
                return _Letter(user.email, written)
            case topic if topic == ALERT_MAIL:
                return self._alert(user, message, payload)
            case topic if topic == CHANGED_MAIL:
                written = self._letters.password_changed(_addressee(user))
                return _Letter(user.email, written)
        raise Undeliverable(f"Nothing here writes {message.topic}.")

    def _alert(self, user: User, message: Message, payload: dict[str, Any]) -> _Letter:
        if not user.active:
            raise Needless("The user is inactive now.")
        told = Alert(**payload, at=message.created_at)
        return _Letter(user.email, self._letters.alert(_addressee(user), told))

    def _with_link(
        self, tx: Transaction, user: User, message: Message, payload: dict[str, str]
    ) -> _Letter:
        _refuse_no_person(user)
        is_first = message.topic == WELCOME_MAIL
        reason = "created" if is_first else payload.get("why", "asked")
        minted = self._minting.mint(
            tx, user, message.message_id, reason, now=self._clock()
        )
        link, until = self._link("password", minted)
        write = self._letters.welcome if is_first else self._letters.reset
        written = write(_addressee(user), link, until, _addresses(tx))
        return _Letter(user.email, written)

    def _confirming(
        self, tx: Transaction, user: User, message: Message, address: str
    ) -> _Letter:
        _refuse_no_person(user)
        minted = self._minting.mint(
            tx,
            user,
            message.message_id,
            "email",
            now=self._clock(),
            new_email=address,
        )
        link, until = self._link("email", minted)
        person = _addressee(user, address)
        return _Letter(address, self._letters.confirm_email(person, link, until))

    def _link(self, page: str, minted: Minted | None) -> tuple[str, int]:
        if minted is None:
            raise Needless("Its link was used, or a later mail replaced it.")
        return f"{self._address}/{page}/{minted.token}", minted.until


def _refuse_no_person(user: User) -> None:
    if user.is_api_user:
        raise Undeliverable("API users are mailed no link (R15).")
    if not user.active:
        raise Needless("The user is inactive now; a link would open nothing.")


def _addressee(user: User, address: str | None = None) -> Addressee:
    name = f"{user.first_name} {user.last_name}".strip()
    return Addressee(name, user.username, address or user.email)


def _addresses(tx: Transaction) -> list[tuple[str, str]]:
    return [(a.name, a.address) for a in applications.every(tx) if a.address]


def _manager(tx: Transaction, user: User) -> str | None:
    link = links.of_user(tx, user.id)
    return None if link is None else connections.required(tx, link.connection_id).name

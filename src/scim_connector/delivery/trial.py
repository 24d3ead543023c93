"""A test mail: by the same sender, with the same settings, as the mails to people."""

from __future__ import annotations

from html import escape
from time import time_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from scim_connector.administration.errors import NotPossible
from scim_connector.delivery.mails import Mail, to_message
from scim_connector.delivery.senders import NotSent, sender_of
from scim_connector.settings import BadSettings

if TYPE_CHECKING:
    from scim_connector.settings import Settings


class Trial:
    """Tries how mail leaves an installation."""

    def __init__(self, settings: Settings) -> None:
        """Send as *settings* say."""
        self._settings = settings

    def describe(self) -> str:
        """One sentence that says where mails go, or why they cannot."""
        try:
            return sender_of(self._settings).describe()
        except BadSettings as error:
            return str(error)

    def send(self, address: str) -> str:
        """Send one mail now; returns where it went, raises NotPossible with why not."""
        settings = self._settings
        try:
            sender = sender_of(settings)
            message = to_message(
                self._mail(address), settings.sender, name=settings.organisation
            )
            sender.send(message)
        except (BadSettings, NotSent, ValueError) as error:
            raise NotPossible(str(error)) from None
        return f"Sent to {address}. {sender.describe()}"

    def _mail(self, address: str) -> Mail:
        name = self._settings.organisation
        text = f"Mail from {name} arrives. Nobody has to do anything."
        return Mail(
            to=address,
            subject=f"Test of the mail settings of {name}",
            text=f"{text}\n",
            html=f"<p>{escape(text)}</p>",
            message_id=str(uuid4()),
            sent_at=time_ns() // 1000,
        )

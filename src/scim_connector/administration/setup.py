"""The setup link: whoever holds it makes the first administrator, once.

There is no default password.  ``serve`` prints a link while there is no Administrator
who could sign in; a later one replaces the one before, and none works afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.accounts import Account
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import assignments, audit, installation, roles, users
from scim_connector.rules import folding
from scim_connector.rules.events import Event
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim_connector.accounts import Act
    from scim_connector.administration.users import NewUser
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.users import User

#: The fact that holds the hash of the link; empty once it was used.
LINK: Final = "setup_link"
_DEAD: Final = (
    "This setup link does not work. Start the server again where no administrator"
    " exists yet: it prints a new one."
)


def is_needed(reader: Reader) -> bool:
    """Whether nobody holds the Administrator role who could sign in."""
    return not assignments.has_administrator(reader)


def mint(tx: Transaction, pepper: bytes) -> opaque.Token:
    """A new link; the one before stops working."""
    token = opaque.mint()
    installation.write(tx, LINK, opaque.hashed(token, pepper))
    return token


def refuse_dead(reader: Reader, text: str, peppers: Iterable[bytes]) -> None:
    """Raise NotPossible unless *text* is the link that was printed last."""
    token = opaque.parse(text)
    stored = installation.read(reader, LINK) or ""
    if token is None or not stored or not is_needed(reader):
        raise NotPossible(_DEAD)
    if not any([opaque.opens(token, stored, pepper) for pepper in peppers]):
        raise NotPossible(_DEAD)


def first_administrator(
    tx: Transaction,
    text: str,
    new: NewUser,
    hashed: str,
    act: Act,
    *,
    peppers: Iterable[bytes],
) -> User:
    """Make the first administrator with a password; raises NotPossible, RulesViolated.

    *hashed* is the hash of the password they chose.  Somebody of this address who is
    here already, an imported person, becomes the administrator and is not made twice.
    """
    refuse_dead(tx, text, peppers)
    known = users.by_email_key(tx, folding.email_key(new.email))
    user = doors.add(tx, new, act) if known is None else _fit(known)
    account = Account.open(tx, user.id, act)
    held = account.roles_from("console")
    account.assign(held | roles.administrator_ids(tx), source="console")
    account.choose_password(hashed)
    account.save()
    installation.write(tx, LINK, "")
    event = Event("setup:done", {"username": user.username})
    audit.record(tx, [event], at=act.now, actor=act.actor, user_id=user.id)
    return account.user


def _fit(known: User) -> User:
    if known.is_api_user or not known.active:
        message = f"{known.email} belongs to an API user or to somebody inactive"
        raise NotPossible(f"{message}; give another address.")
    return known

"""Mailed links: minted when the mail is built, opened, used once (R15, R16, R17).

The secret of a link is made from the id of its message and the secret key, so the same
message, sent again after a crash, holds the same link; only its hash is stored.  Nobody
is stranded by the hour: the page of a dead link sends a new one, to the address on
record only, and says the same to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from scim_connector.accounts import Account, Act
from scim_connector.directory import (
    audit,
    connections,
    links,
    outbox,
    resets,
    sign_in_failures,
    users,
)
from scim_connector.directory.resets import Reset
from scim_connector.login import throttle
from scim_connector.login.gate import Door, NotAdmitted, admit, standing_of
from scim_connector.login.second_factor import remove
from scim_connector.rules import folding
from scim_connector.rules.access import HOUR, R16, Refusal, ResetLink, reset_refusal
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User
    from scim_connector.tokens.secrets import SecretKeys

#: A mail that somebody asked for is of no use a day later.
BEST_BEFORE: Final = 24 * HOUR
#: Why a link that was printed on the machine was made.
RECOVERY: Final = "recover"
RESET_MAIL: Final = "mail:reset"
CONFIRM_MAIL: Final = "mail:confirm-email"
CHANGED_MAIL: Final = "mail:password-changed"
#: Mails that a stranger can cause, for one account and from one network.
MOST_FOR_ACCOUNT: Final = 3
MOST_FROM_NETWORK: Final = 30
_PURPOSE: Final = "mailed links"

#: By the kind of a request: by what it is counted, and how many are allowed in an hour.
_Limits = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Minted:
    """A link as it stands in a mail; *until* in microseconds UTC."""

    token: opaque.Token
    until: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A link somebody holds: whose it is, what for, and why it no longer works.

    *user* is None where the link is unknown; *refusal* is then a refusal as well.
    """

    reset: Reset | None
    user: User | None
    refusal: Refusal | None


_UNKNOWN: Final = Refusal(R16, "link_unknown", "This link is not known, or was voided.")
_OTHER_USE: Final = Refusal(
    R16, "link_other", "The link was mailed for something else."
)


class MailedLinks:
    """Mints, opens and uses mailed links; built once per process."""

    def __init__(self, database: Database, keys: SecretKeys) -> None:
        """Keep their hashes in *database*, made with *keys*."""
        self._database = database
        self._keys = keys
        self._peppers = keys.peppers()

    # -------------------------------------------------------------------- minting

    def mint(
        self,
        tx: Transaction,
        user: User,
        message_id: str,
        reason: str,
        *,
        now: int,
        new_email: str | None = None,
    ) -> Minted | None:
        """The link of a message, good for an hour from now; earlier links die.

        None when the link of this very message was used or replaced already: then the
        mail is not sent again.  *new_email* is what opening it will confirm.
        """
        token = opaque.derived(self._keys.sub_key(_PURPOSE), message_id)
        until = now + HOUR
        held = resets.by_id(tx, token.id)
        if held is not None:
            again = resets.issue_again(tx, token.id, now=now, until=until)
            return Minted(token, until) if again else None
        resets.supersede(tx, user.id, now=now)
        made = Reset(
            id=token.id,
            user_id=user.id,
            hash=opaque.hashed(token, self._peppers[0]),
            reason=reason,
            new_email=new_email,
            issued_at=now,
            expires_at=until,
            used_at=None,
            revoked_at=None,
        )
        resets.add(tx, made)
        facts = {"reason": reason, "until": until}
        _tell(tx, Event("link:minted", facts), user.id, "mail", now)
        return Minted(token, until)

    def recover(self, tx: Transaction, user: User, act: Act) -> Minted:
        """A link that resets password and second factor, for a person at the machine."""
        minted = self.mint(tx, user, str(uuid4()), RECOVERY, now=act.now)
        assert minted is not None  # noqa: S101 - no message has this id
        audit.record(
            tx,
            [Event("user:recovered", {"until": minted.until})],
            at=act.now,
            actor=act.actor,
            user_id=user.id,
        )
        return minted

    # -------------------------------------------------------------------- opening

    def open(self, text: str, now: int, reader: Reader | None = None) -> Opened:
        """Look at a link without using it up; changes nothing."""
        reader = reader or self._database.reader()
        token = opaque.parse(text)
        reset = None if token is None else resets.by_id(reader, token.id)
        if token is None or reset is None or not self._fits(token, reset):
            return Opened(None, None, _UNKNOWN)
        user = users.required(reader, reset.user_id)
        link = ResetLink(reset.expires_at, reset.used_at, reset.revoked_at)
        refusal = reset_refusal(link, standing_of(reader, user), now=now)
        return Opened(reset, user, refusal)

    def _fits(self, token: opaque.Token, reset: Reset) -> bool:
        fits = [opaque.opens(token, reset.hash, p) for p in self._peppers]
        return any(fits)

    # ---------------------------------------------------------------------- using

    def choose_password(self, text: str, hashed: str, door: Door) -> User:
        """Use a link up and set the password; raises NotAdmitted with the reason.

        Of two that use one link at once, one is refused.
        """

        def work(tx: Transaction) -> User:
            user, reset = self._usable(tx, text, door, for_email=False)
            if reset.reason == RECOVERY:
                remove(tx, user, Actor.gate("recovery"), door.now)
            account = Account.open(tx, user.id, _act(user, door))
            account.choose_password(hashed)
            account.note("link:used")
            account.save()
            tell_changed(tx, user, door.now)
            return account.user

        return self._database.write(work)

    def confirm_email(self, text: str, door: Door) -> User:
        """Use a link up and take the address it was mailed to; raises NotAdmitted.

        RulesViolated when somebody else has taken the address in the meantime.
        """

        def work(tx: Transaction) -> User:
            user, reset = self._usable(tx, text, door, for_email=True)
            account = Account.open(tx, user.id, _act(user, door))
            account.change_own_email(reset.new_email or "")
            account.note("email:confirmed")
            account.save()
            return account.user

        return self._database.write(work)

    def _usable(
        self, tx: Transaction, text: str, door: Door, *, for_email: bool
    ) -> tuple[User, Reset]:
        """Use a link up for what it was mailed for, and for nothing else."""
        opened = self.open(text, door.now, tx)
        user_id = None if opened.user is None else opened.user.id
        reset = opened.reset
        if opened.refusal is not None or reset is None:
            raise NotAdmitted(opened.refusal or _UNKNOWN, user_id)
        if reset.confirms_email != for_email:
            raise NotAdmitted(_OTHER_USE, user_id)
        user = admit(tx, user_id)
        if not resets.use(tx, reset.id, now=door.now):
            used = Refusal(R16, "link_used", "The link has been used.")
            raise NotAdmitted(used, user_id)
        return user, reset

    # ---------------------------------------------------------------- a new link

    def send_again(self, text: str, door: Door) -> None:
        """Mail a new link in place of a dead one; the same silence for everybody.

        Whoever holds a link was mailed it, so a whole office may ask at once.
        """
        user = self.open(text, door.now).user
        self._request(user, door, "again", {})

    def forgot(self, name: str, door: Door) -> None:
        """Mail a link to whoever has this username or address; silence otherwise."""
        network = throttle.network_of(door.network)
        limits = {"mail-from": (network, MOST_FROM_NETWORK)}
        user = find(self._database.reader(), name)
        self._request(user, door, "forgotten", limits)

    def _request(
        self, user: User | None, door: Door, why: str, limits: _Limits
    ) -> None:
        """Count every request, and queue a mail for a person who may have one."""
        if user is not None:
            limits = {**limits, "mail-to": (str(user.id), MOST_FOR_ACCOUNT)}

        def work(tx: Transaction) -> None:
            is_full = _count(tx, limits, door.now) > 0
            if user is not None and not is_full and gets_links(tx, user):
                queue_reset(tx, user, why, now=door.now)
                facts = {"why": why, "network": door.network}
                _tell(tx, Event("link:requested", facts), user.id, "link", door.now)

        self._database.write(work)


def _count(tx: Transaction, limits: _Limits, now: int) -> int:
    """Count a request; the seconds until one is allowed again, 0 for this one."""
    left = 0
    for kind, (key, most) in limits.items():
        since, count = sign_in_failures.counted(tx, kind, key)
        if now - since < HOUR and count >= most:
            left = max(left, (since + HOUR - now) // 1_000_000 + 1)
    keys = [(kind, key, HOUR) for kind, (key, _) in limits.items()]
    sign_in_failures.count(tx, keys, now=now)
    return left


def find(reader: Reader, name: str) -> User | None:
    """The user of a username or an email address, as somebody types one."""
    typed = name.strip()
    if "\0" in typed:  # nobody is called so, and PostgreSQL takes no such text
        return None
    return users.by_username_key(
        reader, folding.username_key(typed)
    ) or users.by_email_key(reader, folding.email_key(typed))


def gets_links(reader: Reader, user: User) -> bool:
    """Whether a person is mailed password links at all.

    API users and inactive users are not, nor are those of a connection whose people
    sign in at their provider (``--no-password-mail``), unless they have a password.
    """
    if user.is_api_user or not user.active:
        return False
    link = links.of_user(reader, user.id)
    if link is None or user.password_hash is not None:
        return True
    return connections.required(reader, link.connection_id).password_mail


def newcomers(reader: Reader) -> list[User]:
    """The people who have never signed in and are mailed links, by username."""
    return [u for u in users.never_signed_in(reader) if gets_links(reader, u)]


def queue_reset(tx: Transaction, user: User, why: str, *, now: int) -> None:
    """Queue a mail with a password link; the link is minted when the mail is built."""
    outbox.add(
        tx,
        RESET_MAIL,
        {"why": why},
        user_id=user.id,
        now=now,
        best_before=now + BEST_BEFORE,
    )


def tell_changed(tx: Transaction, user: User, now: int) -> None:
    """Mail a person that their password was changed; silent about a first one."""
    if user.password_hash is None:
        return
    best_before = now + BEST_BEFORE
    outbox.add(tx, CHANGED_MAIL, {}, user_id=user.id, now=now, best_before=best_before)


def ask_to_confirm(tx: Transaction, user: User, address: str, door: Door) -> None:
    """Mail a link to a new address, which counts once it is opened.

    Raises RulesViolated when the address is taken or cannot be one, MustWait after a
    few in an hour: nobody is mailed at somebody else's will.
    """
    limits = {"mail-new": (str(user.id), MOST_FOR_ACCOUNT)}
    left = _count(tx, limits, door.now)
    if left:
        raise throttle.MustWait(left)
    account = Account.open(tx, user.id, _act(user, door))
    violations = account.violations({"email": address})
    if violations:
        raise RulesViolated(violations)
    outbox.add(
        tx,
        CONFIRM_MAIL,
        {"to": address},
        user_id=user.id,
        now=door.now,
        best_before=door.now + BEST_BEFORE,
    )


def _act(user: User, door: Door) -> Act:
    return Act(Actor.person(user.username, user.id), door.now)


def _tell(tx: Transaction, event: Event, user_id: int, by: str, now: int) -> None:
    audit.record(tx, [event], at=now, actor=Actor.gate(by), user_id=user_id)

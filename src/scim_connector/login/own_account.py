"""One's own password and second factor, changed by whoever is signed in.

A session alone changes neither: the present password is asked for again, and what
takes a second factor away asks for a code of it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import users
from scim_connector.login import throttle
from scim_connector.login.gate import (
    Door,
    NotAdmitted,
    admit,
    keep_refusal,
    refusal_of_token,
)
from scim_connector.login.links import ask_to_confirm
from scim_connector.login.passwords import (
    NewFactor,
    PasswordSignIn,
    proof_of,
    refuse_two,
)
from scim_connector.login.second_factor import SecondFactors, remove
from scim_connector.login.tickets import Tickets
from scim_connector.rules.actors import Actor
from scim_connector.tokens import totp

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.sessions import Session
    from scim_connector.directory.users import User
    from scim_connector.tokens.secrets import SecretKeys

#: So long a sign-in proves who sits there; microseconds.
FRESH: Final = 15 * 60 * 1_000_000
LONGEST_EMAIL: Final = 254
_WRONG: Final = "The present password is wrong."
_WRONG_CODE: Final = "The code of the second factor is wrong."


class NotFresh(Exception):
    """A sign-in that was too long ago for what is asked."""

    def __init__(self) -> None:
        """Say what to do."""
        minutes = FRESH // 60_000_000
        text = f"Sign out and in again, then change it within {minutes} minutes."
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Begun:
    """An authenticator app that is being set up, and the ticket that goes on with it."""

    ticket: str
    factor: NewFactor


class OwnAccount:
    """Changes what somebody signs in with; built once per process."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        passwords: PasswordSignIn,
        factors: SecondFactors,
    ) -> None:
        """Judge passwords by *passwords*, and codes by *factors*."""
        self._database = database
        self._passwords = passwords
        self._factors = factors
        self._tickets = Tickets(keys, "own factor")

    def held(self, user_id: int) -> tuple[bool, bool]:
        """Whether somebody has a password, and a second factor."""
        user = users.required(self._database.reader(), user_id)
        return user.password_hash is not None, self._factors.has_one(user_id)

    def change_password(
        self, session: Session, form: Mapping[str, str], door: Door
    ) -> User:
        """Set another password; every session but this one ends.

        Raises NotAdmitted, RulesViolated, MustWait, TooBusy.
        """
        refuse_two(form)
        user = self._proved(session, form, door)
        password = form.get("password", "")
        return self._passwords.set_password(user, password, door, but=session.id)

    def mark(self, user: User, now: int) -> str:
        """What makes the browser of somebody known (``login.throttle``)."""
        return self._passwords.mark(user, now)

    def _proved(self, session: Session, form: Mapping[str, str], door: Door) -> User:
        """Who has typed their present password; a few wrong ones make them wait."""
        reader = self._database.reader()
        user = users.required(reader, session.user_id)
        attempt = throttle.of_owner(user.id)
        throttle.refuse_too_many(reader, attempt, door.now)
        is_right = self._passwords.is_password(user, form.get("present", ""))
        count = throttle.succeeded if is_right else throttle.failed
        self._database.write(lambda tx: count(tx, attempt, door.now))
        if not is_right:
            raise self._refused(user, _WRONG, door)
        return user

    def _refused(self, user: User, sentence: str, door: Door) -> NotAdmitted:
        refused = NotAdmitted(refusal_of_token(sentence), user.id)
        keep_refusal(self._database, refused, door)
        return refused

    def change_email(
        self, session: Session, form: Mapping[str, str], door: Door
    ) -> str:
        """Mail a link to another address, which counts once it is opened.

        Whoever holds the address is mailed links, so a stolen session must not move it:
        the present password is asked for, or a fresh sign-in where there is none.
        Raises NotAdmitted, RulesViolated, MustWait, TooBusy, NotFresh.
        """
        user = users.required(self._database.reader(), session.user_id)
        if user.password_hash is not None:
            user = self._proved(session, form, door)
        elif door.now - session.created_at >= FRESH:
            raise NotFresh
        address = form.get("email", "").strip()[:LONGEST_EMAIL]
        self._database.write(lambda tx: ask_to_confirm(tx, user, address, door))
        return address

    # --------------------------------------------------------------- second factors

    def begin_factor(
        self, session: Session, form: Mapping[str, str], door: Door
    ) -> Begun | None:
        """Begin to set up an authenticator app; None for who has one.

        Raises NotAdmitted, MustWait, TooBusy.
        """
        user = self._proved(session, form, door)
        if self._factors.has_one(user.id):
            return None
        secret = totp.new_secret()
        facts = {"user": user.id, "has": proof_of(user), "secret": secret.hex()}
        ticket = self._tickets.seal(facts, door.now)
        return Begun(ticket, self._shown(secret, user))

    def _shown(self, secret: bytes, user: User) -> NewFactor:
        return NewFactor(secret, self._factors.address(secret, user))

    def begun(self, session: Session, ticket: str, door: Door) -> Begun | None:
        """What a ticket has begun; None for a dead one, or one of somebody else."""
        facts = self._tickets.open(ticket, door.now)
        user = users.required(self._database.reader(), session.user_id)
        if facts is None or (facts["user"], facts["has"]) != (user.id, proof_of(user)):
            return None
        return Begun(ticket, self._shown(bytes.fromhex(facts["secret"]), user))

    def confirm_factor(
        self, session: Session, begun: Begun, code: str, door: Door
    ) -> list[str]:
        """The recovery codes, once the first code of the app fits; raises NotAdmitted."""
        user = users.required(self._database.reader(), session.user_id)
        codes = self._factors.confirm(user, begun.factor.secret, code, door.now)
        if codes is None:
            raise self._refused(user, _WRONG_CODE, door)
        return codes

    def new_codes(
        self, session: Session, form: Mapping[str, str], door: Door
    ) -> list[str]:
        """New recovery codes in place of the former; raises as *change_password* does."""
        user = self._proved(session, form, door)

        def work(tx: Transaction) -> list[str]:
            if not self._factors.check(tx, user.id, form.get("code", ""), door.now):
                return []
            admit(tx, user.id)
            return self._factors.new_codes(tx, user, door.now)

        codes = self._database.write(work)
        if not codes:
            raise self._refused(user, _WRONG_CODE, door)
        return codes

    def remove_factor(
        self, session: Session, form: Mapping[str, str], door: Door
    ) -> None:
        """Take the second factor away, for another one; raises as *new_codes* does."""
        user = self._proved(session, form, door)

        def work(tx: Transaction) -> bool:
            if not self._factors.check(tx, user.id, form.get("code", ""), door.now):
                return False
            admit(tx, user.id)
            return remove(tx, user, Actor.person(user.username, user.id), door.now)

        if not self._database.write(work):
            raise self._refused(user, _WRONG_CODE, door)

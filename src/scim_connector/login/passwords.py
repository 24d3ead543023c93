"""Signing in with a password, and with a second factor where one is asked for.

Every attempt costs the same whether or not there is such an account, and is answered
the same; the exact reason goes to audit.  Who fails too often waits, but no stranger
can lock an account (``login.throttle``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import Account, Act
from scim_connector.directory import users as users_rows
from scim_connector.login import throttle
from scim_connector.login.gate import (
    Door,
    NotAdmitted,
    admit,
    keep_refusal,
    standing_of,
)
from scim_connector.login.links import find, tell_changed
from scim_connector.login.sessions import Proof, Sessions
from scim_connector.login.tickets import Tickets
from scim_connector.rules import folding
from scim_connector.rules.access import FactorPolicy, needs_second_factor
from scim_connector.rules.actors import Actor
from scim_connector.rules.passwords import (
    LONGEST_BYTES,
    R32,
    check_password,
    prepared,
)
from scim_connector.rules.users import RulesViolated, Violation
from scim_connector.tokens.passwords import is_common

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.users import User
    from scim_connector.login.second_factor import SecondFactors
    from scim_connector.tokens import opaque
    from scim_connector.tokens.passwords import PasswordHasher
    from scim_connector.tokens.secrets import SecretKeys

DAY: Final = 24 * 3600 * 1_000_000
_MARK: Final = "known browsers"
_WRONG: Final = "The username or the password is wrong."
_WRONG_CODE: Final = "The code of the second factor is wrong."
_OUTDATED: Final = "The password was changed, or the user deactivated, meanwhile."
_METHOD: Final = "password"


class MustWait(Exception):
    """Too many failures; ``retry_after`` in seconds."""

    def __init__(self, retry_after: int) -> None:
        """Say how long."""
        minutes = -(-retry_after // 60)
        plural = "" if minutes == 1 else "s"
        super().__init__(f"Too many tries; wait {minutes} minute{plural}.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Step:
    """What signing in needs next, and the ticket that goes on with it.

    *next* is "code", "set-up" (of a second factor) or "password" (another one), or
    "done": then *token* opens a session and *mark* makes the browser known.
    """

    next: str
    user: User
    ticket: str = ""
    token: opaque.Token | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class NewFactor:
    """The secret of a new authenticator app, and the address that holds it."""

    secret: bytes
    address: str


def refuse_two(form: Mapping[str, str]) -> None:
    """Raise RulesViolated where a password was not typed twice the same."""
    if form.get("password", "") != form.get("again", ""):
        text = "The two are not the same. Type it twice, the same."
        raise RulesViolated([Violation(R32, "password_typed", text)])


class PasswordSignIn:
    """Signs people in with passwords; built once per process."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        sessions: Sessions,
        factors: SecondFactors,
        hasher: PasswordHasher,
        *,
        policy: FactorPolicy,
        password_days: int = 0,
    ) -> None:
        """Passwords have to be changed after *password_days*, 0 for never."""
        self._database = database
        self._keys = keys
        self._sessions = sessions
        self._factors = factors
        self._hasher = hasher
        self._policy = policy
        self._days = password_days
        self._tickets = Tickets(keys, "sign-in")

    # ----------------------------------------------------------------- first page

    def sign_in(self, name: str, password: str, door: Door, known: str = "") -> Step:
        """Judge a name and a password; raises NotAdmitted, MustWait, TooBusy.

        *known* is the mark that the browser carries, if any.
        """
        reader = self._database.reader()
        user = find(reader, name)
        attempt = self._attempt(user, name, door, known)
        wait = throttle.wait(reader, attempt, door.now)
        if wait:
            raise MustWait(wait)
        stored = None if user is None else user.password_hash
        # What is longer than a password may be is wrong, and costs no more for it.
        typed = prepared(password[: LONGEST_BYTES + 1])
        is_right = self._hasher.verify(stored, typed)
        try:
            user = admit(
                reader,
                None if user is None else user.id,
                token_wrong=None if is_right else _WRONG,
            )
        except NotAdmitted as refused:
            self._failed(refused, attempt, door)
            raise
        self._database.write(lambda tx: throttle.succeeded(tx, attempt))
        if stored is not None and self._hasher.needs_rehash(stored):
            self._rehash(user, password)
        return self._after_password(user, door)

    def _attempt(
        self, user: User | None, name: str, door: Door, known: str
    ) -> throttle.Attempt:
        account = folding.username_key(name) if user is None else str(user.id)
        keys = self._keys.sub_keys(_MARK)
        is_known = throttle.is_marked(known, account, keys, door.now)
        network = throttle.network_of(door.network)
        return throttle.Attempt(account, network, is_known)

    def _failed(
        self, refused: NotAdmitted, attempt: throttle.Attempt, door: Door
    ) -> None:
        self._database.write(lambda tx: throttle.failed(tx, attempt, door.now))
        keep_refusal(self._database, refused, door)

    def _rehash(self, user: User, password: str) -> None:
        hashed = self._hasher.hash(prepared(password))

        def work(tx: Transaction) -> None:
            present = users_rows.required(tx, user.id)
            if present.password_hash == user.password_hash:
                users_rows.change(tx, user.id, {"password_hash": hashed})

        self._database.write(work)

    # ----------------------------------------------------------------- what is next

    def _after_password(self, user: User, door: Door) -> Step:
        has_one = self._factors.has_one(user.id)
        standing = standing_of(self._database.reader(), user)
        if needs_second_factor(standing, self._policy, has_one=has_one):
            return self._step("code" if has_one else "set-up", user, door)
        return self._after_factor(user, door, factor=False)

    def _after_factor(self, user: User, door: Door, *, factor: bool) -> Step:
        if self._must_change(user, door.now):
            return self._step("password", user, door, factor=factor)
        return self._finish(user, door, factor=factor)

    def _must_change(self, user: User, now: int) -> bool:
        if user.password_expired:
            return True
        changed = user.password_changed_at
        return bool(self._days and changed and now - changed >= self._days * DAY)

    def _step(self, word: str, user: User, door: Door, *, factor: bool = False) -> Step:
        facts = {
            "next": word,
            "user": user.id,
            "has": _has(user),
            "client": door.client,
            "factor": factor,
        }
        return Step(word, user, ticket=self._tickets.seal(facts, door.now))

    def _finish(self, user: User, door: Door, *, factor: bool) -> Step:
        proof = Proof(_METHOD, second_factor=factor)

        def work(tx: Transaction) -> opaque.Token:
            present = users_rows.held(tx, user.id)
            wrong = None if _has(user) == _has(present) else _OUTDATED
            return self._sessions.open(tx, user.id, door, proof, wrong=wrong)

        try:
            token = self._database.write(work)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            raise
        mark = throttle.mark(str(user.id), self._keys.sub_key(_MARK), door.now)
        return Step("done", user, token=token, mark=mark)

    # ------------------------------------------------------------------ later pages

    def holder(self, ticket: str, word: str, door: Door) -> tuple[User, bool] | None:
        """Whose ticket for a page this is, and whether a factor was shown; or None.

        A ticket dies with a deactivation and with a change of the password.
        """
        facts = self._tickets.open(ticket, door.now)
        if facts is None or (facts["next"], facts["client"]) != (word, door.client):
            return None
        user = users_rows.by_id(self._database.reader(), facts["user"])
        if user is None or not user.active:
            return None
        return (user, facts["factor"]) if _has(user) == facts["has"] else None

    def again(self, word: str, user: User, ticket: str) -> Step:
        """The step a ticket is for, to be shown once more."""
        return Step(word, user, ticket=ticket)

    def new_factor(self, user: User, now: int) -> NewFactor:
        """What somebody who sets up an authenticator app scans, or types."""
        secret = self._factors.begin(user, now)
        return NewFactor(secret, self._factors.address(secret, user))

    def go_on(
        self, word: str, ticket: str, form: Mapping[str, str], door: Door
    ) -> tuple[Step, list[str]] | None:
        """Go on with what a page asked for; the codes are shown once.

        None for a dead ticket; raises NotAdmitted, RulesViolated, MustWait, TooBusy.
        """
        if word == "set-up":
            return self.set_up(ticket, form.get("code", ""), door)
        if word == "code":
            step = self.show_code(ticket, form.get("code", ""), door)
        else:
            step = self.change(ticket, form, door)
        return None if step is None else (step, [])

    def show_code(self, ticket: str, code: str, door: Door) -> Step | None:
        """Go on with a code; None for a dead ticket, NotAdmitted for a wrong code."""
        held = self.holder(ticket, "code", door)
        if held is None:
            return None
        user = held[0]
        attempt = self._attempt(user, "", door, "")
        wait = throttle.wait(self._database.reader(), attempt, door.now)
        if wait:
            raise MustWait(wait)
        fits = self._database.write(
            lambda tx: self._factors.check(tx, user.id, code, door.now)
        )
        try:
            admit(
                self._database.reader(),
                user.id,
                token_wrong=None if fits else _WRONG_CODE,
            )
        except NotAdmitted as refused:
            self._failed(refused, attempt, door)
            raise
        return self._after_factor(user, door, factor=True)

    def set_up(
        self, ticket: str, code: str, door: Door
    ) -> tuple[Step, list[str]] | None:
        """Go on with the first code of a new app; None for a dead ticket.

        Raises NotAdmitted for a code that does not fit.
        """
        held = self.holder(ticket, "set-up", door)
        if held is None:
            return None
        user = held[0]
        attempt = self._attempt(user, "", door, "")
        codes = self._factors.confirm(user, code, door.now)
        try:
            wrong = _WRONG_CODE if codes is None else None
            admit(self._database.reader(), user.id, token_wrong=wrong)
        except NotAdmitted as refused:
            self._failed(refused, attempt, door)
            raise
        return self._after_factor(user, door, factor=True), codes or []

    def change(self, ticket: str, form: Mapping[str, str], door: Door) -> Step | None:
        """Go on with another password; None for a dead ticket, RulesViolated."""
        held = self.holder(ticket, "password", door)
        if held is None:
            return None
        user, factor = held
        refuse_two(form)
        changed = self.set_password(user, form.get("password", ""), door)
        return self._finish(changed, door, factor=factor)

    def hashed(self, user: User, password: str) -> str:
        """The hash of a password a person chose; raises RulesViolated, TooBusy."""
        text = prepared(password)
        name, _, domain = user.email.partition("@")
        personal = {user.username, user.first_name, user.last_name, name, domain}
        broken = check_password(text, personal=personal, is_common=is_common)
        if broken:
            raise RulesViolated(broken)
        return self._hasher.hash(text)

    def set_password(self, user: User, password: str, door: Door) -> User:
        """Set the password of a person who is allowed to; every session ends."""
        hashed = self.hashed(user, password)

        def work(tx: Transaction) -> User:
            admit(tx, user.id)
            act = Act(Actor.person(user.username), door.now)
            account = Account.open(tx, user.id, act)
            account.choose_password(hashed)
            account.save()
            tell_changed(tx, user, door.now)
            return account.user

        return self._database.write(work)


def _has(user: User) -> list[int | None]:
    """What a proof by password holds for: neither deactivated nor changed since."""
    return [user.epoch, user.password_changed_at]

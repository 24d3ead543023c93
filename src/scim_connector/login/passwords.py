"""Signing in with a password, and with a second factor where one is asked for.

Every attempt costs the same whether or not there is such an account, and is answered
the same; the exact reason goes to audit.  Who fails too often waits, but no stranger
can lock an account (``login.throttle``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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
from scim_connector.tokens import totp
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
_SAME: Final = "It is the one that has expired; choose another. (R32)"
_METHOD: Final = "password"


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
        throttle.refuse_too_many(reader, attempt, door.now)
        is_right = self.is_password(user, password)
        try:
            user = admit(
                reader,
                None if user is None else user.id,
                token_wrong=None if is_right else _WRONG,
            )
        except NotAdmitted as refused:
            self._failed(refused, attempt, door)
            raise
        self._database.write(lambda tx: throttle.succeeded(tx, attempt, door.now))
        stored = user.password_hash
        if stored is not None and self._hasher.needs_rehash(stored):
            self._rehash(user, password)
        return self._after_password(user, door)

    def is_password(self, user: User | None, text: str) -> bool:
        """Whether a text is somebody's password; as much work where there is none.

        What is longer than a password may be is wrong, and costs no more for it.
        Raises TooBusy.
        """
        stored = None if user is None else user.password_hash
        return self._hasher.verify(stored, prepared(text[: LONGEST_BYTES + 1]))

    def _attempt(
        self, user: User | None, name: str, door: Door, known: str
    ) -> throttle.Attempt:
        keys = self._keys.sub_keys(_MARK)
        if user is not None and throttle.is_marked(
            known, _of_password(user), keys, door.now
        ):
            return throttle.by_known(str(user.id), known)
        account = folding.username_key(name) if user is None else str(user.id)
        return throttle.by_stranger(account, throttle.network_of(door.network))

    def mark(self, user: User, now: int) -> str:
        """What makes the browser known of a person who has proved to be one."""
        return throttle.mark(_of_password(user), self._keys.sub_key(_MARK), now)

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
            "has": proof_of(user),
            "client": door.client,
            "factor": factor,
            "secret": totp.new_secret().hex() if word == "set-up" else "",
        }
        return Step(word, user, ticket=self._tickets.seal(facts, door.now))

    def _finish(self, user: User, door: Door, *, factor: bool) -> Step:
        proof = Proof(_METHOD, second_factor=factor)

        def work(tx: Transaction) -> opaque.Token:
            present = users_rows.held(tx, user.id)
            wrong = None if proof_of(user) == proof_of(present) else _OUTDATED
            return self._sessions.open(tx, user.id, door, proof, wrong=wrong)

        try:
            token = self._database.write(work)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            raise
        return Step("done", user, token=token, mark=self.mark(user, door.now))

    # ------------------------------------------------------------------ later pages

    def holder(self, ticket: str, word: str, door: Door) -> tuple[User, bool] | None:
        """Whose ticket for a page this is, and whether a factor was shown; or None.

        A ticket dies with a deactivation and with a change of the password.
        """
        facts = self._opened(ticket, door)
        if facts is None or (facts["next"], facts["client"]) != (word, door.client):
            return None
        user = users_rows.by_id(self._database.reader(), facts["user"])
        if user is None or not user.active:
            return None
        return (user, facts["factor"]) if proof_of(user) == facts["has"] else None

    def again(self, word: str, user: User, ticket: str) -> Step:
        """The step a ticket is for, to be shown once more."""
        return Step(word, user, ticket=ticket)

    def new_factor(self, ticket: str, door: Door) -> NewFactor | None:
        """What somebody who sets up an authenticator app scans, or types.

        The secret is of the ticket, so that nobody sets up what another has begun.
        """
        held, facts = self.holder(ticket, "set-up", door), self._opened(ticket, door)
        if held is None or facts is None:
            return None
        secret = bytes.fromhex(facts["secret"])
        return NewFactor(secret, self._factors.address(secret, held[0]))

    def _opened(self, ticket: str, door: Door) -> dict[str, Any] | None:
        return self._tickets.open(ticket, door.now)

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
        fits = self._database.write(
            lambda tx: self._factors.check(tx, user.id, code, door.now)
        )
        self._admit_with_code(user, door, fits=fits)
        return self._after_factor(user, door, factor=True)

    def _admit_with_code(self, user: User, door: Door, *, fits: bool) -> None:
        wrong = None if fits else _WRONG_CODE
        try:
            admit(self._database.reader(), user.id, token_wrong=wrong)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            raise

    def set_up(
        self, ticket: str, code: str, door: Door
    ) -> tuple[Step, list[str]] | None:
        """Go on with the first code of a new app; None for a dead ticket.

        Raises NotAdmitted for a code that does not fit.
        """
        held, new = self.holder(ticket, "set-up", door), self.new_factor(ticket, door)
        if held is None or new is None or self._factors.has_one(held[0].id):
            return None
        user = held[0]
        codes = self._factors.confirm(user, new.secret, code, door.now)
        self._admit_with_code(user, door, fits=codes is not None)
        return self._after_factor(user, door, factor=True), codes or []

    def change(self, ticket: str, form: Mapping[str, str], door: Door) -> Step | None:
        """Go on with another password; None for a dead ticket, RulesViolated."""
        held = self.holder(ticket, "password", door)
        if held is None:
            return None
        user, factor = held
        refuse_two(form)
        password = form.get("password", "")
        if self.is_password(user, password):
            raise RulesViolated([Violation(R32, "password_same", _SAME)])
        changed = self.set_password(user, password, door)
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

    def set_password(
        self, user: User, password: str, door: Door, *, but: str | None = None
    ) -> User:
        """Set the password of a person who is allowed to; sessions end, save *but*.

        Raises NotAdmitted when it was changed since *user* was read.
        """
        hashed = self.hashed(user, password)

        def work(tx: Transaction) -> User:
            is_same = proof_of(users_rows.held(tx, user.id)) == proof_of(user)
            admit(tx, user.id, token_wrong=None if is_same else _OUTDATED)
            act = Act(Actor.person(user.username, user.id), door.now)
            account = Account.open(tx, user.id, act)
            account.choose_password(hashed, but=but)
            account.save()
            tell_changed(tx, user, door.now)
            return account.user

        return self._database.write(work)


def _of_password(user: User) -> str:
    """What the mark of a browser is of: an account, and its present password."""
    return f"{user.id} {user.password_changed_at or 0}"


def proof_of(user: User) -> list[int | None]:
    """What a proof by password holds for: neither deactivated nor changed since."""
    return [user.epoch, user.password_changed_at]

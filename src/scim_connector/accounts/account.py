"""One user inside one transaction: state what should become of them, then save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.accounts import closing, representation
from scim_connector.accounts.drafting import draft_of
from scim_connector.directory import (
    access,
    applications,
    assignments,
    audit,
    connections,
    links,
    names,
    outbox,
    resets,
    roles,
    sessions,
    users,
)
from scim_connector.rules import folding, lifecycle
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated, UserType, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim_connector.accounts.acts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.sessions import Session
    from scim_connector.directory.users import User
    from scim_connector.rules.lifecycle import CutOff
    from scim_connector.rules.users import Violation
    from scim_connector.scim.types import Json

#: A password link that nobody mailed for a day is superseded, not sent (decision 34).
WELCOME_BEST_BEFORE = 24 * 3600 * 1_000_000

_CHANGE_EVENTS = {
    "initials": "user:initials:changed",
    "username": "user:username:changed",
    "email": "user:email:changed",
    "first_name": "user:name:changed",
    "last_name": "user:name:changed",
    "profile_id": "user:profile:changed",
}
_NO_PASSWORD: Mapping[str, Any] = {
    "password_hash": None,
    "password_changed_at": None,
    "password_expired": False,
}
_KEYS = {
    "initials": folding.initials_key,
    "username": folding.username_key,
    "email": folding.email_key,
}


class Account:
    """A user, the live link that stands for them, and what is about to change.

    Nothing is written before :meth:`save`, except role rows; ``ended`` then says what a
    deactivation cut off.
    """

    def __init__(
        self,
        tx: Transaction,
        user: User,
        act: Act,
        *,
        link: Link | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Take *user*, their live *link* and its *connection*, as far as known."""
        self.tx = tx
        self.user = user
        self.act = act
        self.link = link
        self._connection = connection
        self._is_administrator: bool | None = None
        self._is_new = False
        self.ended: CutOff | None = None
        self._before = user
        self._document: Json | None = None
        self._asked_active: bool | None = None
        self._events: list[Event] = []
        self._outbox: list[tuple[str, dict[str, Any], int | None]] = []

    @classmethod
    def open(cls, tx: Transaction, user_id: int, act: Act) -> Account:
        """Read the user and their live link; raises LookupError when unknown."""
        user = users.required(tx, user_id)
        return cls(tx, user, act, link=links.of_user(tx, user_id))

    @classmethod
    def of_new(cls, tx: Transaction, user: User, act: Act) -> Account:
        """A user added a moment ago, who holds nothing yet."""
        account = cls(tx, user, act)
        account._is_new = True
        return account

    # ---------------------------------------------------------------- judging

    def violations(self, values: Mapping[str, str]) -> tuple[Violation, ...]:
        """Every rule the user would break with *values* in place of the present ones.

        Only the named fields are judged, except on activation, which names them all.
        """
        if not values:
            return ()
        draft = draft_of(self.user, values)
        taken = names.taken(
            self.tx,
            username_key=folding.username_key(draft.username),
            initials_key=folding.initials_key(draft.initials),
            email_key=folding.email_key(draft.email or ""),
            except_user=self.user.id,
        )
        return tuple(v for v in check(draft, taken) if v.attribute in values)

    def standing(self) -> lifecycle.Standing:
        """The facts the lifecycle rules judge this user by."""
        user = self.user
        return lifecycle.Standing(
            user_type=UserType(user.user_type),
            api_user=user.is_api_user,
            active=user.active,
            is_administrator=self._holds_administrator(),
            held_by=user.held_by,
            held_at=user.held_at,
            signed_in_before=user.first_login_at is not None,
            erased=user.erased_at is not None,
        )

    def _holds_administrator(self) -> bool:
        if self._is_administrator is None:
            held = assignments.is_administrator(self.tx, self.user.id)
            self._is_administrator = held
        return self._is_administrator

    # --------------------------------------------------------------- changing

    def edit(self, values: Mapping[str, Any], *, origin: str | None = None) -> None:
        """Set local fields; rules are the caller's to check (:meth:`violations`).

        Each field that really changes is one event with its old and new value.  A new
        email address voids the links mailed to the old one, which gets a notice.
        """
        changes = {
            name: value
            for name, value in values.items()
            if getattr(self.user, name) != value
        }
        if origin is not None:
            changes |= {
                f"{name}_origin": origin
                for name in values
                if hasattr(self.user, f"{name}_origin")
            }
        keys = {f"{n}_key": _KEYS[n](changes[n]) for n in changes.keys() & _KEYS.keys()}
        for name, value in changes.items():
            if name in _CHANGE_EVENTS:
                self._tell(name, getattr(self.user, name), value)
        if "email" in changes:
            self._email_moves(self.user.email)
        named: dict[str, Any] = {**changes, **keys}
        self.user = replace(self.user, **named)

    def deactivate(self, *, hold: bool = False) -> None:
        """End every access; with *hold* only a person, or a new move, may undo it.

        Raises RulesViolated for the last active Administrator who can sign in (R22).
        """
        if hold and self.user.held_by is None:
            self.user = replace(
                self.user, held_by=self.act.actor.name, held_at=self.act.now
            )
            self.note("user:held")
        if not self.user.active:
            return
        others = assignments.other_administrators(self.tx, self.user.id)
        lifecycle.may_deactivate(self.standing(), other_administrators=others)
        self.user = replace(
            self.user, active=False, epoch=self.user.epoch + 1, **_NO_PASSWORD
        )

    def reactivate(self) -> None:
        """Make the user active again; raises RulesViolated (R19, R21, R34).

        No session, link or key comes back.  A person who was created inactive gets the
        first password link now (R15).
        """
        if self.user.active:
            return
        lifecycle.may_reactivate(self.standing(), self.act.actor)
        self.user = replace(self.user, active=True, held_by=None, held_at=None)
        self.note("user:reactivated")

    def welcome(self) -> None:
        """Queue the first password link, once, for an active person (R15)."""
        user = self.user
        if user.welcomed or user.is_api_user or not user.active:
            return
        self.user = replace(user, welcomed=True)
        self.queue_welcome()

    def queue_welcome(self) -> None:
        """Queue the mail itself; the link is minted when the mail is built."""
        self._outbox.append(("mail:welcome", {}, self.act.now + WELCOME_BEST_BEFORE))

    def assign(
        self, wanted: Iterable[int], *, source: str, connection_id: int = 0
    ) -> None:
        """Make the roles from one source exactly *wanted*; other sources stay (R23)."""
        wanted = frozenset(wanted)
        held = frozenset() if self._is_new else self.roles_from(source, connection_id)
        if held == wanted:
            return
        administrators = roles.administrator_ids(self.tx)
        if (held ^ wanted) & administrators:
            lifecycle.may_change_administrators(self.act.actor)
            self._keep_an_administrator(len((held - wanted) & administrators))
        where: dict[str, Any] = {"source": source, "connection_id": connection_id}
        for role_id in sorted(wanted - held):
            assignments.grant(self.tx, self.user.id, role_id, **where, now=self.act.now)
            self.note("user:role:granted", role=roles.name(self.tx, role_id))
        for role_id in sorted(held - wanted):
            assignments.revoke(self.tx, self.user.id, role_id, **where)
            self.note("user:role:revoked", role=roles.name(self.tx, role_id))
        self._is_administrator = None

    def follow(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
        """Set fields as the provider wishes; what was overridden here ends by that."""
        self.edit(values)
        named: dict[str, Any] = {
            f"{name}_origin": origin
            for name, origin in origins.items()
            if name in _KEYS
        }
        overrides = _without(self.user.overrides, values)
        self.user = replace(self.user, overrides=overrides, **named)

    def override(self, names: Iterable[str]) -> None:
        """Mark managed fields as changed here, until the provider sends new values."""
        kept = sorted(self.user.overridden | set(names))
        self.user = replace(self.user, overrides=orjson.dumps(kept).decode())
        self.note("user:override:set", fields=sorted(names))

    def follows_provider(self, name: str) -> bool:
        """Whether a field has its value from the provider and moves with it (D19)."""
        return name not in self.user.overridden and self._is_managed()

    def _is_managed(self) -> bool:
        """Whether a provider manages the user; a retired connection does not (D13)."""
        if self.link is None:
            return False
        connection = self._connection or connections.required(
            self.tx, self.link.connection_id
        )
        return not connection.is_retired

    def roles_from(self, source: str, connection_id: int = 0) -> frozenset[int]:
        """The roles the user holds through one source."""
        return assignments.of_source(self.tx, self.user.id, source, connection_id)

    def adopted(self) -> None:
        """An existing user becomes managed: password sessions end, nothing else (D11).

        The previous values go to audit and the address on file gets a notice.
        """
        ended = self.end_sessions()
        self.note(
            "user:adopted",
            username=self.user.username,
            initials=self.user.initials,
            email=self.user.email,
            sessions_ended=ended,
        )
        if not self.user.is_api_user:
            self._outbox.append(("mail:managed-now", {}, None))

    def fresh_start(self) -> tuple[str, ...]:
        """Void what let a removed user in before they come back (decision 12).

        Password and SSO binding go, and every role; the names of the roles that had
        been given here are returned, for somebody to approve.
        """
        access.end_everything(self.tx, self.user.id)
        access.release_sso(self.tx, self.user.id)
        kept = assignments.names_of_source(self.tx, self.user.id, "console")
        self.drop_roles()
        self.user = replace(self.user, welcomed=False, **_NO_PASSWORD)
        self.note("user:revived", roles_to_approve=list(kept))
        return kept

    def end_sessions(self, *, but: str | None = None) -> int:
        """End every session, save one, and tell the applications; returns how many."""
        ended = access.end_sessions(self.tx, self.user.id, but=but)
        told = [n for n in applications.told_of_logout(self.tx) if n in ended]
        closing.tell_applications(self.tx, self.user, told, self.act)
        if ended:
            facts = {"count": ended.total(), "applications": dict(ended)}
            self.note("sessions:ended", **facts)
        return ended.total()

    def end_session(self, session: Session) -> None:
        """End one session and tell its application."""
        sessions.end(self.tx, session.id)
        told = [n for n in applications.told_of_logout(self.tx) if n == session.client]
        closing.tell_applications(
            self.tx, self.user, told, self.act, session_id=session.id
        )
        facts = {"session": session.id, "application": session.client}
        self.note("session:ended", **facts)

    def signed_in(self) -> None:
        """Remember a first sign-in; nothing a provider reads changes by it."""
        users.change(self.tx, self.user.id, {"first_login_at": self.act.now})
        self.user = self._before = replace(self.user, first_login_at=self.act.now)

    def choose_password(self, hashed: str, *, but: str | None = None) -> None:
        """Set the hash of a new password; every other session ends, links die."""
        self.user = replace(
            self.user,
            password_hash=hashed,
            password_changed_at=self.act.now,
            password_expired=False,
        )
        resets.supersede(self.tx, self.user.id, now=self.act.now)
        self.end_sessions(but=but)
        self.note("password:changed")

    def change_own_email(self, address: str) -> None:
        """Take the address a person has confirmed; raises RulesViolated."""
        violations = self.violations({"email": address})
        if violations:
            raise RulesViolated(violations)
        self.edit({"email": address}, origin="local")
        self.user = replace(self.user, email_trusted=True)
        if self.follows_provider("email"):
            self.override(["email"])

    def drop_roles(self) -> None:
        """Take away every role row, whatever it came through."""
        for name, *_ in assignments.sources(self.tx, self.user.id):
            self.note("user:role:revoked", role=name)
        assignments.drop_all(self.tx, self.user.id)

    def drop_roles_of(self, connection_id: int) -> None:
        """Take away every role row that came through one connection."""
        dropped = assignments.drop_of_connection(self.tx, self.user.id, connection_id)
        for name in dropped:
            self.note("user:role:revoked", role=name)

    def _keep_an_administrator(self, taken: int) -> None:
        """Refuse to take the last rows of the last Administrator (R22)."""
        if taken and assignments.administrator_rows(self.tx, self.user.id) == taken:
            others = assignments.other_administrators(self.tx, self.user.id)
            lifecycle.may_lose_administrator(
                self.standing(), other_administrators=others
            )

    def describe(self, document: Json, *, asked_active: bool) -> None:
        """Set what the provider states of this user; written by :meth:`save`."""
        self._document = document
        self._asked_active = asked_active

    def cut_off(self) -> dict[str, Any]:
        """What the deactivation ended, for the log; empty when none happened."""
        if self.ended is None:
            return {}
        return {name: n for name, n in asdict(self.ended).items() if name != "at"}

    def note(self, name: str, **facts: Any) -> None:
        """Add one audit event about this user."""
        self._events.append(Event(name, facts))

    # ----------------------------------------------------------------- saving

    def save(self) -> None:
        """Write the user, the link, the audit rows and the outbox rows."""
        if self._before.active and not self.user.active:
            self._end_access()
        changes = _difference(self._before, self.user)
        if changes:
            self.user = replace(
                self.user, version=self._before.version + 1, updated_at=self.act.now
            )
            users.change(self.tx, self.user.id, _difference(self._before, self.user))
        self._save_link()
        self._record()
        self._before = self.user

    def _end_access(self) -> None:
        """Everything that lets the user in dies in this transaction (R18)."""
        self.ended = access.end_everything(self.tx, self.user.id)
        self._events += lifecycle.deactivated(self.ended)
        receipt = closing.write_receipt(self.tx, self.user, self.ended, self.act)
        told = applications.told_of_logout(self.tx)
        closing.tell_applications(self.tx, self.user, told, self.act, receipt=receipt)

    def _save_link(self) -> None:
        if self.link is None:
            return
        before = self.link
        document, asked = self._document, self._asked_active
        if document is None:
            document = representation.stated(self.link)
        connection = self._connection or connections.required(
            self.tx, self.link.connection_id
        )
        self.link = representation.refresh(
            self.tx,
            connection,
            self.link,
            self.user,
            document=document,
            asked_active=self.link.asked_active if asked is None else asked,
            now=self.act.now,
        )
        self._tell_resource(before, self.link)

    def _tell_resource(self, before: Link, after: Link) -> None:
        """Say what else a provider reads now, unless it reads nothing any more."""
        if after.version == before.version or self._is_unlinked():
            return
        facts = representation.changed(before, after)
        road = "put" if self.act.replaces else "patch"
        self.note("user:resource:changed", road=road, **facts)

    def _is_unlinked(self) -> bool:
        return any(event.name == "user:unlinked" for event in self._events)

    def _record(self) -> None:
        audit.record(
            self.tx,
            self._events,
            at=self.act.now,
            actor=self.act.actor,
            connection_id=self.act.connection_id,
            user_id=self.user.id,
            request_id=self.act.request_id,
        )
        self.act.tally.update(event.name for event in self._events)
        for topic, payload, best_before in self._outbox:
            outbox.add(
                self.tx,
                topic,
                payload,
                user_id=self.user.id,
                now=self.act.now,
                best_before=best_before,
                request_id=self.act.request_id,
            )
        self._events, self._outbox = [], []

    def _tell(self, field: str, before: Any, after: Any) -> None:
        name = _CHANGE_EVENTS[field]
        self.note(name, field=field, before=before, after=after)

    def _email_moves(self, old: str) -> None:
        voided = resets.supersede(self.tx, self.user.id, now=self.act.now)
        if voided:
            self.note("resets:voided", count=voided)
        if not self.user.is_api_user:
            self._outbox.append(("mail:email-changed", {"to": old}, None))


def _without(overrides: str, names: Iterable[str]) -> str:
    """The list of overridden fields without *names*."""
    kept = [name for name in orjson.loads(overrides) if name not in set(names)]
    return orjson.dumps(kept).decode()


def _difference(before: User, after: User) -> dict[str, Any]:
    return {
        field.name: getattr(after, field.name)
        for field in fields(after)
        if getattr(after, field.name) != getattr(before, field.name)
    }

"""A sample: one page of proof for each person an auditor names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.compliance.reports.report import facts, instant
from scim_connector.compliance.reports.standing import not_managed
from scim_connector.compliance.sample_finding import Course, after, finding
from scim_connector.directory import (
    assignments,
    audit,
    connections,
    links,
    profiles,
    receipts,
    users,
)
from scim_connector.rules import folding
from scim_connector.rules.events import sentence_of_event

if TYPE_CHECKING:
    from scim_connector.compliance.sample_rows import Named
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Database, Reader
    from scim_connector.directory.receipts import Receipt
    from scim_connector.directory.users import User

_ACCESS: Final = frozenset(
    {
        *("user:created", "user:linked", "user:adopted", "user:unlinked"),
        *("user:revived", "user:restored", "user:deactivated", "user:reactivated"),
        *("user:held", "user:role:granted", "user:role:revoked", "sessions:ended"),
        *("user:username:changed", "user:email:changed", "user:initials:changed"),
        *("resets:voided", "api_tokens:revoked", "api_keys:revoked", "user:erased"),
        *("api_app:user_removed", "api_key:created", "api_key:revoked"),
    }
)


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut-off of a person, and what was ended; instants as text in UTC."""

    asked_at: str
    cut_at: str
    took_ms: float
    by: str
    request_id: str | None
    ended: Mapping[str, Any]
    told: Sequence[str]
    after_left: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to prove about one person; instants as text in UTC."""

    named: Named
    user: User
    roles: Sequence[str]
    profile: str | None
    source: str
    first_access: str | None
    first_sign_in: str | None
    last_sign_in: str | None
    approved_by: str
    cuts: Sequence[Cut]
    history: Sequence[tuple[str, str, str, str]]
    finding: str

    def whole(self) -> dict[str, Any]:
        """The page as JSON members."""
        user = self.user
        return {
            "asked_for": self.named.who,
            "left_on": self.named.left_on or None,
            "user_id": user.id,
            "username": user.username,
            "first_and_last_name": f"{user.first_name} {user.last_name}".strip(),
            "email": user.email,
            "active": user.active,
            "kind": "API user" if user.is_api_user else "person",
            "managed_by": self.source,
            "roles": list(self.roles),
            "profile": self.profile,
            "first_access": self.first_access,
            "first_sign_in": self.first_sign_in,
            "last_sign_in": self.last_sign_in,
            "approved_by": self.approved_by,
            "cut_offs": [
                {name: getattr(cut, name) for name in Cut.__dataclass_fields__}
                for cut in self.cuts
            ],
            "finding": self.finding,
            "history": [
                dict(zip(("at", "event", "by", "facts"), row, strict=True))
                for row in self.history
            ],
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """The pages of those who were found, and the rows of those who were not."""

    pages: Sequence[Page]
    missing: Sequence[tuple[Named, str]]
    made_at: int

    def whole(self) -> dict[str, Any]:
        """The sample as JSON members."""
        return {
            "made_at": instant(self.made_at),
            "asked_for": len(self.pages) + len(self.missing),
            "found": len(self.pages),
            "pages": [page.whole() for page in self.pages],
            "not_found": [
                {"line": named.line, "asked_for": named.who, "why": why}
                for named, why in self.missing
            ],
        }


# ------------------------------------------------------------------------ finding them


def made(database: Database, named: Sequence[Named], now: int) -> Sample:
    """The pages of a sample, all of one state of the database."""
    pages, missing = [], []
    with database.snapshot() as reader:
        for each in named:
            found = _found(reader, each)
            if isinstance(found, str):
                missing.append((each, found))
            else:
                pages.append(_page(reader, each, found, now))
    return Sample(pages, missing, now)


def _found(reader: Reader, named: Named) -> User | str:
    """The user somebody means, or why none was found."""
    who = named.who
    match named.column:
        case "id":
            number = int(who) if who.isascii() and who.isdigit() else 0
            user = users.by_id(reader, number) if number < 1 << 62 else None
        case "username":
            user = users.by_username_key(reader, folding.username_key(who))
        case "email":
            user = users.by_email_key(reader, folding.email_key(who))
        case _:
            return _by_name(reader, who)
    return user or f"Nobody here has this {named.column}, active or not."


def _by_name(reader: Reader, name: str) -> User | str:
    query = users.Query(words=name.rsplit(maxsplit=1)[-1], at_most=1_000)
    wanted = name.casefold()
    same = [
        user
        for user in users.search(reader, query)
        if f"{user.first_name} {user.last_name}".strip().casefold() == wanted
    ]
    if len(same) == 1:
        return same[0]
    if same:
        names = ", ".join(user.username for user in same)
        return f"{len(same)} people have this name ({names}); name one by username."
    return "Nobody here has this name, active or not."


# ------------------------------------------------------------------------- their pages


def _page(reader: Reader, named: Named, user: User, now: int) -> Page:
    events = audit.of_user(reader, user.id)
    cuts = receipts.of_user(reader, user.id)[::-1]
    signed_in = [each.at for each in events if each.name == "session:opened"]
    created = next((e for e in events if e.name == "user:created"), None)
    return Page(
        named=named,
        user=user,
        roles=assignments.names_of(reader, [user.id]).get(user.id, ()),
        profile=_profile(reader, user),
        source=_source(reader, user),
        first_access=instant(user.created_at),
        first_sign_in=instant(user.first_login_at),
        last_sign_in=instant(max(signed_in, default=None)),
        approved_by=_approvals(events, created),
        cuts=[_cut(each, named) for each in cuts],
        history=[_told(each) for each in events if each.name in _ACCESS],
        finding=_finding(named, user, cuts, events, now),
    )


def _source(reader: Reader, user: User) -> str:
    """Who manages them, in words."""
    link = links.of_user(reader, user.id)
    if link is None:
        return not_managed()
    connection = connections.required(reader, link.connection_id)
    return not_managed(connection.name) if connection.is_retired else connection.name


def _profile(reader: Reader, user: User) -> str | None:
    return profiles.name(reader, user.profile_id) if user.profile_id else None


def _approvals(events: Sequence[AuditEvent], created: AuditEvent | None) -> str:
    """Who let them in, and who gave each role."""
    said = [f"created by {created.actor}"] if created else []
    for each in events:
        if each.name == "user:role:granted":
            role = orjson.loads(each.facts)["role"]
            said.append(f"{role} given by {each.actor} on {instant(each.at)}")
    return "; ".join(said) or "no record of it here"


def _cut(each: Receipt, named: Named) -> Cut:
    ended = {name: held for name, held in each.controls.items() if held}
    return Cut(
        asked_at=instant(each.asked_at) or "",
        cut_at=instant(each.cut_at) or "",
        took_ms=round(each.took / 1000, 1),
        by=each.actor,
        request_id=each.request_id,
        ended=ended,
        told=[_call(call) for call in each.calls],
        after_left=after(each.cut_at, named.left_on),
    )


def _call(call: Any) -> str:
    if call.delivered_at is not None:
        return f"{call.application}: told at {instant(call.delivered_at)}"
    return f"{call.application}: not told yet"


def _told(each: AuditEvent) -> tuple[str, str, str, str]:
    what = sentence_of_event(each.name)
    return instant(each.at) or "", what, each.actor, facts(each.facts)


def _finding(
    named: Named,
    user: User,
    cuts: Sequence[Receipt],
    events: Sequence[AuditEvent],
    now: int,
) -> str:
    course = Course(
        active=user.active,
        cuts=[each.cut_at for each in cuts],
        back=[each.at for each in events if each.name == "user:reactivated"],
        now=now,
    )
    return finding(course, named.left_on)


def lines(sample: Sample) -> Iterator[tuple[str, ...]]:
    """One line of a table for each person asked for."""
    for page in sample.pages:
        user = page.user
        yield (
            page.named.who,
            user.username,
            "yes" if user.active else "no",
            page.finding,
        )
    for named, why in sample.missing:
        yield named.who, "", "", why

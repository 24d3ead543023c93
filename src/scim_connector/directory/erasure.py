"""Taking somebody out of what is kept as text: logs, queues, decisions, audit.

What is about them by a key (their user, their SCIM ids, their userNames) is emptied.
Elsewhere their names stand in sentences of others; there each is replaced.  A word counts
only whole: ``kim.doe`` is not found in ``kim.doering``, nor in another's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import orjson
from sqlalchemy import (
    BigInteger,
    Table,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from scim_connector.directory import tables
from scim_connector.directory.audit import BATCH
from scim_connector.directory.statements import Statement

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: So many requests of the log are looked through in one statement.
_REQUESTS: Final = 5_000
#: Shorter words are in too many others.
SHORTEST: Final = 5
_MAIL: Final = "mail:"

#: Texts in which somebody may be named who is not their subject.
_SENTENCES: Final[tuple[tuple[Table, tuple[str, ...]], ...]] = (
    (tables.receipts, ("username", "actor")),
    (tables.users, ("held_by",)),
    (tables.mapping_versions, ("applied_by",)),
    (tables.mass_changes, ("approved_by",)),
    (
        tables.conflicts,
        ("identity", "external_id", "detail", "resource", "resolution"),
    ),
    (tables.outbox, ("payload", "last_error")),
    (tables.refused_callers, ("sample",)),
    (tables.group_members, ("value", "display", "display_key")),
    (tables.idempotency_keys, ("served",)),
)
_log = tables.request_log
_REQUEST_TEXTS: Final = (
    *("path", "reason", "identity", "identity_key", "steps"),
    *("request_body", "response_body"),
)
_personal = tables.audit_personal


@dataclass(frozen=True)
class Traces:
    """What somebody is known by, and what stands in its place.

    ``words`` are usernames, addresses and userNames; ``names`` are whole names as they
    are shown, which others may share.  Both are as written.
    """

    user_id: int
    link_ids: tuple[str, ...]
    identities: tuple[str, ...]
    words: tuple[str, ...]
    names: tuple[str, ...]
    neutral: str

    def told_in(self, text: str | None) -> bool:
        """Whether a word stands in a text, whole."""
        return text is not None and self._words.search(text) is not None

    def neutral_in(self, text: str | None) -> str | None:
        """A text with the neutral name in place of each word and name."""
        return None if text is None else self._all.sub(self.neutral, text)

    def anywhere(self, *columns: Any, names: bool = True) -> Any:
        """The condition that a column may tell of them; the whole word is for Python."""
        looked_for = (*self.words, *self.names) if names else self.words
        return or_(
            false(),
            *(
                func.lower(column).contains(spelling, autoescape=True)
                for column in columns
                for word in looked_for
                for spelling in _spellings(word)
            ),
        )

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return _whole(self.words)

    @cached_property
    def _all(self) -> re.Pattern[str]:
        return _whole((*self.words, *self.names))


def _spellings(word: str) -> set[str]:
    """A word as SQL may find it in lower case: SQLite lowers ASCII alone."""
    plain = {word.lower(), "".join(c.lower() if c.isascii() else c for c in word)}
    return plain | {quote(w, safe="").lower() for w in plain}


def _whole(words: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that finds each word whole, in a URL too; the longest first."""
    found = {form for w in words for form in (w, quote(w, safe=""), quote_plus(w))}
    either = "|".join(re.escape(w) for w in sorted(found, key=len, reverse=True))
    if not either:
        return re.compile(r"(?!)")
    before = r"(?:(?<![\w.@+-])|(?<=%[0-9A-Fa-f]{2}))"
    return re.compile(rf"{before}(?:{either})(?![\w@+-]|\.\w)", re.IGNORECASE)


# ------------------------------------------------------------------------ request log

_LAST_REQUEST = Statement(select(func.coalesce(func.max(_log.c.id), 0)))
_REWRITE = Statement(
    update(_log)
    .where(_log.c.id == bindparam("of_id", type_=BigInteger))
    .values({name: bindparam(f"new_{name}") for name in _REQUEST_TEXTS})
)

Requests = list[dict[str, Any]]


def last_request(reader: Reader) -> int:
    """The id of the newest request of the log."""
    return int(reader.value(_LAST_REQUEST))


def requests(reader: Reader, traces: Traces, after: int) -> Iterator[Requests]:
    """What the requests behind one become, a batch at a time; :func:`rewrite` them."""
    last = last_request(reader)
    for start in range(after, last, _REQUESTS):
        batch = list(_requests(reader, traces, start, min(start + _REQUESTS, last)))
        if batch:
            yield batch


def _requests(
    reader: Reader, traces: Traces, after: int, upto: int
) -> Iterator[dict[str, Any]]:
    about = or_(
        _log.c.user_id == traces.user_id,
        _log.c.link_id.in_(traces.link_ids),
        _log.c.identity_key.in_(traces.identities),
    )
    columns = [_log.c[name] for name in _REQUEST_TEXTS]
    clause = select(_log.c.id, about, *columns).where(
        _log.c.id > after,
        _log.c.id <= upto,
        or_(about, traces.anywhere(*columns)),
    )
    for number, is_theirs, *texts in reader.rows(Statement(clause)):
        written = dict(zip(_REQUEST_TEXTS, texts, strict=True))
        new = {name: traces.neutral_in(text) for name, text in written.items()}
        if is_theirs:
            new |= _emptied(new)
        if new != written:
            yield {"of_id": number, **{f"new_{n}": text for n, text in new.items()}}


def _emptied(request: dict[str, str | None]) -> dict[str, str | None]:
    """A request about them: what was done and how it ended, and nothing of whom."""
    steps = orjson.loads(request["steps"] or "[]")
    states = [{"step": each["step"], "state": each["state"]} for each in steps]
    return {
        "path": (request["path"] or "").partition("?")[0],
        "identity": None,
        "identity_key": None,
        "steps": orjson.dumps(states).decode(),
        "request_body": None,
        "response_body": None,
    }


def rewrite(tx: Transaction, batch: Requests) -> None:
    """Write what requests have become."""
    tx.run_each(_REWRITE, batch)


# ------------------------------------------------------------------------------ audit

_OWN = select(tables.audit_events.c.id).where(
    tables.audit_events.c.user_id == bindparam("of_user")
)
_ERASE_OWN = Statement(delete(_personal).where(_personal.c.event_id.in_(_OWN)))
_ERASE = Statement(
    delete(_personal).where(_personal.c.event_id == bindparam("of_event"))
)
_LAST_PERSONAL = Statement(select(func.coalesce(func.max(_personal.c.event_id), 0)))


def last_personal(reader: Reader) -> int:
    """The newest event that tells something of a person."""
    return int(reader.value(_LAST_PERSONAL))


def events_of_others(reader: Reader, traces: Traces, after: int) -> list[int]:
    """Events behind one that tell of them, although they are not about them."""
    found = []
    last = last_personal(reader)
    for start in range(after, last, BATCH):
        clause = select(_personal.c.event_id, _personal.c.facts).where(
            _personal.c.event_id > start,
            _personal.c.event_id <= start + BATCH,
            traces.anywhere(_personal.c.facts, names=False),
        )
        rows = reader.rows(Statement(clause))
        found += [event for event, facts in rows if traces.told_in(facts)]
    return found


def erase_personal(tx: Transaction, user_id: int, elsewhere: list[int]) -> int:
    """Erase what events tell of them, their own and those; returns of how many."""
    own = tx.run(_ERASE_OWN, of_user=user_id)
    return own + sum(tx.run(_ERASE, of_event=event) for event in elsewhere)


# --------------------------------------------------------------------- everything else

_outbox = tables.outbox
_DROP_MAILS = Statement(
    update(_outbox)
    .where(_outbox.c.user_id == bindparam("of_user"), _outbox.c.topic.startswith(_MAIL))
    .values(
        payload="{}",
        last_error=None,
        withdrawn=or_(
            _outbox.c.withdrawn,
            and_(_outbox.c.delivered_at.is_(None), _outbox.c.given_up_at.is_(None)),
        ),
        given_up_at=case(
            (_outbox.c.delivered_at.is_not(None), _outbox.c.given_up_at),
            else_=func.coalesce(
                _outbox.c.given_up_at, bindparam("at", type_=BigInteger)
            ),
        ),
    )
)
_NAME_RECEIPTS = Statement(
    update(tables.receipts)
    .where(tables.receipts.c.user_id == bindparam("of_user"))
    .values(username=bindparam("neutral"))
)


def forget(tx: Transaction, traces: Traces, *, now: int) -> None:
    """Empty or drop what is about them, and replace their names in the rest."""
    tx.run(_DROP_MAILS, of_user=traces.user_id, at=now)
    tx.run(_NAME_RECEIPTS, of_user=traces.user_id, neutral=traces.neutral)
    links = list(traces.link_ids)
    queue, keys = tables.conflicts, tables.idempotency_keys
    about = (
        queue.c.user_id == traces.user_id,
        queue.c.link_id.in_(links),
        queue.c.identity.in_(traces.identities),
    )
    tx.run(Statement(delete(queue).where(or_(*about))))
    tx.run(Statement(delete(keys).where(keys.c.resource_id.in_(links))))
    _forget_results(tx, links)
    members = tables.group_members
    unnamed = {"display": None, "display_key": None}
    tx.run(Statement(update(members).where(members.c.value.in_(links)).values(unnamed)))
    for table, names in _SENTENCES:
        _replace(tx, traces, table, names)


def _forget_results(tx: Transaction, links: list[str]) -> None:
    """Forget what came of the asynchronous requests of whoever knows these links.

    Results are encrypted, so nobody can look whom they tell of; they are kept for a day.
    """
    asked, linked = tables.async_requests, tables.links
    connections = select(linked.c.connection_id).where(linked.c.id.in_(links))
    tx.run(
        Statement(
            delete(asked).where(
                asked.c.done_at.is_not(None), asked.c.connection_id.in_(connections)
            )
        )
    )


def _replace(
    tx: Transaction, traces: Traces, table: Table, names: tuple[str, ...]
) -> None:
    key = list(table.primary_key)
    columns = [table.c[name] for name in names]
    clause = select(*key, *columns).where(traces.anywhere(*columns))
    for row in tx.rows(Statement(clause)):
        here, texts = row[: len(key)], row[len(key) :]
        new = {n: traces.neutral_in(t) for n, t in zip(names, texts, strict=True)}
        where = and_(
            *(column == value for column, value in zip(key, here, strict=True))
        )
        tx.run(Statement(update(table).where(where).values(new)))

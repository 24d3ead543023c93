"""Lists of one kind of resource: by place, or by cursor (RFC 9865)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import search
from scim_connector.provisioning.calls import Page
from scim_connector.scim import cursors
from scim_connector.scim.cursors import Cursor, Question
from scim_connector.scim.paging import DEFAULT_COUNT
from scim_connector.tokens.secrets import WrongKey

if TYPE_CHECKING:
    from scim_connector.directory.search import Found, Target
    from scim_connector.directory.stores import Store
    from scim_connector.provisioning.calls import Call, SearchQuery
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.tokens.secrets import SecretKeys

_PURPOSE: Final = "cursors"


class CursorSeal:
    """Seals cursors with a sub-key of this installation's keys."""

    def __init__(self, keys: SecretKeys) -> None:
        """Seal with the newest of *keys*; the older ones still open."""
        self._keys = keys

    def close(self, plain: bytes) -> bytes:
        """Encrypt."""
        return self._keys.encrypt(plain, _PURPOSE)

    def open(self, sealed: bytes) -> bytes | None:
        """Decrypt; None for what no key fits."""
        try:
            return self._keys.decrypt(sealed, _PURPOSE)
        except WrongKey:
            return None


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of one page, how many there are in all, and how to get the next."""

    total: int
    rows: list[Found]
    next_cursor: str | None = None


class Listing:
    """Finds the pages of one kind of resource; built once per process."""

    def __init__(self, database: Store, target: Target, seal: CursorSeal) -> None:
        """Search *target* in *database*; cursors are sealed by *seal*."""
        self._database = database
        self._target = target
        self._seal = seal

    def page(
        self, call: Call, query: SearchQuery, resource_type: ResourceType
    ) -> Listed:
        """Return the page that is asked for.

        Raises InvalidFilter, InvalidPath, InvalidValue or TooMany; for cursors
        InvalidCursor, ExpiredCursor or InvalidCount.
        """
        if query.cursor is None:
            count = DEFAULT_COUNT if query.count is None else query.count
            found = search.page(
                self._database.reader(),
                self._target,
                start=query.start,
                count=count,
                **_asked(call, query, resource_type),
            )
            return Listed(found.total, found.rows)
        return self._walked(call, query, resource_type)

    def _walked(
        self, call: Call, query: SearchQuery, resource_type: ResourceType
    ) -> Listed:
        reader = self._database.reader()
        asked = _asked(call, query, resource_type)
        question = _question(call, query, resource_type)
        now = call.now // 1_000_000
        if query.cursor:
            cursor = cursors.read(
                query.cursor, question, count=query.count, seal=self._seal, now=now
            )
            count, total = cursor.count, cursor.total
            after = self._place(cursor, call, query, resource_type)
        else:
            count = DEFAULT_COUNT if query.count is None else query.count
            total = search.page(reader, self._target, count=0, **asked).total
            after = None
        if count == 0:
            return Listed(total, [])
        met = search.walk(reader, self._target, after=after, count=count, **asked)
        if met.last is None:
            return Listed(total, met.rows)
        here = Cursor(met.last.seq, met.last.value, count, total)
        following = cursors.write(here, question, seal=self._seal, now=now)
        return Listed(total, met.rows, following)

    def _place(
        self,
        cursor: Cursor,
        call: Call,
        query: SearchQuery,
        resource_type: ResourceType,
    ) -> search.Place:
        """Return where a walk goes on; a long value is looked up and compared."""
        value = cursor.value
        if cursor.digest is not None:
            value = search.value_at(
                self._database.reader(),
                self._target,
                connection_id=call.connection.id,
                resource_type=resource_type,
                sort_by=query.sort_by or "",
                seq=cursor.seq,
            )
            if not cursor.is_at(value):
                raise cursors.moved()
        return search.Place(cursor.seq, value)


def _asked(
    call: Call, query: SearchQuery, resource_type: ResourceType
) -> dict[str, Any]:
    return {
        "connection_id": call.connection.id,
        "resource_type": resource_type,
        "filter_text": query.filter,
        "sort_by": query.sort_by,
        "descending": query.descending,
    }


def _question(call: Call, query: SearchQuery, resource_type: ResourceType) -> Question:
    return Question(
        connection_id=call.connection.id,
        credential_id=call.credential_id,
        kind=resource_type.id,
        filter=query.filter or None,
        sort_by=query.sort_by or None,
        descending=bool(query.sort_by) and query.descending,
    )


def page_of(query: SearchQuery, found: Listed, texts: list[str]) -> Page:
    """Return what was found, with the *texts* that are answered."""
    start = query.start if query.cursor is None else None
    return Page(found.total, start, texts, found.next_cursor)

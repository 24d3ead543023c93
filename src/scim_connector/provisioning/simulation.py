"""The dry run: what would become of any SCIM request, with nothing of it kept.

The request is carried out by the use cases that serve a provider, inside a transaction
that is rolled back; its entry of the request log is read before that.  So a dry run
cannot say anything else than the request itself would.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote
from uuid import uuid4

from scim_connector.accounts import Act
from scim_connector.accounts import groups as account_groups
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import groups, links, request_log, search
from scim_connector.directory.stores import Within
from scim_connector.provisioning import plans
from scim_connector.provisioning.calls import Call, SearchQuery
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.entries import ACTIONS
from scim_connector.provisioning.exchange import Exchange
from scim_connector.provisioning.followed import Followed
from scim_connector.provisioning.groups import Groups
from scim_connector.provisioning.listing import CursorSeal, Listing
from scim_connector.provisioning.reads import RequestGatherer
from scim_connector.provisioning.users import Users
from scim_connector.rules.actors import Actor
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import gate, messages, projection
from scim_connector.scim.errors import (
    InvalidSyntax,
    MethodNotAllowed,
    NotFound,
    ScimError,
    Unauthenticated,
)

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.request_log import Entry
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.calls import UseCases
    from scim_connector.scim.messages import SearchRequest
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.types import Json
    from scim_connector.tokens.secrets import SecretKeys

#: Stands where the log names the credential of a request.
DRY_RUN: Final = "dry run"
_LONGEST_METHOD: Final = 10
_LIST: Final = ("GET", "POST")
_ONE: Final = ("GET", "PUT", "PATCH", "DELETE")
_SEARCH: Final = ".search"


def call_of(
    connection: Connection,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    now: int,
    source: str = DRY_RUN,
) -> Call:
    """A request to try; *path* as a provider sends it, ``/Users/ID?attributes=…`` too."""
    return Call(
        request_id=str(uuid4()),
        method=method,
        path=path,
        source=source,
        now=now,
        started=perf_counter_ns(),
        connection=connection,
        credential_id=DRY_RUN,
        body=body,
    )


class Simulator:
    """Tries requests; built once per process."""

    def __init__(self, database: Database, keys: SecretKeys) -> None:
        """Try on *database*; cursors are opened with *keys*."""
        self._database = database
        self._keys = keys

    def run(
        self, call: Call, *, mapping: Mapping | None = None, if_match: str | None = None
    ) -> Entry:
        """The entry that the request log would keep of *call*; nothing is written.

        Whatever would be refused is an entry with outcome Failure.  With *mapping* that
        is applied first, and whom the request is about follows it.  Raises what
        ``Database.write`` raises when the database is busy or away.
        """
        parts, query = _address(call.path)
        asked = replace(
            call,
            method=call.method.upper()[:_LONGEST_METHOD],
            path="/".join(("/scim/v2", *parts)),
        )

        def work(tx: Transaction) -> Entry:
            trial = _Trial(tx, self._keys, asked, parts, query, if_match)
            if mapping is not None:
                trial.put_in_place(mapping)
            return trial.entry()

        return self._database.preview(work)


class _Trial:
    """One request inside the transaction that keeps nothing."""

    def __init__(
        self,
        tx: Transaction,
        keys: SecretKeys,
        call: Call,
        parts: list[str],
        query: str,
        if_match: str | None,
    ) -> None:
        store, seal = Within(tx), CursorSeal(keys)
        self._tx = tx
        self._call = call
        self._parts = parts
        self._query = query
        self._if_match = if_match
        self._followed: Followed | None = None
        self._gatherer = RequestGatherer(store)
        self._exchange = exchange = Exchange(store, self._gatherer)
        self._kinds: dict[str, UseCases] = {
            "Users": Users(exchange, Listing(store, search.USERS, seal)),
            "Groups": Groups(exchange, Listing(store, search.GROUPS, seal)),
        }

    # --------------------------------------------------------------------- a mapping

    def put_in_place(self, new: Mapping) -> None:
        """Apply *new*, and let whom the request is about follow it, as ``apply`` does."""
        tx, call = self._tx, self._call
        act = Act(Actor.operator(DRY_RUN), call.now)
        old = mapping_of(tx, call.connection)
        moved = plans.put_in_place(tx, call.connection, new, act)
        self._call = replace(call, connection=moved)
        match self._parts:
            case ["Users", link_id]:
                self._follow(links.by_id(tx, moved.id, link_id), old, new, act)
            case ["Groups", group_id]:
                group = groups.by_id(tx, moved.id, group_id)
                if group is not None:
                    account_groups.tie_by_mapping(tx, group, new.roles.groups, act)

    def _follow(self, link: Link | None, old: Mapping, new: Mapping, act: Act) -> None:
        if link is not None:
            course = Course.of(self._call, "Update")
            differences = plans.follow(self._tx, course, link, old, new, act)
            self._followed = Followed(course, differences)

    # ------------------------------------------------------------------- the request

    def entry(self) -> Entry:
        """Carry the request out and read what the log has of it."""
        self._carry_out()
        self._gatherer.flush()
        entry = request_log.by_request_id(self._tx, self._call.request_id)
        assert entry is not None  # noqa: S101 - every use case logs its call
        return entry if self._followed is None else self._followed.told_in(entry)

    def _carry_out(self) -> None:
        try:
            serve = self._found()
        except ScimError as refusal:
            action = ACTIONS.get(self._call.method, "Read")
            action = "Read" if self._parts[-1:] == [_SEARCH] else action
            self._exchange.refused_read(self._call, refusal, action=action)
            return
        with suppress(ScimError, RulesViolated):  # the log has it
            serve()

    def _found(self) -> Callable[[], object]:
        """What serves the request; raises what the door itself would refuse."""
        connection = self._call.connection
        if connection.state == "retired":
            message = f"Connection {connection.name} is retired: no token of it opens"
            raise Unauthenticated(f"{message} anything; try another connection.")
        match self._parts:
            case [name] if name in self._kinds:
                return self._all(self._kinds[name])
            case [name, ".search"] if name in self._kinds:
                return self._searched(self._kinds[name])
            case [name, resource_id] if name in self._kinds:
                return self._one(self._kinds[name], resource_id)
        message = f"There is nothing to try at {self._call.path[:100]}"
        raise NotFound(f"{message}; try /Users, /Users/ID, /Groups or /Groups/ID.")

    def _all(self, kind: UseCases) -> Callable[[], object]:
        match self._call.method:
            case "GET":
                given = messages.arguments(self._query)
                return self._listed(kind, messages.search_arguments(given))
            case "POST":
                call = self._asked(self._projection(kind), self._body())
                return lambda: kind.create(call)
        raise MethodNotAllowed.only(_LIST, self._call.method)

    def _searched(self, kind: UseCases) -> Callable[[], object]:
        if self._call.method != "POST":
            raise MethodNotAllowed.only(("POST",), self._call.method)
        return self._listed(kind, messages.search_request(self._body()))

    def _listed(self, kind: UseCases, wanted: SearchRequest) -> Callable[[], object]:
        call, query = self._asked(self._shown(kind, wanted)), SearchQuery.of(wanted)
        return lambda: kind.search(call, query)

    def _one(self, kind: UseCases, resource_id: str) -> Callable[[], object]:
        if self._call.method not in _ONE:
            raise MethodNotAllowed.only(_ONE, self._call.method)
        shown, match = self._projection(kind), self._if_match
        match self._call.method:
            case "PUT":
                call = self._asked(shown, self._body())
                return lambda: kind.replace(call, resource_id, if_match=match)
            case "PATCH":
                call = self._asked(shown, self._body())
                return lambda: kind.patch(call, resource_id, if_match=match)
            case "DELETE":
                call = self._asked(None)
                return lambda: kind.delete(call, resource_id, if_match=match)
        call = self._asked(shown)
        return lambda: kind.get(call, resource_id)

    def _asked(self, shown: Projection | None, body: Json | None = None) -> Call:
        """The call as the door hands it over."""
        return replace(self._call, body=body, shown=shown)

    def _body(self) -> Json:
        if self._call.body is None:
            raise InvalidSyntax(gate.NO_BODY)
        return self._call.body

    def _projection(self, kind: UseCases) -> Projection | None:
        if not self._query:
            return None
        given = messages.arguments(self._query)
        return self._shown(kind, messages.search_arguments(given))

    def _shown(self, kind: UseCases, wanted: SearchRequest) -> Projection:
        known = kind.resource_type(self._call.connection)
        return projection.parse(wanted.attributes, wanted.excluded_attributes, known)


def _address(path: str) -> tuple[list[str], str]:
    """What stands behind the version in a path, with or without it, and the query."""
    place, _, query = path.partition("?")
    clean = unquote(place).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    parts = [part for part in clean.split("/") if part]
    for prefix in ("scim", "v2"):
        if parts[:1] == [prefix]:
            parts = parts[1:]
    return parts, query

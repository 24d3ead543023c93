"""A house for tests: a connection, its mapping, and requests as a provider makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

from scim_connector.accounts import Act
from scim_connector.accounts import groups as accounts_groups
from scim_connector.administration import shipped
from scim_connector.directory import (
    async_requests,
    audit,
    connections,
    groups,
    links,
    mapping_versions,
    outbox,
    request_log,
    roles,
    sessions,
    users,
)
from scim_connector.directory.connections import Connection
from scim_connector.directory.database import Database
from scim_connector.directory.request_log import Entry
from scim_connector.directory.sessions import Session
from scim_connector.directory.users import User
from scim_connector.provisioning import (
    Answer,
    Call,
    Provisioning,
    Readable,
    RequestGatherer,
    SearchQuery,
    UseCases,
)
from scim_connector.provisioning.bulk import Bulk
from scim_connector.rules.actors import Actor
from scim_connector.scim import rendering
from scim_connector.scim.types import LOCAL, Json
from scim_connector.tokens.secrets import SecretKeys

_CLOCK = count(1_760_000_000_000_000, 1_000_000)


def now() -> int:
    """An instant later than every one before, microseconds UTC."""
    return next(_CLOCK)


def person(user_name: str, **more: Any) -> Json:
    """A user as a provider sends one; *more* replaces or adds members."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": user_name, "primary": True}],
        **more,
    }


def patch_of(**values: Any) -> Json:
    """A PATCH that replaces attributes by name."""
    return {
        "Operations": [
            {"op": "replace", "path": name, "value": value}
            for name, value in values.items()
        ]
    }


@dataclass
class Provider:
    """A provider at one connection of a database."""

    database: Database
    connection: Connection
    gatherer: RequestGatherer = field(init=False)
    service: UseCases = field(init=False)
    groups: UseCases = field(init=False)
    bulk: Bulk = field(init=False)
    roles: Readable = field(init=False)
    entitlements: Readable = field(init=False)

    def __post_init__(self) -> None:
        self.gatherer = RequestGatherer(self.database)
        keys = SecretKeys.fresh()
        provisioning = Provisioning(self.database, self.gatherer, keys)
        self.service, self.groups = provisioning.users, provisioning.groups
        self.bulk = provisioning.bulk
        self.roles, self.entitlements = provisioning.roles, provisioning.entitlements

    def call(self, method: str, path: str, body: Json | None = None) -> Call:
        reader = self.database.reader()
        return Call(
            request_id=str(uuid4()),
            method=method,
            path=path,
            source="192.0.2.1",
            now=now(),
            started=perf_counter_ns(),
            connection=connections.required(reader, self.connection.id),
            credential_id="credential",
            body=body,
        )

    def post(self, body: Json) -> Answer:
        """POST /Users."""
        return self.service.create(self.call("POST", "/Users", body))

    def put(self, link_id: str, body: Json, *, if_match: str | None = None) -> Answer:
        """PUT /Users/{id}."""
        call = self.call("PUT", f"/Users/{link_id}", body)
        return self.service.replace(call, link_id, if_match=if_match)

    def patch(self, link_id: str, body: Json, *, if_match: str | None = None) -> Answer:
        """PATCH /Users/{id}."""
        call = self.call("PATCH", f"/Users/{link_id}", body)
        return self.service.patch(call, link_id, if_match=if_match)

    def delete(self, link_id: str) -> Answer:
        """DELETE /Users/{id}."""
        call = self.call("DELETE", f"/Users/{link_id}")
        return self.service.delete(call, link_id, if_match=None)

    def get(self, link_id: str) -> Json:
        """GET /Users/{id} as JSON."""
        answer = self.service.get(self.call("GET", f"/Users/{link_id}"), link_id)
        return shown(answer)

    def post_group(self, name: str, *members: str, **more: Any) -> str:
        """POST /Groups; returns the id."""
        body = {"displayName": name, "members": [{"value": m} for m in members], **more}
        return str(self.groups.create(self.call("POST", "/Groups", body)).id)

    def put_group(self, group_id: str, body: Json) -> Answer:
        """PUT /Groups/{id}."""
        call = self.call("PUT", f"/Groups/{group_id}", body)
        return self.groups.replace(call, group_id, if_match=None)

    def patch_group(
        self, group_id: str, *operations: Json, if_match: str | None = None
    ) -> Answer:
        """PATCH /Groups/{id}."""
        body = {"Operations": list(operations)}
        call = self.call("PATCH", f"/Groups/{group_id}", body)
        return self.groups.patch(call, group_id, if_match=if_match)

    def delete_group(self, group_id: str) -> Answer:
        """DELETE /Groups/{id}."""
        call = self.call("DELETE", f"/Groups/{group_id}")
        return self.groups.delete(call, group_id, if_match=None)

    def tie(self, group_id: str, role: str) -> None:
        """Let a group give a role, as a person here does."""

        def work(tx: Any) -> None:
            group = groups.by_id(tx, self.connection.id, group_id)
            found = roles.by_name(tx, role)
            assert group is not None
            assert found is not None
            accounts_groups.tie(tx, group, found.id, operator(), source="console")

        self.database.write(work)

    def group(self, group_id: str) -> Json:
        """GET /Groups/{id} as JSON."""
        call = self.call("GET", f"/Groups/{group_id}")
        return shown(self.groups.get(call, group_id))

    def members(self, group_id: str) -> list[str]:
        """The values of the members of a group, in order."""
        return [m["value"] for m in self.group(group_id).get("members", [])]

    def set(self, **changes: Any) -> None:
        """Change settings of the connection."""
        self.database.write(
            lambda tx: connections.change(tx, self.connection.id, changes)
        )

    def search_total(self) -> int:
        """How many users the provider sees."""
        return self.service.search(self.call("GET", "/Users"), SearchQuery()).total

    def user(self, link_id: str) -> User:
        """The local user behind a visible link."""
        reader = self.database.reader()
        link = links.by_id(reader, self.connection.id, link_id)
        assert link is not None
        return users.required(reader, link.local_user_id)


def shown(answer: Answer) -> Json:
    """An answer as the client sees it."""
    return rendering.resource_of(answer.text or "", "https://scim.example.com/scim/v2")


def local(answer: Answer) -> Json:
    """What the provider's wishes became."""
    return shown(answer)[LOCAL]["local"]


def secret_of(text: str) -> str:
    """What opens a token or a link: the last 43 characters, "_" among them."""
    return text[-43:]


def operator() -> Act:
    """A person at the command line, now."""
    return Act(Actor.operator("ann"), now())


def provider(
    database: Database,
    name: str = "entra",
    *,
    mapping: str | None = None,
    **settings: Any,
) -> Provider:
    """A new connection and the provider at it."""

    def work(tx: Any) -> int:
        if not roles.administrator_ids(tx):
            roles.add_administrator(tx)
        connection_id = connections.add(tx, name, kind="entra", now=now(), **settings)
        mapping_versions.apply(
            tx,
            connection_id,
            text=mapping or shipped.text("entra"),
            file_name=f"{name}.toml",
            by="test",
            now=now(),
        )
        return connection_id

    connection_id = database.write(work)
    return Provider(database, connections.required(database.reader(), connection_id))


def sessions_of(provider_: Provider, link_id: str) -> dict[str, Session]:
    """The sessions of somebody, by their id."""
    user_id = provider_.user(link_id).id
    held = sessions.of_user(provider_.database.reader(), user_id)
    return {each.id: each for each in held}


def events_of(database: Database, user_id: int) -> list[str]:
    """The names of the audited events of a user."""
    return [event.name for event in audit.of_user(database.reader(), user_id)]


def topics(database: Database) -> list[str]:
    """The topics that wait in the outbox, the oldest first."""
    return [message.topic for message in outbox.waiting(database.reader())]


def last_entry(provider_: Provider) -> Entry:
    """The newest entry of the request log, gathered reads written first."""
    provider_.gatherer.flush()
    return request_log.newest(provider_.database.reader(), at_most=1)[0]


def asked_later(database: Database, connection_id: int, at: int) -> str:
    """A request that was taken to be carried out later; returns its id."""
    txn = str(uuid4())
    values = {
        "txn": txn,
        "connection_id": connection_id,
        "credential_id": "credential",
        "method": "POST",
        "path": "/scim/v2/Users",
        "source": "192.0.2.1",
        "sealed": "c2VhbGVk",
        "size": 100,
        "key_hash": None,
        "fingerprint": None,
        "taken_at": at,
    }
    database.write(lambda tx: async_requests.add(tx, **values))
    return txn

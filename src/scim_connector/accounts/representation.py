"""How a user is shown to their provider: the link row with everything derived from it.

The resource is rendered when it changes and stored ready to serve (decision 41); the
search document and the indexed columns are written in the same statement, so a filter
never sees another state than a GET does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import links, profiles
from scim_connector.directory.links import Link, LinkColumns
from scim_connector.rules import folding
from scim_connector.scim import differences, rendering, search_documents
from scim_connector.scim.folding import text_key
from scim_connector.scim.types import ENTERPRISE

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.users import User
    from scim_connector.scim.types import Json


def stated(link: Link) -> Json:
    """The resource as the provider states it: ``active`` is what it last asked for."""
    document = rendering.document_of(rendering.resource_of(link.served))
    return {**document, "active": link.asked_active}


def establish(
    tx: Transaction,
    connection: Connection,
    user: User,
    document: Json,
    *,
    link_id: str,
    asked_active: bool,
    now: int,
) -> Link:
    """Add the link that stands for *user* on *connection*."""
    facts = _facts(tx, user, link_id=link_id, version=1, created=now, modified=now)
    columns = _columns(tx, connection, document, facts)
    return links.add(
        tx,
        connection_id=connection.id,
        user_id=user.id,
        link_id=link_id,
        asked_active=asked_active,
        columns=columns,
        now=now,
    )


def refresh(
    tx: Transaction,
    connection: Connection,
    link: Link,
    user: User,
    *,
    document: Json,
    asked_active: bool,
    now: int,
) -> Link:
    """Write the link anew if its representation changed, and raise its version then.

    Rendered with the old version and time, an unchanged resource is the stored text to
    the letter; only what the provider asked for may still differ.
    """
    facts = _facts_under(tx, user, link)
    return _renewed(tx, connection, link, facts, document, asked_active, now)


def changed(before: Link | None, after: Link) -> dict[str, Any]:
    """Which attributes a provider reads otherwise, and the version they have now."""
    old = {} if before is None else rendering.resource_of(before.served)
    new = rendering.resource_of(after.served)
    return {"attributes": differences.paths(old, new), "version": after.version}


def _renewed(
    tx: Transaction,
    connection: Connection,
    link: Link,
    facts: rendering.Facts,
    document: Json,
    asked_active: bool,
    now: int,
) -> Link:
    same = rendering.served(mapping_of(tx, connection).resource_type, document, facts)
    if same == link.served:
        if asked_active != link.asked_active:
            links.ask_active(tx, link, asked_active)
        return replace(link, asked_active=asked_active)
    facts = replace(facts, version=link.version + 1, last_modified=now)
    return _written(tx, connection, link, facts, document, asked_active)


def _written(
    tx: Transaction,
    connection: Connection,
    link: Link,
    facts: rendering.Facts,
    document: Json,
    asked_active: bool,
) -> Link:
    return links.update_to(
        tx,
        link,
        asked_active=asked_active,
        columns=_columns(tx, connection, document, facts),
        version=facts.version,
        now=facts.last_modified,
    )


# --------------------------------------------------------- identities without a user


def await_user(
    tx: Transaction,
    connection: Connection,
    document: Json,
    *,
    link_id: str,
    asked_active: bool,
    now: int,
) -> Link:
    """Add a link that stands for nobody yet; ``active`` is what the provider asks."""
    return links.add(
        tx,
        connection_id=connection.id,
        user_id=None,
        link_id=link_id,
        asked_active=asked_active,
        columns=unlinked_columns(
            tx, connection, document, link_id=link_id, active=asked_active, now=now
        ),
        now=now,
    )


def unlinked_columns(
    tx: Transaction,
    connection: Connection,
    document: Json,
    *,
    link_id: str,
    active: bool,
    now: int,
) -> LinkColumns:
    """What is stored of a resource that stands for nobody."""
    facts = rendering.Facts(
        id=link_id, version=1, created=now, last_modified=now, active=active
    )
    return _columns(tx, connection, document, facts)


def restate(
    tx: Transaction,
    connection: Connection,
    link: Link,
    document: Json,
    *,
    asked_active: bool,
    now: int,
) -> Link:
    """Write a link that stands for nobody anew, as :func:`refresh` does."""
    facts = rendering.Facts(
        id=link.id,
        version=link.version,
        created=link.created_at,
        last_modified=link.modified_at,
        active=asked_active,
    )
    return _renewed(tx, connection, link, facts, document, asked_active, now)


def attach(
    tx: Transaction,
    connection: Connection,
    link: Link,
    user: User,
    document: Json,
    *,
    asked_active: bool,
    now: int,
) -> Link:
    """Let a link that stood for nobody stand for *user*, under the id it has.

    Its version rises only where the provider reads something else afterwards.
    """
    facts = _facts_under(tx, user, link)
    resource_type = mapping_of(tx, connection).resource_type
    became = rendering.served(resource_type, document, facts)
    if rendering.expand(became, "") != rendering.expand(link.served, ""):
        facts = replace(facts, version=link.version + 1, last_modified=now)
    attached = links.attach(tx, link, user.id)
    return _written(tx, connection, attached, facts, document, asked_active)


def erase(tx: Transaction, connection: Connection, link: Link, user: User) -> None:
    """Leave nothing of a person in a hidden link but its id and its dates."""
    document = {"userName": f"{user.username}-{link.seq}"}
    columns = _columns(tx, connection, document, _facts_under(tx, user, link))
    links.erase(tx, link, columns)


def _facts_under(tx: Transaction, user: User, link: Link) -> rendering.Facts:
    """What is rendered of *user*, with the version and times that *link* has."""
    return _facts(
        tx,
        user,
        link_id=link.id,
        version=link.version,
        created=link.created_at,
        modified=link.modified_at,
    )


def _facts(
    tx: Transaction,
    user: User,
    *,
    link_id: str,
    version: int,
    created: int,
    modified: int,
) -> rendering.Facts:
    profile = profiles.name(tx, user.profile_id) if user.profile_id else None
    local = rendering.Local(
        initials=user.initials,
        username=user.username,
        email=user.email,
        type=user.user_type,
        profile=profile,
    )
    return rendering.Facts(
        id=link_id,
        version=version,
        created=created,
        last_modified=modified,
        active=user.active,
        local=local,
    )


def _columns(
    tx: Transaction, connection: Connection, document: Json, facts: rendering.Facts
) -> LinkColumns:
    resource_type = mapping_of(tx, connection).resource_type
    served = rendering.served(resource_type, document, facts)
    resource = rendering.resource_of(served)
    name, local = document.get("name") or {}, facts.local
    return LinkColumns(
        external_id=document.get("externalId"),
        user_name=document["userName"],
        user_name_key=text_key(document["userName"]),
        display_name_key=_key(document.get("displayName")),
        family_name_key=_key(name.get("familyName")),
        given_name_key=_key(name.get("givenName")),
        employee_number_key=_key(
            (document.get(ENTERPRISE) or {}).get("employeeNumber")
        ),
        local_username_key=folding.username_key(local.username) if local else None,
        local_initials_key=folding.initials_key(local.initials) if local else None,
        active=bool(facts.active),
        emails=tuple(
            text_key(email["value"])
            for email in document.get("emails", ())
            if email.get("value")
        ),
        served=served,
        search=orjson.dumps(search_documents.build(resource_type, resource)).decode(),
    )


def _key(text: str | None) -> str | None:
    return None if text is None else text_key(text)

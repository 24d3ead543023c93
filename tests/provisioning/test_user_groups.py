"""Users are answered with the groups they are in (RFC 7643 section 4.1.2)."""

from __future__ import annotations

import json

from sqlalchemy import insert

from scim_connector.directory import links
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import group_links, group_members
from scim_connector.scim.rendering import BASE_URL_MARK
from tests.house import Provider, patch_of, person, provider, shown

_REFERENCE = json.dumps({"value": "g1", "$ref": "MARK/Groups/g1", "display": "Sales"})


def add_group_of(provider_: Provider, link_id: str) -> None:
    """Store a group with one member."""
    reader, here = provider_.database.reader(), provider_.connection.id
    link = links.by_id(reader, here, link_id)
    assert link is not None
    group = Statement(
        insert(group_links)
        .values(
            id="g1",
            connection_id=here,
            display_name="Sales",
            display_name_key="sales",
            version=1,
            created_at=1,
            modified_at=1,
            served="{}",
            search="{}",
            reference=_REFERENCE.replace("MARK", BASE_URL_MARK),
        )
        .returning(group_links.c.seq)
    )
    seq = provider_.database.write(lambda tx: tx.insert(group))
    member = insert(group_members).values(
        group_seq=seq, connection_id=here, value=link_id, link_seq=link.seq
    )
    provider_.database.write(lambda tx: tx.run(Statement(member)))


def test_every_answer_about_a_user_has_its_groups(database: Database) -> None:
    """GET, PATCH and PUT answer the groups, and writing them back changes nothing."""
    entra = provider(database)
    made = entra.post(person("kim@example.com"))
    link_id = made.id or ""
    assert "groups" not in shown(made)
    add_group_of(entra, link_id)
    address = "https://scim.example.com/scim/v2/Groups/g1"
    expected = [{"value": "g1", "$ref": address, "display": "Sales"}]

    read = entra.get(link_id)
    assert read["groups"] == expected
    patched = entra.patch(link_id, patch_of(title="Boss"))
    assert shown(patched)["groups"] == expected
    again = entra.put(link_id, shown(patched))
    assert shown(again)["groups"] == expected
    assert again.version == patched.version

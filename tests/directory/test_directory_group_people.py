"""Who the members of a group are here, a page at a time, on both databases."""

from __future__ import annotations

from scim_connector.directory import group_people, groups
from scim_connector.directory.database import Database
from tests.house import person, provider


def test_each_member_is_a_user_a_group_or_a_stranger(database: Database) -> None:
    """By value, and a page goes on behind the last value of the former one."""
    at = provider(database)
    kim = str(at.post(person("kim.doe@contoso.com")).id)
    inner = at.post_group("Inner")
    outer = at.post_group("Outer", kim, inner, "nobody-here")
    reader = database.reader()
    group = groups.by_id(reader, at.connection.id, outer)
    nested = groups.by_id(reader, at.connection.id, inner)
    assert group is not None
    assert nested is not None
    first = group_people.page(reader, group.seq, at_most=2)
    rest = group_people.page(reader, group.seq, after=first[-1].value, at_most=2)

    found = {each.value: each for each in (*first, *rest)}
    assert [each.value for each in (*first, *rest)] == sorted(found)
    assert found.keys() == {kim, inner, "nobody-here"}
    assert (found[kim].username, found[kim].group) == ("kim.doe@contoso.com", None)
    assert found[kim].user_id == at.user(kim).id
    assert (found[inner].group_seq, found[inner].group) == (nested.seq, "Inner")
    stranger = found["nobody-here"]
    assert (stranger.user_id, stranger.group_seq) == (None, None)
    assert group_people.page(reader, nested.seq, at_most=2) == []

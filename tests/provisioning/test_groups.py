"""/Groups: kept as sent, members by sets, roles where a group is tied to one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from scim_connector.administration import groups as doors
from scim_connector.administration import role_sources, shipped
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    assignments,
    connections,
    groups,
    request_log,
    roles,
)
from scim_connector.directory.database import Database, Reader
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events
from scim_connector.mapping import language
from scim_connector.provisioning import plans
from scim_connector.rules.permissions import ALL
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import projection
from scim_connector.scim.errors import (
    InvalidValue,
    NotFound,
    Unavailable,
    VersionMismatch,
)
from scim_connector.scim.schemas import GROUP
from tests.house import Provider, operator, patch_of, person, provider, shown

_GROUP_EVENTS = Statement(
    select(audit_events.c.name)
    .where(audit_events.c.name.startswith("group:"))
    .order_by(audit_events.c.id)
)


@pytest.fixture
def entra(database: Database) -> Provider:
    """A provider on either database, and a role to be given."""
    made = provider(database)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    return made


def people(entra: Provider, count: int) -> list[str]:
    return [str(entra.post(person(f"kim{n}@contoso.com")).id) for n in range(count)]


def add(*values: str) -> dict[str, object]:
    return {"op": "Add", "path": "members", "value": [{"value": v} for v in values]}


def roles_of(entra: Provider, link_id: str) -> list[tuple[str, str]]:
    """Role and source of each role row of a user."""
    found = assignments.sources(entra.database.reader(), entra.user(link_id).id)
    return [(name, source) for name, source, _ in found]


def tie(
    entra: Provider,
    group_id: str,
    role: str = "Registrar",
    own: Collection[str] = ALL,
) -> int:
    reader = entra.database.reader()
    group = doors.find(reader, entra.connection, group_id)
    return entra.database.write(
        lambda tx: doors.tie(tx, entra.connection, group, role, operator(), own=own)
    )


# ------------------------------------------------------------------------- as it is


def test_a_group_is_read_back_as_sent(entra: Provider) -> None:
    """Names, externalId, members with their display; addresses are the server's."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", externalId="x-1")
    sent = [{"value": kim, "display": "Kim", "$ref": None}, {"value": lee}]
    entra.patch_group(group_id, {"op": "add", "path": "members", "value": sent})
    group = entra.group(group_id)

    assert (group["displayName"], group["externalId"]) == ("Sales", "x-1")
    base = "https://scim.example.com/scim/v2"
    assert group["meta"]["location"] == f"{base}/Groups/{group_id}"
    assert group["members"] == [
        {"value": kim, "$ref": f"{base}/Users/{kim}", "type": "User", "display": "Kim"},
        {"value": lee, "$ref": f"{base}/Users/{lee}", "type": "User"},
    ]


def test_a_member_may_be_a_group_or_a_stranger(entra: Provider) -> None:
    """A stranger is kept as sent, with a warning; a strict connection refuses it."""
    inner = entra.post_group("Inner")
    outer = entra.post_group("Outer", inner, "nobody")
    newest = request_log.newest(entra.database.reader(), at_most=1)[0]
    shown = entra.group(outer)["members"]

    assert [m.get("type") for m in shown] == ["Group", None]
    assert newest.outcome == "Warning"
    assert "1 of the members name nobody on this connection: nobody" in newest.steps
    entra.set(strict=True)
    with pytest.raises(InvalidValue, match="Send the ids that this server gave out"):
        entra.patch_group(outer, add("somebody"))


def test_ids_of_another_connection_are_strangers(
    entra: Provider, database: Database
) -> None:
    """A member is resolved among the users of the same connection alone."""
    other = provider(database, "other")
    stranger = str(other.post(person("lee@contoso.com")).id)
    group_id = entra.post_group("Sales", stranger)

    assert entra.group(group_id)["members"] == [{"value": stranger}]
    with pytest.raises(NotFound):
        other.group(group_id)


def test_two_groups_may_have_one_name(entra: Provider) -> None:
    """RFC 7643 section 4.2 does not make displayName unique."""
    assert entra.post_group("Sales") != entra.post_group("Sales")


# -------------------------------------------------------------------------- changes


def test_adding_again_changes_nothing(entra: Provider) -> None:
    """Idempotent: the version stays, nothing is refused (T30)."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim)
    before = entra.group(group_id)
    entra.patch_group(group_id, add(kim))
    entra.patch_group(group_id, {"op": "remove", "path": f'members[value eq "{lee}"]'})

    assert entra.group(group_id) == before


def test_only_the_listed_members_go(entra: Provider) -> None:
    """A removal with a value array never empties the group (T31)."""
    kim, lee, ann = people(entra, 3)
    group_id = entra.post_group("Sales", kim, lee, ann)
    gone = [{"$ref": None, "value": lee}]
    entra.patch_group(group_id, {"op": "Remove", "path": "members", "value": gone})

    assert entra.members(group_id) == [kim, ann]


def test_a_rename_leaves_the_members(entra: Provider) -> None:
    """Okta sends the name with its id, without a path (T54)."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim, lee)
    renamed = {"op": "replace", "value": {"id": group_id, "displayName": "Sales EU"}}
    entra.patch_group(group_id, renamed)

    assert entra.members(group_id) == [kim, lee]
    assert entra.group(group_id)["displayName"] == "Sales EU"


def test_a_put_without_members_keeps_them(entra: Provider) -> None:
    """Decision 0006; an empty list empties the group."""
    (kim,) = people(entra, 1)
    group_id = entra.post_group("Sales", kim)
    entra.put_group(group_id, {"displayName": "EU"})
    kept = entra.members(group_id)
    entra.put_group(group_id, {"displayName": "EU", "members": []})

    assert kept == [kim]
    assert entra.members(group_id) == []


def test_a_patch_is_all_or_nothing(entra: Provider) -> None:
    """A bad operation behind a good one undoes the good one."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim)
    before = entra.group(group_id)
    nameless = {"op": "replace", "path": "displayName", "value": " "}
    with pytest.raises(InvalidValue, match="a group needs a name"):
        entra.patch_group(group_id, add(lee), nameless)

    assert entra.group(group_id) == before


def test_a_stale_version_is_refused(entra: Provider) -> None:
    """If-Match is compared in the transaction of the change (412)."""
    (kim,) = people(entra, 1)
    group_id = entra.post_group("Sales")
    entra.patch_group(group_id, add(kim), if_match='W/"1"')
    with pytest.raises(VersionMismatch):
        entra.patch_group(group_id, add("x"), if_match='W/"1"')


def test_a_removed_user_is_in_no_group(entra: Provider) -> None:
    """DELETE of a user: the groups name them no more, and say so by their version."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim, lee)
    entra.delete(kim)

    assert entra.members(group_id) == [lee]
    assert entra.group(group_id)["meta"]["version"] == 'W/"2"'


def test_a_removed_group_is_gone(entra: Provider) -> None:
    """404 for ever, out of every other group, told to audit."""
    inner = entra.post_group("Inner")
    outer = entra.post_group("Outer", inner)
    assert entra.delete_group(inner).status == 204

    assert entra.members(outer) == []
    with pytest.raises(NotFound, match="Search by displayName"):
        entra.group(inner)
    with pytest.raises(NotFound):
        entra.delete_group(inner)


def test_a_paused_connection_changes_no_group(entra: Provider) -> None:
    """Only reads and deactivations are served (decision 13)."""
    group_id = entra.post_group("Sales")
    entra.set(state="paused")
    with pytest.raises(Unavailable):
        entra.patch_group(group_id, add("x"))

    assert entra.members(group_id) == []


def test_members_added_at_once_are_all_there(entra: Provider) -> None:
    """Six providers' workers add to one tied group: nobody is lost, all hold the role."""
    ids = people(entra, 12)
    group_id = entra.post_group("Sales")
    tie(entra, group_id)
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(entra.patch_group, group_id, add(one)) for one in ids]
    assert [each.result().status for each in done] == [204] * len(ids)

    assert sorted(entra.members(group_id)) == sorted(ids)
    assert {tuple(roles_of(entra, one)) for one in ids} == {(("Registrar", "group"),)}
    assert entra.group(group_id)["meta"]["version"] == f'W/"{len(ids) + 1}"'


def test_members_that_are_not_asked_for_are_not_read(
    entra: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two statements read a group with its members, one without (T27)."""
    group_id = entra.post_group("Sales", *people(entra, 2))
    call = entra.call("GET", f"/Groups/{group_id}")
    without = replace(call, shown=projection.parse(None, "members", GROUP))
    sent: list[object] = []
    for name in ("row", "rows"):
        run = getattr(Reader, name)
        monkeypatch.setattr(Reader, name, _telling(run, sent))
    entra.groups.get(call, group_id)
    with_members = len(sent)
    answer = entra.groups.get(without, group_id)

    assert (with_members, len(sent) - with_members) == (2, 1)
    assert "members" not in shown(answer)


def _telling(run: Callable[..., Any], sent: list[object]) -> Callable[..., Any]:
    """*run*, which also says that it was run."""

    def told(*arguments: Any, **values: Any) -> Any:
        sent.append(arguments)
        return run(*arguments, **values)

    return told


# ---------------------------------------------------------------------------- roles


def test_a_group_gives_nothing_until_it_is_tied(entra: Provider) -> None:
    """Equal names tie nothing; the log says what to do (decision 23)."""
    (kim,) = people(entra, 1)
    entra.post_group("Registrar", kim)
    newest = request_log.newest(entra.database.reader(), at_most=1)[0]

    assert roles_of(entra, kim) == []
    assert newest.outcome == "Warning"
    assert "connection group tie entra" in newest.steps


def test_a_tie_gives_the_role_to_members_now_and_later(entra: Provider) -> None:
    """The role comes and goes with the membership."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim)
    assert tie(entra, group_id) == 1
    entra.patch_group(group_id, add(lee))
    both = roles_of(entra, kim), roles_of(entra, lee)
    entra.patch_group(group_id, {"op": "remove", "path": f'members[value eq "{kim}"]'})

    assert both == ([("Registrar", "group")], [("Registrar", "group")])
    assert roles_of(entra, kim) == []
    assert roles_of(entra, lee) == [("Registrar", "group")]


def test_a_role_stands_while_one_group_gives_it(entra: Provider) -> None:
    """Two groups, one role: leaving one of them takes nothing."""
    (kim,) = people(entra, 1)
    one, two = entra.post_group("One", kim), entra.post_group("Two", kim)
    tie(entra, one)
    assert tie(entra, two) == 0
    entra.delete_group(one)
    still = roles_of(entra, kim)
    entra.delete_group(two)

    assert still == [("Registrar", "group")]
    assert roles_of(entra, kim) == []


def test_untying_says_how_many_lose_the_role(entra: Provider) -> None:
    """Who holds it by another road keeps it, and is not counted."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Sales", kim, lee)
    tie(entra, group_id)
    database = entra.database
    role = roles.by_name(database.reader(), "Registrar")
    assert role is not None
    user = entra.user(lee).id
    database.write(
        lambda tx: assignments.grant(
            tx, user, role.id, source="console", connection_id=0, now=1
        )
    )
    group = doors.find(database.reader(), entra.connection, "sales")
    lost = database.write(lambda tx: doors.untie(tx, group, "Registrar", operator()))

    assert lost == 1
    assert roles_of(entra, kim) == []
    assert roles_of(entra, lee) == [("Registrar", "console")]
    with pytest.raises(NotPossible, match="not tied to Registrar"):
        database.write(lambda tx: doors.untie(tx, group, "Registrar", operator()))


def test_groups_are_listed_for_a_person(entra: Provider) -> None:
    """By how the name begins, by whether they give a role, one page after another."""
    kim, lee = people(entra, 2)
    entra.post_group("Sales 100%", kim)
    tied = entra.post_group("sales north", kim, lee)
    entra.post_group("Other")
    tie(entra, tied)
    reader, role = entra.database.reader(), "Registrar"

    def found(**how: Any) -> list[tuple[str, int]]:
        rows = groups.search(reader, groups.GroupQuery(**how))
        return [(group.display_name, size) for group, size in rows]

    assert found(words="sales") == [("Sales 100%", 1), ("sales north", 2)]
    assert found(words="sales 100%") == [("Sales 100%", 1)]
    assert found(words="%") == []
    assert found(tied=True) == [("sales north", 2)]
    assert found(tied=False, connection_id=entra.connection.id, at_most=1) == [
        ("Sales 100%", 1)
    ]
    first = groups.search(reader, groups.GroupQuery(at_most=1))[0][0].seq
    assert found(after=first) == [("sales north", 2), ("Other", 0)]
    assert groups.count_untied(reader) == 2
    (listed,) = [each for each in roles.listed(reader) if each.name == role]
    sources = role_sources.of_roles(reader, [listed])[listed.id]
    assert [(each.name, each.by_mapping) for each in sources] == [
        ("sales north", False)
    ]


def test_nobody_ties_a_role_that_allows_more_than_they_may(entra: Provider) -> None:
    """R33: a group is no way around the rule about handing on permissions."""
    group_id = entra.post_group("Sales")
    role = roles.by_name(entra.database.reader(), "Registrar")
    assert role is not None
    entra.database.write(lambda tx: roles.allow(tx, role.id, {"users.create"}))

    with pytest.raises(RulesViolated, match=r"Create users \(R33\)"):
        tie(entra, group_id, own={"roles.create", "users.view"})
    assert tie(entra, group_id, own={"users.create"}) == 0


def test_the_mapping_ties_by_name(entra: Provider) -> None:
    """[roles.groups] ties on creation and on a rename, and lets go on the next one."""
    kim = people(entra, 1)[0]
    text = _with_groups(entra, '"sales eu" = "Registrar"')
    mapping = language.load(text, "entra.toml")
    group_id = entra.post_group("Sales EU", kim)
    plan = plans.plan(entra.database, entra.connection, mapping, operator())
    assert roles_of(entra, kim) == []
    plans.apply(
        entra.database, entra.connection, mapping, operator(), named=plan.changed
    )
    given = roles_of(entra, kim)
    rename = {"op": "replace", "path": "displayName", "value": "Sales"}
    entra.patch_group(group_id, rename)

    assert plan.roles == 1
    assert given == [("Registrar", "group")]
    assert roles_of(entra, kim) == []


def _with_groups(entra: Provider, line: str) -> str:
    assert entra.connection.kind == "entra"
    return f"{shipped.text('entra')}\n[roles.groups]\n{line}\n"


def test_a_mapping_that_names_no_role_warns(entra: Provider) -> None:
    """A role is never created by a mapping."""
    mapping = language.load(_with_groups(entra, '"Sales" = "Dean"'), "entra.toml")
    plans.apply(entra.database, entra.connection, mapping, operator())
    entra.post_group("Sales")
    newest = request_log.newest(entra.database.reader(), at_most=1)[0]

    assert "Dean" in newest.steps
    assert newest.outcome == "Warning"


def test_the_administrator_role_is_protected(entra: Provider) -> None:
    """R22: neither a tie nor a membership gives it unless the connection may."""
    kim, lee = people(entra, 2)
    group_id = entra.post_group("Admins", kim)
    with pytest.raises(NotPossible, match="allow the connection first"):
        tie(entra, group_id, "Administrator")
    entra.set(may_act_as_administrator=True)
    entra.connection = connections.required(
        entra.database.reader(), entra.connection.id
    )
    tie(entra, group_id, "Administrator")
    entra.set(may_act_as_administrator=False)
    with pytest.raises(RulesViolated):
        entra.patch_group(group_id, add(lee))

    assert roles_of(entra, kim) == [("Administrator", "group")]
    assert entra.members(group_id) == [kim]


def test_an_inactive_member_keeps_the_role(entra: Provider) -> None:
    """Deactivation keeps assignments (decision 23); DELETE drops them."""
    kim = people(entra, 1)[0]
    group_id = entra.post_group("Sales", kim)
    tie(entra, group_id)
    entra.patch(kim, patch_of(active=False))
    kept = roles_of(entra, kim)
    user = entra.user(kim).id
    entra.delete(kim)

    assert kept == [("Registrar", "group")]
    assert assignments.sources(entra.database.reader(), user) == []


# ---------------------------------------------------------------------------- audit


def test_every_change_of_a_group_is_audited(entra: Provider) -> None:
    """Created, changed, tied, removed: each with the name and who did it."""
    kim = people(entra, 1)[0]
    group_id = entra.post_group("Sales", kim)
    tie(entra, group_id)
    entra.patch_group(group_id, {"op": "remove", "path": "members"})
    entra.delete_group(group_id)
    reader = entra.database.reader()
    told = [row[0] for row in reader.rows(_GROUP_EVENTS)]

    assert told == [
        "group:created",
        "group:tied",
        "group:changed",
        "group:removed",
    ]
    assert groups.count(reader, entra.connection.id) == 0

"""The play on a real server, at full speed: it may go on for days."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from scim_connector.administration import users
from scim_connector.demo.applications import NEXTGEN, listening
from scim_connector.demo.backstage import Backstage
from scim_connector.demo.director import Director
from scim_connector.demo.entra import Entra
from scim_connector.demo.okta import Okta
from scim_connector.demo.pace import EVERY_DAY, Pace, PacedTalk
from scim_connector.demo.people import DEPARTMENT_OF_GROUP, DOMAIN, cast
from scim_connector.demo.stage import doing, set_up
from scim_connector.demo.tenant import Tenant
from scim_connector.directory import receipts, receivers, request_log
from scim_connector.probe.client import Client
from scim_connector.probe.judging import Fault
from scim_connector.settings import Settings
from scim_connector.wiring import House, open_house
from tests import server

ROUND = 13


@dataclass
class Stage:
    """A real server with both connections, and a play that does not wait."""

    house: House
    director: Director
    pace: Pace

    def play(self, acts: int) -> None:
        for act in islice(self.director.acts(), acts):
            act()

    def statuses(self) -> Counter[int]:
        log = request_log.newest(self.house.database.reader(), at_most=5000)
        return Counter(entry.status for entry in log)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    people, random = cast(), Random(1)  # noqa: S311 - a play
    pace = Pace(sleep=lambda _: None)
    with server.running(tmp_path) as scim, chdir(tmp_path), listening() as address:
        house = open_house(Settings.load(os.environ))

        tokens = set_up(house, people.local).tokens

        def tenant(name: str) -> Tenant:
            client = Client(scim.base_url, name, tokens[name])
            talk = PacedTalk(client, DOMAIN, pace=pace)
            vendor = Entra(talk) if name == "entra" else Okta(talk)
            return Tenant.of(name, vendor, getattr(people, name))

        entra, okta = tenant("entra"), tenant("okta")
        backstage = Backstage(house, random)
        backstage.register(address)
        yield Stage(house, Director(entra, okta, backstage, pace, random), pace)
        house.database.close()


def test_the_play_goes_on_for_ever(stage: Stage) -> None:
    """After hours of acts people still come and go, and the server failed at nothing."""
    everybody = cast()
    most = sum(len((*c.first, *c.later)) for c in (everybody.entra, everybody.okta))
    for act in stage.director.opening():
        act()

    stage.play(12 * ROUND)

    both = (stage.director.entra, stage.director.okta)
    present, gone = (sum(len(getattr(t, n)) for t in both) for n in ("present", "gone"))
    assert max(stage.statuses()) < 500
    assert present > 50
    assert gone < 10
    assert present + gone <= most
    assert not any(t.later or t.waiting for t in both)
    assert all(p.email for p in stage.director.entra.refused.values())
    assert stage.pace.per_second == EVERY_DAY


def test_whoever_leaves_was_signed_in(stage: Stage) -> None:
    """Each deactivation by a provider ends a session at least."""
    for act in stage.director.opening():
        act()

    stage.play(4)

    made = [
        receipt
        for receipt in receipts.newest(stage.house.database.reader())
        if receipt.connection_id is not None
    ]
    assert len(made) == 2
    assert all(r.controls["sessions"][NEXTGEN] >= 1 for r in made)


def test_the_security_desk_hears_of_whoever_leaves(stage: Stage) -> None:
    """The server sends it both events of a deactivation while the play goes on."""
    for act in stage.director.opening():
        act()
    stage.play(4)

    reader = stage.house.database.reader()
    [desk] = receivers.every(reader)
    kinds: set[str] = set()
    ends = monotonic() + 20
    while not kinds and monotonic() < ends:
        sleep(0.1)
        taken = receivers.deliveries(reader, desk.id, at_most=100)
        kinds = {each.kind for each in taken if each.refused is None}

    assert "deactivate" in kinds


def test_groups_are_pushed_with_their_members(stage: Stage) -> None:
    """Each provider has its three groups, with the people of the department."""
    for act in stage.director.opening():
        act()

    talk = stage.director.okta.vendor.talk
    found = talk.get("/Groups").body["Resources"]
    assert {g["displayName"] for g in found} == set(DEPARTMENT_OF_GROUP)
    for group in found:
        department = DEPARTMENT_OF_GROUP[group["displayName"]]
        there = [
            stage.director.okta.ids[p.key]
            for p in stage.director.okta.present.values()
            if p.department == department
        ]
        assert sorted(m["value"] for m in group["members"]) == sorted(there)


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_somebody_unlinked_is_created_anew(stage: Stage, provider: str) -> None:
    """Whom an administrator unlinks is noticed at the next try and joins again."""
    tenant: Tenant = getattr(stage.director, provider)
    person = tenant.waiting.pop(0)
    assert tenant.provision(person)
    stage.house.database.write(
        lambda tx: users.unlink(tx, users.find(tx, person.user_name), doing())
    )

    with pytest.raises(Fault, match="404"):
        tenant.change(person.renamed())
    tenant.leave(person)

    assert person in tenant.later
    assert person.key not in tenant.present


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_changes_arrive(stage: Stage, provider: str) -> None:
    """Another name and department, and leaving and coming back, as the same user."""
    tenant: Tenant = getattr(stage.director, provider)
    person = tenant.waiting.pop(0)
    tenant.provision(person)
    moved = person.renamed().moved("Library")

    tenant.change(moved)
    tenant.leave(moved)
    left = tenant.vendor.talk.get(f"/Users/{tenant.ids[person.key]}").body
    tenant.come_back(moved)

    back = tenant.vendor.talk.get(f"/Users/{tenant.ids[person.key]}").body
    assert left["active"] is False
    assert back["active"] is True
    assert back["name"]["familyName"].endswith("-Lund")
    assert "Library" in str(back)
    assert stage.statuses()[201] == 1

"""Once a deactivation is answered nothing is granted any more: by what clients saw.

Two server processes on one database, a real provider, and clients that sign in, renew,
ask and exchange while people and programs are deactivated by every road and let back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import provider, server
from tests.history import checker, doors
from tests.history.checker import DEACTIVATE, OK, Operation
from tests.history.doors import APPLICATION, Doors
from tests.history.people import Subject
from tests.history.race import API_APPLICATION, Race
from tests.history.roads import ROADS, Provider
from tests.provider import OpenIdProvider
from tests.server import Server

OPERATIONS = 1_000
CUTS = 10  # of each of three drivers: each road twice
SECONDS = 90.0


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[OpenIdProvider]:
    """A provider in a process of its own."""
    folder = tmp_path / "provider"
    folder.mkdir()
    with provider.running(folder) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def scim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server on a database of each kind."""
    environment = {"SCIM_CONNECTOR_TRUSTED_PROXIES": "127.0.0.1"}
    if request.param == "postgresql":
        running = request.getfixturevalue("postgres_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = running.create("raced")
    folder = tmp_path / "house"
    folder.mkdir()
    with server.running(folder, environment=environment) as served:
        yield served
    if request.param == "postgresql":
        running.drop("raced")


def test_nothing_is_granted_after_a_deactivation_was_answered(
    scim: Server, issuer: OpenIdProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand racing operations, every road, two processes: no violation."""
    with doors.second(scim) as other:
        race = _prepared(scim, issuer, other)
        race.run(operations=OPERATIONS, cuts=CUTS, seconds=SECONDS)

    history = race.kept.history
    broken = checker.check(history)
    with capsys.disabled():
        print(f"\n{checker.summary(history)}\n{len(broken)} violations")
    assert [str(each) for each in broken] == []
    assert race.kept.count() >= OPERATIONS
    assert _refused_for_all(history) == set()
    cut = {o.road for o in history if o.kind == DEACTIVATE and o.outcome == OK}
    assert cut == set(ROADS)


def _refused_for_all(history: list[Operation]) -> set[str]:
    """The doors that let nobody in, at which nothing was proved."""
    granted = {each.kind for each in history if each.outcome == OK}
    return {each.kind for each in history} - granted


def _prepared(scim: Server, issuer: OpenIdProvider, other: str) -> Race:
    """Applications, sign-in, people with mailed links, programs with keys."""
    own = scim.base_url.removesuffix(scim.prefix)
    (scim.folder / "secret").write_text("of the gate")
    at = ("--issuer", issuer.issuer, "--client-secret-file", "secret")
    outputs = scim.cli_batch(
        [
            ["sign-in", "set", "default", *at, "--client-id", "gate"],
            ["sign-in", "on", "default"],
            ["connection", "set", "default", "--allow-api-users"],
            ["api-app", "install"],
            ["application", "add", APPLICATION],
            ["application", "add", API_APPLICATION, "--kind", "api"],
            ["application", "secret", APPLICATION],
            ["application", "secret", API_APPLICATION],
        ]
    )
    secrets = {
        APPLICATION: outputs[-2].split()[-1],
        API_APPLICATION: outputs[-1].split()[-1],
    }
    subjects = [Subject(f"person{number}") for number in range(6)]
    subjects += [Subject(f"program{number}", is_program=True) for number in range(2)]
    race = Race(scim, [Doors(at, issuer, secrets) for at in (own, other)], subjects)
    for subject in subjects:
        assert Provider(scim, own).create(subject), subject
        if subject.is_program:
            race.give_key(subject)
    race.wait_for_mail()
    race.choose_passwords(subjects[:4])
    return race

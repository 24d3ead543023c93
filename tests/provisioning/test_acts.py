"""How long a cut-off took is told from the arrival of the request, by a steady clock."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter_ns

from scim_connector.accounts import Act
from scim_connector.directory.database import Database
from scim_connector.provisioning.exchange import act_of
from scim_connector.rules.actors import Actor
from tests.house import provider

SECOND = 1_000_000


def test_an_act_has_come_as_far_as_time_has(database: Database) -> None:
    """Three seconds after its arrival, whatever the clock on the wall says."""
    call = provider(database).call("DELETE", "/Users/1")
    ago = perf_counter_ns() - 3_000 * SECOND
    late = act_of(replace(call, started=ago))
    part = act_of(replace(call, arrived=ago))

    for act in (late, part):
        assert 3 * SECOND <= act.reached() - call.now < 5 * SECOND


def test_an_act_at_the_console_ends_now() -> None:
    """It was looked at by the clock on the wall, which is never behind it."""
    act = Act(Actor.operator("ann"), 10**16)

    assert act.reached() == 10**16
    assert Act(Actor.operator("ann"), 1).reached() > 10**15

"""The figures of an installation, on both databases, whoever counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.administration import figures, receivers, webhooks
from scim_connector.administration.readings import Sample, Sight, Times
from scim_connector.directory import outbox, request_counts, seals
from scim_connector.directory import webhooks as rows
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.request_counts import BOUNDS, LONGER
from scim_connector.directory.tables import sessions
from scim_connector.provisioning import RequestGatherer
from scim_connector.scim.errors import ScimError
from scim_connector.tokens.secrets import SecretKeys
from tests import access, house, programs
from tests.access import put
from tests.house import patch_of, person


def _read(database: Database, now: int | None = None) -> Mapping[str, list[Sample]]:
    sight = Sight(database.reader(), now or house.now(), 10**16, database.path)
    return figures.read(sight)


def _value(found: Mapping[str, list[Sample]], name: str, *labels: str) -> Any:
    return dict(found[name]).get(labels)


def test_an_empty_house_has_figures(database: Database) -> None:
    """Nothing to count is 0 or no value, and no error."""
    found = _read(database)

    assert set(found) == {each.name for each in figures.FIGURES}
    assert found["requests_total"] == found["connection_state"] == []
    assert _value(found, "audit_unsealed_seconds") == 0
    assert _value(found, "deactivation_mean_seconds") == 0


def test_every_figure_is_read(database: Database) -> None:
    """A house in which something of everything has happened."""
    entra = house.provider(database)
    programs.application(database, "nextgen", logout_url="https://x.example/out")
    # Its events are of the machine's clock, and all others of that of the house.
    seals.seal(database, now=house.now())
    soc = ("soc", "https://soc.contoso.com/", house.operator())
    database.write(lambda tx: receivers.add(tx, SecretKeys.fresh(), *soc))
    leaver = entra.post(person("leaver@contoso.com"))
    kim = entra.post(person("kim.doe@contoso.com"))
    with pytest.raises(ScimError):
        entra.post(person("kim.doe@contoso.com"))
    entra.get(str(kim.id))
    user = entra.user(str(kim.id))
    database.write(
        lambda tx: put(tx, sessions, **access.session(user, seen_at=house.now()))
    )
    entra.patch(str(leaver.id), patch_of(active=False))
    entra.gatherer.flush()
    _lose_a_message(database)
    house.asked_later(database, entra.connection.id, house.now())

    found = _read(database, house.now() + 6 * 60 * 1_000_000)

    assert _value(found, "requests_total", "entra", "Create", "201") == 2
    assert _value(found, "requests_total", "entra", "Create", "409") == 1
    assert _value(found, "requests_total", "entra", "Disable", "200") == 1
    assert _value(found, "requests_total", "entra", "Read", "200") == 1
    assert _value(found, "connection_people", "entra") == 1
    assert _value(found, "outbox_messages", "mail") == 2
    assert _value(found, "outbox_messages", "logout") == 1
    assert _value(found, "outbox_oldest_seconds", "logout") > 300
    assert _value(found, "outbox_messages", "webhook") == 1
    assert _value(found, "webhook_messages_not_delivered", "pager") == 1
    assert 300 < _value(found, "security_events_oldest_seconds", "soc") < 400
    assert _value(found, "security_events_refused", "soc") == 0
    assert _value(found, "async_requests", "entra") == 1
    assert 300 < _value(found, "async_oldest_seconds", "entra") < 400
    assert _value(found, "cut_offs_unfinished") == 1
    assert _value(found, "deactivations_last_day") == 1
    assert _value(found, "sessions") == 1
    assert _value(found, "audit_unsealed_seconds") > 300
    assert (_value(found, "disk_free_bytes") is None) == (database.path is None)
    times = _value(found, "request_seconds", "entra", "Create")
    assert isinstance(times, Times)
    assert times.within[-1][1] == 3


def _lose_a_message(database: Database) -> None:
    """A webhook did not take one of two messages."""
    act, url = house.operator(), "https://pager.contoso.com/"

    def work(tx: Transaction) -> None:
        keys = SecretKeys.fresh()
        made, _ = webhooks.add(tx, keys, "pager", url, act, kinds=("alerts",))
        for _ in range(2):
            rows.tell(tx, "alert.began", {}, now=act.now)
        first, _ = outbox.of_webhook(tx, made.id, at_most=2)
        outbox.failed(tx, first.message.id, "no", now=act.now, again_at=None)

    database.write(work)


def test_no_token_is_no_value(database: Database) -> None:
    """A connection that nothing opens is an alert, not a number."""
    house.provider(database)

    assert _read(database)["credential_expiry_seconds"] == []


def test_many_count_at_once_and_nothing_is_lost(database: Database) -> None:
    """Eight processes write the same counts, and their sum is what they answered."""
    counted = [(1, "Update", 200, 4000), (1, "Create", 201, 9000)] * 5

    def answer(_: int) -> None:
        gatherer = RequestGatherer(database)
        for each in counted:
            gatherer.answered(*each)
        gatherer.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(answer, range(40)))

    assert request_counts.every(database.reader()) == [
        (1, "Create", 201, 10_000, 200, 200 * 9000),
        (1, "Update", 200, 5_000, 200, 200 * 4000),
    ]


@given(st.lists(st.integers(0, 10**8), max_size=60))
def test_times_are_counted_below_their_bound(times: list[int]) -> None:
    """Each once, at the first bound that is not below it; longer ones have their own."""
    bounds = Counter(request_counts.bound(took) for took in times)

    for bound in (*BOUNDS, LONGER):
        within = sum(n for b, n in bounds.items() if b <= bound)
        assert within == sum(1 for took in times if took <= bound)

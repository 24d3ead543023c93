"""/metrics: who may read it, and that what it tells is so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scim_connector.administration.figures import FIGURES
from scim_connector.directory import installation, request_log
from scim_connector.settings import BadSettings, Settings
from scim_connector.web import metrics
from tests.web.door import BASE, Door, open_door, person

TOKEN = "read-me-quickly-every-15s"


@pytest.fixture
def told(tmp_path: Path) -> Door:
    """A house whose figures are open to who has the token."""
    return open_door(tmp_path, metrics_token=TOKEN)


def _page(door: Door, token: str = TOKEN) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    answer = door.client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def _values(door: Door) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of the page as another program reads it, by name and labels."""
    door.gatherer.flush()
    page = metrics.render(door.house.settings, door.house.database).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def _value(door: Door, name: str, **labels: str) -> float | None:
    key = (f"scim_connector_{name}", tuple(sorted(labels.items())))
    return _values(door).get(key)


# -------------------------------------------------------------------- who may read it


def test_there_is_no_page_until_a_token_is_set(door: Door) -> None:
    """Not even for this machine: behind a proxy beside us everybody comes from there."""
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = door.client.get("/metrics", headers=headers)

        assert answer.status_code == 404
        assert "scim_connector_" not in answer.text


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü", TOKEN],
)
def test_only_the_whole_token_opens_it(told: Door, header: str) -> None:
    """401 with a challenge, and no figure, for anything else."""
    answer = told.client.get("/metrics", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "scim_connector_" not in answer.text


def test_a_token_of_a_connection_does_not_open_it(told: Door) -> None:
    """A provider learns nothing about the others."""
    headers = {"Authorization": f"Bearer {told.token}"}

    assert told.client.get("/metrics", headers=headers).status_code == 401


def test_a_short_token_is_refused_at_the_start() -> None:
    """And not shown in the refusal."""
    with pytest.raises(BadSettings, match="20 characters") as refused:
        Settings.load({"SCIM_CONNECTOR_METRICS_TOKEN": "short-one"})

    assert "short-one" not in str(refused.value)


# --------------------------------------------------------------------- what it tells


def test_every_figure_is_on_the_page(told: Door) -> None:
    """Each has its help and type, values or none, and another parser reads them."""
    page = _page(told)
    families = {f.name: f for f in text_string_to_metric_families(page)}

    for figure in FIGURES:
        name = f"scim_connector_{figure.name}".removesuffix("_total")
        assert families[name].type == figure.kind
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == set(figure.labels)


def test_requests_are_counted_as_the_log_has_them(told: Door) -> None:
    """Changes, refusals, reads, dry ends: each entry of the log once, none twice."""
    link_id = told.made("kim.doe@contoso.com")
    told.send("POST", "/Users", person("kim.doe@contoso.com"))
    told.send("GET", f"/Users/{link_id}")
    told.send("GET", "/Users/nobody")
    told.send("PATCH", f"/Users/{link_id}", {"Operations": []})
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    for _ in range(2):
        told.send("PATCH", f"/Users/{link_id}", off)
    told.send("POST", "/Nowhere", {})
    create = {"method": "POST", "path": "/Users", "bulkId": "a"}
    operations = [{**create, "data": person("bo@contoso.com")}]
    told.send("POST", "/Bulk", {"Operations": operations})
    told.send("DELETE", f"/Users/{link_id}")

    values = _values(told)
    entries = request_log.newest(told.house.database.reader(), at_most=100)
    logged = Counter((e.action, str(e.status)) for e in entries)
    counted = {
        (labels["action"], labels["status"]): value
        for (name, pairs), value in values.items()
        if name == "scim_connector_requests_total" and (labels := dict(pairs))
    }
    assert len(logged) > 5
    assert counted == logged
    assert _value(
        told, "request_seconds_count", connection="default", action="Disable"
    ) == sum(n for (action, _), n in logged.items() if action == "Disable")


def test_times_are_added_up_as_prometheus_does(told: Door) -> None:
    """Each bound counts what is below it too, and +Inf counts everything."""
    for _ in range(5):
        told.send("GET", "/Users")
    of = {"connection": "default", "action": "Read"}
    values = _values(told)
    rising = [
        value
        for (name, pairs), value in values.items()
        if name == "scim_connector_request_seconds_bucket"
        and of.items() <= dict(pairs).items()
    ]

    assert rising == sorted(rising)
    assert rising[-1] == _value(told, "request_seconds_count", **of) == 5
    assert 0 < (_value(told, "request_seconds_sum", **of) or 0) < 5


def test_what_failed_here_is_counted_too(
    told: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is in no log of requests, and is what an operator must see."""

    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    monkeypatch.setattr("scim_connector.web.scim.Scim.answer", broken)
    assert told.send("GET", "/Users").status_code == 500

    labels = {"connection": "default", "action": "Read", "status": "500"}
    assert _value(told, "requests_total", **labels) == 1


def test_a_count_survives_a_database_that_does_not_answer(
    told: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written is written when it can be, once."""
    told.made("kim.doe@contoso.com")
    with monkeypatch.context() as patch:
        patch.setattr(type(told.house.database), "write", _away)
        with pytest.raises(OSError, match="away"):
            told.gatherer.flush()

    labels = {"connection": "default", "action": "Create", "status": "201"}
    assert _value(told, "requests_total", **labels) == 1


def _away(*_: object) -> None:
    message = "away"
    raise OSError(message)


def test_strangers_are_counted_by_reason(told: Door) -> None:
    """Who has no token is no request of a connection."""
    told.client.get(f"{BASE}/Users")

    assert _value(told, "refused_callers_total", reason="no_token") == 1


def test_the_house_is_told(told: Door) -> None:
    """People, expiry, state, mails, deactivations and their time, sessions, space."""
    link_id = told.made("kim.doe@contoso.com")
    told.made("bo@contoso.com")
    told.send("DELETE", f"/Users/{link_id}")

    assert _value(told, "connection_people", connection="default") == 1
    state = {"connection": "default", "kind": "generic", "state": "live"}
    assert _value(told, "connection_state", **state) == 1
    year = 365 * 24 * 3600
    left = _value(told, "credential_expiry_seconds", connection="default") or 0
    assert year - 60 < left <= year
    assert _value(told, "outbox_messages", kind="mail") == 2
    assert 0 <= (_value(told, "outbox_oldest_seconds", kind="mail") or 0) < 60
    assert _value(told, "outbox_messages", kind="logout") == 0
    assert _value(told, "deactivations_last_day") == 1
    assert 0 < (_value(told, "deactivation_slowest_seconds") or 0) < 5
    assert _value(told, "sessions") == 0
    assert (_value(told, "disk_free_bytes") or 0) > 0
    assert 0 < (_value(told, "audit_unsealed_seconds") or 0) < 60


def test_the_last_backup_is_told_once_there_is_one(told: Door) -> None:
    """Nothing is said of backups that are made elsewhere."""
    assert _value(told, "backup_timestamp_seconds") is None
    told.house.database.write(
        lambda tx: installation.write(tx, "backup:last", "1760000000000000")
    )

    assert _value(told, "backup_timestamp_seconds") == 1_760_000_000


def test_the_page_holds_no_person(told: Door) -> None:
    """No name, address or id of a user, and no part of a token."""
    link_id = told.made("kim.doe@contoso.com")
    told.send("GET", f"/Users/{link_id}")
    told.gatherer.flush()
    page = _page(told)

    assert not re.search(r"kim|doe|@", page, re.IGNORECASE)
    assert link_id not in page
    assert told.token.split("_")[1] not in page


def test_who_asks_often_reads_once(tmp_path: Path) -> None:
    """What was read is told again for five seconds."""
    door = open_door(tmp_path, metrics_token=TOKEN)
    clock = iter([0.0, 4.9, 5.0, 5.1])
    page = metrics.Metrics(
        door.house.settings, door.house.database, lambda: next(clock)
    )
    before = page._fresh()
    door.made("kim.doe@contoso.com")

    assert page._fresh() is before
    after = page._fresh()
    assert after != before
    assert page._fresh() is after

"""Alerts: what holds is told once to who can help, and once more when it is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from scim_connector.administration import alert_watch, mails
from scim_connector.administration import alerts as doors
from scim_connector.administration import connections as administration
from scim_connector.administration import receivers as receiver_doors
from scim_connector.administration import webhooks as webhook_doors
from scim_connector.administration.alert_conditions import BY_ID, CONDITIONS
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    alerts,
    audit,
    credentials,
    installation,
    outbox,
    receivers,
    roles,
    seals,
    users,
    webhooks,
)
from scim_connector.directory.alerts import Rule
from scim_connector.directory.database import Database
from scim_connector.directory.users import User
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import AUDITOR
from scim_connector.scim.errors import ScimError
from scim_connector.settings import Settings
from scim_connector.tokens.secrets import SecretKeys
from tests import house, programs, tls
from tests.house import Provider, operator, patch_of, person

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
QUIET = Settings()


@pytest.fixture
def entra(database: Database) -> Provider:
    """A connection that was heard of just now, and a token without an end."""
    made = house.provider(database)
    _token(made, None)
    made.post(person("first@contoso.com"))
    return made


def _token(entra: Provider, ends: int | None) -> str:
    act = operator()
    made = entra.database.write(
        lambda tx: administration.create_token(
            tx, entra.connection, pepper=b"x" * 32, expires_at=ends, act=act
        )
    )
    return str(made.id)


def _look(
    database: Database, now: int, settings: Settings = QUIET, *, sealed: bool = True
) -> None:
    """Look now, whenever somebody looked last; what was recorded is sealed before."""
    if sealed:
        seals.seal(database, now=now)
    database.write(lambda tx: installation.write(tx, alert_watch.LOOKED, "0"))
    alert_watch.watch(database, settings, now)


def _holds(database: Database) -> dict[str, str]:
    return {a.condition: a.sentence for a in alerts.holding(database.reader())}


def _mails(database: Database) -> list[dict[str, Any]]:
    """The alerts that wait to be mailed, with the username of who gets them."""
    reader = database.reader()
    return [
        {
            **orjson.loads(each.payload),
            "to": users.required(reader, each.user_id or 0).username,
        }
        for each in outbox.waiting(reader)
        if each.topic == "mail:alert"
    ]


def _kinds(database: Database) -> list[str]:
    return [mail["kind"] for mail in _mails(database)]


def _holder(database: Database, name: str, *permissions: str, **more: Any) -> User:
    """Somebody with a role that carries these permissions."""

    def make(tx: Any) -> None:
        roles.allow(tx, roles.add(tx, f"Role of {name}"), permissions)

    database.write(make)
    return programs.human(database, name, roles=(f"Role of {name}",), **more)


# -------------------------------------------------------------------- what is judged


def test_a_quiet_house_has_no_alert(entra: Provider) -> None:
    """A connection that works, nothing that waits: nothing holds, nobody is mailed."""
    _holder(entra.database, "ann.admin", *(c.permission.id for c in CONDITIONS))

    _look(entra.database, house.now() + MINUTE)

    assert _holds(entra.database) == {}
    assert _mails(entra.database) == []


def _expiring(entra: Provider) -> int:
    now = house.now()
    for held in credentials.every(entra.database.reader()):
        entra.database.write(
            lambda tx, id_=held.id: credentials.extend(tx, id_, now + 6 * DAY)  # type: ignore[misc]
        )
    return now


def _expired(entra: Provider) -> int:
    return _expiring(entra) + 6 * DAY


def _silent(_: Provider) -> int:
    return house.now() + 3 * HOUR + MINUTE


def _refused(entra: Provider) -> int:
    with pytest.raises(ScimError):
        entra.post(person("first@contoso.com"))
    entra.database.write(
        lambda tx: _age(tx, "UPDATE request_log SET at = at - :span WHERE status < 400")
    )
    return house.now()


def _age(tx: Any, sql: str, span: int = 4 * HOUR) -> None:
    tx.raw.execute(sql.replace(":span", str(span)))


def _share(entra: Provider) -> int:
    for number in range(5):
        with pytest.raises(ScimError):
            entra.post(person("first@contoso.com", externalId=f"n{number}"))
    return house.now()


def _last_administrator(entra: Provider) -> int:
    now = house.now()
    event = Event("last_administrator:protected")
    entra.database.write(
        lambda tx: audit.record(tx, [event], at=now, actor=Actor("connection", "entra"))
    )
    return now


def _cut_off(entra: Provider) -> int:
    programs.application(
        entra.database, "nextgen", logout_url="https://nextgen.contoso.com/logout"
    )
    made = entra.post(person("leaver@contoso.com"))
    entra.patch(str(made.id), patch_of(active=False))
    return house.now() + 6 * MINUTE


def _not_delivered(entra: Provider) -> int:
    now = house.now()
    (first,) = outbox.waiting(entra.database.reader())
    entra.database.write(
        lambda tx: outbox.failed(tx, first.id, "no", now=now, again_at=None)
    )
    return now


def _backup(entra: Provider) -> int:
    now = house.now()
    entra.database.write(
        lambda tx: installation.write(tx, "backup:last", str(now - 27 * HOUR))
    )
    return now


def _webhook(database: Database, name: str) -> int:
    """Somebody who is told of alerts; nothing listens there."""
    keys, url, act = SecretKeys.fresh(), "https://pager.contoso.com/", operator()
    made, _ = database.write(
        lambda tx: webhook_doors.add(tx, keys, name, url, act, kinds=("alerts",))
    )
    return made.id


def _told(database: Database, webhook_id: int) -> list[dict[str, Any]]:
    """What waits for a webhook, the oldest first."""
    found = outbox.of_webhook(database.reader(), webhook_id, at_most=100)
    return [orjson.loads(each.message.payload) for each in reversed(found)]


def _give_up(database: Database, webhook_id: int, now: int) -> None:
    """Whatever it was to be told did not arrive."""

    def work(tx: Any) -> None:
        for each in outbox.of_webhook(tx, webhook_id, at_most=100):
            outbox.failed(tx, each.message.id, "answered 500", now=now, again_at=None)

    database.write(work)


def _webhook_lost(entra: Provider) -> int:
    hook, now = _webhook(entra.database, "pager"), house.now()
    entra.database.write(lambda tx: webhooks.tell(tx, "alert.began", {}, now=now))
    _give_up(entra.database, hook, now)
    return now


def _receiver(entra: Provider) -> int:
    """A receiver of deactivations that is told of one; nothing listens there."""
    keys, url = SecretKeys.fresh(), "https://soc.contoso.com/"
    database = entra.database
    seals.seal(database, now=house.now())
    made = database.write(
        lambda tx: receiver_doors.add(tx, keys, "soc", url, operator())
    )
    leaver = entra.post(person("leaver@contoso.com"))
    entra.patch(str(leaver.id), patch_of(active=False))
    seals.seal(database, now=house.now())
    return made.id


def _not_taken(entra: Provider) -> int:
    _receiver(entra)
    return house.now() + 2 * HOUR + MINUTE


def _refused_event(entra: Provider) -> int:
    _refuse(entra.database, _receiver(entra), house.now())
    return house.now() + MINUTE


def _refuse(database: Database, receiver_id: int, now: int) -> None:
    """It says of its event that it will never take it."""
    reader = database.reader()
    [event] = audit.named_after(reader, 0, ("user:deactivated",), at_most=9)
    said = {"kind": "deactivate", "jti": "j", "at": now, "refused": "no"}
    row = {"receiver_id": receiver_id, "event_id": event.id, **said}

    def work(tx: Any) -> None:
        found = receivers.by_id(tx, receiver_id)
        assert found is not None
        receivers.took(tx, row)
        receivers.passed(tx, found, event.id, now=now)

    database.write(work)


def _unsealed(entra: Provider) -> int:
    return house.now() + 6 * MINUTE


def _waiting(entra: Provider) -> int:
    house.asked_later(entra.database, entra.connection.id, house.now())
    return house.now() + 6 * MINUTE


CASES: dict[str, tuple[str, Callable[[Provider], int], str]] = {
    "expiring": (
        "credential_expires",
        _expiring,
        "The last token of connection entra expires in 6 days.",
    ),
    "expired": (
        "credential_expires",
        _expired,
        "The last token of connection entra has expired.",
    ),
    "silent": ("connection_silent", _silent, "has not been heard of for 3 hours."),
    "refused": ("connection_refused", _refused, "has been refused for 4 hours."),
    "share": ("refusals", _share, "5 of 6 changes that connection entra asked for"),
    "waiting": (
        "requests_waiting",
        _waiting,
        "To be carried out for connection entra: 1 request, the oldest waits for 6",
    ),
    "administrator": (
        "last_administrator",
        _last_administrator,
        "entra was refused to take the last Administrator away.",
    ),
    "cut off": (
        "cut_off_unfinished",
        _cut_off,
        "Application nextgen has not confirmed 1 deactivation.",
    ),
    "mail": (
        "mail_not_delivered",
        _not_delivered,
        "A mail was not delivered in the last 24 hours.",
    ),
    "webhook": (
        "webhook_not_delivered",
        _webhook_lost,
        "Webhook pager has not taken 1 message.",
    ),
    "events": (
        "events_not_taken",
        _not_taken,
        "Receiver soc has not taken a security event for 2 hours.",
    ),
    "refused event": (
        "events_not_taken",
        _refused_event,
        "Receiver soc has refused 1 security event.",
    ),
    "backup": ("backup_old", _backup, "The last backup is 27 hours old."),
    "audit": ("audit_unsealed", _unsealed, "is not sealed since 6 minutes."),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_found(entra: Provider, case: str) -> None:
    """Each condition by what really makes it hold, in a sentence that names whom."""
    condition, make, sentence = CASES[case]

    now = make(entra)
    _look(entra.database, now, sealed=case != "audit")

    assert sentence in _holds(entra.database)[condition]


def test_every_condition_is_tried_here() -> None:
    """None is left out; that of the disk and the certificate have their own tests."""
    assert {c for c, _, _ in CASES.values()} | {"disk"} == set(BY_ID)


def test_a_full_disk_is_found(entra: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite, where it lies; a PostgreSQL server has a disk of its own."""

    class Usage:
        def __init__(self, _: object) -> None:
            self.free = 1_500_000_000

    monkeypatch.setattr("shutil.disk_usage", Usage)
    _look(entra.database, house.now())

    is_file = entra.database.path is not None
    assert _holds(entra.database) == (
        {"disk": "Only 1.4 GB are free where the database lies."} if is_file else {}
    )


def test_a_certificate_that_ends_is_found(entra: Provider, tmp_path: Path) -> None:
    """That of this server, by its file, beside the tokens of connections."""
    cert, key = tls.certificate(tmp_path)
    settings = Settings(tls_cert=Path(cert), tls_key=Path(key))
    real = 10**6 * int(Path(cert).stat().st_mtime) + HOUR

    entra.database.write(lambda tx: _rule(tx, "connection_silent", is_on=False))
    _look(entra.database, real, settings)

    said = _holds(entra.database)["credential_expires"]
    assert said == "The certificate of this server expires in 1 day."


def test_okta_may_be_silent(database: Database) -> None:
    """It calls when something changes; a quiet night is no alert."""
    okta = house.provider(database, "okta")
    okta.set(kind="okta")
    okta.post(person("first@contoso.com"))

    _look(database, house.now() + 2 * DAY)

    assert "connection_silent" not in _holds(database)


def test_few_refusals_are_no_share(entra: Provider) -> None:
    """Four of five are a morning with one wrong person, and stand under Needs you."""
    for number in range(4):
        with pytest.raises(ScimError):
            entra.post(person("first@contoso.com", externalId=f"n{number}"))

    _look(entra.database, house.now())

    assert "refusals" not in _holds(entra.database)


def test_a_backup_nobody_told_of_is_no_alert(entra: Provider) -> None:
    """It may be made elsewhere, as that of PostgreSQL is."""
    _look(entra.database, house.now())

    assert "backup_old" not in _holds(entra.database)


# ----------------------------------------------------------------- what is told, when


def test_it_is_told_once_and_when_it_is_over(entra: Provider) -> None:
    """Looking ten times mails once; the end is mailed once; then all is quiet."""
    _holder(entra.database, "ann.admin", "settings.manage")
    now = _backup(entra)
    for minute in range(10):
        _look(entra.database, now + minute * MINUTE)
    assert _kinds(entra.database) == ["holds"]

    entra.database.write(
        lambda tx: installation.write(tx, "backup:last", str(now + 10 * MINUTE))
    )
    for minute in range(11, 15):
        _look(entra.database, now + minute * MINUTE)

    assert _kinds(entra.database) == ["holds", "over"]
    (kept,) = [
        a
        for a in alerts.newest(entra.database.reader(), at_most=9)
        if a.condition == "backup_old"
    ]
    assert (kept.since, kept.over_at) == (now, now + 11 * MINUTE)


def test_an_expiry_is_told_again_at_each_step(entra: Provider) -> None:
    """30, 14, 7, 1 days and the end: five mails in a month, one when it is over."""
    _holder(entra.database, "ann.admin", "provisioning.manage")
    now = house.now()
    (held,) = credentials.every(entra.database.reader())
    ends = now + 40 * DAY
    entra.database.write(lambda tx: credentials.extend(tx, held.id, ends))
    entra.database.write(lambda tx: _rule(tx, "connection_silent", is_on=False))
    for day in range(43):
        _look(entra.database, now + day * DAY + HOUR)
    said = [m["sentence"].rpartition(" entra ")[2] for m in _mails(entra.database)]
    assert said == [
        "expires in 29 days.",
        "expires in 13 days.",
        "expires in 6 days.",
        "expires in less than a day.",
        "has expired.",
    ]

    _token(entra, ends + 400 * DAY)
    _look(entra.database, now + 43 * DAY)

    assert _kinds(entra.database)[-2:] == ["holds", "over"]


def _rule(tx: Any, condition: str, **changes: Any) -> None:
    alerts.keep(tx, Rule(condition, **changes))


def test_only_who_can_help_is_mailed(entra: Provider) -> None:
    """Active people whose role carries the permission; no auditor, no API user."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage", "users.view")
    _holder(database, "abe.apps", "apps.manage")
    _holder(database, "aud.itor", *AUDITOR)
    _holder(database, "gone.admin", "settings.manage", active=False)
    programs.robot(database, "robot", roles=("Role of ann.admin",))

    _look(database, _backup(entra))

    assert [mail["to"] for mail in _mails(database)] == ["ann.admin"]


def test_silence_tells_nothing_until_it_ends(entra: Provider) -> None:
    """What still holds then is told; what ended meanwhile is not."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage")
    now = _backup(entra)
    condition = doors.find("backup_old")
    act = operator()
    database.write(lambda tx: doors.change(tx, condition, act, silent_until=now + HOUR))

    _look(database, now)
    _look(database, now + HOUR - 1)
    assert (list(_holds(database)), _mails(database)) == (["backup_old"], [])

    _look(database, now + HOUR)
    assert _kinds(database) == ["holds"]


def test_what_is_off_is_not_judged_and_ends_quietly(entra: Provider) -> None:
    """Nobody is told that it is over, for it may not be."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage")
    now = _backup(entra)
    _look(database, now)
    database.write(lambda tx: _rule(tx, "backup_old", is_on=False))

    _look(database, now + MINUTE)

    assert _holds(database) == {}
    assert _kinds(database) == ["holds"]


def test_a_threshold_moves_what_holds(entra: Provider) -> None:
    """27 hours are fine where 48 are allowed."""
    database = entra.database
    now = _backup(entra)
    condition = doors.find("backup_old")
    act = operator()
    database.write(lambda tx: doors.change(tx, condition, act, threshold="48"))

    _look(database, now)

    assert _holds(database) == {}


def test_the_log_has_it_too(
    entra: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line when it begins, unless the log was left out."""
    database = entra.database
    now = _backup(entra)

    _look(database, now)
    _look(database, now + MINUTE)
    told = capsys.readouterr()
    assert (told.out + told.err).count("backup_old") == 1

    database.write(lambda tx: _rule(tx, "backup_old", by_log=False, by_mail=False))
    database.write(lambda tx: installation.write(tx, "backup:last", str(now)))
    _look(database, now + 2 * MINUTE)
    told = capsys.readouterr()
    assert "backup_old" not in told.out + told.err


# -------------------------------------------------------------------------- webhooks


def test_a_webhook_is_told_once_and_when_it_is_over(entra: Provider) -> None:
    """With what an operator reads, under one id; none where that is switched off."""
    database, now = entra.database, _backup(entra)
    hook = _webhook(database, "pager")
    for minute in range(3):
        _look(database, now + minute * MINUTE)
    database.write(lambda tx: installation.write(tx, "backup:last", str(now + HOUR)))
    _look(database, now + HOUR)

    began, ended = _told(database, hook)
    assert (began["type"], ended["type"]) == ("alert.began", "alert.ended")
    assert began["data"]["sentence"] == "The last backup is 27 hours old."
    assert began["data"]["advice"] == BY_ID["backup_old"].advice
    assert began["data"]["id"] == ended["data"]["id"]
    assert "over" in ended["data"]

    database.write(lambda tx: _rule(tx, "backup_old", by_webhook=False))
    _look(database, now + 2 * DAY)
    assert "backup_old" in _holds(database)
    told_of = [message["data"]["alert"] for message in _told(database, hook)]
    assert told_of.count("backup_old") == 2


def test_a_webhook_hears_nothing_of_its_own_trouble(entra: Provider) -> None:
    """Others do; and what tells of it is no reason for an alert about them."""
    database, now = entra.database, _webhook_lost(entra)
    pager = webhook_doors.find(database.reader(), "pager").id
    other = _webhook(database, "other")
    for each in set(BY_ID) - {"webhook_not_delivered"}:
        database.write(lambda tx, id_=each: _rule(tx, id_, is_on=False))  # type: ignore[misc]

    _look(database, now + MINUTE)
    assert [m["data"]["subject"] for m in _told(database, other)] == ["webhook pager"]
    for hour in range(1, 200):
        _give_up(database, other, now + hour * HOUR)
        _look(database, now + hour * HOUR)

    assert _holds(database) == {}
    types = [message["type"] for message in _told(database, other)]
    assert types == ["alert.began", "alert.ended"]
    assert len(_told(database, pager)) == 1


def test_a_webhook_that_is_tried_in_vain_is_told_of_in_an_hour(
    entra: Provider,
) -> None:
    """Long before it is given up; not while it is paused."""
    database, now = entra.database, house.now()
    hook = _webhook(database, "pager")
    database.write(lambda tx: webhooks.tell(tx, "alert.began", {}, now=now))
    leased = database.write(
        lambda tx: outbox.lease(tx, now=now, until=now, of_webhooks=True)
    )
    again = now + 9 * HOUR
    database.write(
        lambda tx: outbox.failed(tx, leased[0].id, "no", now=now, again_at=again)
    )
    _look(database, now + HOUR - MINUTE)
    assert "webhook_not_delivered" not in _holds(database)

    _look(database, now + HOUR + MINUTE)
    assert "webhook_not_delivered" in _holds(database)
    database.write(lambda tx: webhooks.change(tx, hook, {"paused": True}))
    _look(database, now + HOUR + 2 * MINUTE)

    assert "webhook_not_delivered" not in _holds(database)


def test_a_mail_that_a_person_dropped_is_no_alert(entra: Provider) -> None:
    """Nor one that was sent again instead; only what failed by itself is."""
    database, now = entra.database, house.now()
    entra.post(person("second@contoso.com"))
    first, second = (m.id for m in outbox.waiting(database.reader()))
    database.write(lambda tx: mails.drop(tx, mails.find(tx, first), operator()))
    database.write(lambda tx: mails.resend(tx, mails.find(tx, second), operator()))

    _look(database, now)

    assert "mail_not_delivered" not in _holds(database)


def test_a_receiver_is_told_of_until_it_takes_its_events(entra: Provider) -> None:
    """Not before an hour, not while it is paused, and not for what is sent again."""
    database, soc = entra.database, _receiver(entra)
    later = house.now() + HOUR + MINUTE
    _look(database, house.now() + HOUR - MINUTE)
    assert "events_not_taken" not in _holds(database)

    database.write(lambda tx: receivers.change(tx, soc, {"paused": True}))
    _look(database, later)
    assert "events_not_taken" not in _holds(database)
    database.write(lambda tx: receivers.change(tx, soc, {"paused": False}))
    _look(database, later)
    assert "events_not_taken" in _holds(database)

    _refuse(database, soc, house.now())
    _look(database, house.now() + 2 * DAY)
    assert "events_not_taken" not in _holds(database)
    found = receivers.by_id(database.reader(), soc)
    assert found is not None
    event = found.position
    database.write(lambda tx: receiver_doors.replay(tx, found, event, operator()))
    _look(database, house.now() + 2 * DAY + MINUTE)

    assert "events_not_taken" not in _holds(database)


def test_what_cannot_be_judged_stays_as_it_is(
    entra: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One broken judge ends no alert, and keeps none of the others from being judged."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage")
    now = _backup(entra)
    _look(database, now)
    monkeypatch.setattr("scim_connector.administration.backups.last", lambda _: 1 / 0)
    _cut_off(entra)

    _look(database, now + 10 * MINUTE)

    assert {"backup_old", "cut_off_unfinished"} <= set(_holds(database))
    assert _kinds(database) == ["holds"]


def test_a_lost_alert_is_no_reason_for_another(entra: Provider) -> None:
    """A mail server that is down gives one alert, not one a minute."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage", mail=False)
    now = _backup(entra)
    _look(database, now)
    for each in outbox.waiting(database.reader()):
        if each.topic == "mail:alert":
            database.write(
                lambda tx, id_=each.id: outbox.failed(  # type: ignore[misc]
                    tx, id_, "no", now=now, again_at=None
                )
            )

    _look(database, now + MINUTE)

    assert "mail_not_delivered" not in _holds(database)


# ------------------------------------------------------------------- several processes


def test_of_many_who_look_at_once_one_tells(entra: Provider) -> None:
    """Eight processes, one minute: one mail, on both databases."""
    database = entra.database
    _holder(database, "ann.admin", "settings.manage")
    now = _backup(entra)

    with ThreadPoolExecutor(8) as pool:
        looks = [
            pool.submit(alert_watch.watch, database, QUIET, now + n) for n in range(24)
        ]
        for look in looks:
            look.result()

    assert _kinds(database) == ["holds"]
    assert len(alerts.newest(database.reader(), at_most=9)) == 1


def test_nobody_looks_again_within_the_minute(entra: Provider) -> None:
    """A clock that was set back does not keep everybody from looking."""
    database = entra.database
    now = _backup(entra)
    database.write(
        lambda tx: installation.write(tx, alert_watch.LOOKED, str(now - 59 * SECOND))
    )
    alert_watch.watch(database, QUIET, now)
    assert _holds(database) == {}

    database.write(
        lambda tx: installation.write(tx, alert_watch.LOOKED, str(now + DAY))
    )
    alert_watch.watch(database, QUIET, now)
    assert "backup_old" in _holds(database)


def test_who_took_too_long_tells_nothing(
    entra: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged before somebody else looked is not kept over theirs."""
    database = entra.database
    now = _backup(entra)

    def slow(*_: object) -> dict[str, list[Any]]:
        database.write(
            lambda tx: installation.write(tx, alert_watch.LOOKED, str(now + MINUTE))
        )
        return {"backup_old": []}

    _look(database, now)
    monkeypatch.setattr(alert_watch, "_judged", slow)
    database.write(lambda tx: installation.write(tx, alert_watch.LOOKED, "0"))

    alert_watch.watch(database, QUIET, now)

    assert "backup_old" in _holds(database)


def test_what_is_long_over_is_forgotten(entra: Provider) -> None:
    """After 90 days; what holds stays however old it is."""
    database = entra.database
    now = _backup(entra)
    _look(database, now)
    database.write(lambda tx: installation.write(tx, "backup:last", str(now)))
    _look(database, now + MINUTE)
    (held,) = alerts.newest_of(database.reader(), "backup_old", at_most=9)
    assert held in alerts.newest(database.reader(), at_most=9)
    assert alerts.newest_of(database.reader(), "disk", at_most=9) == []

    _look(database, now + 91 * DAY)

    assert [
        a.condition
        for a in alerts.newest(database.reader(), at_most=9)
        if a.since == now
    ] == []


# ---------------------------------------------------------------- what a person does


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("backup_old", "0"),
        ("backup_old", "x"),
        ("backup_old", "1,2"),
        ("backup_old", "²"),
        ("backup_old", ""),
        ("backup_old", "99999"),
        ("refusals", "101"),
        ("credential_expires", "30,,1"),
        ("credential_expires", ",".join("1" * 11)),
    ],
)
def test_a_threshold_that_is_none_is_refused(
    database: Database, condition: str, text: str
) -> None:
    """With an example, and nothing is changed."""
    found = doors.find(condition)
    act = operator()

    with pytest.raises(NotPossible, match="such as"):
        database.write(lambda tx: doors.change(tx, found, act, threshold=text))

    assert alerts.rules(database.reader()) == {}


def test_a_threshold_as_shipped_is_not_kept(database: Database) -> None:
    """Written out or not, the alert follows where a later release moves it."""
    found, act = doors.find("refusals"), operator()
    database.write(lambda tx: doors.change(tx, found, act, threshold="50"))

    rule = database.write(
        lambda tx: doors.change(tx, found, act, threshold=found.threshold)
    )

    assert rule.threshold is None


def test_a_change_is_audited_once(database: Database) -> None:
    """Who, what and to what; the same again is no change."""
    found = doors.find("refusals")
    act = operator()
    for _ in range(2):
        database.write(lambda tx: doors.change(tx, found, act, threshold="50"))

    (event,) = audit.newest(database.reader(), at_most=9)
    assert (event.name, event.actor) == ("alert:changed", "cli:ann")
    assert orjson.loads(event.facts) == {"alert": "refusals", "threshold": "50"}


def test_a_test_goes_to_whom_the_alert_would(database: Database) -> None:
    """And says that nothing has happened; with nobody to mail it says whom it needs."""
    found = doors.find("disk")
    act = operator()
    with pytest.raises(NotPossible, match='carries "Manage settings"'):
        database.write(lambda tx: doors.test(tx, found, act))
    _holder(database, "ann.admin", "settings.manage")

    assert database.write(lambda tx: doors.test(tx, found, act)) == 1

    (mail,) = _mails(database)
    assert (mail["to"], mail["kind"]) == ("ann.admin", "test")
    assert "Nothing has happened" in mail["sentence"]


def test_an_unknown_alert_names_those_there_are() -> None:
    """So that nobody has to look them up."""
    with pytest.raises(NotPossible, match="there are: credential_expires, "):
        doors.find("backups")

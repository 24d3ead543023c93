"""The doctor: finds what is broken, says what to do, and changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scim_connector.administration import receivers, webhooks
from scim_connector.administration.findings import Finding, Verdict
from scim_connector.cli import main
from scim_connector.directory import (
    audit,
    connections,
    credentials,
    installation,
    outbox,
    sso,
)
from scim_connector.directory import webhooks as rows
from scim_connector.directory.database import Database, Transaction
from scim_connector.rules.events import Event
from scim_connector.settings import Settings
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.wiring import House, doctor, machine, open_house, prepare
from tests import mail_server, provider, tls
from tests.house import Provider, asked_later, operator, person
from tests.house import provider as house_provider

DAY = 24 * 3600 * 1_000_000
GUID = "6a5bbc56-2d3b-4ad5-8d0f-7b4f7b0f6f10"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A new house in a folder of its own."""
    made = Settings(
        database_url=f"sqlite:///{tmp_path / 'house.db'}",
        secret_key_file=tmp_path / "house.key",
        mail_folder=tmp_path / "mail",
    )
    prepare(made)
    return made


def _found(settings: Settings, area: str = "") -> list[Finding]:
    return [f for f in doctor.examined(settings) if f.area.startswith(area)]


def _worst(settings: Settings, area: str) -> Finding:
    order = [Verdict.WRONG, Verdict.LOOK, Verdict.OK]
    return min(_found(settings, area), key=lambda f: order.index(f.verdict))


def _in(settings: Settings, work: Callable[[House], Any]) -> None:
    house = open_house(settings)
    try:
        work(house)
    finally:
        house.database.close()


def test_a_new_house_has_nothing_wrong(settings: Settings) -> None:
    """Whatever is not OK is worth a look, and says what to do."""
    found = _found(settings)

    assert {f.verdict for f in found} == {Verdict.OK, Verdict.LOOK}
    assert all(f.advice for f in found if f.verdict is not Verdict.OK)
    assert {
        "settings",
        "https",
        "key",
        "database",
        "disk",
        "clock",
        "audit",
        "mail",
    } < {f.area for f in found}


def test_nothing_is_changed(settings: Settings, tmp_path: Path) -> None:
    """The rows of every table are as they were, and no file is new."""
    _found(settings)
    before = _state(tmp_path)

    _found(settings)

    assert _state(tmp_path) == before


def _state(folder: Path) -> tuple[list[str], str]:
    with closing(sqlite3.connect(folder / "house.db")) as raw:
        dump = "\n".join(raw.iterdump())
    return sorted(f.name for f in folder.rglob("*") if "-" not in f.name), dump


def test_a_webhook_that_takes_nothing_is_named(settings: Settings) -> None:
    """With what was answered; nothing is said where there is no webhook."""

    def lose(house: House) -> None:
        act, url = operator(), "https://pager.contoso.com/"

        def work(tx: Transaction) -> None:
            webhooks.add(tx, house.keys, "pager", url, act, kinds=("alerts",))
            rows.tell(tx, "alert.began", {}, now=act.now)
            (first,) = (m for m in outbox.waiting(tx) if m.webhook_id)
            why = "pager answered 500"
            outbox.failed(tx, first.id, why, now=act.now, again_at=None)

        house.database.write(work)

    assert _found(settings, "webhook") == []
    _in(settings, lose)
    (found,) = _found(settings, "webhook pager")

    assert found.verdict is Verdict.LOOK
    assert found.sentence == "Not delivered: pager answered 500."
    assert found.command == "webhook show pager"


def test_a_receiver_that_takes_nothing_is_named(settings: Settings) -> None:
    """Also one that never asks; nothing is said where there is none, or it is paused."""

    def wait(house: House) -> None:
        ago = replace(operator(), now=time_ns() // 1000 - 600_000_000)
        house.database.write(
            lambda tx: receivers.add_polling(tx, house.keys, "soc", ago)
        )
        event = Event("user:deactivated", {})
        house.database.write(
            lambda tx: audit.record(tx, [event], at=ago.now, actor=ago.actor)
        )

    def pause(house: House) -> None:
        soc = receivers.find(house.database.reader(), "soc")
        act = operator()
        house.database.write(lambda tx: receivers.change(tx, soc, act, paused=True))

    assert _found(settings, "receiver") == []
    _in(settings, wait)
    (found,) = _found(settings, "receiver soc")
    _in(settings, pause)

    assert found.verdict is Verdict.LOOK
    assert "for 10 minutes: it does not ask for them." in found.sentence
    assert found.command == "receiver show soc"
    assert _found(settings, "receiver") == []


# ------------------------------------------------------------------------ the machine


def test_plain_http_to_others_is_wrong(settings: Settings) -> None:
    """Unless a proxy is named that adds https; on this machine alone it is fine."""
    assert _worst(settings, "https").verdict is Verdict.OK

    open_ = replace(settings, host="0.0.0.0")  # noqa: S104 - that is the point
    found = _worst(open_, "https")
    assert found.verdict is Verdict.WRONG
    assert "who listens reads every token" in found.sentence

    address = "https://scim.contoso.com"
    behind = replace(open_, public_url=address, trusted_proxies=("10.0.0.1",))
    assert next(f for f in machine.served(behind) if f.area == "https").verdict is (
        Verdict.LOOK
    )


def test_a_certificate_is_read(settings: Settings, tmp_path: Path) -> None:
    """How long it is good for; a file that is none is wrong."""
    cert, key = tls.certificate(tmp_path)
    served = replace(settings, tls_cert=Path(cert), tls_key=Path(key))
    assert any("certificate" in f.sentence for f in machine.served(served))

    broken = replace(served, tls_cert=tmp_path / "house.db")
    assert Verdict.WRONG in {f.verdict for f in machine.served(broken)}


def test_a_key_that_others_may_read_is_wrong(
    settings: Settings, tmp_path: Path
) -> None:
    """The mode is named, and the command that corrects it."""
    (tmp_path / "house.key").chmod(0o644)

    found = _worst(settings, "key")

    assert (found.verdict, found.advice) == (
        Verdict.WRONG,
        f"Run: chmod 600 {tmp_path / 'house.key'}",
    )
    assert "644" in found.sentence


def test_another_key_is_wrong(settings: Settings, tmp_path: Path) -> None:
    """One that this database was not made with, or none at all."""
    (tmp_path / "house.key").write_text("A" * 43 + "=")
    assert "not the one" in _worst(settings, "key").sentence

    (tmp_path / "house.key").unlink()
    assert "missing" in _worst(settings, "key").sentence


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(10**8, Verdict.WRONG), (10**9, Verdict.LOOK), (10**10, Verdict.OK)],
)
def test_space_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict
) -> None:
    """By what is free where the database lies."""

    class Usage:
        def __init__(self, _: object) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", Usage)

    assert machine.space(tmp_path).verdict is verdict


@pytest.mark.parametrize(("answer", "verdict"), [(0, "OK"), (5, "look"), (-1, "look")])
def test_the_clock_is_what_the_kernel_says(
    monkeypatch: pytest.MonkeyPatch, answer: int, verdict: str
) -> None:
    """5 is TIME_ERROR: nothing keeps it; -1 where nobody may ask."""

    class Library:
        def __init__(self, *_: object, **__: object) -> None:
            self.adjtimex = lambda _: answer

    monkeypatch.setattr("ctypes.CDLL", Library)

    assert machine.clock().verdict.value == verdict


# ----------------------------------------------------------------------- the database


def test_a_database_that_is_not_there_is_said(settings: Settings) -> None:
    """And no file is made by looking."""
    elsewhere = replace(settings, database_url="sqlite:////nowhere/x.db")

    found = _worst(elsewhere, "database")

    assert found.verdict is Verdict.WRONG
    assert "There is no database" in found.sentence


def test_damage_is_found(settings: Settings, tmp_path: Path) -> None:
    """A row that points at none, and counters that differ from the rows."""
    with closing(sqlite3.connect(tmp_path / "house.db")) as raw, raw:
        raw.execute(
            "INSERT INTO link_counts (connection_id, block, live, active)"
            " VALUES (99, 0, 3, 3)"
        )
        raw.execute(
            "INSERT INTO conflicts (connection_id, kind, identity, detail,"
            " first_seen_at, last_seen_at) VALUES (98, 'x', 'x', 'x', 1, 1)"
        )

    sentences = [f.sentence for f in _found(settings, "database")]

    assert any("points at no connections" in s for s in sentences)
    assert any("Counted wrongly: connection 99" in s for s in sentences)


def test_it_looks_into_every_kind_of_database(
    database: Database, tmp_path: Path
) -> None:
    """Nothing is wrong in a sound one; on PostgreSQL its version and clock are asked."""
    settings = Settings(
        database_url=database.url.render_as_string(hide_password=False),
        secret_key=SecretKeys.fresh().text(),
        mail_folder=tmp_path,
    )
    house_provider(database).post(person("kim.doe@contoso.com", externalId=GUID))

    found = _found(settings)

    wrong = [f.sentence for f in found if f.verdict is Verdict.WRONG]
    assert wrong[-1] == "Nothing opens it: it has no token."
    assert all(s.startswith("Others may use") for s in wrong[:-1])  # a copied file
    assert any("schema is that of this program" in f.sentence for f in found)


def test_a_clock_that_was_set_back_is_found(settings: Settings) -> None:
    """What is recorded lies in the future then."""
    with closing(sqlite3.connect(str(settings.database_url)[10:])) as raw, raw:
        raw.execute(
            "INSERT INTO audit_events (at, name, actor, facts) VALUES (?, 'x', 'x', '{}')",
            (time_ns() // 1000 + DAY,),
        )

    assert "in the future" in _worst(settings, "clock").sentence


def test_a_backup_that_is_known_is_judged(settings: Settings) -> None:
    """None known, fresh, older than a day."""
    now = time_ns() // 1000
    said = [_found(settings, "backup")[0]]
    for age in (DAY // 2, 2 * DAY):
        _in(
            settings,
            lambda house, age=age: house.database.write(  # type: ignore[misc]
                lambda tx: installation.write(tx, "backup:last", str(now - age))
            ),
        )
        said.append(_found(settings, "backup")[0])

    assert [f.verdict.value for f in said] == ["look", "OK", "look"]
    assert "48 hours old" in said[2].sentence


# -------------------------------------------------------------------- the connections


@pytest.mark.parametrize(
    ("days", "verdict", "words"),
    [
        (365, "OK", "for 36"),
        (10, "look", "expires in"),
        (-1, "wrong", "has expired"),
        (None, "OK", "without an end"),
    ],
)
def test_tokens_are_judged(
    settings: Settings, days: int | None, verdict: str, words: str
) -> None:
    """By the one that lasts longest; who is to act is told the command."""

    def extend(house: House) -> None:
        (held,) = credentials.every(house.database.reader())
        ends = None if days is None else time_ns() // 1000 + days * DAY
        house.database.write(lambda tx: credentials.extend(tx, held.id, ends))

    _in(settings, extend)

    found = _worst(settings, "connection default")
    assert found.verdict.value == verdict
    assert words in found.sentence
    assert found.command in {None, "token create default"}


@pytest.mark.parametrize(
    ("kind", "external_id", "verdict"),
    [
        ("entra", GUID, "OK"),
        ("entra", "kim.doe", "look"),
        ("okta", "00u1abcd2EFGH3ijkl45", "OK"),
        ("okta", "E-4711", "look"),
    ],
)
def test_the_shape_of_external_ids_is_judged(
    settings: Settings, kind: str, external_id: str, verdict: str
) -> None:
    """What is no object id of its provider may belong to somebody else tomorrow."""

    def post(house: House) -> None:
        database = house.database
        (default,) = connections.every(database.reader())
        database.write(lambda tx: connections.change(tx, default.id, {"kind": kind}))
        Provider(database, default).post(
            person("kim.doe@contoso.com", externalId=external_id)
        )

    _in(settings, post)

    (found,) = [f for f in _found(settings, "connection") if "externalId" in f.sentence]
    assert found.verdict.value == verdict


def test_the_keys_of_a_provider_are_fetched(settings: Settings, tmp_path: Path) -> None:
    """From the provider itself, as a sign-in would; when it is away, it is said."""
    folder = tmp_path / "provider"
    folder.mkdir()
    with provider.running(folder) as served:

        def configure(house: House) -> None:
            database = house.database
            (default,) = connections.every(database.reader())
            database.write(
                lambda tx: sso.configure(tx, _sign_in(default.id, served.issuer))
            )
            database.write(lambda tx: sso.enable(tx, default.id, whether=True, now=1))

        _in(settings, configure)
        assert any(
            "keys of" in f.sentence and f.verdict is Verdict.OK
            for f in _found(settings, "connection")
        )

    assert "cannot be fetched" in _worst(settings, "connection").sentence


def _sign_in(connection_id: int, issuer: str) -> sso.SignIn:
    return sso.SignIn(
        connection_id=connection_id,
        issuer=issuer,
        client_id="client",
        client_secret=None,
        scopes="openid",
        claim="sub",
        equals="externalId",
        algorithm="RS256",
        second_factor=(),
        enabled=False,
        changed_at=1,
    )


# --------------------------------------------------------------------------- the mail


def test_a_mail_server_is_greeted_and_sent_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    """It connects; without encryption that is worth a look; nobody there is wrong."""
    with mail_server.running() as server:
        by_mail = replace(
            settings, smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none"
        )
        assert _worst(by_mail, "mail").verdict is Verdict.LOOK

        asked = replace(by_mail, smtp_security="starttls")
        assert "does not offer STARTTLS" in _worst(asked, "mail").sentence
        assert server.received == []

    assert _worst(by_mail, "mail").verdict is Verdict.WRONG


def test_mails_that_were_lost_are_told(settings: Settings) -> None:
    """With the command that lists them."""

    def lose(house: House) -> None:
        database: Database = house.database
        now = time_ns() // 1000
        database.write(
            lambda tx: outbox.add(tx, "mail:welcome", {}, user_id=None, now=now)
        )
        (waiting,) = outbox.waiting(database.reader())
        database.write(
            lambda tx: outbox.failed(tx, waiting.id, "no", now=now, again_at=None)
        )

    _in(settings, lose)

    assert [f.command for f in _found(settings, "mail") if f.command] == [
        "mail list --not-sent"
    ]


def test_requests_that_nobody_carries_out_are_told(settings: Settings) -> None:
    """A worker does it within a second; after a minute there is none."""
    assert _worst(settings, "requests").verdict is Verdict.OK
    long_ago = time_ns() // 1000 - 7 * 60 * 1_000_000
    _in(settings, lambda house: asked_later(house.database, 1, long_ago))

    found = _worst(settings, "requests")

    assert found.sentence == (
        "Asynchronous requests that wait: 1, the oldest for 7 minutes."
    )
    assert found.command == "worker"


# ------------------------------------------------------------------------ the command


def _run(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(main, list(arguments))


def test_the_command_says_what_to_do_and_ends_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 while nothing is wrong, 1 when something is, in text and as JSON."""
    _run(tmp_path, monkeypatch, "db", "upgrade")
    well = _run(tmp_path, monkeypatch, "doctor")
    (tmp_path / "scim-connector.key").chmod(0o640)
    ill = _run(tmp_path, monkeypatch, "doctor")
    told = _run(tmp_path, monkeypatch, "doctor", "--json")

    assert (well.exit_code, ill.exit_code, told.exit_code) == (0, 1, 1)
    assert "0 wrong" in well.output
    assert "wrong key: Others may use scim-connector.key (mode 640)." in ill.output
    assert "Run: scim-connector db backup" in ill.output
    rows = json.loads(told.output)
    assert [r["area"] for r in rows if r["verdict"] == "wrong"] == ["key"]


def test_settings_that_cannot_be_read_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one sentence, as every command."""
    (tmp_path / "scim-connector.toml").write_text("prot = 1")

    ended = _run(tmp_path, monkeypatch, "doctor")

    assert ended.exit_code == 2
    assert "did you mean port" in ended.output


def test_an_empty_folder_stays_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That there is no key and no database is wrong, and nothing is made."""
    ended = _run(tmp_path, monkeypatch, "doctor")

    assert ended.exit_code == 1
    assert "There is no database at scim-connector.db yet" in ended.output
    assert list(tmp_path.iterdir()) == []

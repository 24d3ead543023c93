"""The chain of audit: every kind of tampering is found, and named with its place."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import jwt
import pytest
from sqlalchemy import delete, insert, select, text, update

from scim_connector.administration.errors import NotPossible
from scim_connector.compliance import chain
from scim_connector.directory import audit, seals, users
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    audit_events,
    audit_personal,
    audit_seals,
)
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import Draft
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys

SIGNING = SigningKeys(SecretKeys.fresh())
ACTOR = Actor.operator("ann")
ISSUER = "https://scim.example.com"


def _sealed(database: Database, *counts: int) -> None:
    """So many events in each seal."""
    for count in counts:
        for number in range(count):
            event = Event("user:created", {"type": str(number)})
            database.write(
                lambda tx, event=event: audit.record(
                    tx, [event], at=1, actor=Actor.operator("test")
                )
            )
        seals.seal(database, now=2)


def _unguarded(database: Database) -> None:
    """Whoever tampers owns the database: no trigger stops them."""
    for table in ("audit_events", "audit_seals"):
        on = "" if database.dialect == "sqlite" else f" ON {table}"
        for act in ("update", "delete"):
            drop = Statement(text(f"DROP TRIGGER {table}_{act}{on}"))
            database.write(lambda tx, drop=drop: tx.run(drop))


def _run(database: Database, clause: Any) -> None:
    database.write(lambda tx: tx.run(Statement(clause)))


def _head(database: Database) -> str:
    return chain.signed_head(database.reader(), SIGNING, issuer=ISSUER, now=3_000_000)


def _found(database: Database, *heads: str) -> list[str]:
    kept = [chain.Kept(head) for head in heads]
    return chain.findings(database.reader(), SIGNING, kept)


def test_a_sound_chain_has_no_finding(database: Database) -> None:
    """With every head that was ever kept, and before anything is sealed."""
    assert _found(database) == []
    with pytest.raises(NotPossible, match="Nothing is sealed yet"):
        _head(database)
    heads = []
    for _ in range(3):
        _sealed(database, 4)
        heads.append(_head(database))
    seen: list[int] = []

    kept = [chain.Kept(head) for head in heads]
    found = chain.findings(database.reader(), SIGNING, kept, progress=seen.append)

    assert found == []
    assert seen == [4, 4, 4]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (
            update(audit_events).where(audit_events.c.id == 6).values(actor="x"),
            "events 5 to 8 were changed after they were sealed",
        ),
        (
            delete(audit_events).where(audit_events.c.id == 6),
            "events 5 to 8: 4 were sealed, 3 are there",
        ),
        (
            update(audit_events)
            .where(audit_events.c.id.in_([6, 7]))
            .values(facts=text("'{\"type\":\"' || (8 - id) || '\"}'")),
            "events 5 to 8 were changed after they were sealed",
        ),
        (
            delete(audit_seals).where(audit_seals.c.last_event == 8),
            "the seal of events 9 to 12 does not follow the one before",
        ),
    ],
    ids=["edit", "deletion", "order", "seal"],
)
def test_the_seals_find_it_by_themselves(
    database: Database, how: Any, told: str
) -> None:
    """An edit, a deletion, two that changed places, a seal that is gone."""
    _sealed(database, 4, 4, 4)
    _unguarded(database)

    _run(database, how)

    assert _found(database) == [told]


def test_an_inserted_event_is_found(database: Database) -> None:
    """One that was slipped in below what is sealed makes a seal too many."""
    _sealed(database, 4, 4)
    _unguarded(database)
    row = {"id": 0, "at": 1, "name": "user:created", "actor": "x", "facts": "{}"}
    _run(database, update(audit_events).where(audit_events.c.id == 3).values(id=100))

    _run(database, insert(audit_events).values(row | {"id": 3}))

    assert _found(database) == ["events 1 to 4 were changed after they were sealed"]


def test_a_cut_end_is_found_by_a_kept_head(database: Database) -> None:
    """Events and their seal are gone together: the rest is sound, the head is not."""
    _sealed(database, 4, 4)
    kept = _head(database)
    _unguarded(database)
    _run(database, delete(audit_seals).where(audit_seals.c.last_event == 8))
    _run(database, delete(audit_events).where(audit_events.c.id > 4))

    assert _found(database) == []
    (told,) = _found(database, kept)
    assert told.startswith("event 8, sealed ")
    assert "was cut off, or an older copy was put back" in told


def test_a_chain_written_anew_is_found_by_a_kept_head(database: Database) -> None:
    """Who rewrites everything and seals it again cannot sign the former head away."""
    _sealed(database, 4)
    kept = _head(database)
    _unguarded(database)
    _run(database, update(audit_events).values(actor="somebody else"))
    _run(database, delete(audit_seals))
    seals.seal(database, now=9)

    assert _found(database) == []
    (told,) = _found(database, kept)
    assert told.endswith("was written anew since")


def test_only_our_own_heads_count(database: Database) -> None:
    """A head of other keys, a logout token, and what is none at all."""
    _sealed(database, 1)
    other = SigningKeys(SecretKeys.fresh())
    foreign = chain.signed_head(database.reader(), other, issuer=ISSUER, now=1)
    token = SIGNING.logout_token(
        issuer=ISSUER, audience="a", subject="1", session_id=None, token_id="t", now=1
    )
    refusal = "the head was not signed by a key of this installation"

    for text_ in (foreign, token, "no head", ""):
        assert _found(database, text_) == [refusal]


def test_anybody_can_check_a_head(database: Database) -> None:
    """With the published key and any library for JWS (RFC 7515)."""
    _sealed(database, 2)
    text_ = _head(database)
    (published,) = SIGNING.published()["keys"]

    key = jwt.PyJWK(published)
    claims = jwt.decode(text_, key, algorithms=["ES256"], options={"verify_iat": False})

    assert claims["iss"] == ISSUER
    assert (claims["last_event"], claims["events"]) == (2, 2)


# ------------------------------------------------------- what is told of persons


def _told(database: Database, user_id: int, username: str) -> None:
    """One event that tells a username, and one that tells nothing of anybody."""
    events = [Event("user:created", {"username": username, "type": "administrative"})]
    events.append(Event("user:deactivated"))

    def work(tx: Transaction) -> None:
        audit.record(tx, events, at=1, actor=ACTOR, user_id=user_id)

    database.write(work)
    seals.seal(database, now=2)


def _facts(database: Database, user_id: int) -> list[str]:
    return [each.facts for each in audit.of_user(database.reader(), user_id)]


def test_what_is_told_of_a_person_stands_beside_the_chain(database: Database) -> None:
    """Readers get it with the event; the event itself keeps a salted digest."""
    _told(database, 7, "kim.doe")
    _told(database, 8, "kim.doe")

    reader = database.reader()
    rows = reader.rows(Statement(select(audit_events).order_by(audit_events.c.id)))

    assert "kim" not in str(rows)
    digests = [row[-1] for row in rows]
    assert digests[0] != digests[2]
    assert digests[1] is digests[3] is None
    assert _facts(database, 7) == [
        '{"type":"administrative","username":"kim.doe"}',
        "{}",
    ]
    assert [each.facts for each in audit.after(reader, 0)][:2] == _facts(database, 7)
    assert _found(database) == []


def test_a_change_of_what_is_told_of_a_person_is_found(database: Database) -> None:
    """The database refuses it; who owns the database is found out by the digest."""
    _told(database, 7, "kim.doe")
    edit = update(audit_personal).values(facts='{"username":"other"}')
    with pytest.raises(ConstraintBroken):
        _run(database, edit)
    on = "" if database.dialect == "sqlite" else " ON audit_personal"
    _run(database, text(f"DROP TRIGGER audit_personal_update{on}"))

    _run(database, edit)
    _run(database, insert(audit_personal).values(event_id=2, salt="00", facts="{}"))

    assert _found(database) == [
        "what event 1 tells of a person was changed",
        "what event 2 tells of a person was added later",
    ]


def test_what_is_gone_needs_an_erasure(database: Database) -> None:
    """Without one it is found; told by the user or by the id of the event it is not."""
    for user_id in (7, 8, 9):
        _told(database, user_id, "kim.doe")
    _run(database, delete(audit_personal))
    gone = "what event {} told of a person is gone, and no erasure tells of it"
    assert _found(database) == [gone.format(event) for event in (1, 3, 5)]

    erased = Event("user:erased", {"elsewhere": [3]})
    database.write(lambda tx: audit.record(tx, [erased], at=3, actor=ACTOR, user_id=7))

    assert _found(database) == [gone.format(5)]
    assert _facts(database, 7)[0] == '{"erased":true,"type":"administrative"}'


def test_who_acts_is_named_when_it_is_read(database: Database) -> None:
    """A person stands in the chain by their id, so that a new name is told everywhere."""
    user = database.write(
        lambda tx: users.add(
            tx, Draft("kim.doe", "KD", "k@x.example"), {}, trusted=True, now=1
        )
    )
    actor = Actor.console(user.username, user.id, is_administrator=True)

    def work(tx: Transaction) -> None:
        audit.record(tx, [Event("role:removed", {"name": "x"})], at=1, actor=actor)

    database.write(work)
    seals.seal(database, now=2)
    (raw,) = database.reader().rows(Statement(select(audit_events.c.actor)))
    (told,) = audit.newest(database.reader(), at_most=1)

    assert (raw, told.actor) == (("console",), "console:kim.doe")
    assert _found(database) == []


def test_older_seals_stay_valid(database: Database) -> None:
    """An event without digest and actor is hashed as it was before there were any.

    The hash is that of a version without these columns.
    """
    row = {"id": 1, "at": 1, "name": "user:created", "actor": "cli:ann", "facts": "{}"}
    _run(database, insert(audit_events).values(row))
    seals.seal(database, now=2)

    head = seals.head(database.reader())

    assert head is not None
    whole = (
        b'{"id":1,"at":1,"name":"user:created","actor":"cli:ann",'
        b'"connection_id":null,"user_id":null,"request_id":null,"facts":"{}"}\n'
    )
    assert head.hash == sha256(b"0" * 64 + whole).hexdigest()

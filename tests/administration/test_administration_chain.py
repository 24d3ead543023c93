"""The chain of audit: every kind of tampering is found, and named with its place."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from sqlalchemy import delete, insert, text, update

from scim_connector.administration import chain
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, audit_seals
from scim_connector.rules.events import Event
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys

SIGNING = SigningKeys(SecretKeys.fresh())
ISSUER = "https://scim.example.com"


def _sealed(database: Database, *counts: int) -> None:
    """So many events in each seal."""
    for count in counts:
        for number in range(count):
            event = Event("user:created", {"number": number})
            database.write(
                lambda tx, event=event: audit.record(tx, [event], at=1, actor="test")
            )
        database.write(lambda tx: audit.seal(tx, now=2))


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
    return chain.findings(database.reader(), SIGNING, list(heads))


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

    found = chain.findings(database.reader(), SIGNING, heads, progress=seen.append)

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
            .values(facts=text("'{\"number\":' || (8 - id) || '}'")),
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
    database.write(lambda tx: audit.seal(tx, now=9))

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

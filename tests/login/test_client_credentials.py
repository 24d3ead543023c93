"""A secret that is revoked while it is exchanged leaves no token behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import time_ns

import pytest

from scim_connector.administration import connections as administration
from scim_connector.directory import credentials
from scim_connector.directory.database import Database
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.login.client_credentials import (
    ClientCredentials,
    Refused,
    Request,
    client_id,
)
from scim_connector.tokens import opaque
from scim_connector.tokens.secrets import SecretKeys
from tests.house import Provider, operator, provider

KEYS = SecretKeys.fresh()


def no_key(*_: str) -> None:
    raise AssertionError


def new_secret(entra: Provider, expires_at: int | None = None) -> opaque.Token:
    return entra.database.write(
        lambda tx: administration.create_token(
            tx,
            entra.connection,
            pepper=KEYS.peppers()[0],
            expires_at=expires_at,
            act=operator(),
            kind="secret",
        )
    )


def asked(entra: Provider, secret: opaque.Token) -> Request:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id(entra.connection),
        "client_secret": str(secret),
    }
    return Request(form, None, time_ns() // 1000)


def test_no_token_outlives_a_revocation(database: Database) -> None:
    """Four clients exchange without pause; once revoked, every token of it is dead."""
    entra = provider(database)
    exchange = ClientCredentials(database, KEYS, no_key)

    def client(secret: opaque.Token) -> int:
        issued = 0
        while True:
            try:
                exchange.exchange(asked(entra, secret))
            except Refused:
                return issued
            except DatabaseBusy:
                continue
            issued += 1

    for _ in range(5):
        secret = new_secret(entra)
        held = credentials.by_id(database.reader(), secret.id)
        assert held is not None
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(client, secret) for _ in range(4)]
            while not _children(database, secret.id):
                pass
            database.write(
                lambda tx, held=held: administration.revoke_token(tx, held, operator())
            )
        issued = sum(each.result() for each in clients)
        children = _children(database, secret.id)

        assert issued == len(children) > 0
        assert {child.state_at(time_ns() // 1000) for child in children} == {"revoked"}


def _children(database: Database, parent_id: str) -> list[credentials.Credential]:
    every = credentials.every(database.reader())
    return [each for each in every if each.parent_id == parent_id]


def test_a_token_ends_with_its_secret(database: Database) -> None:
    """Half an hour is left of the secret, so half an hour is all a token gets."""
    entra = provider(database)
    exchange = ClientCredentials(database, KEYS, no_key)
    ends = time_ns() // 1000 + 1800 * 1_000_000
    secret = new_secret(entra, expires_at=ends)

    assert 1790 < exchange.exchange(asked(entra, secret)).lives <= 1800


def test_a_bearer_token_is_no_secret(database: Database) -> None:
    """What opens /scim by itself is not exchanged, and a wrong client is told so."""
    entra = provider(database)
    exchange = ClientCredentials(database, KEYS, no_key)
    bearer = database.write(
        lambda tx: administration.create_token(
            tx,
            entra.connection,
            pepper=KEYS.peppers()[0],
            expires_at=None,
            act=operator(),
        )
    )
    with pytest.raises(Refused) as refused:
        exchange.exchange(asked(entra, bearer))
    secret = new_secret(entra)
    other = Request(
        {"grant_type": "client_credentials"},
        ("scim-999", str(secret)),
        time_ns() // 1000,
    )
    with pytest.raises(Refused, match="client_id is not") as wrong:
        exchange.exchange(other)

    assert refused.value.reason == "unknown_secret"
    assert wrong.value.reason == "other_client"

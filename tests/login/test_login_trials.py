"""What an administrator tries: in a ticket of theirs alone, for a quarter of an hour."""

from __future__ import annotations

from dataclasses import replace

from scim_connector.directory.database import Database
from scim_connector.directory.sso import SignIn
from scim_connector.login.trials import LIVES, Drafts, sealed_secret
from scim_connector.tokens.secrets import SecretKeys
from tests import house

NOW = house.now()
TESTER = 7


def _settings(keys: SecretKeys, connection_id: int) -> SignIn:
    return SignIn(
        connection_id=connection_id,
        issuer="https://login.example",
        client_id="gate",
        client_secret=sealed_secret(keys, "s"),
        scopes="openid",
        claim="sub",
        equals="externalId",
        algorithm="RS256",
        second_factor=("mfa",),
        enabled=False,
        changed_at=NOW,
    )


def test_a_draft_comes_back_to_whoever_tried_it(database: Database) -> None:
    """All of it, and whether it passed; to nobody else, for no other connection."""
    keys = SecretKeys.fresh()
    one, other = house.provider(database).connection, house.provider(database, "b")
    drafts, settings = Drafts(keys), _settings(keys, one.id)

    ticket = drafts.seal(settings, TESTER, NOW, passed=True)
    draft = drafts.open(ticket, one, TESTER, NOW)

    assert draft is not None
    assert (draft.settings, draft.passed) == (settings, True)
    assert drafts.open(ticket, one, TESTER + 1, NOW) is None
    assert drafts.open(ticket, other.connection, TESTER, NOW) is None
    assert drafts.open("", one, TESTER, NOW) is None
    assert Drafts(SecretKeys.fresh()).open(ticket, one, TESTER, NOW) is None


def test_a_draft_lives_a_quarter_of_an_hour(database: Database) -> None:
    """An instant before its end it is good, and then no more."""
    keys = SecretKeys.fresh()
    connection, drafts = house.provider(database).connection, Drafts(keys)
    settings = _settings(keys, connection.id)

    ticket = drafts.seal(settings, TESTER, NOW, passed=True)

    assert LIVES == 15 * 60 * 1_000_000
    assert drafts.open(ticket, connection, TESTER, NOW + LIVES - 1) is not None
    assert drafts.open(ticket, connection, TESTER, NOW + LIVES) is None


def test_a_mark_is_of_exactly_these_settings() -> None:
    """Each field makes another one; sealing the same secret anew does not."""
    keys = SecretKeys.fresh()
    drafts, settings = Drafts(keys), _settings(keys, 1)
    same = replace(settings, client_secret=sealed_secret(keys, "s"), enabled=True)
    others = [
        replace(settings, connection_id=2),
        replace(settings, issuer="https://login.example/"),
        replace(settings, client_id="other"),
        replace(settings, client_secret=sealed_secret(keys, "t")),
        replace(settings, client_secret=None),
        replace(settings, scopes="openid email"),
        replace(settings, claim="oid"),
        replace(settings, equals="userName"),
        replace(settings, algorithm="ES256"),
        replace(settings, second_factor=()),
    ]

    assert drafts.marks(same) == drafts.marks(settings)
    assert len({drafts.marks(each) for each in (settings, *others)}) == len(others) + 1


def test_a_mark_is_known_after_the_key_was_changed() -> None:
    """What passed under the former key has passed."""
    keys = SecretKeys.fresh()
    settings = _settings(keys, 1)

    (before,) = Drafts(keys).marks(settings)

    assert Drafts(keys.rotated()).marks(settings)[1:] == (before,)

"""What the list of receipts says of a deactivation."""

from __future__ import annotations

from scim_connector.directory import receipts
from scim_connector.directory.database import Database
from scim_connector.web.console.receipts import ended
from tests import access, house


def test_a_receipt_names_the_sessions_it_ended(database: Database) -> None:
    """Sessions by application and password links, in words (R12)."""
    provider = house.provider(database)
    made = house.shown(provider.post(house.person("kim.doe@contoso.com")))
    user = provider.user(made["id"])
    database.write(lambda tx: access.let_in(tx, user))

    provider.patch(made["id"], house.patch_of(active=False))

    (receipt,) = receipts.newest(database.reader())
    assert ended(receipt) == (
        "1 session at classic, 1 session at nextgen, 1 password link"
    )

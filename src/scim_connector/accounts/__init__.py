"""The only road that changes a user.

Every door (SCIM, console, command line, import) opens an :class:`Account` inside a
transaction, states what should become of the user, and saves: the user, the link, the
audit rows and the outbox rows are written together or not at all.
"""

from scim_connector.accounts.account import Account
from scim_connector.accounts.acts import Act
from scim_connector.accounts.creating import create
from scim_connector.accounts.erasing import erase, neutral
from scim_connector.accounts.parting import step_aside
from scim_connector.accounts.settling import Settled, settle

__all__ = [
    "Account",
    "Act",
    "Settled",
    "create",
    "erase",
    "neutral",
    "settle",
    "step_aside",
]

"""Adding a user who keeps every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.accounts.account import Account
from scim_connector.directory import names, users
from scim_connector.rules import folding, lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.accounts.acts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.rules.users import Draft


def create(
    tx: Transaction,
    draft: Draft,
    origins: Mapping[str, str],
    act: Act,
    *,
    mail: bool = True,
) -> Account:
    """Add a user who keeps every rule; raises RulesViolated with all that are broken.

    With *mail* an active person gets a first password link (R15).
    *origins* says for username, initials and email whether the value was stated,
    derived or chosen locally.  An email given by a person (not by a provider) counts as
    trusted for adoption (decision 11).
    """
    taken = names.taken(
        tx,
        username_key=folding.username_key(draft.username),
        initials_key=folding.initials_key(draft.initials),
        email_key=folding.email_key(draft.email or ""),
    )
    events = lifecycle.create(draft, taken, act.actor)
    welcome = mail and draft.active and not draft.api_user
    user = users.add(
        tx,
        draft,
        origins,
        trusted=act.connection_id is None,
        welcomed=welcome,
        now=act.now,
    )
    account = Account.of_new(tx, user, act)
    if welcome:
        account.queue_welcome()
    for event in events:
        account.note(event.name, **event.facts)
    return account

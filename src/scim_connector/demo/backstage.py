"""What happens in the house itself while the providers speak over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from scim_connector.administration import (
    applications,
    connections,
    receivers,
    users,
    webhooks,
)
from scim_connector.demo.applications import CLASSIC, NEXTGEN, NOBODY
from scim_connector.demo.stage import doing
from scim_connector.directory import links
from scim_connector.directory import users as users_rows
from scim_connector.login.gate import Door, NotAdmitted, keep_refusal
from scim_connector.login.sessions import Proof
from scim_connector.wiring.gate import sessions_of

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.login.sessions import Sessions
    from scim_connector.wiring import House

#: Browsers as they name themselves, for the list of sessions.
_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Edg/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 Version/18.0 Safari",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)


@dataclass(slots=True)
class Backstage:
    """The open house of a demo."""

    house: House
    random: Random
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        """Sessions as the settings let them last."""
        self.sessions = sessions_of(self.house)

    def register(self, address: str) -> None:
        """Who is told: two applications, one of which never answers, and a desk."""

        def work(tx: Transaction) -> None:
            for name, kind, url in (
                (NEXTGEN, "web", f"{address}/logout"),
                (CLASSIC, "desktop", NOBODY),
            ):
                applications.add(
                    tx,
                    name,
                    kind=kind,
                    address=f"https://{name}.contoso.example",
                    redirects=(),
                    logout_url=url,
                    act=doing(),
                )
            keys = self.house.keys
            receivers.add(tx, keys, "security desk", f"{address}/events", doing())
            pager = ("pager", f"{address}/pager", doing())
            webhooks.add(tx, keys, *pager, kinds=("alerts", "heads"))

        self.house.database.write(work)

    def sign_in(self, connection: str, link_id: str, *clients: str) -> None:
        """Open a session of somebody at each of these applications.

        Who may not come in, because an administrator said so, stands in audit.
        """
        database = self.house.database
        link = self._link(database.reader(), connection, link_id)
        if link is None:
            return
        proof = Proof("sso", connection_id=link.connection_id)
        for client in clients:
            door = self._door(client)
            enter = partial(
                self.sessions.open, user_id=link.user_id, door=door, proof=proof
            )
            try:
                database.write(enter)
            except NotAdmitted as refused:
                keep_refusal(database, refused, door)

    def _door(self, client: str) -> Door:
        network = f"198.51.100.{self.random.randint(1, 254)}"
        agent = self.random.choice(_AGENTS)
        return Door("sso", client, network, agent, doing().now)

    def hold(self, connection: str, link_id: str) -> None:
        """Deactivate somebody here, whatever their provider says."""

        def work(tx: Transaction) -> None:
            user = self._user(tx, connection, link_id)
            if user is not None and user.active:
                users.deactivate(tx, user, doing())

        self.house.database.write(work)

    def _user(self, reader: Reader, connection: str, link_id: str) -> User | None:
        link = self._link(reader, connection, link_id)
        return None if link is None else users_rows.by_id(reader, link.local_user_id)

    def _link(self, reader: Reader, connection: str, link_id: str) -> Link | None:
        """The live link of this id; an administrator may have undone it."""
        found = connections.find(reader, connection)
        return links.by_id(reader, found.id, link_id)

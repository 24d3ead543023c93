"""*Test from here*: a provider is played against this server, and nobody is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from flask import render_template, request

from scim_connector.accounts import Act
from scim_connector.administration import testing as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import working
from scim_connector.web.console.connections import PATH, found
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.connections import Connection
    from scim_connector.web.console.desk import Desk, Person

PLAYED: Final = {"entra": "Microsoft Entra ID", "okta": "Okta"}
DOMAIN: Final = "example.com"
_DOMAIN: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was sent and needed; *result* is ok, FAILS, warning, skipped."""

    id: str
    result: str
    finding: str
    does: str
    needs: str
    means: str
    sent: str
    answered: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every check, the last line, and what could not be removed."""

    findings: Sequence[Finding]
    summary: str
    left: Sequence[str]


class Player(Protocol):
    """Plays a provider against this server; the wiring brings one."""

    def total(self, provider: str) -> int:
        """How many checks there are."""

    def play(
        self, provider: str, token: str, domain: str, count: Callable[[int], None]
    ) -> Report:
        """Run them all with a token; raises NotPossible where nobody answers."""


class TestPages:
    """The tab of a connection that tests it from here."""

    def __init__(self, desk: Desk, player: Player) -> None:
        """Work at *desk*; *player* is the provider."""
        self._desk = desk
        self._player = player

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/test"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        self._desk.serve(app, here, self.run, MANAGE_PROVISIONING, "POST")

    def show(self, me: Person, connection_id: int) -> Response:
        """What a test does, what it leaves, and the button."""
        connection = found(self._desk, connection_id)
        return self._desk.page(
            me,
            "connection_test.html",
            connection=connection,
            through=administration.name_of(connection),
            played=PLAYED,
            domain=DOMAIN,
            tab="test",
        )

    def run(self, me: Person, connection_id: int) -> Response:
        """Play a provider from the first request to the last, and tell what it met."""
        connection, act = found(self._desk, connection_id), me.act()
        provider = request.form.get("provider", "")
        if provider not in PLAYED:
            raise NotPossible("Choose which provider is played.")
        domain = request.form.get("domain", "").strip() or DOMAIN
        if not _DOMAIN.fullmatch(domain):
            raise NotPossible(f'"{domain[:60]}" is no mail domain; write example.com.')

        def tell(result: Report | Exception) -> str:
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/tested.html",
                connection=connection,
                through=administration.name_of(connection),
                report=result,
                good=all(each.result == "ok" for each in result.findings),
                provider=PLAYED[provider],
            )

        return working.page(
            self._desk,
            me,
            lambda count: self._played(connection, act, provider, domain, count),
            tell,
            total=self._player.total(provider),
            title=f"Test of {connection.name}",
            working=f"{PLAYED[provider]} is played. Nobody is touched.",
            back=f"{PATH}/{connection.id}/test",
            back_name=connection.name,
        )

    def _played(
        self,
        connection: Connection,
        act: Act,
        provider: str,
        domain: str,
        count: Callable[[int], None],
    ) -> Report:
        """Play with a token that is made for it and dies with it."""
        pepper = self._desk.keys.peppers()[0]
        tested, token = self._desk.write(
            lambda tx: administration.begin(tx, connection, pepper=pepper, act=act)
        )
        try:
            return self._player.play(provider, str(token), domain, count)
        finally:
            later = Act(act.actor, now())
            self._desk.write(lambda tx: administration.end(tx, tested, later))

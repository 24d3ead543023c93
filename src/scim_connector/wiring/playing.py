"""The provider that the console plays against the server it is part of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.administration.errors import NotPossible
from scim_connector.probe import report, running
from scim_connector.probe.client import BadAddress, Client
from scim_connector.probe.conversation import Conversation
from scim_connector.web.console.connection_test import Finding, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.probe.checks import Result


class OwnPlayer:
    """Plays providers against one SCIM base URL, over the network as they do."""

    def __init__(self, base_url: str) -> None:
        """Play against *base_url*."""
        self._base_url = base_url

    def total(self, provider: str) -> int:
        """How many checks there are."""
        return len(running.script(provider))

    def play(
        self, provider: str, token: str, domain: str, count: Callable[[int], None]
    ) -> Report:
        """Run all checks with a token; raises NotPossible where nobody answers."""
        talk = Conversation(self._client(provider, token), domain)
        results: list[Result] = []
        try:
            running.look(talk.client)
            for result in running.run(talk, running.script(provider)):
                results.append(result)
                count(1)
        except running.CannotRun as why:
            raise NotPossible(str(why)) from None
        finally:
            left = running.clean_up(talk)
        found = [_finding(each) for each in results]
        return Report(found, report.summary(results, provider), left)

    def _client(self, provider: str, token: str) -> Client:
        try:
            return Client(self._base_url, provider, token)
        except BadAddress as error:
            raise NotPossible(str(error)) from None


def _finding(result: Result) -> Finding:
    check = result.check
    return Finding(
        id=check.id,
        result=str(result.outcome),
        finding=result.finding,
        does=check.sends,
        needs=check.needs,
        means=check.means,
        sent=result.sent,
        answered=result.got,
    )

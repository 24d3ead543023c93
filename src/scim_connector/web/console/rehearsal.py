"""The rehearsal of a connection: what its first cycle would make of everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import render_template, request

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections
from scim_connector.provisioning import rehearsal
from scim_connector.provisioning.rehearsal import NothingToCarryOut
from scim_connector.provisioning.verdicts import CREATE, LINK, REFUSE, RESTORE
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import lists, sheets, working
from scim_connector.web.console.connections import PATH
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.connections import Connection
    from scim_connector.provisioning.verdicts import Forecast, Verdict
    from scim_connector.web.console.desk import Desk, Person

OUTCOMES: Final = {
    REFUSE: "would be refused",
    LINK: "would be linked",
    CREATE: "would be created",
    RESTORE: "would come back",
}
MAILS: Final = {
    "mail:welcome": "password links to new people",
    "mail:managed-now": "notices to linked people",
}
MOST_SHOWN: Final = 500
_FIELDS: Final = (
    *("identity", "active", "outcome", "username", "initials", "email"),
    *("why", "reason", "detail", "fix"),
)


class RehearsalPages:
    """The tab of a connection that is rehearsing."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/rehearsal"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in ((f"{here}/judge", self.judge), (f"{here}/live", self.live)):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def _found(self, connection_id: int) -> Connection:
        found = connections.by_id(self._desk.reader, connection_id)
        if found is None:
            raise NotPossible("There is no such connection.")
        return found

    def show(self, me: Person, connection_id: int) -> Response:
        """Everybody the provider has sent, as they were judged when they came."""
        found = self._found(connection_id)
        every = rehearsal.stored(self._desk.reader, found)
        if lists.form():
            rows = [{n: getattr(each, n) for n in _FIELDS} for each in every]
            return sheets.answer("rehearsal", _FIELDS, rows, lists.form())
        chosen = lists.one_of("outcome", {key: key for key in OUTCOMES})
        shown = [each for each in every if chosen in {None, each.outcome}]
        return self._desk.page(
            me,
            "connection_rehearsal.html",
            connection=found,
            verdicts=shown[:MOST_SHOWN],
            left=max(0, len(shown) - MOST_SHOWN),
            counts=_counts(every),
            outcomes=OUTCOMES,
            chosen=chosen,
            more=lists.more(f"{len(shown)} people, in the order they came.", None),
            tab="rehearsal",
        )

    def judge(self, me: Person, connection_id: int) -> Response:
        """Judge everybody anew, together, as going live would; nothing is kept."""
        found = self._found(connection_id)
        database, instant = self._desk.database, now()

        def tell(result: Forecast | Exception) -> str:
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/judged.html",
                connection=found,
                forecast=result,
                counts=result.counts,
                refused=result.refused[:MOST_SHOWN],
                unmatched=result.unmatched[:MOST_SHOWN],
                mails=[(MAILS.get(t, t), n) for t, n in result.mails.items()],
                outcomes=OUTCOMES,
                me=me,
            )

        return working.page(
            self._desk,
            me,
            lambda count: rehearsal.outcome(
                database, found, now=instant, progress=count
            ),
            tell,
            title=f"Before {found.name} goes live",
            working="Everybody is judged anew, together. Nothing is carried out.",
            **self._way(found),
        )

    def _way(self, found: Connection) -> dict[str, Any]:
        return {
            "total": rehearsal.waiting(self._desk.reader, found),
            "back": f"{PATH}/{found.id}/rehearsal",
            "back_name": f"Rehearsal of {found.name}",
        }

    def live(self, me: Person, connection_id: int) -> Response:
        """Carry everybody out, and make the connection live: all or nothing."""
        found, act = self._found(connection_id), me.act()
        if request.form.get("sure") != "yes":
            raise NotPossible("Tick that you have seen what will happen, then go live.")
        database = self._desk.database

        def tell(result: Forecast | Exception) -> str:
            if isinstance(result, NothingToCarryOut):
                return working.trouble(NotPossible(str(result)))
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/live.html",
                connection=found,
                forecast=result,
                counts=result.counts,
            )

        return working.page(
            self._desk,
            me,
            lambda count: rehearsal.go_live(database, found, act, progress=count),
            tell,
            title=f"{found.name} goes live",
            working="Everybody is carried out, or nobody.",
            **self._way(found),
        )


def _counts(every: list[Verdict]) -> list[tuple[str, int]]:
    """How many there are of each outcome, in the order of the page."""
    return [(key, sum(1 for v in every if v.outcome == key)) for key in OUTCOMES]

"""The rehearsal of a connection: what its first cycle would make of everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import render_template, request

from scim_connector.administration.errors import NotPossible
from scim_connector.provisioning import rehearsal, rehearsal_table
from scim_connector.provisioning.rehearsal import NothingToCarryOut
from scim_connector.provisioning.verdicts import CREATE, LINK, REFUSE, RESTORE
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import lists, sheets, working
from scim_connector.web.console.connections import PATH, found
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

    def show(self, me: Person, connection_id: int) -> Response:
        """Everybody the provider has sent, as they were judged when they came."""
        connection = found(self._desk, connection_id)
        table = rehearsal_table.rows(self._desk.reader, connection)
        every = [row.verdict for row in table]
        if lists.form():
            rows = [{n: getattr(each, n) for n in _FIELDS} for each in every]
            return sheets.answer("rehearsal", _FIELDS, rows, lists.form())
        chosen = lists.one_of("outcome", {key: key for key in OUTCOMES})
        shown = [each for each in every if chosen in {None, each.outcome}]
        return self._desk.page(
            me,
            "connection_rehearsal.html",
            connection=connection,
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
        connection = found(self._desk, connection_id)
        database, instant = self._desk.database, now()

        def tell(result: Forecast | Exception) -> str:
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/judged.html",
                connection=connection,
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
                database, connection, now=instant, progress=count
            ),
            tell,
            title=f"Before {connection.name} goes live",
            working="Everybody is judged anew, together. Nothing is carried out.",
            **self._way(connection),
        )

    def _way(self, connection: Connection) -> dict[str, Any]:
        return {
            "total": rehearsal.waiting(self._desk.reader, connection),
            "back": f"{PATH}/{connection.id}/rehearsal",
            "back_name": f"Rehearsal of {connection.name}",
        }

    def live(self, me: Person, connection_id: int) -> Response:
        """Carry everybody out, and make the connection live: all or nothing."""
        connection, act = found(self._desk, connection_id), me.act()
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
                connection=connection,
                forecast=result,
                counts=result.counts,
            )

        return working.page(
            self._desk,
            me,
            lambda count: rehearsal.go_live(database, connection, act, progress=count),
            tell,
            title=f"{connection.name} goes live",
            working="Everybody is carried out, or nobody.",
            **self._way(connection),
        )


def _counts(every: list[Verdict]) -> list[tuple[str, int]]:
    """How many there are of each outcome, in the order of the page."""
    return [(key, sum(1 for v in every if v.outcome == key)) for key in OUTCOMES]

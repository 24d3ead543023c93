"""The mapping: as applied, tried on one person, planned for all, applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import render_template, request

from scim_connector.administration import expressions
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, counters, mapping_versions, users
from scim_connector.mapping import language, samples
from scim_connector.mapping.errors import MappingError
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.provisioning import plans, resending, simulation
from scim_connector.provisioning.plans import Plan, TooManyChanges
from scim_connector.provisioning.resending import Sent
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.scim import gate
from scim_connector.scim.errors import ScimError
from scim_connector.web.console import lists, log, working
from scim_connector.web.console.desk import HOME, sentence_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.simulation import Simulator
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/mapping"
MOST_SHOWN: Final = 200
_EXAMPLE: Final = """{
  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
  "userName": "anne-marie.oconnor@contoso.com",
  "name": {"givenName": "Anne-Marie", "familyName": "O'Connor"},
  "emails": [{"type": "work", "value": "anne-marie.oconnor@contoso.com", "primary": true}]
}"""


class MappingPages:
    """Everything about mappings."""

    def __init__(self, desk: Desk, simulator: Simulator) -> None:
        """Work at *desk*; requests are tried by *simulator*."""
        self._desk = desk
        self._simulator = simulator

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.show, VIEW_PROVISIONING)
        self._desk.serve(app, f"{PATH}/functions", self.functions, VIEW_PROVISIONING)
        for path, view, permission in (
            (f"{PATH}/try", self.attempt, VIEW_PROVISIONING),
            (f"{PATH}/functions", self.functions, VIEW_PROVISIONING),
            (f"{PATH}/plan", self.plan, MANAGE_PROVISIONING),
            (f"{PATH}/apply", self.apply, MANAGE_PROVISIONING),
        ):
            self._desk.serve(app, path, view, permission, "POST")

    # ------------------------------------------------------------------------- page

    def _connection(self) -> Connection | None:
        """The connection that is asked about; without a word, that of most people."""
        reader, text = self._desk.reader, request.values.get("connection", "")
        if text:
            number = lists.whole(text)
            return None if number is None else connections.by_id(reader, number)
        live = [c for c in connections.every(reader) if c.state != "retired"]
        mapped = [c for c in live if c.mapping_number]
        return max(mapped, key=lambda c: counters.totals(reader, c.id)[0], default=None)

    def show(
        self, me: Person, wrong: str = "", status: int = 200, **words: Any
    ) -> Response:
        """The applied version beside the dry run."""
        reader, found = self._desk.reader, self._connection()
        every = connections.every(reader)
        if found is None:
            return self._desk.page(me, "mapping_none.html")
        versions = mapping_versions.every(reader, found.id)
        shown = self._shown(versions, found)
        asked = lists.whole(request.values.get("user", ""))
        user = None if asked is None else users.by_id(reader, asked)
        typed = request.values.get("username", "")
        return self._desk.page(
            me,
            "mapping.html",
            status,
            wrong=wrong,
            connection=found,
            connections=[(c.id, c.name) for c in every if c.mapping_number],
            versions=versions,
            text=request.form.get("text", shown),
            username=typed or (user.username if user else ""),
            body=request.form.get("body", "") or _EXAMPLE,
            people=counters.totals(reader, found.id)[0],
            **words,
        )

    def _shown(self, versions: list[Any], found: Connection) -> str:
        """The text of the version that is asked for, or of the applied one."""
        asked = lists.whole(request.args.get("version", ""))
        number = found.mapping_number if asked is None else asked
        return next((v.text for v in versions if v.number == number), "")

    def _loaded(self, found: Connection) -> Mapping:
        """The mapping in the form; raises MappingError with line and column."""
        text = request.form.get("text", "").replace("\r\n", "\n")
        return language.load(text, f"{found.name}.toml")

    def _required(self) -> Connection:
        found = self._connection()
        if found is None:
            raise NotPossible("There is no such connection.")
        return found

    # ---------------------------------------------------------------------- dry run

    def attempt(self, me: Person) -> Response:
        """Try one person with the text in the form; nothing is written."""
        found = self._required()
        try:
            new = self._loaded(found)
            sent = self._sent(found)
        except (MappingError, NotPossible, ScimError) as error:
            return self.show(me, sentence_of(error), 400)
        applied = mapping_versions.applied(self._desk.reader, found.id)
        changed = None if applied and applied.text == new.text else new
        call = simulation.call_of(found, sent.method, sent.path, sent.body, now=now())
        entry = self._simulator.run(call, mapping=changed)
        return self.show(me, trial=log.trial(entry, found), changed=changed is not None)

    def _sent(self, found: Connection) -> Sent:
        """The request to try: a stored user again, or what was pasted."""
        name = request.form.get("username", "").strip()
        if not name:
            body = gate.loads_object(request.form.get("body", "").encode())
            return Sent("POST", "/Users", body)
        user = log.user_named(self._desk.reader, name)
        return resending.again(self._desk.reader, found, user)

    # ------------------------------------------------------------------ plan, apply

    def plan(self, me: Person) -> Response:
        """What the text in the form would change for everybody; nothing is written."""
        found, act = self._required(), me.act()
        try:
            new = self._loaded(found)
        except MappingError as error:
            return self.show(me, str(error), 400)
        failed = [each for each in samples.run(new) if each.faults]
        database, text = self._desk.database, new.text

        def tell(result: Plan | Exception) -> str:
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/plan.html",
                plan=result,
                differences=result.differences[:MOST_SHOWN],
                connection=found,
                text=text,
                failed=failed,
                me=me,
            )

        return working.page(
            self._desk,
            me,
            lambda count: plans.plan(database, found, new, act, progress=count),
            tell,
            total=counters.totals(self._desk.reader, found.id)[0],
            title=f"Plan for {found.name}",
            working="Everybody who is stored goes through the new mapping. Nothing is"
            " written.",
            **self._way_back(found),
        )

    def _way_back(self, found: Connection) -> dict[str, str]:
        return {"back": f"{PATH}?connection={found.id}", "back_name": "Mapping"}

    def apply(self, me: Person) -> Response:
        """Make the planned text the mapping, and let everybody follow, or nobody."""
        found, act = self._required(), me.act()
        new = self._loaded(found)
        named = lists.whole(request.form.get("changes", ""))
        work = self._following(found, new, named, act)

        def tell(result: Plan | Exception) -> str:
            if isinstance(result, TooManyChanges):
                return working.trouble(
                    NotPossible(
                        "Other people changed in the meantime, so the plan is not what"
                        " you saw. Nothing was changed; plan again."
                    )
                )
            if isinstance(result, Exception):
                return working.trouble(result)
            return render_template(
                "console/applied.html", plan=result, connection=found
            )

        return working.page(
            self._desk,
            me,
            work,
            tell,
            total=counters.totals(self._desk.reader, found.id)[0],
            title=f"Applying to {found.name}",
            working="Everybody follows the new mapping, or nobody.",
            **self._way_back(found),
        )

    def _following(
        self, found: Connection, new: Mapping, named: int | None, act: Act
    ) -> Callable[[Callable[[int], None]], Plan]:
        database = self._desk.database
        return lambda count: plans.apply(
            database, found, new, act, named=named, progress=count
        )

    # -------------------------------------------------------------------- functions

    def functions(self, me: Person) -> Response:
        """Every function with an example, and an expression tried on a resource."""
        form = request.form
        text, body = form.get("expression", ""), form.get("body", "") or _EXAMPLE
        outcome, wrong = None, ""
        if text:
            try:
                outcome = self._evaluated(text, body)
            except MappingError as error:
                wrong = str(error)
            except ScimError as error:
                wrong = error.detail
        return self._desk.page(
            me,
            "functions.html",
            400 if wrong else 200,
            wrong=wrong,
            functions=sorted(FUNCTIONS.values(), key=lambda f: f.name),
            expression=text,
            body=body,
            outcome=outcome,
        )

    def _evaluated(self, text: str, body: str) -> dict[str, Any]:
        found = self._required()
        document = gate.loads_object(body.encode())
        made = expressions.evaluated(self._desk.reader, found, text, document)
        return {"value": made, "is_nothing": made in (None, "", [])}

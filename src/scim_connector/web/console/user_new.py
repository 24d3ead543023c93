"""A new user: person or API user first, then the fields, with names proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import naming, newcomers
from scim_connector.administration.users import NewUser
from scim_connector.directory import access, profiles, roles
from scim_connector.rules.permissions import CREATE_USERS
from scim_connector.rules.users import RulesViolated
from scim_connector.web.console.desk import REFUSALS, sentence_of
from scim_connector.web.console.users import PATH

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.web.console.desk import Desk, Person

_TYPED: Final = ("first_name", "last_name", "email", "initials", "username")


class NewUserPages:
    """The form of a new user, and what it shows once."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, f"{PATH}/new", self.ask, CREATE_USERS)
        self._desk.serve(app, f"{PATH}/new/names", self.propose, CREATE_USERS)
        self._desk.serve(app, f"{PATH}/new", self.add, CREATE_USERS, "POST")

    def ask(
        self,
        me: Person,
        wrong: str = "",
        status: int = 200,
        faults: dict[str, str] | None = None,
    ) -> Response:
        """The form, empty or as it was typed, with each fault under its field."""
        reader = self._desk.reader
        return self._desk.page(
            me,
            "user_new.html",
            status,
            wrong=wrong,
            faults=faults or {},
            form=request.form,
            installed=access.api_app_state(reader)[0],
            roles=roles.every(reader),
            profiles=[(p.name, p.name) for p in profiles.every(reader)],
            names=self._proposed(request.form),
        )

    def propose(self, me: Person) -> Response:
        """Initials and username for what was typed so far, by the very same rules."""
        names = self._proposed(request.args)
        return self._desk.page(me, "user_new_names.html", names=names)

    def _proposed(self, typed: Any) -> dict[str, str]:
        values = [typed.get(n, "").strip()[:254] for n in _TYPED[:3]]
        if not any(values):
            return {}
        return naming.proposals(self._desk.reader, *values)

    def add(self, me: Person) -> Response:
        """Create the user; an API user's first key is shown on the answer alone."""
        form, act = request.form, me.act()
        kind = form.get("kind", "")
        if kind not in {"person", "api"}:
            return self.ask(me, "Choose first: a person, or an API user?", 400)
        new = NewUser(
            **{name: form.get(name, "").strip() for name in _TYPED},  # type: ignore[arg-type]
            api_user=kind == "api",
            roles=tuple(form.getlist("role")),
            profile=form.get("profile") or None,
            mail=form.get("mail") == "yes",
        )
        try:
            made, key = self._desk.write(
                lambda tx: newcomers.add(
                    tx,
                    new,
                    act,
                    own=me.permissions,
                    pepper=self._desk.keys.peppers()[0],
                )
            )
        except RulesViolated as error:
            faults = {v.attribute: v.message for v in error.violations}
            return self.ask(me, sentence_of(error), error.status, faults)
        except REFUSALS as error:
            return self.ask(me, sentence_of(error), 400)
        if key is not None:
            return self._desk.page(me, "user_key.html", user=made, key=str(key))
        mailed = (
            f" A mail to {made.email} is on its way; its link works for one hour."
            if made.welcomed
            else " No mail is sent."
        )
        return self._desk.done(f"{PATH}/{made.id}", f"{made.username} is here.{mailed}")

"""How people of a connection sign in: set up, tried, switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import sign_in as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, sso
from scim_connector.login.sso import CALLBACK, CannotSignIn, sealed_secret
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web import cookies
from scim_connector.web.console.connections import PATH
from scim_connector.web.console.desk import REFUSALS, sentence_of
from scim_connector.web.pages.frame import go_to, now, set_cookie

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.sso import SignIn
    from scim_connector.login.sso import SingleSignOn
    from scim_connector.web.console.desk import Desk, Person

_EQUALS: Final = ("externalId", "userName")


class SignInSettings:
    """The tab of a connection about signing in."""

    def __init__(self, desk: Desk, single: SingleSignOn) -> None:
        """Work at *desk*; trials go through *single*."""
        self._desk = desk
        self._single = single

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/sign-in"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in (
            (here, self.save),
            (f"{here}/on", self.switch_on),
            (f"{here}/off", self.switch_off),
        ):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")
        # A link and no form, because form-action would forbid its redirect.
        self._desk.serve(app, f"{here}/try", self.test, MANAGE_PROVISIONING)

    def _found(self, connection_id: int) -> Connection:
        found = connections.by_id(self._desk.reader, connection_id)
        if found is None:
            raise NotPossible("There is no such connection.")
        return found

    def show(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """The settings, and who could not be found by them."""
        reader, found = self._desk.reader, self._found(connection_id)
        settings = sso.settings_of(reader, found.id)
        match = settings and administration.match(reader, found, settings)
        return self._desk.page(
            me,
            "connection_sign_in.html",
            status,
            wrong=wrong,
            connection=found,
            settings=settings,
            match=match,
            advice=administration.advice(match, found) if match else "",
            redirect_uri=f"{self._desk.settings.address}{CALLBACK}",
            claim=administration.CLAIMS[found.kind],
            algorithms=[(each, each) for each in ALGORITHMS],
            equals=[(each, each) for each in _EQUALS],
            form=request.form,
            tab="sign-in",
        )

    def save(self, me: Person, connection_id: int) -> Response:
        """Keep the settings; signing in is off until it is switched on."""
        found, act = self._found(connection_id), me.act()
        former = sso.settings_of(self._desk.reader, found.id)
        try:
            given = self._given(former)
            made = administration.settings_from(found, given, now=act.now)
            self._desk.write(lambda tx: administration.configure(tx, found, made, act))
        except REFUSALS as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        text = "Saved, and off. Test the sign-in, then switch it on."
        return self._desk.done(f"{PATH}/{found.id}/sign-in", text)

    def _given(self, former: SignIn | None) -> dict[str, Any]:
        form = request.form
        secret = form.get("client_secret", "").strip()
        kept = former.client_secret if former is not None else None
        equals = form.get("equals", _EQUALS[0])
        if equals not in _EQUALS:
            raise NotPossible("Choose what the claim must equal.")
        if not form.get("client_id", "").strip():
            raise NotPossible("The client id is missing; the provider shows it.")
        return {
            "issuer": form.get("issuer", "").strip(),
            "client_id": form.get("client_id", "").strip(),
            "client_secret": sealed_secret(self._desk.keys, secret) if secret else kept,
            "scopes": form.get("scopes", "").strip(),
            "claim": form.get("claim", "").strip(),
            "equals": equals,
            "algorithm": form.get("algorithm", ALGORITHMS[0]),
            "second_factor": form.get("second_factor", "").replace(",", " ").split(),
        }

    def switch_on(self, me: Person, connection_id: int) -> Response:
        """Let people sign in."""
        found, act = self._found(connection_id), me.act()
        try:
            self._desk.write(lambda tx: administration.switch_on(tx, found, act))
        except NotPossible as error:
            return self.show(me, connection_id, str(error), 400)
        text = f"People sign in through {found.name} from now on."
        return self._desk.done(f"{PATH}/{found.id}/sign-in", text)

    def switch_off(self, me: Person, connection_id: int) -> Response:
        """Let nobody sign in; open sessions go on."""
        found, act = self._found(connection_id), me.act()
        self._desk.write(lambda tx: administration.switch_off(tx, found, act))
        text = f"Nobody signs in through {found.name} now; open sessions go on."
        return self._desk.done(f"{PATH}/{found.id}/sign-in", text)

    def test(self, me: Person, connection_id: int) -> Response:
        """Off to the provider and back, to see each step; nobody is signed in by it."""
        found = self._found(connection_id)
        try:
            begun = self._single.begin_trial(found, me.user_id, now())
        except CannotSignIn as error:
            return self.show(me, connection_id, str(error), error.status)
        answer = go_to(begun.address)
        set_cookie(answer, cookies.SIGN_IN, begun.ticket, seconds=600)
        return answer

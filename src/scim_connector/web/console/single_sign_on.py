"""How people of a connection sign in: tried, saved, switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import sign_in as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import sso
from scim_connector.login.sso import CALLBACK, CannotSignIn
from scim_connector.login.trials import LIVES, Drafts, sealed_secret
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web import cookies
from scim_connector.web.console.connections import PATH, found
from scim_connector.web.console.desk import REFUSALS, sentence_of
from scim_connector.web.pages.frame import cookie, drop_cookie, go_to, now, set_cookie

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.sso import SignIn
    from scim_connector.login.sso import SingleSignOn
    from scim_connector.login.trials import Draft
    from scim_connector.web.console.desk import Desk, Person

EQUALS: Final = ("externalId", "userName")
_UNTRIED: Final = (
    "These settings have not passed a trial of yours in the last quarter of an hour."
    " Press Test sign-in; once somebody would be signed in by them, this is open."
)


class SignInSettings:
    """The tab of a connection about signing in."""

    def __init__(self, desk: Desk, single: SingleSignOn) -> None:
        """Work at *desk*; trials go through *single*."""
        self._desk = desk
        self._single = single
        self._drafts = Drafts(desk.keys)

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/sign-in"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in (
            (here, self.save),
            (f"{here}/try", self.test),
            (f"{here}/on", self.switch_on),
            (f"{here}/off", self.switch_off),
        ):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def show(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """The settings, or those that are being tried; and who could not be found."""
        if request.args.get("kept") == "yes":
            return self._forgotten(connection_id)
        reader, connection = self._desk.reader, found(self._desk, connection_id)
        settings = sso.settings_of(reader, connection.id)
        match = settings and administration.glance(reader, connection, settings)
        draft = self._draft(me, connection)
        return self._desk.page(
            me,
            "connection_sign_in.html",
            status,
            wrong=wrong,
            connection=connection,
            settings=settings,
            shown=draft.settings if draft else settings,
            draft=draft,
            may_save=draft is not None and draft.passed,
            may_switch_on=settings is not None
            and self._passed(me, connection, settings),
            match=match,
            advice=administration.advice(match, connection) if match else "",
            redirect_uri=f"{self._desk.settings.address}{CALLBACK}",
            claim=administration.CLAIMS[connection.kind],
            algorithms=[(each, each) for each in ALGORITHMS],
            equals=[(each, each) for each in EQUALS],
            form=request.form,
            tab="sign-in",
        )

    def _forgotten(self, connection_id: int) -> Response:
        """Back to what is kept, without what was tried."""
        answer = go_to(f"{PATH}/{connection_id}/sign-in")
        drop_cookie(answer, cookies.TRIED)
        return answer

    # ------------------------------------------------------------------------ trials

    def test(self, me: Person, connection_id: int) -> Response:
        """Off to the provider and back, to see each step; nobody is signed in by it.

        A page lies between, because form-action would forbid a redirect to elsewhere.
        """
        connection, instant = found(self._desk, connection_id), now()
        try:
            made = self._made(me, connection, instant)
            administration.refuse_settings(made)
            begun = self._single.begin_trial(connection, made, me.user_id, instant)
        except CannotSignIn as error:
            return self.show(me, connection_id, str(error), error.status)
        except REFUSALS as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        answer = self._desk.page(
            me, "connection_try.html", connection=connection, address=begun.address
        )
        set_cookie(answer, cookies.SIGN_IN, begun.ticket, seconds=600)
        draft = self._drafts.seal(made, me.user_id, instant, passed=False)
        set_cookie(answer, cookies.TRIED, draft, seconds=LIVES // 1_000_000)
        return answer

    def _draft(self, me: Person, connection: Connection) -> Draft | None:
        """What they try of this connection, for a quarter of an hour."""
        ticket = cookie(cookies.TRIED)
        return self._drafts.open(ticket, connection, me.user_id, now())

    def _passed(self, me: Person, connection: Connection, settings: SignIn) -> bool:
        """Whether exactly these settings passed: kept so, or in a trial of theirs."""
        marks = self._drafts.marks(settings)
        if administration.has_passed(self._desk.reader, connection, marks):
            return True
        draft = self._draft(me, connection)
        if draft is None or not draft.passed:
            return False
        return self._drafts.marks(draft.settings) == marks

    # -------------------------------------------------------------------------- kept

    def save(self, me: Person, connection_id: int) -> Response:
        """Keep what has passed a trial; signing in is off until it is switched on."""
        connection, act = found(self._desk, connection_id), me.act()
        try:
            made = self._made(me, connection, act.now)
            administration.refuse_settings(made)
            self._require_trial(me, connection, made)
            mark = self._drafts.marks(made)[0]
            self._desk.write(
                lambda tx: administration.configure(
                    tx, connection, made, act, mark=mark
                )
            )
        except REFUSALS as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        text = "Saved, and off. Switch it on when people are to sign in so."
        answer = self._desk.done(f"{PATH}/{connection.id}/sign-in", text)
        drop_cookie(answer, cookies.TRIED)
        return answer

    def _require_trial(self, me: Person, connection: Connection, made: SignIn) -> None:
        if not self._passed(me, connection, made):
            raise NotPossible(_UNTRIED)

    def _made(self, me: Person, connection: Connection, instant: int) -> SignIn:
        """The settings of the form; an empty secret is the one that is there."""
        draft = self._draft(me, connection)
        former = sso.settings_of(self._desk.reader, connection.id)
        given = self._given(draft.settings if draft else former)
        return administration.settings_from(connection, given, now=instant)

    def _given(self, former: SignIn | None) -> dict[str, Any]:
        form = request.form
        secret = form.get("client_secret", "").strip()
        equals = form.get("equals", EQUALS[0])
        if equals not in EQUALS:
            raise NotPossible("Choose what the claim must equal.")
        if not form.get("client_id", "").strip():
            raise NotPossible("The client id is missing; the provider shows it.")
        client = {name: form.get(name, "").strip() for name in ("issuer", "client_id")}
        return {
            **client,
            "client_secret": sealed_secret(self._desk.keys, secret)
            if secret
            else administration.kept_secret(former, **client),
            "scopes": form.get("scopes", "").strip(),
            "claim": form.get("claim", "").strip(),
            "equals": equals,
            "algorithm": form.get("algorithm", ALGORITHMS[0]),
            "second_factor": form.get("second_factor", "").replace(",", " ").split(),
        }

    def switch_on(self, me: Person, connection_id: int) -> Response:
        """Let people sign in, by settings that have passed a trial."""
        connection, act = found(self._desk, connection_id), me.act()
        try:
            settings = administration.required(self._desk.reader, connection)
            self._require_trial(me, connection, settings)
            mark = self._drafts.marks(settings)[0]
            self._desk.write(
                lambda tx: administration.switch_on(tx, connection, act, mark=mark)
            )
        except NotPossible as error:
            return self.show(me, connection_id, str(error), 400)
        text = f"People sign in through {connection.name} from now on."
        return self._desk.done(f"{PATH}/{connection.id}/sign-in", text)

    def switch_off(self, me: Person, connection_id: int) -> Response:
        """Let nobody sign in; open sessions go on."""
        connection, act = found(self._desk, connection_id), me.act()
        self._desk.write(lambda tx: administration.switch_off(tx, connection, act))
        text = f"Nobody signs in through {connection.name} now; open sessions go on."
        return self._desk.done(f"{PATH}/{connection.id}/sign-in", text)

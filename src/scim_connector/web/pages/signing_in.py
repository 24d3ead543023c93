"""Signing in: at a provider or with a password, and on to where somebody was going."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import Flask, Response, request

from scim_connector.directory import applications, sso
from scim_connector.login.gate import OWN_PAGES, NotAdmitted
from scim_connector.login.sso import CALLBACK, CannotSignIn
from scim_connector.login.tickets import Tickets
from scim_connector.login.trials import LIVES, Drafts
from scim_connector.rules.access import OUTWARD
from scim_connector.tokens import totp
from scim_connector.web import cookies
from scim_connector.web.pages.frame import (
    SIGN_OUT,
    Frame,
    cookie,
    drop_cookie,
    go_to,
    now,
    own_path,
    set_cookie,
)
from scim_connector.web.pages.refusals import REFUSALS, WRONG_CODE, later, told

if TYPE_CHECKING:
    from scim_connector.directory.applications import Application
    from scim_connector.directory.database import Database
    from scim_connector.login.passwords import PasswordSignIn, Step
    from scim_connector.login.sessions import Sessions
    from scim_connector.login.sso import SingleSignOn, Trial
    from scim_connector.tokens.opaque import Token
    from scim_connector.tokens.secrets import SecretKeys

_GOING: Final = f"{cookies.PREFIX}going"
_WRONG: Final = "The username or the password is wrong, or you may not sign in here."
_TOO_LATE: Final = "That took too long. Begin again."


class SignInPages:
    """The pages of signing in and out."""

    def __init__(
        self,
        frame: Frame,
        database: Database,
        keys: SecretKeys,
        sessions: Sessions,
        passwords: PasswordSignIn,
        single: SingleSignOn,
    ) -> None:
        """Sign in by *passwords* or by *single* sign-on, in *frame*."""
        self._frame = frame
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._single = single
        self._arrivals = Tickets(keys, "arrival")
        self._drafts = Drafts(keys)

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        for path, view, methods in (
            ("/login", self.choose, ["GET"]),
            ("/login/password", self.password, ["POST"]),
            ("/login/code", self.code, ["POST"]),
            ("/login/set-up", self.set_up, ["POST"]),
            ("/login/change", self.change, ["POST"]),
            ("/login/at/<name>", self.begin, ["GET"]),
            (CALLBACK, self.callback, ["GET"]),
            ("/auth/begin", self.begin_elsewhere, ["GET"]),
            ("/auth/accept", self.accept, ["GET"]),
            ("/logout", self.ask_logout, ["GET"]),
            ("/logout", self.logout, ["POST"]),
            (SIGN_OUT, self.ask_logout, ["GET"]),
            (SIGN_OUT, self.logout, ["POST"]),
        ):
            name = f"{view.__name__}:{methods[0]}"
            app.add_url_rule(path, name, view, methods=methods)

    # ------------------------------------------------------------------ first page

    def choose(self) -> Response:
        """The page with every way to sign in; straight on for whoever has."""
        client, going = (
            self._client(request.args),
            own_path(request.args.get("return_to")),
        )
        if client is None:
            return self._no_such_application()
        nonce = request.args.get("nonce", "")
        token = self._frame.token(client)
        if not nonce and self._sessions.verify(token, client=client, now=now()):
            return go_to(_after(client, going))
        return self._choice(client, going, nonce)

    def _choice(
        self, client: str, going: str, nonce: str, error: str = "", status: int = 200
    ) -> Response:
        offered = [c.name for _, c in sso.offered(self._database.reader())]
        return self._frame.page(
            "sign_in.html",
            status,
            leads_to=self._elsewhere(client, nonce),
            client=client,
            shown="" if client == OWN_PAGES else client,
            going=going,
            nonce=nonce,
            providers=offered,
            error=error,
        )

    def _client(self, source: object) -> str | None:
        """The application that is asked for, the own pages without one; or None."""
        name = str(source.get("application", "")) if hasattr(source, "get") else ""
        if name in {"", OWN_PAGES}:
            return OWN_PAGES
        found = applications.by_name(self._database.reader(), name)
        return None if found is None else found.name

    def _elsewhere(self, client: str, nonce: str) -> str:
        """Where the browser of an application with a host of its own is handed over."""
        found = applications.by_name(self._database.reader(), client)
        return found.redirects[0] if found and found.redirects and nonce else ""

    def _no_such_application(self) -> Response:
        return self._frame.page(
            "message.html",
            404,
            title="No such application",
            text="This address names an application that is not registered here. Ask"
            " your administrator.",
        )

    # ------------------------------------------------------------------- passwords

    def password(self) -> Response:
        """A name and a password were sent."""
        form = request.form
        client = self._client(form)
        if client is None:
            return self._no_such_application()
        going, nonce = own_path(form.get("return_to")), form.get("nonce", "")
        door = self._frame.door("password", client)
        try:
            step = self._passwords.sign_in(
                form.get("username", ""),
                form.get("password", ""),
                door,
                cookie(cookies.KNOWN),
            )
        except REFUSALS as error:
            text, status = told(error, _WRONG)
            return later(self._choice(client, going, nonce, text, status), error)
        return self._next(step, client, going, nonce)

    def _next(
        self,
        step: Step,
        client: str,
        going: str,
        nonce: str,
        error: str = "",
        status: int = 200,
    ) -> Response:
        """The page of whatever signing in needs next, or on to where they were going."""
        if step.token is not None:
            return self._arrive(step.token, client, going, nonce, step.mark)
        words = {
            "client": client,
            "going": going,
            "nonce": nonce,
            "ticket": step.ticket,
            "error": error,
        }
        door = self._frame.door("password", client)
        secret = self._passwords.new_factor(step.ticket, door)
        if secret is not None:
            words["picture"] = totp.qr_svg(secret.address)
            words["typed"] = totp.shown(secret.secret)
        names = {"code": "code.html", "set-up": "set_up.html"}
        name = names.get(step.next, "change.html")
        leads_to = self._elsewhere(client, nonce)
        return self._frame.page(name, status, leads_to=leads_to, **words)

    def code(self) -> Response:
        """A code of the second factor was sent."""
        return self._go_on("code", WRONG_CODE)

    def set_up(self) -> Response:
        """The first code of a new app was sent: show the recovery codes, once."""
        return self._go_on("set-up", WRONG_CODE)

    def change(self) -> Response:
        """Another password was sent in place of one that has expired."""
        return self._go_on("password", OUTWARD)

    def _go_on(self, word: str, wrong: str) -> Response:
        form = request.form
        client = self._client(form) or OWN_PAGES
        going, nonce = own_path(form.get("return_to")), form.get("nonce", "")
        ticket, door = form.get("ticket", ""), self._frame.door("password", client)
        held = self._passwords.holder(ticket, word, door)
        if held is None:
            return self._choice(client, going, nonce, _TOO_LATE, 400)
        try:
            done = self._passwords.go_on(word, ticket, form, door)
        except REFUSALS as error:
            text, status = told(error, wrong)
            again = self._passwords.again(word, held[0], ticket)
            page = self._next(again, client, going, nonce, text, status)
            return later(page, error)
        if done is None:
            return self._choice(client, going, nonce, _TOO_LATE, 400)
        step, codes = done
        answer = self._next(step, client, going, nonce)
        return self._with_codes(answer, codes) if codes else answer

    def _with_codes(self, answer: Response, codes: list[str]) -> Response:
        """The recovery codes, shown once before somebody goes on."""
        on = answer.headers.get("Location", "/login")
        page = self._frame.page("recovery.html", codes=codes, on=on)
        for value in answer.headers.getlist("Set-Cookie"):
            page.headers.add("Set-Cookie", value)
        return page

    # --------------------------------------------------------------- single sign-on

    def begin(self, name: str) -> Response:
        """On to the provider of a connection.

        A link and no form, because ``form-action`` would forbid its redirect.
        """
        asked = request.args
        client = self._client(asked)
        if client is None:
            return self._no_such_application()
        going, nonce = own_path(asked.get("return_to")), asked.get("nonce", "")
        try:
            begun = self._single.begin(name, client, going, nonce, now())
        except CannotSignIn as error:
            return self._choice(client, going, nonce, str(error), 503)
        answer = go_to(begun.address)
        set_cookie(answer, cookies.SIGN_IN, begun.ticket, seconds=600)
        return answer

    def callback(self) -> Response:
        """Back from the provider, with a code or an error."""
        door = self._frame.door("sso")
        try:
            ticket, said = cookie(cookies.SIGN_IN), dict(request.args)
            trial = self._single.tested(ticket, said, self._tester, door.now)
            if trial is not None:
                return self._told(trial, door.now)
            done = self._single.finish(ticket, said, door)
        except NotAdmitted as error:
            answer = self._frame.page(
                "message.html",
                403,
                title="You cannot sign in",
                text=str(error),
                back="/login",
            )
        except CannotSignIn as error:
            answer = self._frame.page(
                "message.html",
                error.status,
                title="Signing in did not work",
                text=str(error),
                back="/login",
            )
        else:
            answer = self._arrive(done.token, done.client, done.going, done.nonce)
        drop_cookie(answer, cookies.SIGN_IN)
        return answer

    def _told(self, trial: Trial, instant: int) -> Response:
        """The page of a trial; what passed can be saved for a while (by who tried it)."""
        answer = self._frame.page("trial.html", trial=trial)
        tester = self._tester()
        if tester is not None:
            passed = trial.refused is None
            ticket = self._drafts.seal(trial.settings, tester, instant, passed=passed)
            set_cookie(answer, cookies.TRIED, ticket, seconds=LIVES // 1_000_000)
        drop_cookie(answer, cookies.SIGN_IN)
        return answer

    def _tester(self) -> int | None:
        """Who is signed in to our own pages."""
        token = self._frame.token(OWN_PAGES)
        found = self._sessions.verify(token, client=OWN_PAGES, now=now())
        return None if found is None else found.session.user_id

    # ---------------------------------------------------------------------- arriving

    def _arrive(
        self, token: Token, client: str, going: str, nonce: str, mark: str = ""
    ) -> Response:
        """Give the browser its session, here or at the address of the application."""
        found = applications.by_name(self._database.reader(), client)
        if found is not None and found.redirects and nonce:
            return self._hand_over(token, found, going, nonce)
        answer = go_to(_after(client, going))
        set_cookie(answer, cookies.session_name(client), str(token))
        if mark:
            set_cookie(answer, cookies.KNOWN, mark, seconds=cookies.YEAR)
        return answer

    def _hand_over(
        self, token: Token, application: Application, going: str, nonce: str
    ) -> Response:
        """On to a registered address of the application, where the cookie is set.

        The ticket is of use once: accepting it gives the session another token.
        """
        facts = {
            "token": str(token),
            "client": application.name,
            "going": going,
            "nonce": nonce,
        }
        ticket = self._arrivals.seal(facts, now())
        query = urlencode({"ticket": ticket})
        return go_to(f"{application.redirects[0]}?{query}")

    def begin_elsewhere(self) -> Response:
        """At the host of an application: remember where somebody was going, sign in."""
        client, going = (
            self._client(request.args),
            own_path(request.args.get("return_to")),
        )
        if client is None or client == OWN_PAGES:
            return self._no_such_application()
        nonce = secrets.token_urlsafe(24)
        query = {"application": client, "return_to": going}
        found = applications.by_name(self._database.reader(), client)
        if found is not None and found.redirects:
            query["nonce"] = nonce
        answer = go_to(f"{self._frame.address}/login?{urlencode(query)}")
        set_cookie(answer, _GOING, nonce, seconds=3600)
        return answer

    def accept(self) -> Response:
        """At the host of an application: take the session, if this browser asked."""
        facts = self._arrivals.open(request.args.get("ticket"), now())
        nonce = cookie(_GOING)
        if facts is None or not hmac.compare_digest(
            facts["nonce"].encode(), nonce.encode()
        ):
            return self._frame.page(
                "message.html",
                400,
                title="That took too long",
                text="Open the application again.",
                back="/",
            )
        client = facts["client"]
        try:
            token = self._sessions.renew(
                facts["token"], self._frame.door("renewal", client)
            )
        except NotAdmitted as error:
            return self._frame.page(
                "message.html", 403, title="You cannot sign in", text=str(error)
            )
        answer = go_to(own_path(facts["going"]))
        set_cookie(answer, cookies.session_name(client), str(token))
        drop_cookie(answer, _GOING)
        return answer

    # ----------------------------------------------------------------------- leaving

    def ask_logout(self) -> Response:
        """One button, because a link must end nothing."""
        client = self._client(request.args) or OWN_PAGES
        return self._frame.page("logout.html", client=client, here=request.path)

    def logout(self) -> Response:
        """End the session of this browser at an application."""
        client = self._client(request.form) or OWN_PAGES
        door = self._frame.door("logout", client)
        token = self._frame.token(client)
        found = self._sessions.verify(token, client=client, now=door.now)
        if found is not None:
            self._sessions.end(found.session, door)
        answer = self._frame.page(
            "message.html",
            title="You are signed out",
            text="This session is over.",
            back="/" if request.path == SIGN_OUT else "/login",
        )
        drop_cookie(answer, cookies.session_name(client))
        return answer


def _after(client: str, going: str) -> str:
    return "/account" if client == OWN_PAGES and going == "/" else going

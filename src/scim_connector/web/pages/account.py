"""One's own account: where one is signed in, one's address and one's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from scim_connector.directory import connections, links, roles, users
from scim_connector.directory import sessions as sessions_rows
from scim_connector.login.gate import OWN_PAGES, NotAdmitted
from scim_connector.login.own_account import NotFresh
from scim_connector.tokens import totp
from scim_connector.web import cookies
from scim_connector.web.pages.frame import go_to, now, set_cookie
from scim_connector.web.pages.moments import moment
from scim_connector.web.pages.refusals import REFUSALS, WRONG_CODE, later, told

if TYPE_CHECKING:
    from scim_connector.directory.database import Database
    from scim_connector.directory.sessions import SignedIn
    from scim_connector.login.own_account import Begun, OwnAccount
    from scim_connector.login.sessions import Sessions
    from scim_connector.web.pages.frame import Frame

_DETAILS = (
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("initials", "Initials"),
    ("username", "Username"),
)
_SIGN_IN = "/login?return_to=/account"
_WRONG = "Your present password is not right. Nothing was changed."
_WRONG_EITHER = "The present password or the code is not right. Nothing was changed."


class AccountPages:
    """The pages of somebody who is signed in to the gate itself."""

    def __init__(
        self, frame: Frame, database: Database, sessions: Sessions, own: OwnAccount
    ) -> None:
        """Show and end *sessions*, and change by *own*, in *frame*."""
        self._frame = frame
        self._database = database
        self._sessions = sessions
        self._own = own

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        app.add_url_rule("/account", "account", self.show)
        for path, view in (
            ("/account/sessions/<session_id>/end", self.end),
            ("/account/sessions/end-others", self.end_others),
            ("/account/email", self.change_email),
            ("/account/password", self.change_password),
            ("/account/factor", self.begin_factor),
            ("/account/factor/confirm", self.confirm_factor),
            ("/account/factor/codes", self.new_codes),
            ("/account/factor/remove", self.remove_factor),
        ):
            app.add_url_rule(path, view.__name__, view, methods=["POST"])

    def _me(self) -> SignedIn | None:
        token = self._frame.token(OWN_PAGES)
        return self._sessions.verify(token, client=OWN_PAGES, now=now())

    def show(self, notice: str = "", status: int = 200) -> Response:
        """Who one is here, and every session."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        reader = self._database.reader()
        held = sessions_rows.of_user(reader, me.session.user_id)
        rows = [
            {
                "id": each.id,
                "where": "Account page" if each.client == OWN_PAGES else each.client,
                "mine": each.id == me.session.id,
                "since": moment(each.created_at),
                "seen": moment(each.seen_at),
                "network": each.network,
                "agent": each.agent,
            }
            for each in held
        ]
        password, factor = self._own.held(me.session.user_id)
        return self._frame.page(
            "account.html",
            status,
            me=me,
            rows=rows,
            told=notice,
            has_password=password,
            has_factor=factor,
            details=self._details(me.session.user_id),
            may_manage=bool(roles.permissions_of(reader, me.session.user_id)),
        )

    def _details(self, user_id: int) -> list[tuple[str, str, str]]:
        """One's own fields: name, value, and who changes it."""
        reader = self._database.reader()
        user, link = users.required(reader, user_id), links.of_user(reader, user_id)
        manager = link and connections.required(reader, link.connection_id).name
        return [
            (
                label,
                getattr(user, name),
                f"managed by {manager}"
                if manager and name not in user.overridden
                else "changed by your administrator",
            )
            for name, label in _DETAILS
        ]

    def end(self, session_id: str) -> Response:
        """End one of one's own sessions."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        held = sessions_rows.by_id(self._database.reader(), session_id)
        if held is not None and held.user_id == me.session.user_id:
            self._sessions.end(held, self._frame.door("account"))
        return go_to("/account")

    def end_others(self) -> Response:
        """End every session of one's own but this one."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        self._sessions.end_all(me.session.user_id, door, but=me.session.id)
        return go_to("/account")

    def change_email(self) -> Response:
        """Ask for another address; it counts once the link mailed there is opened."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        try:
            address = self._own.change_email(me.session, request.form, door)
        except REFUSALS as error:
            return self._refused(error, _WRONG)
        except NotFresh as error:
            return self.show(str(error), 403)
        return self.show(f"A link was mailed to {address}. Open it within one hour.")

    # ------------------------------------------------------- password, second factor

    def change_password(self) -> Response:
        """Another password in place of the present one; other sessions end."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        try:
            user = self._own.change_password(me.session, request.form, door)
        except REFUSALS as error:
            return self._refused(error, _WRONG)
        page = self.show("Your password is changed. Every other session is over.")
        mark = self._own.mark(user, door.now)
        set_cookie(page, cookies.KNOWN, mark, seconds=cookies.YEAR)
        return page

    def _refused(self, error: Exception, wrong: str) -> Response:
        return later(self.show(*told(error, wrong)), error)

    def begin_factor(self) -> Response:
        """The page that sets up an authenticator app."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        try:
            begun = self._own.begin_factor(me.session, request.form, door)
        except REFUSALS as error:
            return self._refused(error, _WRONG)
        return go_to("/account") if begun is None else self._set_up(begun)

    def _set_up(self, begun: Begun, error: str = "", status: int = 200) -> Response:
        return self._frame.page(
            "set_up.html",
            status,
            action="/account/factor/confirm",
            ticket=begun.ticket,
            picture=totp.qr_svg(begun.factor.address),
            typed=totp.shown(begun.factor.secret),
            error=error,
        )

    def confirm_factor(self) -> Response:
        """The first code of a new app: show the recovery codes, once."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door, form = self._frame.door("account"), request.form
        begun = self._own.begun(me.session, form.get("ticket", ""), door)
        if begun is None:
            return self.show("That took too long. Begin again.", 400)
        try:
            code = form.get("code", "")
            codes = self._own.confirm_factor(me.session, begun, code, door)
        except NotAdmitted:
            return self._set_up(begun, WRONG_CODE, 401)
        return self._codes(codes)

    def _codes(self, codes: list[str]) -> Response:
        return self._frame.page("recovery.html", codes=codes, on="/account")

    def new_codes(self) -> Response:
        """New recovery codes, shown once."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        try:
            codes = self._own.new_codes(me.session, request.form, door)
        except REFUSALS as error:
            return self._refused(error, _WRONG_EITHER)
        return self._codes(codes)

    def remove_factor(self) -> Response:
        """Take one's second factor away, to set up another."""
        me = self._me()
        if me is None:
            return go_to(_SIGN_IN)
        door = self._frame.door("account")
        try:
            self._own.remove_factor(me.session, request.form, door)
        except REFUSALS as error:
            return self._refused(error, _WRONG_EITHER)
        return self.show("The second factor is removed. Set up another one.")

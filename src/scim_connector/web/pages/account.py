"""One's own account: where one is signed in, one's address and one's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from scim_connector.directory import sessions as sessions_rows
from scim_connector.directory import users as users_rows
from scim_connector.login.gate import OWN_PAGES
from scim_connector.login.links import ask_to_confirm
from scim_connector.web.pages.frame import go_to, now
from scim_connector.web.pages.moments import moment
from scim_connector.web.pages.refusals import REFUSALS, later, told

if TYPE_CHECKING:
    from scim_connector.directory.database import Database
    from scim_connector.directory.sessions import SignedIn
    from scim_connector.login.sessions import Sessions
    from scim_connector.web.pages.frame import Frame

_SIGN_IN = "/login?return_to=/account"


class AccountPages:
    """The pages of somebody who is signed in to the gate itself."""

    def __init__(self, frame: Frame, database: Database, sessions: Sessions) -> None:
        """Show and end *sessions*, in *frame*."""
        self._frame = frame
        self._database = database
        self._sessions = sessions

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        app.add_url_rule("/account", "account", self.show)
        for path, view in (
            ("/account/sessions/<session_id>/end", self.end),
            ("/account/sessions/end-others", self.end_others),
            ("/account/email", self.change_email),
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
        held = sessions_rows.of_user(self._database.reader(), me.session.user_id)
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
        return self._frame.page("account.html", status, me=me, rows=rows, told=notice)

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
        address = request.form.get("email", "").strip()[:254]
        reader = self._database.reader()
        user = users_rows.required(reader, me.session.user_id)
        door = self._frame.door("account")
        try:
            self._database.write(lambda tx: ask_to_confirm(tx, user, address, door))
        except REFUSALS as error:
            return later(self.show(*told(error, "")), error)
        return self.show(f"A link was mailed to {address}. Open it within one hour.")

"""Mailed links: choosing a password, confirming an address, asking for a new link.

Opening a link changes nothing, because programs that look at mail open every link; only
the button does.  The page of a dead link has one button: *Send me a new link*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, request

from scim_connector.login.gate import NotAdmitted, keep_refusal
from scim_connector.login.passwords import refuse_two
from scim_connector.rules.users import RulesViolated
from scim_connector.web import cookies
from scim_connector.web.pages.frame import now, set_cookie
from scim_connector.web.pages.refusals import REFUSALS, later, told

if TYPE_CHECKING:
    from flask import Response

    from scim_connector.directory.database import Database
    from scim_connector.login.gate import Door
    from scim_connector.login.links import MailedLinks, Opened
    from scim_connector.login.passwords import PasswordSignIn
    from scim_connector.web.pages.frame import Frame

_GONE: Final = 410
_SENT: Final = (
    "If there is an account to send it to, a mail with a new link is on its way, to the"
    " address on record. It works for one hour."
)
_WHY: Final = {
    "link_used": "This link has been used. It works once.",
    "link_revoked": "A later link was mailed, or the address changed; this one is over.",
    "link_expired": "This link is older than one hour.",
}
_NO_LONGER: Final = "This link does not work."


class LinkPages:
    """The pages behind mailed links."""

    def __init__(
        self,
        frame: Frame,
        database: Database,
        links: MailedLinks,
        passwords: PasswordSignIn,
    ) -> None:
        """Open by *links*, hash by *passwords*, in *frame*."""
        self._frame = frame
        self._database = database
        self._links = links
        self._passwords = passwords

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        for path, view, methods in (
            ("/password/<token>", self.show, ["GET"]),
            ("/password/<token>", self.choose, ["POST"]),
            ("/password/<token>/again", self.again, ["POST"]),
            ("/email/<token>", self.show_email, ["GET"]),
            ("/email/<token>", self.confirm, ["POST"]),
            ("/forgot", self.forgot, ["GET"]),
            ("/forgot", self.forgotten, ["POST"]),
        ):
            name = f"{view.__name__}:{methods[0]}"
            app.add_url_rule(path, name, view, methods=methods)

    # --------------------------------------------------------------------- passwords

    def show(self, token: str) -> Response:
        """The form, or the page of a dead link; changes nothing."""
        opened = self._links.open(token, now())
        return (
            self._form(token, opened)
            if _is_for_password(opened)
            else self._dead(token, opened)
        )

    def _form(
        self, token: str, opened: Opened, error: str = "", status: int = 200
    ) -> Response:
        assert opened.user is not None  # noqa: S101 - a link that works is somebody's
        return self._frame.page(
            "choose.html",
            status,
            token=token,
            username=opened.user.username,
            error=error,
        )

    def _dead(self, token: str, opened: Opened) -> Response:
        code = opened.refusal.code if opened.refusal else ""
        return self._frame.page(
            "dead_link.html", _GONE, token=token, why=_WHY.get(code, _NO_LONGER)
        )

    def choose(self, token: str) -> Response:
        """A password was chosen: the link is used up."""
        opened = self._links.open(token, now())
        door = self._frame.door("link")
        if not _is_for_password(opened) or opened.user is None:
            self._keep(opened, door)
            return self._dead(token, opened)
        try:
            refuse_two(request.form)
            password = request.form.get("password", "")
            hashed = self._passwords.hashed(opened.user, password)
            user = self._links.choose_password(token, hashed, door)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            return self._dead(token, self._links.open(token, now()))
        except REFUSALS as error:
            text, status = told(error, "")
            return later(self._form(token, opened, text, status), error)
        page = self._frame.page("chosen.html", username=user.username)
        mark = self._passwords.mark(user, door.now)
        set_cookie(page, cookies.KNOWN, mark, seconds=cookies.YEAR)
        return page

    def _keep(self, opened: Opened, door: Door) -> None:
        """Audit why a link of somebody did not work; a made-up one is nobody's."""
        if opened.refusal is not None and opened.user is not None:
            refused = NotAdmitted(opened.refusal, opened.user.id)
            keep_refusal(self._database, refused, door)

    # ------------------------------------------------------------------- a new link

    def again(self, token: str) -> Response:
        """A new link was asked for, from the page of a dead one."""
        self._links.send_again(token, self._frame.door("link"))
        return self._sent()

    def forgot(self) -> Response:
        """The page that asks for a username or an address."""
        return self._frame.page("forgot.html")

    def forgotten(self) -> Response:
        """A username or an address was sent; the answer is the same for every one."""
        name = request.form.get("name", "")[:320]
        self._links.forgot(name, self._frame.door("link"))
        return self._sent()

    def _sent(self) -> Response:
        return self._frame.page(
            "message.html", title="Look into your mail", text=_SENT, back="/login"
        )

    # --------------------------------------------------------------------- addresses

    def show_email(self, token: str) -> Response:
        """One button that confirms an address."""
        opened = self._links.open(token, now())
        reset = opened.reset
        if opened.refusal is not None or reset is None or reset.new_email is None:
            return self._no_longer()
        return self._frame.page(
            "confirm_email.html", token=token, address=reset.new_email
        )

    def confirm(self, token: str) -> Response:
        """The address is confirmed: the link is used up."""
        door = self._frame.door("link")
        try:
            user = self._links.confirm_email(token, door)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            return self._no_longer()
        except RulesViolated as error:
            text, _ = told(error, "")
            return self._frame.page(
                "message.html", 409, title="This address cannot be taken", text=text
            )
        return self._frame.page(
            "message.html",
            title="Your address is confirmed",
            text=f"Mail for {user.username} goes to {user.email} from now on.",
            back="/account",
        )

    def _no_longer(self) -> Response:
        return self._frame.page(
            "message.html",
            _GONE,
            title="This link does not work",
            text="Change your address again on your own page; a new link is mailed.",
            back="/account",
        )


def _is_for_password(opened: Opened) -> bool:
    is_open = opened.refusal is None and opened.reset is not None
    return is_open and opened.reset is not None and not opened.reset.confirms_email

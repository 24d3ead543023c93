"""The page behind the setup link: the first administrator makes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from scim_connector.accounts import Act
from scim_connector.administration import setup
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.login.passwords import refuse_two
from scim_connector.rules.actors import Actor
from scim_connector.rules.passwords import check_password, prepared
from scim_connector.rules.users import RulesViolated
from scim_connector.tokens.passwords import is_common
from scim_connector.tokens.turns import TooBusy
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.database import Database
    from scim_connector.tokens.passwords import PasswordHasher
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.web.pages.frame import Frame

_ASKED: Final = ("first_name", "last_name", "email")


class SetupPages:
    """Shown to whoever opens the link that ``serve`` printed."""

    def __init__(
        self,
        frame: Frame,
        database: Database,
        keys: SecretKeys,
        hasher: PasswordHasher,
    ) -> None:
        """Make the administrator in *database*, with a password from *hasher*."""
        self._frame = frame
        self._database = database
        self._keys = keys
        self._hasher = hasher

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        app.add_url_rule("/setup/<token>", "setup", self.show)
        app.add_url_rule("/setup/<token>", "setup:done", self.make, methods=["POST"])

    def show(self, token: str, wrong: str = "", status: int = 200) -> Response:
        """Ask who they are and which password they choose."""
        try:
            setup.refuse_dead(self._database.reader(), token, self._keys.peppers())
        except NotPossible as error:
            return self._dead(error)
        form = request.form
        typed = {name: form.get(name, "")[:254] for name in _ASKED}
        return self._frame.page("setup.html", status, error=wrong, token=token, **typed)

    def _dead(self, error: NotPossible) -> Response:
        title = "This link does not work"
        return self._frame.page("message.html", 404, title=title, text=str(error))

    def make(self, token: str) -> Response:
        """Make the administrator; they sign in afterwards, as anybody does."""
        reader = self._database.reader()
        try:
            setup.refuse_dead(reader, token, self._keys.peppers())
            self._make(token)
        except NotPossible as error:
            return self.show(token, str(error), 400)
        except RulesViolated as error:
            said = " ".join(each.message for each in error.violations)
            return self.show(token, said, 400)
        except TooBusy as error:
            return self.show(token, str(error), 503)
        return self._frame.page(
            "message.html",
            title="You are the first administrator",
            text="Sign in with your address and the password you have chosen.",
            back="/login?return_to=/admin",
        )

    def _make(self, token: str) -> None:
        form = request.form
        new = NewUser(
            email=form.get("email", "").strip(),
            first_name=form.get("first_name", "").strip(),
            last_name=form.get("last_name", "").strip(),
            mail=False,
        )
        refuse_two(form)
        password = prepared(form.get("password", ""))
        personal = (*new.email.split("@"), new.first_name, new.last_name)
        broken = check_password(password, personal=personal, is_common=is_common)
        if broken:
            raise RulesViolated(broken)
        hashed = self._hasher.hash(password)
        act, peppers = Act(Actor.gate("setup"), now()), self._keys.peppers()
        self._database.write(
            lambda tx: setup.first_administrator(
                tx, token, new, hashed, act, peppers=peppers
            )
        )

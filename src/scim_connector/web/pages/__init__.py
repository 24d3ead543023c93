"""The pages of the gate, for people: signing in, mailed links, one's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from scim_connector.web.pages.account import AccountPages
    from scim_connector.web.pages.frame import Frame
    from scim_connector.web.pages.links import LinkPages
    from scim_connector.web.pages.setup import SetupPages
    from scim_connector.web.pages.signing_in import SignInPages


class Pages:
    """Every page, put on the application together."""

    def __init__(
        self,
        frame: Frame,
        signing_in: SignInPages,
        links: LinkPages,
        account: AccountPages,
        setup: SetupPages,
    ) -> None:
        """Take the rooms; *frame* is around each of them."""
        self._frame = frame
        self._rooms = (signing_in, links, account, setup)

    def put_on(self, app: Flask) -> None:
        """Add the routes, the guard before each and the headers after each."""
        app.before_request(self._frame.guard)
        app.after_request(self._frame.finish)
        self._frame.put_on(app)
        for room in self._rooms:
            room.put_on(app)

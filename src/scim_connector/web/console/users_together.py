"""The ticked users of the list: who they are, what follows, and what came of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flask import request

from scim_connector.administration import together
from scim_connector.administration.together import DEEDS, Deed
from scim_connector.web.console import lists
from scim_connector.web.console.users import PATH as USERS
from scim_connector.web.console.users import list_address

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{USERS}/together"


class TogetherPages:
    """One act on several users: reviewed first, then done to each."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes: what looks and what does it, for each act."""
        for deed in DEEDS.values():
            path, needed = f"{PATH}/{deed.id}", deed.permission
            self._desk.serve(app, path, partial(self.review, deed=deed), needed)
            self._desk.serve(app, path, partial(self.do, deed=deed), needed, "POST")

    def review(self, me: Person, deed: Deed) -> Response:
        """The ticked users with what would become of each; nothing is kept."""
        factor = me.second_factor
        rows = together.preview(
            self._desk.database, deed, _ids(), me.act(), second_factor=factor
        )
        return self._desk.page(
            me,
            "users_together.html",
            deed=deed,
            rows=rows,
            fitting=[each.user for each, _ in rows if each.done is not None],
            back=list_address(request.args.get("back")),
        )

    def do(self, me: Person, deed: Deed) -> Response:
        """Do it to each of them; what refuses one leaves the others alone."""
        ids, act, factor = _ids(), me.act(), me.second_factor
        outcomes = self._desk.write(
            lambda tx: together.carry_out(tx, deed, ids, act, second_factor=factor)
        )
        return self._desk.page(
            me,
            "users_together_done.html",
            deed=deed,
            outcomes=outcomes,
            done=sum(each.done is not None for each in outcomes),
            back=list_address(request.form.get("back")),
        )


def _ids() -> list[int]:
    """The users that are named, as many as a page of the list has."""
    named = map(lists.whole, request.values.getlist("user"))
    return [each for each in named if each is not None][: lists.PAGE]

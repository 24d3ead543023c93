"""The overview: one honest sentence, each connection, and what needs somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.administration import overview, setup_list
from scim_connector.rules.counting import counted
from scim_connector.web.console import shown
from scim_connector.web.console.desk import HOME
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.administration.overview import Overview
    from scim_connector.web.console.desk import Desk, Person


class HomePages:
    """The first page."""

    def __init__(self, desk: Desk) -> None:
        """Look from *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, HOME, self.show, None)
        self._desk.serve(app, f"{HOME}/glossary", self.glossary, None)

    def show(self, me: Person) -> Response:
        """How things stand."""
        instant = now()
        found = overview.look(self._desk.reader, instant)
        return self._desk.page(
            me,
            "home.html",
            found=found,
            sentence=sentence(found, instant),
            beginning=setup_list.of(self._desk.reader),
            names={each.connection.id: each.connection.name for each in found.cards},
        )

    def glossary(self, me: Person) -> Response:
        """What the words of these pages mean."""
        return self._desk.page(me, "glossary.html")


def sentence(found: Overview, instant: int) -> str:
    """How things stand, in one honest sentence."""
    if found.held_back:
        holding = dict.fromkeys(each.connection for each in found.held_back)
        return f"Changes wait for you to approve them: {', '.join(holding)}."
    troubled = [each for each in found.cards if each.tone == "bad"]
    if found.waiting:
        need = "needs" if found.waiting == 1 else "need"
        who = counted(found.waiting, "person", "people")
        return f"{who} {need} you: a provider sent them and was refused."
    if found.conflicts:
        waits = "waits" if found.conflicts == 1 else "wait"
        return f"{counted(found.conflicts, 'conflict')} {waits} for your decision."
    if troubled:
        names = ", ".join(each.connection.name for each in troubled)
        return f"Nothing can come in through {names}: no token works."
    heard = [each for each in found.cards if each.last_request is not None]
    if not heard:
        return "No provider has called yet."
    last = max(heard, key=lambda each: each.last_request or 0)
    past = shown.span(instant - (last.last_request or instant))
    return f"Everything is in step. {last.connection.name} last called {past} ago."

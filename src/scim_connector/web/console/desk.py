"""The desk: who sits there, what they may do, and the page around what they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from flask import Response, abort, request

from scim_connector.accounts import Act
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import conflicts, roles
from scim_connector.directory.database import LostRace
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.login.gate import OWN_PAGES
from scim_connector.login.tickets import Tickets
from scim_connector.mapping.errors import MappingError
from scim_connector.provisioning.problems import busy
from scim_connector.rules.actors import Actor
from scim_connector.rules.permissions import (
    ALL,
    COMPLIANCE,
    VIEW_APPS,
    VIEW_PROVISIONING,
    VIEW_ROLES,
    VIEW_SETTINGS,
    VIEW_USERS,
    Permission,
)
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError, TooLarge
from scim_connector.web import bodies, cookies
from scim_connector.web.console import shown
from scim_connector.web.pages.frame import (
    cookie,
    drop_cookie,
    go_to,
    later,
    now,
    set_cookie,
)

if TYPE_CHECKING:
    from flask import Flask

    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.sessions import SignedIn
    from scim_connector.login.sessions import Sessions
    from scim_connector.settings import Settings
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.web.pages.frame import Frame

#: Where the console is.
HOME: Final = "/admin"
#: The pages have one script of ours and htmx; both come from here.
SECURITY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self';"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_TOLD: Final = f"{cookies.PREFIX}told"
#: What refuses something that was asked for, with a sentence for who asked.
REFUSALS: Final = (NotPossible, RulesViolated, MappingError, ScimError)
#: A number in an address is one that a database holds, or the address is another.
_NUMBER: Final = "<int(max=999999999):"

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits at the desk, and what their roles let them do.

    *second_factor* says whether they showed one when they signed in (R17).
    """

    user_id: int
    username: str
    name: str
    permissions: frozenset[str]
    second_factor: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether a role of theirs carries a permission."""
        return permission.id in self.permissions

    @property
    def is_administrator(self) -> bool:
        """Whether they may do everything."""
        return self.permissions == ALL

    def act(self) -> Act:
        """What they do now."""
        is_administrator = self.is_administrator
        actor = Actor.console(
            self.username, self.user_id, is_administrator=is_administrator
        )
        return Act(actor, now())


@dataclass(frozen=True, slots=True)
class Door:
    """One entry of the navigation: shown to whoever holds the permission."""

    path: str
    name: str
    permission: Permission | None = None


NAVIGATION: Final = (
    Door(HOME, "Overview"),
    Door(f"{HOME}/users", "Users", VIEW_USERS),
    Door(f"{HOME}/log", "Provisioning log", VIEW_PROVISIONING),
    Door(f"{HOME}/conflicts", "Conflicts", VIEW_PROVISIONING),
    Door(f"{HOME}/mapping", "Mapping", VIEW_PROVISIONING),
    Door(f"{HOME}/undo", "Undo", VIEW_USERS),
    Door(f"{HOME}/connections", "Connections", VIEW_PROVISIONING),
    Door(f"{HOME}/applications", "Applications", VIEW_APPS),
    Door(f"{HOME}/roles", "Roles", VIEW_ROLES),
    Door(f"{HOME}/compliance", "Compliance", COMPLIANCE),
    Door(f"{HOME}/receipts", "Proof of cut-off", COMPLIANCE),
    Door(f"{HOME}/settings", "Settings", VIEW_SETTINGS),
)


class Desk:
    """What every page of the console needs; built once per process."""

    def __init__(
        self,
        frame: Frame,
        database: Database,
        sessions: Sessions,
        settings: Settings,
        keys: SecretKeys,
    ) -> None:
        """People sign in at the gate; their *sessions* are its own pages'."""
        self.frame = frame
        self.database = database
        self.settings = settings
        self.keys = keys
        #: Every view: its method, its path, and the permission that opens it.
        self.served: list[tuple[str, str, Permission | None]] = []
        #: The paths whose body is read by their view.
        self.late: set[str] = set()
        self._sessions = sessions
        self._notices = Tickets(keys, "notice")

    def put_on(self, app: Flask) -> None:
        """Give the templates their words, and put the front door on."""
        for name, macro in shown.words(self.settings.time_zone).items():
            app.jinja_env.filters[name] = macro
        app.jinja_env.globals["present"] = now
        app.extensions["console"] = self
        app.add_url_rule("/", "front", _front)

    @property
    def reader(self) -> Reader:
        """The database, to look."""
        return self.database.reader()

    # ---------------------------------------------------------------------- routes

    def serve(
        self,
        app: Flask,
        path: str,
        view: View,
        permission: Permission | None,
        method: Literal["GET", "POST"] = "GET",
        *,
        largest: int = 0,
    ) -> None:
        """Put a view on the application, for whoever holds a permission.

        The view is given the person first.  What refuses it is told on a page of its
        own, unless it says so itself.  One that takes a body of up to *largest* bytes,
        more than a form, has it read after the permission was asked for.
        """
        if largest:
            self.late.add(path)
            view = _taking(view, largest)

        @wraps(view)
        def guarded(**places: Any) -> Response:
            me = self._me()
            if me is None:
                return self._to_sign_in()
            if not me.permissions:
                return go_to("/account")
            if permission is not None and not me.may(permission):
                return self._not_allowed(me, permission)
            try:
                return view(me, **places)
            except REFUSALS as error:
                return self.refused(me, error)
            except (DatabaseBusy, LostRace) as error:
                text = busy(error).detail
                sorry = self._sorry(me, 503, "Try again in a moment", text)
                return later(sorry, error)

        self.served.append((method, path, permission))
        endpoint = f"{method} {path}"
        path = path.replace("<int:", _NUMBER)
        app.add_url_rule(path, endpoint, guarded, methods=[method])

    def _me(self) -> Person | None:
        token = self.frame.token(OWN_PAGES)
        found = self._sessions.verify(token, client=OWN_PAGES, now=now())
        return None if found is None else self._person(found)

    def _person(self, found: SignedIn) -> Person:
        user_id, factor = found.session.user_id, found.session.second_factor
        name = f"{found.first_name} {found.last_name}".strip() or found.username
        carried = roles.permissions_of(self.reader, user_id)
        return Person(user_id, found.username, name, carried, factor)

    def _to_sign_in(self) -> Response:
        """To the gate, and back to where they were; a part of a page goes whole."""
        here = request.full_path.rstrip("?") if request.method == "GET" else HOME
        there = f"/login?return_to={quote(here, safe='')}"
        if "HX-Request" not in request.headers:
            return go_to(there)
        return Response(status=204, headers={"HX-Redirect": there})

    def _not_allowed(self, me: Person, permission: Permission) -> Response:
        text = (
            f'Your roles do not carry "{permission.name}". Ask an Administrator for one'
            " that does."
        )
        return self._sorry(me, 403, "You may not see this", text)

    def missing(self, me: Person, what: str) -> Response:
        """The page of something that is not there."""
        text = f"There is no such {what}. It may have had another address before."
        return self._sorry(me, 404, f"No such {what}", text)

    def refused(self, me: Person, error: Exception) -> Response:
        """The page of something that could not be done, with what to change."""
        title = "This was not done"
        return self._sorry(me, status_of(error), title, sentence_of(error))

    def _sorry(self, me: Person, status: int, title: str, text: str) -> Response:
        return self.page(me, "sorry.html", status, title=title, text=text)

    # ----------------------------------------------------------------------- pages

    def page(self, me: Person, name: str, status: int = 200, **words: Any) -> Response:
        """A page of the console, around it the navigation of whoever sits there."""
        notice = self._notices.open(cookie(_TOLD) or None, now())
        words.setdefault("told", (notice or {}).get("text", ""))
        answer = self.frame.page(
            f"console/{name}",
            status,
            me=me,
            doors=self._doors(me),
            here=request.path,
            **words,
        )
        answer.headers["Content-Security-Policy"] = SECURITY
        answer.headers["Vary"] = "HX-Request"
        if notice is not None:
            drop_cookie(answer, _TOLD)
        return answer

    def _doors(self, me: Person) -> list[dict[str, Any]]:
        waiting = conflicts.count_open(self.reader) if me.may(VIEW_PROVISIONING) else 0
        return [
            {
                "path": door.path,
                "name": door.name,
                "here": _is_in(door.path),
                "waiting": waiting if door.name == "Conflicts" else 0,
            }
            for door in NAVIGATION
            if door.permission is None or me.may(door.permission)
        ]

    def done(self, path: str, text: str) -> Response:
        """On to a page, which tells once what was done."""
        answer = go_to(path)
        set_cookie(answer, _TOLD, self._notices.seal({"text": text}, now()))
        return answer

    def write(self, work: Callable[[Transaction], Any]) -> Any:
        """Do something in one transaction."""
        return self.database.write(work)


def _taking(view: View, largest: int) -> View:
    """The *view*, for which a body of so many bytes is read; TooLarge for more."""

    @wraps(view)
    def taking(me: Person, **places: Any) -> Response:
        sent = request.content_length or 0
        request.max_content_length = max(sent, largest)
        request.max_form_memory_size = largest
        if sent > largest:
            bodies.drain(request, sent)
            most = largest // (1024 * 1024)
            raise TooLarge(f"This is larger than {most} MiB; send it in parts.")
        return view(me, **places)

    return taking


def _front() -> Response:
    """People are led to the console; a program is told that this is no SCIM."""
    asked = request.accept_mimetypes.best_match(["text/plain", "text/html"])
    return go_to(HOME) if asked == "text/html" else abort(404)


def _is_in(path: str) -> bool:
    if path == HOME:
        return request.path == HOME
    return request.path == path or request.path.startswith(f"{path}/")


def status_of(error: Exception) -> int:
    """The status of the page that says why something was refused."""
    return error.status if isinstance(error, ScimError | RulesViolated) else 400


def sentence_of(error: Exception) -> str:
    """What a refusal says to the person who meets it."""
    if isinstance(error, RulesViolated):
        return " ".join(each.message for each in error.violations)
    return error.detail if isinstance(error, ScimError) else str(error)

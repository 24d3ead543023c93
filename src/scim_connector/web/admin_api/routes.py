"""A route as data: where it is, who may call it, what comes and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from scim_connector.administration.errors import NotPossible
from scim_connector.scim import messages
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.shapes import LARGEST_ID, Fault, Shape

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.provisioning import Provisioning
    from scim_connector.provisioning.simulation import Simulator
    from scim_connector.rules.permissions import Permission
    from scim_connector.settings import Settings
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.web.console.desk import Person
    from scim_connector.web.console.receivers import Trier
    from scim_connector.web.console.settings import MailRoad
    from scim_connector.web.console.webhooks import Poster

#: Where the Admin API is.
ROOT: Final = "/admin/api"
#: The most bytes of a body, unless a route takes as many as a provider may send.
SMALL: Final = 64 * 1024
PAGE: Final = 50
MOST: Final = 200
_LONGEST_PLACE: Final = 100
Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
View = Callable[["Visit"], Any]
T = TypeVar("T")


class Missing(Exception):
    """What the address names is not there."""


class Unfit(Exception):
    """The request does not say what the route takes; every fault is named."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults, in the order they were found."""
        self.faults = tuple(faults)
        super().__init__(" ".join(each.message for each in faults))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One word of the query: its name and its shape, which says what it is for."""

    name: str
    shape: Shape


LIMIT: Final = Parameter("limit", shapes.number("So many at most.", least=1, most=MOST))
AFTER: Final = Parameter(
    "after", shapes.text("Go on behind this: `next` of the former answer.")
)
AFTER_ID: Final = Parameter(
    "after", shapes.an_id("Go on behind this: `next` of the former answer.")
)


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method of the Admin API.

    *permission* is None where any permission will do.  What stands in braces in *path*
    is a number, unless its name is one of :data:`TEXT_PLACES`.
    *answer* is None for an answer without a body.  Where *is_long*, the view returns
    ``progress.Work``, which is told line by line to whoever asks for that.
    """

    method: Method
    path: str
    view: View
    permission: Permission | None
    summary: str
    answer: Shape | None
    parameters: tuple[Parameter, ...] = ()
    body: Shape | None = None
    status: int = 200
    is_large: bool = False
    is_long: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The path, cut at its slashes."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def places(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(part[1:-1] for part in self.parts if part[0] == "{")

    @property
    def changes(self) -> bool:
        """Whether a browser needs to say where the request is from."""
        return self.method != "GET"

    def places_of(self, path: Sequence[str]) -> dict[str, Any] | None:
        """What stands where the braces are; None when *path* is another address."""
        if len(path) != len(self.parts):
            return None
        found: dict[str, Any] = {}
        for part, text in zip(self.parts, path, strict=True):
            if part[0] != "{":
                if part != text:
                    return None
                continue
            value = _place(part[1:-1], text)
            if value is None:
                return None
            found[part[1:-1]] = value
        return found


#: Ids that are text; every other one is a number.
TEXT_PLACES: Final = frozenset(
    {
        *("request_id", "session_id", "token_id", "secret_id", "key_id"),
        *("alert_id", "trust_id", "report"),
    }
)


def _place(name: str, text: str) -> Any:
    if name in TEXT_PLACES:
        return text if 0 < len(text) <= _LONGEST_PLACE else None
    digits = text if text.isascii() and text.isdigit() else ""
    return int(digits) if 0 < len(digits) <= len(str(LARGEST_ID)) else None


def found(
    routes: Collection[Route], path: str
) -> Mapping[str, tuple[Route, dict[str, Any]]]:
    """The routes at an address, by their method, with what stands in the braces."""
    parts = path.strip("/").split("/")
    at = [(route, route.places_of(parts)) for route in routes]
    return {route.method: (route, places) for route, places in at if places is not None}


# ------------------------------------------------------------------------- one request


@dataclass(frozen=True, slots=True)
class Office:
    """What every route works with; built once per process."""

    settings: Settings
    database: Database
    keys: SecretKeys
    simulator: Simulator
    provisioning: Provisioning
    mail: MailRoad
    trier: Trier
    poster: Poster

    @property
    def reader(self) -> Reader:
        """The database, to look."""
        return self.database.reader()

    @property
    def pepper(self) -> bytes:
        """What new secrets are hashed with."""
        return self.keys.peppers()[0]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that is let in: who asks, for what, and with what."""

    office: Office
    me: Person
    places: Mapping[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The database, to look."""
        return self.office.reader

    @property
    def limit(self) -> int:
        """How many rows are wanted."""
        return int(self.asked.get("limit", PAGE))

    def act(self) -> Act:
        """What whoever asks does now."""
        return self.me.act()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do something in one transaction."""
        return self.office.database.write(work)

    def do(self, work: Callable[[Transaction], T]) -> T:
        """Do something that was sent as sure; else only see what it would do."""
        run = self.write if self.body["sure"] else self.office.database.preview
        return run(work)

    def choose(self, name: str, allowed: Mapping[str, T]) -> T | None:
        """The value of a filter; NotPossible for one that is not there."""
        word = self.asked.get(name)
        if word is None:
            return None
        if word not in allowed:
            known = ", ".join(allowed) or "none"
            raise NotPossible(f'{name} cannot be "{word}"; there are: {known}.')
        return allowed[word]


def query_of(route: Route, query: str) -> dict[str, Any]:
    """The words of a query as values; raises Unfit for what the route does not know."""
    known = {each.name: each.shape for each in route.parameters}
    values: dict[str, Any] = {}
    wrong: list[Fault] = []
    for name, word in messages.arguments(query).items():
        if name not in known:
            there = ", ".join(known) or "none"
            message = f'There is no parameter "{name[:60]}"; there are: {there}.'
            wrong.append(Fault(name[:60], message))
            continue
        values[name] = _value(known[name], word)
        wrong += shapes.faults(known[name], values[name], name)
    if wrong:
        raise Unfit(wrong)
    return values


def _value(shape: Shape, word: str) -> Any:
    if shape["type"] == "boolean":
        return {"true": True, "false": False}.get(word, word)
    if shape["type"] == "integer" and word.isascii() and word.isdigit():
        return int(word) if len(word) < 10 else word  # noqa: PLR2004
    return word


def cut(rows: Sequence[T], most: int) -> tuple[Sequence[T], bool]:
    """A page of *rows*, of which one more was read to know whether it goes on."""
    return rows[:most], len(rows) > most

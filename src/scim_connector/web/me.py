"""``/Me``: whoever calls with a token of their own reads themselves (RFC 7644 §3.11).

A token of their own is that of a session, or what an API user's key was exchanged for.
It opens this one address; a credential of a connection finds 501 here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.scim import projection, rendering
from scim_connector.scim.errors import Forbidden, MethodNotAllowed
from scim_connector.scim.types import LOCAL
from scim_connector.tokens import opaque
from scim_connector.web import replies
from scim_connector.web.visits import arguments_of

if TYPE_CHECKING:
    from scim_connector.login.api_keys import ApiKeys
    from scim_connector.login.sessions import Sessions
    from scim_connector.provisioning.me import Me, Mine
    from scim_connector.web.replies import Reply

_PATH: Final = "v2/Me"
_READS: Final = frozenset({"GET", "HEAD"})
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ALLOWED: Final = ("GET", "OPTIONS")
_ONLY_ME: Final = (
    "This token stands for one user and opens /scim/v2/Me alone; everything else needs"
    " a token of a connection."
)


class MyDoor:
    """Knows users by their own tokens, and answers ``/Me``; built once per process."""

    def __init__(
        self, base_url: str, use_cases: Me, sessions: Sessions, programs: ApiKeys
    ) -> None:
        """Judge tokens by *sessions* and *programs*; show what *use_cases* read."""
        self._base_url = base_url
        self._me = use_cases
        self._sessions = sessions
        self._programs = programs

    def whose(self, environ: dict[str, Any], now: int) -> int | None:
        """The id of the user whose own token this is, who may use it now; or None.

        One statement for a session, one more for a program.
        """
        words = environ.get("HTTP_AUTHORIZATION", "").split()
        token = opaque.parse(words[1]) if len(words) == 2 else None  # noqa: PLR2004
        if token is None or words[0].lower() != "bearer":
            return None
        signed_in = self._sessions.verify(str(token), client=None, now=now)
        if signed_in is not None:
            return signed_in.session.user_id
        program = self._programs.verify(token, now)
        return None if program is None else program.token.user_id

    def answer(
        self, user_id: int, path: str, environ: dict[str, Any], request_id: str
    ) -> Reply:
        """Answer what a user asks below ``/scim``; raises ScimError."""
        if path.strip("/") != _PATH:
            raise Forbidden(_ONLY_ME)
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            allow = ("Allow", ", ".join(_ALLOWED))
            return replies.empty(204, request_id, allow)
        if method in _CHANGES:
            raise self._me.refuse_change(user_id)
        if method not in _READS:
            message = f"{method} is not served at this address, only GET."
            raise MethodNotAllowed(message, allow=_ALLOWED)
        return self._read(self._me.read(user_id), environ, request_id)

    def _read(self, mine: Mine, environ: dict[str, Any], request_id: str) -> Reply:
        found = mine.answer
        return replies.unless_known(
            self._text(mine, arguments_of(environ)),
            request_id,
            version=found.version or 0,
            if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
            location=f"{self._base_url}/Users/{found.id}",
        )

    def _text(self, mine: Mine, given: dict[str, str]) -> str:
        names = given.get("attributes"), given.get("excludedAttributes")
        shown = projection.parse(*names, mine.resource_type)
        stored = mine.answer.text or ""
        if shown.is_default:
            return rendering.expand(stored, self._base_url)
        local = shown.asks_for(LOCAL, "local")
        resource = rendering.resource_of(stored, self._base_url, local=local)
        return orjson.dumps(shown.apply(resource)).decode()

"""One conversation with a server: who was made, what was said last."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from scim_connector.probe.client import NoAnswer, Request
from scim_connector.probe.judging import Fault, Skip

if TYPE_CHECKING:
    from scim_connector.probe.client import Answer, Client
    from scim_connector.scim.types import Json

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer; *answer* is the reason where none came."""

    request: Request
    answer: Answer | str


@dataclass(slots=True)
class Conversation:
    """A provider at work on a server: everything made has *prefix* in its name.

    *people* and *group* are SCIM ids of what the checks share; *created* are the
    paths, such as ``/Users/ID``, that have to be cleaned up.
    """

    client: Client
    domain: str
    prefix: str = field(default_factory=lambda: f"probe-{secrets.token_hex(4)}")
    people: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    created: dict[str, str] = field(default_factory=dict)
    last: Exchange | None = None

    def name(self, word: str) -> str:
        """A userName that is also an address, of this run alone."""
        return f"{self.prefix}.{word}@{self.domain}"

    @property
    def group_name(self) -> str:
        """The display name of the group of this run."""
        return f"{self.prefix} Sales"

    def person(self, word: str) -> str:
        """The id of a person made before; Skip when there is none."""
        if word not in self.people:
            message = f"the user it works on ({self.name(word)}) was not created"
            raise Skip(message)
        return self.people[word]

    def the_group(self) -> str:
        """The id of the group; Skip when there is none."""
        if self.group is None:
            message = "the group it works on was not created"
            raise Skip(message)
        return self.group

    def send(
        self, method: str, target: str, body: Any = None, *, token: str | None = None
    ) -> Answer:
        """Send one request; Fault when nobody answers or the answer is a redirect."""
        content = body if isinstance(body, bytes) else None
        if body is not None and content is None:
            content = json.dumps(body, ensure_ascii=False).encode()
        request = Request(method, target, content, token)
        try:
            answer = self.client.send(request)
        except NoAnswer as error:
            self.last = Exchange(request, str(error))
            message = f"nobody answered: {error}"
            raise Fault(message) from None
        self.last = Exchange(request, answer)
        if answer.status in REDIRECTS:
            place = answer.headers.get("location", "nowhere")
            message = (
                f"redirected to {place}; a provider that follows loses the token or"
                " the method on the way"
            )
            raise Fault(message)
        return answer

    def get(self, target: str, **query: str) -> Answer:
        """GET with a query, its blanks sent as each provider does."""
        if query:
            target = f"{target}?{urlencode(query, quote_via=quote)}"
            if self.client.provider == "entra":
                target = target.replace("%20", "+")
        return self.send("GET", target)

    def patch(self, target: str, *operations: Json) -> Answer:
        """PATCH with these operations."""
        schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        return self.send(
            "PATCH", target, {"schemas": schemas, "Operations": list(operations)}
        )

    def made(self, path: str, label: str) -> None:
        """Remember what has to be cleaned up."""
        self.created[path] = label

    def gone(self, path: str) -> None:
        """Forget what has been removed."""
        self.created.pop(path, None)

    def answered(self, header: str) -> str:
        """A header of the last answer; empty when there is none."""
        if self.last is None or isinstance(self.last.answer, str):
            return ""
        return self.last.answer.headers.get(header, "")

    @staticmethod
    def guid() -> str:
        """A random GUID, as both providers make them for tests and keys."""
        return str(uuid4())

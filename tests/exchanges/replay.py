"""Replays a recorded conversation against the real server, step by step.

The format is explained in README.md beside this file. After every step some things
must hold whatever the conversation is about; see ``Replay._always``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.exchanges.matching import ABSENT, differences
from tests.server import SCIM_JSON, Reply, Server

FOLDER: Final = Path(__file__).resolve().parent
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM_TYPES: Final = frozenset(
    (
        "invalidFilter",
        "tooMany",
        "invalidCursor",
        "expiredCursor",
        "invalidCount",
        "uniqueness",
        "mutability",
        "invalidSyntax",
        "invalidPath",
        "noTarget",
        "invalidValue",
        "invalidVers",
        "sensitive",
    )
)
HEADERS: Final[dict[str, dict[str, str]]] = {
    "entra": {},
    "okta": {
        "User-Agent": "Okta SCIM Client 1.0.0",
        "Accept": SCIM_JSON,
        "Accept-Charset": "utf-8",
    },
    "generic": {"Accept": SCIM_JSON},
}
"""What each provider sends with every request; the type of a body comes on top."""

_VARIABLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded conversation, as its file states it."""

    path: Path
    trace: str
    name: str
    source: str
    connections: dict[str, tuple[str, ...]]
    steps: tuple[dict[str, Any], ...]

    @property
    def id(self) -> str:
        """The folder and the name of the file, as tests are called."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def slug(self) -> str:
        """A word that no other exchange has: for names and mail domains."""
        return re.sub(r"[^a-z0-9]+", "-", self.id.lower()).strip("-")

    def connection_name(self, label: str) -> str:
        """Return what the connection called *label* in the file is called."""
        return self.slug if label == "main" else f"{self.slug}-{label}"


def load(path: Path) -> Exchange:
    """Read one file; ValueError names what is wrong with it."""
    stated = json.loads(path.read_text("utf-8"))
    unknown = set(stated) - {"name", "trace", "source", "connections", "steps"}
    if unknown:
        raise ValueError(f"{path}: unknown members {sorted(unknown)}")
    connections = {
        label: ("--kind", made["kind"], *made.get("flags", ()))
        for label, made in stated["connections"].items()
    }
    for place, step in enumerate(stated["steps"]):
        _check_step(f"{path.name} step {place}", step, connections)
    return Exchange(
        path,
        stated["trace"],
        stated["name"],
        stated["source"],
        connections,
        tuple(stated["steps"]),
    )


LOCAL: Final = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
_STEP: Final = frozenset({"says", "as", "request", "expect", "capture", "cli"})
_REQUEST: Final = frozenset(
    {"method", "path", "target", "query", "headers", "body", "raw", "base64"}
)
_EXPECT: Final = frozenset({"status", "headers", "body", "text", "unchanged"})


def _check_step(where: str, step: dict[str, Any], connections: Any) -> None:
    """Refuse misspelt members: an expectation nobody reads can never fail."""
    wrong = set(step) - _STEP
    wrong |= set(step.get("request", ())) - _REQUEST
    wrong |= set(step.get("expect", ())) - _EXPECT
    if wrong:
        raise ValueError(f"{where}: unknown members {sorted(wrong)}")
    if ("cli" in step) == ("request" in step):
        raise ValueError(f"{where}: needs either a request or cli")
    if "request" in step and "status" not in step.get("expect", {}):
        raise ValueError(f"{where}: needs an expected status")
    if step.get("as", "main") not in connections:
        raise ValueError(f"{where}: no connection {step['as']!r}")


def all_exchanges() -> list[Exchange]:
    """Return every recorded exchange, in the order of the folders and files."""
    return [load(path) for path in sorted(FOLDER.glob("*/*.json"))]


class Mismatch(AssertionError):
    """An answer, or what it left behind, is not as recorded."""


Snapshot = dict[tuple[str, str], tuple[int, bytes]]


@dataclass(slots=True)
class Replay:
    """One exchange on its way through a server; *tokens* by label of connection."""

    exchange: Exchange
    server: Server
    tokens: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    known: dict[tuple[str, str], None] = field(default_factory=dict)
    before: Snapshot = field(default_factory=dict)
    heard: int = 0

    def run(self) -> None:
        """Replay every step; raises Mismatch with the step and all that differs."""
        self.heard = len(self.server.said)
        self.variables |= {
            "domain": f"{self.exchange.slug}.example",
            "base": self.server.base_url,
            "prefix": self.server.prefix,
        }
        for label, token in self.tokens.items():
            self.variables[f"token_{label}"] = token
            name = self.exchange.connection_name(label)
            self.variables[f"connection_{label}"] = name
        self.before = self._snapshot()
        for place, step in enumerate(self.exchange.steps):
            self._step(place, step)

    def _step(self, place: int, step: dict[str, Any]) -> None:
        if "cli" in step:
            self.server.cli(*self._filled(step["cli"]))
            self.before = self._snapshot()
            return
        reply = self._send(step)
        looked_at = self._with_local(step, reply)
        expect = self._filled(step["expect"])
        complaints = [*_compared(expect, looked_at)]
        complaints += self._always(step, reply, expect)
        if traceback := self.server.traceback(self.heard):
            complaints.append(f"the server wrote a traceback:\n{traceback}")
        if complaints:
            raise Mismatch(self._report(place, step, reply, complaints))
        for name, pointer in step.get("capture", {}).items():
            self.variables[name] = _captured(pointer, looked_at)

    def _report(
        self, place: int, step: dict[str, Any], reply: Reply, complaints: list[str]
    ) -> str:
        sent = self._filled(step["request"])
        lines = [
            f"{self.exchange.id} step {place}: {step.get('says', '')}",
            f"sent      {json.dumps(sent)[:1500]}",
            f"answered  {reply.status} {reply.content[:1500].decode(errors='replace')}",
        ]
        return "\n".join(lines + [f"  - {complaint}" for complaint in complaints])

    def _with_local(self, step: dict[str, Any], reply: Reply) -> Reply:
        """Where a step looks at ``local``, which is returned on request only, ask.

        A GET of it follows the answer, and its block is put where the step looks.
        """
        wanted = json.dumps([step["expect"].get("body"), step.get("capture")])
        looks = '"local"' in wanted or "/local/" in wanted
        body = json.loads(reply.content) if looks and reply.content else {}
        if reply.status not in {200, 201} or "id" not in body:
            return reply
        label = step.get("as", "main")
        target = f"{self.server.prefix}/Users/{body['id']}?attributes={LOCAL}:local"
        headers = self._headers(label, {})
        asked = self.server.send_raw("GET", target, headers, None)
        block = json.loads(asked.content).get(LOCAL, {})
        body[LOCAL] = {**body.get(LOCAL, {}), **block}
        return replace(reply, content=json.dumps(body).encode())

    # ---------------------------------------------------------------------- sending

    def _send(self, step: dict[str, Any]) -> Reply:
        request = self._filled(step["request"])
        label = step.get("as", "main")
        headers = self._headers(label, request)
        content = _content(request)
        target = request.get("target") or self.server.prefix + request["path"]
        if query := request.get("query"):
            target = f"{target}?{urlencode(query, quote_via=quote)}"
        method = request["method"]
        return self.server.send_raw(method, target, headers, content)

    def _headers(self, label: str, request: dict[str, Any]) -> dict[str, str]:
        kind = self.exchange.connections[label][1]
        headers = {"Authorization": f"Bearer {self.tokens[label]}", **HEADERS[kind]}
        if _content(request) is not None:
            headers["Content-Type"] = f"{SCIM_JSON}; charset=utf-8"
        headers |= request.get("headers", {})
        return {name: value for name, value in headers.items() if value is not None}

    def _filled(self, stated: Any) -> Any:
        """Put the variables in, and repeat what is to be repeated."""
        match stated:
            case str():
                return _VARIABLE.sub(self._value, stated)
            case {"$repeat": what, "times": times}:
                filled = self._filled(what)
                return filled * times if isinstance(filled, str) else [filled] * times
            case dict():
                return {
                    self._filled(name): self._filled(member)
                    for name, member in stated.items()
                }
            case list():
                return [self._filled(element) for element in stated]
        return stated

    def _value(self, match: re.Match[str]) -> str:
        if match[1] not in self.variables:
            known = ", ".join(sorted(self.variables))
            raise Mismatch(
                f"{self.exchange.id}: no variable {match[1]}; known: {known}"
            )
        return self.variables[match[1]]

    # ------------------------------------------------------------------- invariants

    def _always(
        self, step: dict[str, Any], reply: Reply, expect: dict[str, Any]
    ) -> list[str]:
        """What holds after every step: errors are SCIM errors, refusals change nothing.

        And an answer with a resource is the resource: the same as a GET afterwards.
        """
        request = self._filled(step["request"])
        complaints: list[str] = []
        if request.get("target", "/scim").startswith("/scim"):
            complaints += _well_formed(request["method"], reply)
        if request["method"] in _READS and reply.status < 400:
            return complaints
        self._learn(step, reply)
        after = self._snapshot()
        refused = reply.status >= 400
        if refused or expect.get("unchanged"):
            complaints += _changes(self.before, after)
        whole = "query" not in request and "?" not in request.get("path", "")
        if not refused and whole:
            complaints += self._answer_is_resource(step, reply, after)
        self.before = after
        return complaints

    def _learn(self, step: dict[str, Any], reply: Reply) -> None:
        """Watch every user that the conversation has created."""
        if reply.status == 201 and isinstance(reply.body, dict):
            key = (step.get("as", "main"), f"/Users/{reply.body.get('id')}")
            self.known[key] = None
            self.before.setdefault(key, (404, b""))

    def _snapshot(self) -> Snapshot:
        """Read every known user, and how many each connection has."""
        asked = [*self.known, *((label, "/Users?count=0") for label in self.tokens)]
        taken: Snapshot = {}
        for label, path in asked:
            reply = self.server.send("GET", path, token=self.tokens[label])
            content = reply.content if reply.status < 400 else b""
            taken[label, path] = (reply.status, content)
        return taken

    def _answer_is_resource(
        self, step: dict[str, Any], reply: Reply, after: Snapshot
    ) -> Iterator[str]:
        body = reply.body
        if not isinstance(body, dict) or "id" not in body:
            return
        _, content = after.get(
            (step.get("as", "main"), f"/Users/{body['id']}"), (0, b"")
        )
        if content and json.loads(content) != body:
            yield f"a GET afterwards answers {content.decode()}"


def _content(request: dict[str, Any]) -> bytes | None:
    """Return the bytes of the body in whichever form the step states it."""
    if "body" in request:
        return json.dumps(request["body"], ensure_ascii=False).encode()
    if "raw" in request:
        raw = request["raw"]
        return (raw if isinstance(raw, str) else "".join(raw)).encode()
    if "base64" in request:
        return base64.b64decode(request["base64"])
    return None


def _captured(pointer: str, reply: Reply) -> str:
    """Follow a JSON pointer (RFC 6901) into the body, or name a header."""
    if pointer.startswith("header:"):
        return reply.headers[pointer.removeprefix("header:").lower()]
    value = reply.body
    for part in pointer.strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return str(value)


def _compared(expect: dict[str, Any], reply: Reply) -> Iterator[str]:
    statuses = expect["status"]
    allowed = statuses if isinstance(statuses, list) else [statuses]
    if reply.status not in allowed:
        yield f"the status is {reply.status}, not {statuses}"
    for name, wanted in expect.get("headers", {}).items():
        value = reply.headers.get(name.lower(), ABSENT)
        yield from differences(wanted, value, f"header {name}")
    if "text" in expect:
        yield from differences(expect["text"], reply.content.decode(), "the text")
    if "body" in expect:
        yield from differences(expect["body"], reply.body, "body")


def _changes(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for (label, path), state in after.items():
        old = before.get((label, path))
        if old is not None and old != state:
            yield f"{path} of {label} changed from {old!r} to {state!r}"


def _well_formed(method: str, reply: Reply) -> Iterator[str]:
    """Check what every answer under the base URL owes its reader."""
    kind = reply.headers.get("content-type", "")
    if reply.content and kind.partition(";")[0] != SCIM_JSON:
        yield f"the content type is {kind!r}"
    if method == "HEAD" or reply.status in {204, 304}:
        if reply.content:
            yield "there is a body where none belongs"
        return
    if reply.status >= 500 and reply.status not in {501, 503}:
        yield f"the server failed with {reply.status}"
    body = reply.body
    if not isinstance(body, dict):
        yield "the body is no JSON object"
    elif reply.status >= 400:
        yield from _scim_error(reply.status, body)
    else:
        yield from _clean(body, "body")


def _scim_error(status: int, body: dict[str, Any]) -> Iterator[str]:
    """RFC 7644 section 3.12, and no insides of the server in the text."""
    detail = body.get("detail")
    if body.get("schemas") != [ERROR]:
        yield f"an error names the schemas {body.get('schemas')!r}"
    if body.get("status") != str(status):
        yield f"an error of {status} says status {body.get('status')!r}"
    if body.get("scimType", "uniqueness") not in SCIM_TYPES:
        yield f"there is no scimType {body['scimType']!r}"
    if not isinstance(detail, str) or len(detail.strip()) < 10:
        yield f"the detail says nothing: {detail!r}"
    elif re.search(r"Traceback|sqlite|sqlalchemy|\.py\b|SELECT ", detail):
        yield f"the detail shows the insides of the server: {detail!r}"


def _clean(value: Any, where: str) -> Iterator[str]:
    """No answer has a null, an empty list of values, or a password."""
    if isinstance(value, dict):
        for name, member in value.items():
            if member is None or name.lower() == "password":
                yield f"{where}.{name} is {member!r}"
            yield from _clean(member, f"{where}.{name}")
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from _clean(element, f"{where}[{place}]")

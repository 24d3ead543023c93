"""Runs a script against a server: first a look, then the checks, then the cleaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scim_connector.probe import entra, okta
from scim_connector.probe.checks import Check, Outcome, Result
from scim_connector.probe.client import Answer, NoAnswer, Request
from scim_connector.probe.conversation import REDIRECTS
from scim_connector.probe.judging import NOT_FOUND, Caution, Fault, Skip, is_scim

if TYPE_CHECKING:
    from scim_connector.probe.client import Client
    from scim_connector.probe.conversation import Conversation

SCRIPTS: Final = {"entra": entra.CHECKS, "okta": okta.CHECKS}
NO_ENTRY: Final = frozenset({401, 403})
LONGEST: Final = 400
LONGEST_SENT: Final = 900
_SETTLED: Final = {Outcome.OK, Outcome.WARNING}


class CannotRun(Exception):
    """Nothing can be said about this server; one sentence, nothing was written."""


def script(provider: str, *, groups: bool = True) -> tuple[Check, ...]:
    """The checks of a provider in their order."""
    return tuple(c for c in SCRIPTS[provider] if groups or not c.of_groups)


def look(client: Client) -> None:
    """Read a little; CannotRun where no SCIM server lets this token in."""
    answers = []
    for target in ("/Users?startIndex=1&count=1", "/ServiceProviderConfig"):
        try:
            answer = client.send(Request("GET", target))
        except NoAnswer as error:
            message = f"{client.base_url} cannot be reached: {error}."
            raise CannotRun(message) from None
        _admitted(client, answer)
        answers.append(answer)
    if not any(is_scim(answer) for answer in answers):
        message = (
            f"{client.base_url} is no SCIM server: GET /Users answers"
            f" {answers[0].status} as {answers[0].media_type or 'nothing'}. Is this the"
            " base URL, such as https://scim.example.com/scim/v2?"
        )
        raise CannotRun(message)


def _admitted(client: Client, answer: Answer) -> None:
    if answer.status in NO_ENTRY:
        message = (
            f"{client.base_url} refuses the token ({answer.status}). Give the token"
            " itself, without the word Bearer."
        )
        raise CannotRun(message)
    if answer.status in REDIRECTS:
        place = answer.headers.get("location", "nowhere")
        message = f"{client.base_url} redirects to {place}. Give the address itself."
        raise CannotRun(message)


def run(talk: Conversation, checks: tuple[Check, ...]) -> Iterator[Result]:
    """Yield the result of each check as soon as it is there."""
    settled: dict[str, bool] = {}
    for check in checks:
        missing = [name for name in check.after if not settled.get(name)]
        if missing:
            reason = f"needs {', '.join(missing)}, which did not pass"
            result = Result(check, Outcome.SKIPPED, reason)
        else:
            result = _one(talk, check)
        settled[check.id] = result.outcome in _SETTLED
        yield result


def _one(talk: Conversation, check: Check) -> Result:
    talk.last = None
    try:
        check.run(talk)
    except Skip as why:
        return Result(check, Outcome.SKIPPED, str(why))
    except Caution as caution:
        return _found(talk, check, Outcome.WARNING, str(caution))
    except Fault as fault:
        return _found(talk, check, Outcome.FAILS, str(fault))
    return Result(check, Outcome.OK)


def _found(talk: Conversation, check: Check, outcome: Outcome, text: str) -> Result:
    sent, got = _last(talk)
    return Result(check, outcome, _plain(text, talk), sent, got)


def _last(talk: Conversation) -> tuple[str, str]:
    """The last request and its answer in a line each, without secrets."""
    if talk.last is None:
        return "", ""
    request, answer = talk.last.request, talk.last.answer
    content = (request.content or b"").decode(errors="replace")
    sent = f"{request.method} {request.target} {content}"
    sent = _plain(sent, talk, LONGEST_SENT)
    if isinstance(answer, str):
        return sent, _plain(answer, talk)
    received = answer.content.decode(errors="replace")
    return sent, _plain(f"{answer.status} {received}", talk)


def _plain(text: str, talk: Conversation, longest: int = LONGEST) -> str:
    """One short printable line: a server's answer may hold anything."""
    text = text.replace(talk.client.token, "...")
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def clean_up(talk: Conversation) -> list[str]:
    """Remove what was made, groups first; what stays, a sentence each."""
    paths = sorted(talk.created, key=lambda path: not path.startswith("/Groups/"))
    return [left for path in paths if (left := _remove(talk, path))]


def _remove(talk: Conversation, path: str) -> str | None:
    """Delete, else deactivate; None when it is gone."""
    label = f"{path} ({talk.created[path]})"
    try:
        talk.send("DELETE", path)
        if talk.send("GET", path).status == NOT_FOUND:
            talk.gone(path)
            return None
        if path.startswith("/Users/"):
            talk.patch(path, {"op": "replace", "path": "active", "value": False})
            body = talk.send("GET", path).body
            if isinstance(body, dict) and body.get("active") is False:
                return f"{label} could not be deleted; it is inactive now"
    except Fault as fault:
        return f"{label} is still there: {_plain(str(fault), talk)}"
    return f"{label} could not be deleted and is still there"

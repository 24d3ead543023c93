"""The page of events: every one with its sentence and its facts, by subject."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from scim_connector.rules.events import EVENTS, OTHERS, Told

_OTHERS: Final = "each setting or count by its name"
_TITLES: Final = {
    "user": "Users",
    "sessions": "What a cut-off, or a person, ends",
    "api_key": "Keys and tokens of API users",
    "session": "Signing in",
    "password": "Passwords, links and mails",
    "factor": "Second factor",
    "application": "Applications",
    "group": "Groups",
    "role": "Roles and profiles",
    "setup": "Connections and this installation",
    "mass_change": "Mass changes, undo, reviews",
    "receiver": "What leaves, and what is kept elsewhere",
}
_SAME: Final = {
    **dict.fromkeys(("resets", "api_tokens", "api_keys"), "sessions"),
    "api_token": "api_key",
    "sign_in": "session",
    **dict.fromkeys(("link", "mail", "email"), "password"),
    "api_app": "application",
    "profile": "role",
    **dict.fromkeys(
        ("connection", "token", "trust", "access_token", "mapping", "conflict"), "setup"
    ),
    **dict.fromkeys(("audit", "key", "last_administrator"), "setup"),
    **dict.fromkeys(("guard", "undo", "review"), "mass_change"),
    **dict.fromkeys(("alert", "database", "webhook"), "receiver"),
}


def subject_of(name: str) -> str:
    """Under which heading an event stands, by what it is named after."""
    subject = name.partition(":")[0]
    return _SAME.get(subject, subject)


def render() -> str:
    """Every event as Markdown, for ``docs/events.md``."""
    lines = [
        "# Events of audit",
        "",
        "Every event is named `subject:action`. Beside its facts it has an instant, who"
        " did it (`connection:NAME`, `console:USERNAME`, `person:USERNAME`, `cli:ACCOUNT`,"
        " `gate:DOOR`, `house:CHORE`), and where there are any the connection, the user"
        " and the id of the request. A fact about a person stands beside the chain, bound"
        " to it by a digest, and is gone after `user erase`; everything else lasts as long"
        " as the event. No fact is ever a secret. This page is generated:"
        " `scim-connector audit events --markdown`.",
    ]
    found = sorted(EVENTS.items(), key=lambda each: _place(each[0]))
    for subject, events in groupby(found, key=lambda each: subject_of(each[0])):
        lines += ["", f"## {_TITLES[subject]}", *_table(events)]
    return "\n".join(lines) + "\n"


def _place(name: str) -> int:
    """Headings in the order of their table, events in the order of theirs."""
    return list(_TITLES).index(subject_of(name))


def _table(events: Iterator[tuple[str, Told]]) -> Iterator[str]:
    yield from (
        "",
        "| event | says | facts | facts about a person |",
        "| --- | --- | --- | --- |",
    )
    for name, told in events:
        personal = [fact for fact in told.facts if fact in told.personal]
        lasting = [fact for fact in told.facts if fact not in told.personal]
        yield f"| `{name}` | {told.sentence} | {_words(lasting)} | {_words(personal)} |"


def _words(facts: list[str]) -> str:
    return ", ".join(_OTHERS if fact == OTHERS else f"`{fact}`" for fact in facts)

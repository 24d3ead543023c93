"""How values are shown: instants, spans, numbers, the words of states."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from scim_connector.rules.counting import counted

_SECOND: Final = 1_000_000
_STEPS: Final = (
    (60 * _SECOND, _SECOND, "second"),
    (3600 * _SECOND, 60 * _SECOND, "minute"),
    (86_400 * _SECOND, 3600 * _SECOND, "hour"),
    (90 * 86_400 * _SECOND, 86_400 * _SECOND, "day"),
)
_MONTH: Final = 30 * 86_400 * _SECOND
#: How a state is coloured; what is not here stays grey.
_TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Success", "Passed", "active", "live", "sent", "Connected"), "ok"),
    **dict.fromkeys(("Failure", "Failed", "failed", "Refused", "expired"), "bad"),
    **dict.fromkeys(("Warning", "held", "late", "trying", "paused", "revoked"), "warn"),
}


def words(zone: str) -> dict[str, Callable[..., Any]]:
    """The filters of the templates, for people who live in a time zone."""
    local = ZoneInfo(zone)

    def moment(microseconds: int | None) -> str | Markup:
        """An instant in UTC to the second, the local time on hover."""
        if microseconds is None:
            return "never"
        when = datetime.fromtimestamp(microseconds / _SECOND, UTC)
        there = f"{when.astimezone(local):%d %b %Y %H:%M:%S} {zone}"
        return Markup('<time datetime="{}" title="{}">{} UTC</time>').format(
            f"{when:%Y-%m-%dT%H:%M:%SZ}", there, f"{when:%d %b %Y %H:%M:%S}"
        )

    def since(microseconds: int | None, now: int) -> str | Markup:
        """How long ago an instant was, the instant itself on hover."""
        if microseconds is None:
            return "never"
        when = datetime.fromtimestamp(microseconds / _SECOND, UTC)
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            f"{when:%Y-%m-%dT%H:%M:%SZ}", f"{when:%d %b %Y %H:%M:%S}", ago(when, now)
        )

    return {
        "moment": moment,
        "since": since,
        "span": span,
        "tone": lambda word: _TONES.get(word, "quiet"),
        "pretty": pretty,
        "soft": soft,
        "number": lambda n: f"{n:,}",
        "count": counted,
        "ms": lambda us: f"{us / 1000:,.1f} ms",
    }


def ago(when: datetime, now: int) -> str:
    """How long before *now* (microseconds) an instant was, in one unit."""
    past = now - int(when.timestamp() * _SECOND)
    return "just now" if past < _SECOND else f"{span(past)} ago"


def span(microseconds: int) -> str:
    """A length of time in the largest unit that fits."""
    for limit, unit, name in _STEPS:
        if microseconds < limit:
            return counted(max(1, microseconds // unit), name)
    return counted(microseconds // _MONTH, "month")


def soft(text: str) -> Markup:
    """A name that may be broken before its at sign, and nowhere in the middle."""
    return Markup("<wbr>@").join(escape(part) for part in text.split("@"))


def pretty(text: str | None) -> str:
    """JSON with its lines and indents; anything else as it is."""
    if not text:
        return ""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text

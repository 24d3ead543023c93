"""How long secrets live: chosen in a form, and told before they end."""

from __future__ import annotations

from typing import Final

from flask import request

from scim_connector.administration.errors import NotPossible
from scim_connector.administration.overview import DAY, WARN_DAYS
from scim_connector.web.console import shown

#: What a form offers, the first of them chosen: days, and their words.
SPANS: Final = (("365", "1 year"), ("90", "90 days"), ("30", "30 days"), ("", "Never"))


def chosen(now: int) -> int | None:
    """When the secret of the form ends; None for never, raises NotPossible."""
    text = request.form.get("expires", SPANS[0][0])
    if text not in dict(SPANS):
        offered = ", ".join(word for _, word in SPANS)
        raise NotPossible(f'"{text[:20]}" is not offered; there are: {offered}.')
    return now + int(text) * DAY if text else None


def warning(expires_at: int | None, now: int) -> str:
    """That something ends within 30 days, in words; empty where it does not."""
    if expires_at is None or not now < expires_at <= now + WARN_DAYS[0] * DAY:
        return ""
    return f"expires in {shown.span(expires_at - now)}"

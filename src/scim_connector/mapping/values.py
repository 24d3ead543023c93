"""What an expression can give: text, a truth value, a list of texts, or nothing."""

from __future__ import annotations

from typing import Any

Value = str | bool | tuple[str, ...] | None


def as_text(value: Value) -> str:
    """A value as one text: nothing is "", a list is its first text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    return value[0] if value else ""


def as_truth(value: Value) -> bool:
    """A value as a condition: text counts as true when it says "true"."""
    if isinstance(value, bool):
        return value
    return as_text(value).strip().lower() in {"true", "1", "yes"}


def as_list(value: Value) -> tuple[str, ...]:
    """A value as a list of texts: nothing and "" are the empty list."""
    if isinstance(value, tuple):
        return value
    text = as_text(value)
    return (text,) if text else ()


def of_json(value: Any) -> Value:
    """A JSON value as the language sees it; objects count by their ``value``."""
    match value:
        case None | str() | bool():
            return value
        case int() | float():
            return str(value)
        case dict():
            return of_json(value.get("value"))
        case list():
            return tuple(t for part in value if (t := as_text(of_json(part))))
    return None

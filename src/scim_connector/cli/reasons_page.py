"""The page of refusals: every reason the log can name, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from scim_connector.administration import reasons

_WHERE = {"entra": "In Entra ID", "okta": "In Okta", "generic": "Elsewhere"}


def render() -> str:
    """Every reason as Markdown, for ``docs/refusals.md``."""
    lines = [
        "# Refusals",
        "",
        "Why a request of a provider is refused, and what to change. The sentence of the"
        " answer names the value; the code is what the lists of the console are narrowed"
        " by. A refusal by a local rule names the rule, see [the handbook](handbook.md)."
        " Once it is repaired:",
        "",
        *(f"- {_WHERE[kind]}: {_again(said)}" for kind, said in reasons.AGAIN.items()),
        "",
        "This page is generated: `scim-connector log reasons --markdown`.",
    ]
    for code in reasons.codes():
        lines += _told(code)
    return "\n".join(lines) + "\n"


def _again(said: str) -> str:
    """A sentence that follows another one on a page, by itself."""
    rest = said.removeprefix("Then ")
    return rest[0].upper() + rest[1:]


def _told(code: str) -> Iterator[str]:
    found = {kind: reasons.of(code, kind)[0] for kind in _WHERE}
    one = found["generic"]
    rule = f" ({one.rule_id})" if one.rule_id else ""
    yield from ("", f"## {code}", "", f"**{one.title}.** {one.meaning}{rule}", "")
    if len({each.advice for each in found.values()}) == 1:
        yield f"- What to do: {one.advice}"
        return
    kinds = ("entra", "okta") if rule else _WHERE
    yield from (f"- {_WHERE[kind]}: {found[kind].advice}" for kind in kinds)

"""JSON Schemas as data: written short, checked with sentences, published as they are.

Only what our own routes need of JSON Schema 2020-12 is here, and :func:`faults` knows
every keyword that the functions of this module write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Shape = dict[str, Any]

#: What an id of ours may be in an address or a body.
LARGEST_ID: Final = 999_999_999
LONGEST: Final = 320
_WORDS: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that does not fit: where it stands, and what to change."""

    field: str
    message: str


# -------------------------------------------------------------------------- making them


def text(says: str = "", *, most: int = LONGEST, least: int = 0) -> Shape:
    """Text of so many characters."""
    made: Shape = {"type": "string", "maxLength": most}
    if least:
        made["minLength"] = least
    return _said(made, says)


def told(says: str = "") -> Shape:
    """Text in an answer, as long as it is."""
    return _said({"type": "string"}, says)


def one_of(allowed: Collection[str], says: str = "") -> Shape:
    """One of a few words."""
    return _said({"type": "string", "enum": list(allowed)}, says)


def flag(says: str = "") -> Shape:
    """True or false."""
    return _said({"type": "boolean"}, says)


def sure(says: str) -> Shape:
    """What asks whether something that cannot be undone is to be done."""
    return flag(
        f"{says} With false nothing is done, and the answer says what would be."
    )


def number(
    says: str = "", *, least: int | None = None, most: int | None = None
) -> Shape:
    """A whole number."""
    made: Shape = {"type": "integer"}
    made |= {} if least is None else {"minimum": least}
    made |= {} if most is None else {"maximum": most}
    return _said(made, says)


def an_id(says: str = "") -> Shape:
    """A number that names something here."""
    return number(says, least=1, most=LARGEST_ID)


def instant(says: str = "") -> Shape:
    """An instant in UTC, as RFC 3339 writes it."""
    return _said({"type": "string", "format": "date-time"}, says)


def anything(says: str = "") -> Shape:
    """A JSON object of any members."""
    return _said({"type": "object"}, says)


def or_null(shape: Shape) -> Shape:
    """*shape*, or null."""
    if "$ref" in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    return {**shape, "type": [shape["type"], "null"]}


def many(shape: Shape, says: str = "", *, most: int | None = None) -> Shape:
    """A list of *shape*."""
    made: Shape = {"type": "array", "items": shape}
    made |= {} if most is None else {"maxItems": most}
    return _said(made, says)


def given(required: Collection[str] = (), **members: Shape) -> Shape:
    """What a request brings: no other members, and these *required* ones."""
    made: Shape = {
        "type": "object",
        "properties": members,
        "additionalProperties": False,
    }
    return {**made, "required": list(required)} if required else made


def answer(**members: Shape) -> Shape:
    """What an answer holds: exactly these members."""
    return given(tuple(members), **members)


def ref(name: str) -> Shape:
    """A named shape of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(name: str) -> Shape:
    """A part of a list, and how to go on."""
    after = "Send this as `after` to go on; null at the end."
    return answer(items=many(ref(name)), next=or_null(told(after)))


def _said(made: Shape, says: str) -> Shape:
    return {**made, "description": says} if says else made


# ------------------------------------------------------------------------- checking them


def faults(shape: Shape, value: Any, where: str = "") -> Iterator[Fault]:
    """What is wrong with a value of a request, each with what to change."""
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    kind = _kind(value)
    if kind not in kinds:
        words = " or ".join(_WORDS[each] for each in kinds)
        yield _fault(where, f"must be {words}.")
    elif kind == "object":
        yield from _members(shape, value, where)
    elif kind == "array":
        yield from _elements(shape, value, where)
    elif kind == "string":
        yield from _text(shape, value, where)
    elif kind == "integer":
        yield from _number(shape, value, where)


def _fault(where: str, what: str) -> Fault:
    return Fault(where, f"{where or 'The body'} {what}")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    # JSON Schema counts 1.0 among the integers.
    return "integer" if isinstance(value, int) or value.is_integer() else "number"


def _members(shape: Shape, value: dict[str, Any], where: str) -> Iterator[Fault]:
    known = shape.get("properties")
    if known is None:
        return
    for name in shape.get("required", ()):
        if name not in value:
            yield _fault(_within(where, name), "is missing.")
    for name, member in value.items():
        if name in known:
            yield from faults(known[name], member, _within(where, name))
        else:
            shown, there = name[:60], ", ".join(known) or "none"
            message = f'There is no member "{shown}"; there are: {there}.'
            yield Fault(_within(where, shown), message)


def _within(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _elements(shape: Shape, value: Sequence[Any], where: str) -> Iterator[Fault]:
    most = shape.get("maxItems", len(value))
    if len(value) > most:
        yield _fault(where, f"has {len(value)} entries; {most} are the most.")
        return
    for place, element in enumerate(value):
        yield from faults(shape["items"], element, f"{where}[{place}]")


def _text(shape: Shape, value: str, where: str) -> Iterator[Fault]:
    least, most = shape.get("minLength", 0), shape.get("maxLength", len(value))
    if "enum" in shape and value not in shape["enum"]:
        there = ", ".join(shape["enum"])
        yield _fault(where, f'cannot be "{value[:60]}"; there are: {there}.')
    elif len(value) < least:
        yield _fault(where, "must not be empty.")
    elif len(value) > most:
        yield _fault(where, f"has {len(value)} characters; {most} are the most.")


def _number(shape: Shape, value: float, where: str) -> Iterator[Fault]:
    least, most = shape.get("minimum", value), shape.get("maximum", value)
    if not least <= value <= most:
        yield _fault(where, f"must be from {least} to {most}.")

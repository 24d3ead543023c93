"""Reading one value as the schema describes it (RFC 7643 section 2.3 to 2.5).

Absent is None: null, an empty string, an empty list and a complex value without
members all say that an attribute has no value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import gate
from scim_connector.scim.dialects import DIALECTS, Dialect
from scim_connector.scim.errors import InvalidSyntax, InvalidValue
from scim_connector.scim.folding import instant_key
from scim_connector.scim.group_schemas import MEMBERS
from scim_connector.scim.notes import Notes

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.types import Json

MOST_VALUES: Final = 1_000
MOST_MEMBERS: Final = 250_000
LONGEST_STRING: Final = 1_024
LONGEST_USER_NAME: Final = 320
LONGEST_BINARY: Final = 16_384
_SHOWN: Final = 40

_PLACE: Final = re.compile(r"\[[0-9]+\]")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Reading:
    """The circumstances of one reading, and the notes it leaves.

    *strict* is the connection's switch: names that nothing declares are refused.
    """

    dialect: Dialect = DIALECTS["generic"]
    strict: bool = False
    notes: Notes = field(default_factory=Notes)

    def tolerates(self, quirk: str) -> bool:
        """Say whether *quirk* is on for this connection, and count it if so."""
        if not self.dialect.allows(quirk):
            return False
        self.notes.add_quirk(quirk)
        return True

    @property
    def refuses_unknown(self) -> bool:
        """True when a name that nothing declares is an error here."""
        return self.strict or not self.dialect.allows("unknown-attribute")

    def unknown(self, name: str) -> None:
        """Note the undeclared *name*, or raise InvalidSyntax in strict mode."""
        if self.refuses_unknown:
            message = (
                f"No schema declares {shown(name)}. Take it out of the provider's "
                "attribute mapping, or declare it with [[attribute]] in ours."
            )
            raise InvalidSyntax(message)
        self.notes.add_unknown(name)


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader made of a body: the document, and the notes on the way."""

    document: Json
    notes: Notes


def read(
    attribute: Attribute, raw: Any, path: str, reading: Reading, *, lone: bool = False
) -> Any:
    """Read the whole value of *attribute*; None when there is none.

    *path* names it in messages. With *lone* a multi-valued attribute may be given as
    its one element (PATCH). Raises InvalidValue, or InvalidSyntax in strict mode.
    """
    if not attribute.multi_valued:
        return read_one(attribute, raw, path, reading)
    if is_absent(raw):
        return None
    if lone and not isinstance(raw, list):
        raw = [raw]
    if not isinstance(raw, list):
        raise InvalidValue(f"{path} must be a list, in square brackets.")
    refuse_more_than(most_values(attribute), len(raw), path)
    elements = [
        read_one(attribute, element, f"{path}[{place}]", reading)
        for place, element in enumerate(raw)
    ]
    kept = [element for element in elements if element is not None]
    refuse_two_primaries(kept, path)
    return kept or None


def read_one(attribute: Attribute, raw: Any, path: str, reading: Reading) -> Any:
    """Read one value: a single one, or one element of a multi-valued attribute."""
    if attribute.name == "manager" and attribute.type == "complex":
        raw = _manager(raw, path, reading)
    if attribute is MEMBERS and isinstance(raw, str) and raw:
        raw = {"value": raw} if reading.tolerates("member-string") else raw
    if is_absent(raw):
        return None
    return _READERS[attribute.type](attribute, raw, path, reading)


def is_absent(raw: Any) -> bool:
    """Say whether *raw* means "no value" (RFC 7643 section 2.5, quirk 12)."""
    return raw is None or raw in ("", [])


def most_values(attribute: Attribute) -> int:
    """Return how many values a list may have: a group has more members than others."""
    return MOST_MEMBERS if attribute is MEMBERS else MOST_VALUES


def refuse_more_than(most: int, count: int, path: str) -> None:
    """Raise InvalidValue when a list is longer than *most*."""
    if count > most:
        raise InvalidValue(f"{path} has {count} values; at most {most} are kept.")


def refuse_two_primaries(elements: list[Any], path: str) -> None:
    """Raise InvalidValue when two elements are primary (RFC 7643 section 2.4)."""
    primaries = sum(
        1 for element in elements if isinstance(element, dict) and is_primary(element)
    )
    if primaries > 1:
        message = f"{path} has {primaries} primary values; mark one of them at most."
        raise InvalidValue(message)


def is_primary(element: Json) -> bool:
    """Say whether an element of a multi-valued attribute is the preferred one."""
    return element.get("primary") is True


def shown(raw: Any) -> str:
    """Quote a value for a message, cut to 40 characters."""
    text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f'"{cut}"' if isinstance(raw, str) else cut


def child(path: str, name: str) -> str:
    """Name a member in messages; the path of an extension ends with a colon."""
    return f"{path}{name}" if path.endswith(":") else f"{path}.{name}"


def _complex(attribute: Attribute, raw: Any, path: str, reading: Reading) -> Any:
    if not isinstance(raw, dict):
        message = f'{path.rstrip(":")} must be an object, such as {{"value": ...}}.'
        raise InvalidValue(message)
    if attribute.name == "roles":
        raw = _role(raw, reading)
    if attribute is MEMBERS:
        raw = _with_display(raw, "member-display-name", reading)
    members: Json = {}
    for name, member in raw.items():
        sub = attribute.sub(name)
        if sub is None:
            note_unknown_member(child(path, name), member, reading)
        elif sub.read_only:
            reading.notes.add_ignored(child(path, sub.name), "readOnly")
        else:
            value = read(sub, member, child(path, sub.name), reading)
            if value is not None:
                members[sub.name] = value
    return members or None


def note_unknown_member(path: str, member: Any, reading: Reading) -> None:
    """Note an undeclared name, unless it has no value anyway."""
    if member is not None:
        reading.unknown(_PLACE.sub("", path))


def _string(attribute: Attribute, raw: Any, path: str, _: Reading) -> str:
    text = _text(raw, path)
    most = LONGEST_USER_NAME if attribute.name == "userName" else LONGEST_STRING
    if len(text) > most:
        message = f"{path} has {len(text)} characters; at most {most} are kept."
        raise InvalidValue(message)
    return text


def _boolean(_: Attribute, raw: Any, path: str, reading: Reading) -> bool:
    if isinstance(raw, bool):
        return raw
    word = raw.lower() if isinstance(raw, str) else None
    if word in {"true", "false"} and reading.tolerates("string-boolean"):
        return word == "true"
    raise InvalidValue(f"{path} must be true or false, not {shown(raw)}.")


def _integer(_: Attribute, raw: Any, path: str, reading: Reading) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if _is_number(_INTEGER, raw) and reading.tolerates("string-number"):
        return int(raw)
    raise InvalidValue(f"{path} must be a whole number, not {shown(raw)}.")


def _decimal(_: Attribute, raw: Any, path: str, reading: Reading) -> int | float:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return raw
    if _is_number(_DECIMAL, raw) and reading.tolerates("string-number"):
        return float(raw)
    raise InvalidValue(f"{path} must be a number, not {shown(raw)}.")


def _date_time(_: Attribute, raw: Any, path: str, __: Reading) -> str:
    text = _text(raw, path)
    if instant_key(text) is None:
        message = (
            f"{path} must be a date and time with its zone, such as "
            f"2026-05-13T04:42:34Z, not {shown(text)}."
        )
        raise InvalidValue(message)
    return text


def _binary(_: Attribute, raw: Any, path: str, __: Reading) -> str:
    text = _text(raw, path)
    if len(text) > LONGEST_BINARY:
        message = f"{path} has {len(text)} characters; at most {LONGEST_BINARY}."
        raise InvalidValue(message)
    if not _is_base64(text):
        raise InvalidValue(f"{path} must be base64 (RFC 4648).")
    return text


def _is_base64(text: str) -> bool:
    if not _BASE64.fullmatch(text):
        return False
    padding = "=" * (-len(text.rstrip("=")) % 4)
    try:
        base64.b64decode(text.rstrip("=") + padding, altchars=b"-_")
    except binascii.Error:
        return False
    return True


def _text(raw: Any, path: str) -> str:
    if not isinstance(raw, str):
        raise InvalidValue(f"{path} must be text in quotes, not {shown(raw)}.")
    return raw


def _is_number(pattern: re.Pattern[str], raw: Any) -> bool:
    return isinstance(raw, str) and pattern.fullmatch(raw) is not None


def _manager(raw: Any, path: str, reading: Reading) -> Any:
    """Bring the three forms of a manager to one (quirk 8)."""
    if isinstance(raw, list) and raw:
        if len(raw) > 1 or not reading.tolerates("manager-list"):
            raise InvalidValue(f"{path} must be one object, not a list.")
        raw = raw[0]
    if isinstance(raw, str) and raw and reading.tolerates("manager-string"):
        return {"value": raw}
    return raw


def _role(raw: Json, reading: Reading) -> Json:
    """Undo what Entra does to roles: JSON inside a string, and displayName."""
    members = {name.lower(): name for name in raw}
    value = raw.get(members.get("value", ""))
    if isinstance(value, str) and value.startswith("{"):
        raw = _from_json_text(raw, members["value"], value, reading)
    return _with_display(raw, "role-display-name", reading)


def _with_display(raw: Json, quirk: str, reading: Reading) -> Json:
    """Take displayName for display, which RFC 7643 section 2.4 calls it."""
    members = {name.lower(): name for name in raw}
    alias = members.get("displayname")
    if alias and "display" not in members and reading.tolerates(quirk):
        return {("display" if name == alias else name): raw[name] for name in raw}
    return raw


def _from_json_text(raw: Json, key: str, text: str, reading: Reading) -> Json:
    """Take value, display and type of a role from JSON text (quirk 9)."""
    told = _told(text)
    value = told.get("value")
    if not (isinstance(value, str) and value):
        return raw
    if not reading.tolerates("role-json-text"):
        return raw
    found: Json = {"value": value}
    for name, source in (("display", "displayname"), ("type", "type")):
        if isinstance(told.get(source), str):
            found[name] = told[source]
    rest = {name: raw[name] for name in raw if name != key}
    return found | rest


def _told(text: str) -> Json:
    """Read the JSON text of a role; an empty object when it is none."""
    if len(text) > LONGEST_STRING * 4:
        return {}
    try:
        told = gate.loads(text.encode("utf-8", "replace"))
    except InvalidSyntax:
        return {}
    return {name.lower(): told[name] for name in told} if isinstance(told, dict) else {}


_READERS: Final[dict[str, Callable[[Attribute, Any, str, Reading], Any]]] = {
    "string": _string,
    "reference": _string,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "dateTime": _date_time,
    "binary": _binary,
    "complex": _complex,
}

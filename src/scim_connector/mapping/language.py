"""Mapping files: TOML with expressions, read whole before anything uses them.

Every word, path and function is checked here, and every mistake is told with file, line
and column, so an applied mapping cannot fail later on somebody's data.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NoReturn, get_args

from scim_connector.mapping.choices import Apply, WhenTaken
from scim_connector.mapping.errors import MappingError, did_you_mean
from scim_connector.mapping.expressions import Expression, compile_expression
from scim_connector.rules.users import UserType
from scim_connector.scim.folding import text_key
from scim_connector.scim.schemas import (
    DeclaredAttribute,
    ResourceType,
    user_resource_type,
)
from scim_connector.scim.types import LOCAL, Json

PLAIN: Final = ("first_name", "last_name", "email", "type")
CHOSEN: Final = ("username", "initials")
_SECTIONS: Final = (
    *("version", "provider", "refuse", "fields", "roles", "profile"),
    *("attribute", "tests"),
)
_UNKNOWN: Final = ("warn", "ignore", "refuse")
_TYPES: Final = ("string", "boolean", "decimal", "integer", "dateTime", "reference")


@dataclass(frozen=True, slots=True)
class Refusal:
    """``[[refuse]]``: a condition, and the sentence the provider is answered."""

    when: Expression
    reason: str


@dataclass(frozen=True, slots=True)
class ChosenField:
    """A field that must be unique: candidates in order, and what to do beyond them."""

    candidates: tuple[Expression, ...]
    apply: Apply
    when_taken: WhenTaken


@dataclass(frozen=True, slots=True)
class Roles:
    """Where role values are read, and the local role of each (folded value).

    ``groups`` is the role that a provider's group gives, by its folded displayName.
    """

    source: Expression
    table: AnyMapping[str, str]
    unknown: str
    groups: AnyMapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the ``[[tests]]`` of a file."""

    name: str
    user: AnyMapping[str, Any]
    taken: AnyMapping[str, Sequence[str]]
    expect: AnyMapping[str, Any]
    refused: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A mapping that is ready for use."""

    name: str
    text: str
    sha256: str
    provider: str
    refusals: tuple[Refusal, ...]
    plain: AnyMapping[str, Expression]
    username: ChosenField
    initials: ChosenField
    roles: Roles
    profile: Expression
    resource_type: ResourceType
    samples: tuple[Sample, ...]
    reads: frozenset[str]

    def is_touched(self, before: Json, after: Json) -> bool:
        """Whether two resources differ in anything this mapping looks at."""
        return any(before.get(name) != after.get(name) for name in self.reads)


def load(text: str, name: str) -> Mapping:
    """Read a mapping file; raises MappingError. *name* is the file's, for messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _of_toml(error, name) from None
    return _Loader(raw, text, name).mapping()


def _of_toml(error: tomllib.TOMLDecodeError, name: str) -> MappingError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (0, 0)
    message = str(error).partition(" (at ")[0]
    return MappingError(message, file=name, line=line, column=column)


class _Loader:
    """Turns the tables of one file into a Mapping."""

    def __init__(self, raw: dict[str, Any], text: str, name: str) -> None:
        self._raw = raw
        self._text = text
        self._name = name
        self._lines = text.splitlines()
        self._reads: set[str] = {LOCAL}  # the provider's own wishes
        self._type = user_resource_type()

    def mapping(self) -> Mapping:
        """The whole file."""
        self._only(self._raw, _SECTIONS, "")
        if self._raw.get("version") != 1:
            self._refuse("version", "write: version = 1")
        self._type = self._resource_type()
        fields = self._table(self._raw, "fields")
        self._only(fields, (*PLAIN, *CHOSEN), "fields")
        return Mapping(
            name=self._name,
            text=self._text,
            sha256=sha256(self._text.encode()).hexdigest(),
            provider=self._provider(),
            refusals=tuple(self._refusals()),
            plain={name: self._plain(fields, name) for name in PLAIN},
            username=self._chosen(fields, "username"),
            initials=self._chosen(fields, "initials"),
            roles=self._roles(),
            profile=self._profile(),
            resource_type=self._type,
            samples=tuple(self._samples()),
            reads=frozenset(self._reads),
        )

    # ------------------------------------------------------------------- sections

    def _provider(self) -> str:
        provider = self._raw.get("provider", "generic")
        return self._choice(provider, ("entra", "okta", "generic"), "provider")

    def _resource_type(self) -> ResourceType:
        declared = tuple(
            self._declared(entry) for entry in self._entries(self._raw, "attribute")
        )
        try:
            return user_resource_type(declared)
        except ValueError as error:
            self._refuse("[attribute]", str(error))

    def _declared(self, entry: dict[str, Any]) -> DeclaredAttribute:
        known = ("urn", "name", "type", "multiValued", "description")
        self._only(entry, known, "attribute")
        kind = self._choice(entry.get("type", "string"), _TYPES, "type")
        return DeclaredAttribute(
            urn=self._string(entry, "urn"),
            name=self._string(entry, "name"),
            type=kind,  # type: ignore[arg-type]
            multi_valued=bool(entry.get("multiValued", False)),
            description=str(entry.get("description", "")),
        )

    def _refusals(self) -> list[Refusal]:
        made = []
        for entry in self._entries(self._raw, "refuse"):
            self._only(entry, ("when", "reason"), "refuse")
            when = self._expression(self._string(entry, "when"))
            made.append(Refusal(when, self._string(entry, "reason")))
        return made

    def _plain(self, fields: dict[str, Any], name: str) -> Expression:
        table = self._table(fields, name)
        self._only(table, ("value", "apply"), f"fields.{name}")
        if not table:
            return self._expression('"administrative"' if name == "type" else '""')
        expression = self._expression(self._string(table, "value"))
        if name == "type":
            self._check_type(expression)
        return expression

    def _check_type(self, expression: Expression) -> None:
        """A constant type must exist; anything else is judged by R9 and R10."""
        if expression.text.startswith('"'):
            self._choice(expression.text.strip('"'), tuple(UserType), "value")

    def _chosen(self, fields: dict[str, Any], name: str) -> ChosenField:
        table = self._table(fields, name)
        known = ("candidates", "apply", "when_taken")
        self._only(table, known, f"fields.{name}")
        texts = table.get("candidates", [])
        if not texts or not all(isinstance(text, str) for text in texts):
            self._refuse(f"[fields.{name}]", "candidates needs a list of expressions")
        return ChosenField(
            tuple(self._expression(text) for text in texts),
            self._choice(table.get("apply", "on_create"), get_args(Apply), "apply"),  # type: ignore[arg-type]
            self._choice(  # type: ignore[arg-type]
                table.get("when_taken", "number"), get_args(WhenTaken), "when_taken"
            ),
        )

    def _roles(self) -> Roles:
        table = self._table(self._raw, "roles")
        self._only(table, ("from", "map", "unknown", "groups"), "roles")
        named = self._table(table, "map")
        groups = self._table(table, "groups")
        return Roles(
            self._expression(table.get("from", '""')),
            {key.casefold(): str(role) for key, role in named.items()},
            self._choice(table.get("unknown", "warn"), _UNKNOWN, "unknown"),
            {text_key(name): str(role) for name, role in groups.items()},
        )

    def _profile(self) -> Expression:
        table = self._table(self._raw, "profile")
        self._only(table, ("value",), "profile")
        return self._expression(table.get("value", '""'))

    def _samples(self) -> list[Sample]:
        made = []
        for entry in self._entries(self._raw, "tests"):
            known = ("name", "user", "taken", "expect", "expect_refusal")
            self._only(entry, known, "tests")
            made.append(
                Sample(
                    name=self._string(entry, "name"),
                    user=self._table(entry, "user"),
                    taken=self._table(entry, "taken"),
                    expect=self._table(entry, "expect"),
                    refused=entry.get("expect_refusal"),
                )
            )
        return made

    # ----------------------------------------------------------------------- pieces

    def _expression(self, text: str) -> Expression:
        try:
            compiled = compile_expression(text, self._type)
        except MappingError as error:
            line, column = self._place(text)
            raise MappingError(
                error.message,
                file=self._name,
                line=line,
                column=column + error.column - 1 if column else error.column,
            ) from None
        self._reads |= compiled.reads
        return compiled

    def _table(self, home: AnyMapping[str, Any], name: str) -> dict[str, Any]:
        value = home.get(name, {})
        if not isinstance(value, dict):
            self._refuse(name, f"{name} must be a table")
        return value

    def _entries(self, home: AnyMapping[str, Any], name: str) -> list[dict[str, Any]]:
        value = home.get(name, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self._refuse(name, f"write [[{name}]] for each")
        return value

    def _string(self, table: dict[str, Any], name: str) -> str:
        value = table.get(name)
        if not isinstance(value, str) or not value:
            self._refuse(name, f"{name} must be a text")
        return value

    def _choice(self, value: Any, known: Sequence[str], name: str) -> str:
        if value not in known:
            hint = did_you_mean(str(value), known) or f"; write {' or '.join(known)}"
            self._refuse(str(value), f'unknown {name} "{value}"{hint}')
        return str(value)

    def _only(
        self, table: AnyMapping[str, Any], known: Sequence[str], home: str
    ) -> None:
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known)
                where = f" in [{home}]" if home else ""
                self._refuse(key, f'unknown word "{key}"{where}{hint}')

    def _refuse(self, near: str, message: str) -> NoReturn:
        line, column = self._place(near)
        raise MappingError(message, file=self._name, line=line, column=column)

    def _place(self, text: str) -> tuple[int, int]:
        """Line and column of *text* outside comments; zeros when it is not found."""
        for number, line in enumerate(self._lines, 1):
            at = line.find(text)
            if at >= 0 and not line.lstrip().startswith("#"):
                return number, at + 1
        return 0, 0

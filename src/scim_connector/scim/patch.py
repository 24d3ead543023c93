"""PATCH: from one document and a list of operations to the next document.

All of RFC 7644 section 3.5.2, and the dialects of ``dialects.QUIRKS``. The given
document is never changed: either every operation is applied to a copy, or an error is
raised. A request that changes nothing gives a document equal to the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.scim import elements, messages, paths, resources, values
from scim_connector.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidValue,
    Mutability,
    NoTarget,
)
from scim_connector.scim.paths import Path, UnknownPath
from scim_connector.scim.types import ENTERPRISE, Json
from scim_connector.scim.values import Read, Reading

if TYPE_CHECKING:
    from scim_connector.scim.attributes import Attribute
    from scim_connector.scim.dialects import Dialect
    from scim_connector.scim.messages import Op, Operation
    from scim_connector.scim.schemas import ResourceType

_OLD_MANAGER: Final = re.compile(r"manager(\.\$?[a-z]+)?", re.IGNORECASE)
_STRING_BOOLEAN: Final = re.compile(r"\bprimary\s+(eq|ne)\s+\"", re.IGNORECASE)


def apply(
    resource_type: ResourceType,
    document: Json,
    body: Json,
    *,
    dialect: Dialect,
    strict: bool,
) -> Read:
    """Return the document after the operations in *body*, and the notes.

    Raises InvalidSyntax, InvalidPath, InvalidFilter, InvalidValue, NoTarget or
    Mutability; then nothing was applied. Immutable attributes (``apiUser``) are set
    like others: the caller compares them with the stored user and refuses a change.
    """
    reading = Reading(dialect, strict)
    operations = messages.operations(body, reading)
    return Read(run(resource_type, document, operations, reading), reading.notes)


def run(
    resource_type: ResourceType,
    document: Json,
    operations: Iterable[Operation],
    reading: Reading,
) -> Json:
    """Return the document after *operations*; raises what ``apply`` raises."""
    patch = _Patch(resource_type, _copied(document), reading)
    for operation in operations:
        patch.run(operation)
    resources.check(resource_type, patch.document, strict=reading.strict)
    return patch.document


@dataclass(frozen=True, slots=True)
class _Patch:
    """One PATCH at work on its own copy of the document."""

    resource_type: ResourceType
    document: Json
    reading: Reading

    def run(self, operation: Operation) -> None:
        """Apply one operation."""
        if operation.op != "remove" and not operation.has_value:
            raise InvalidValue(f'An operation "{operation.op}" needs a value.')
        if operation.path is not None:
            self._at_path(operation, operation.path)
        elif operation.op == "remove":
            raise NoTarget('An operation "remove" needs a path.')
        else:
            self._without_path(operation.op, operation.value)

    def _at_path(self, operation: Operation, text: str) -> None:
        if self._drops(text):
            return
        try:
            path = self._parsed(text)
        except UnknownPath as unknown:
            if self.reading.refuses_unknown:
                raise paths.suggesting(unknown, self.resource_type) from None
            self.reading.notes.add_unknown(unknown.name)
            return
        if is_read_only(path):
            raise Mutability(f"{path.name} is set by the server alone.")
        self._change(operation.op, path, operation.value, operation.has_value)

    def _without_path(self, op: Op, value: Any) -> None:
        """Take each member of *value* as a path of its own (quirk 3)."""
        if not isinstance(value, dict):
            message = f'An operation "{op}" without a path needs an object as value.'
            raise InvalidValue(message)
        for name, raw in value.items():
            self._member(op, name, raw)

    def _member(self, op: Op, name: str, raw: Any) -> None:
        if self._drops(name):
            return
        if name.lower() == self.resource_type.schema.id.lower():
            self._without_path(op, raw)
        elif attribute := self._plain(name):
            self._change_member(op, Path(None, attribute), raw)
        elif path := self._addressed(name, raw):
            self._change_member(op, path, raw)

    def _plain(self, name: str) -> Attribute | None:
        return self.resource_type.core(name) or self.resource_type.block(name)

    def _addressed(self, name: str, raw: Any) -> Path | None:
        """Resolve a dotted key or one with a URN; None when it is to be ignored."""
        try:
            path = self._parsed(name)
        except InvalidPath:
            resources.note_unknown(name, raw, self.reading)
            return None
        # A name without any sign is the manager of old: it has its own row.
        quirk = "urn-key" if self.resource_type.split_urn(name) else "dotted-key"
        if name.isalnum() or self.reading.tolerates(quirk):
            return path
        self.reading.unknown(name)
        return None

    def _change_member(self, op: Op, path: Path, raw: Any) -> None:
        """Change what a member of a value names; readOnly ones are ignored."""
        if not is_read_only(path):
            self._change(op, path, raw, has_value=True)
        elif self.reading.tolerates("read-only-in-value"):
            self.reading.notes.add_ignored(path.name, "readOnly")
        else:
            raise Mutability(f"{path.name} is set by the server alone.")

    def _drops(self, text: str) -> bool:
        """Say whether *text* names what is accepted and never kept."""
        name = text.lower().removeprefix(f"{self.resource_type.schema.id.lower()}:")
        why = resources.DROPPED.get(name)
        if why is not None:
            self.reading.notes.add_ignored(name, why)
        return why is not None

    def _parsed(self, text: str) -> Path:
        try:
            path = paths.bind(text, self.resource_type)
        except UnknownPath:
            if not _OLD_MANAGER.fullmatch(text):
                raise
            path = paths.bind(f"{ENTERPRISE}:{text}", self.resource_type)
            if not self.reading.tolerates("manager-in-core"):
                raise
        if path.dotted_urn and not self.reading.tolerates("dotted-urn"):
            raise InvalidPath(f"Join the URN and {path.attribute.name} with a colon.")
        self._refuse_string_boolean(path)
        return path

    def _refuse_string_boolean(self, path: Path) -> None:
        if not _STRING_BOOLEAN.search(path.filter_text):
            return
        if not self.reading.tolerates("string-boolean-in-filter"):
            raise InvalidFilter("primary is a boolean; take the quotes out.")

    def _change(self, op: Op, path: Path, raw: Any, has_value: bool) -> None:
        """Carry out one operation at one place."""
        _refuse_emptying(op, path, raw)
        attribute = path.attribute
        if attribute.is_extension:
            self._change_extension(op, attribute, raw)
            return
        holder = self.document
        if path.extension:
            holder = self.document.setdefault(path.extension, {})
        if attribute.multi_valued:
            edit = elements.Edit(op, path, raw, has_value, self.reading)
            _set(holder, attribute, edit.applied_to(holder.get(attribute.name, [])))
        else:
            present = holder.get(attribute.name)
            _set(holder, attribute, self._single(op, path, present, raw))
        if path.extension and not holder:
            del self.document[path.extension]

    def _change_extension(self, op: Op, block: Attribute, raw: Any) -> None:
        if op == "remove" or values.is_absent(raw):
            self.document.pop(block.name, None)
        elif isinstance(raw, dict):
            for name, member in raw.items():
                self._extension_member(op, block, name, member)
        else:
            raise InvalidValue(f"{block.name} must be an object.")

    def _extension_member(self, op: Op, block: Attribute, name: str, raw: Any) -> None:
        if attribute := block.sub(name):
            self._change_member(op, Path(block.name, attribute), raw)
        elif path := self._addressed(f"{block.name}:{name}", raw):
            self._change_member(op, path, raw)

    def _single(self, op: Op, path: Path, present: Any, raw: Any) -> Any:
        """Return the next value of a single-valued attribute, None for none."""
        if path.sub:
            return self._with_sub(op, path, path.sub, present or {}, raw)
        if op == "remove":
            return None
        value = values.read(path.attribute, raw, path.name, self.reading)
        if value is None and not isinstance(raw, dict):
            return None
        if path.attribute.type == "complex" and present:
            return _merged(path.attribute, present, raw, value or {})
        return value

    def _with_sub(
        self, op: Op, path: Path, sub: Attribute, present: Json, raw: Any
    ) -> Json:
        value = None
        if op != "remove":
            value = values.read(sub, raw, path.name, self.reading)
        rest = {name: present[name] for name in present if name != sub.name}
        return rest if value is None else {**present, sub.name: value}


def is_read_only(path: Path) -> bool:
    """Say whether only the server sets what the path names."""
    return path.attribute.read_only or path.target.read_only


def _refuse_emptying(op: Op, path: Path, raw: Any) -> None:
    """Refuse to take away what is required (RFC 7644 section 3.5.2.2).

    So nothing leaves open whether a user is active. Required lists (``emails``) are
    for the local rules: they can say more, and let an inactive user be without.
    """
    attribute = path.attribute
    if path.sub or attribute.multi_valued or not attribute.required:
        return
    if op == "remove" or values.is_absent(raw):
        message = (
            f"{attribute.name} is required and cannot be removed; give it a value."
        )
        raise Mutability(message)


def _merged(attribute: Attribute, present: Json, raw: Any, value: Json) -> Json:
    """Return a complex value with the members in *raw* set or cleared.

    What *raw* does not mention stays (RFC 7644 section 3.5.2.3), save that another
    manager brings no reference and no name of the old one along.
    """
    subs = [attribute.sub(name) for name in raw] if isinstance(raw, dict) else []
    mentioned = {sub.name for sub in subs if sub is not None}
    cleared = mentioned - value.keys()
    renamed = "value" in mentioned | value.keys()
    if attribute.name == "manager" and renamed and not _same(present, value):
        return value
    return {name: present[name] for name in present if name not in cleared} | value


def _same(present: Json, value: Json) -> bool:
    return bool(present.get("value") == value.get("value"))


def _set(holder: Json, attribute: Attribute, value: Any) -> None:
    """Set an attribute, or take it away when nothing is left of it."""
    if value is None or value in ("", [], {}):
        holder.pop(attribute.name, None)
    else:
        holder[attribute.name] = value


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {name: _copied(member) for name, member in value.items()}
        case list():
            return [_copied(element) for element in value]
    return value

"""From the syntax tree of a filter to an expression bound to the schema.

Names are found without case, alone or behind a URN; an unknown one is refused, never
dropped. What type an attribute has decides which operators it takes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from scim2_filter_parser import ast

from scim_connector.scim import filter_grammar
from scim_connector.scim.attributes import Attribute
from scim_connector.scim.errors import InvalidFilter, Sensitive
from scim_connector.scim.filter_expressions import (
    And,
    AttributePath,
    Compare,
    Element,
    Expression,
    Not,
    Operator,
    Or,
    Present,
)
from scim_connector.scim.filter_literals import Parameter
from scim_connector.scim.values import shown

if TYPE_CHECKING:
    from scim_connector.scim.filter_grammar import Literal
    from scim_connector.scim.schemas import ResourceType

_LONGEST_GUESS: Final = 100
_EQUALITY: Final = frozenset({"eq", "ne"})
_ORDER: Final = _EQUALITY | {"gt", "ge", "lt", "le"}
_TEXT: Final = _ORDER | {"co", "sw", "ew"}
_TAKES: Final = {
    "string": _TEXT,
    "reference": _TEXT,
    "dateTime": _ORDER,
    "integer": _ORDER,
    "decimal": _ORDER,
    "boolean": _EQUALITY,
    "binary": _EQUALITY,
}


@lru_cache(maxsize=512)
def template(shape: str, resource_type: ResourceType) -> Expression:
    """Return the expression of a *shape*; what stands in quotes there is a number.

    ``Compare.value`` is a ``Parameter``. Literals without quotes are checked now, those
    in quotes when they are known. Raises what ``filters.parse`` raises.
    """
    tree = filter_grammar.parse(shape)
    return _Binder(resource_type).expression(tree)


@dataclass(frozen=True, slots=True)
class _Binder:
    """Binds one tree, or what is in brackets behind *parent*."""

    resource_type: ResourceType
    parent: Attribute | None = None

    def expression(self, node: Any) -> Expression:
        """Bind a node that is a filter."""
        match node:
            case ast.Filter(expr=expr, namespace=ast.AttrPath() as namespace):
                return self._value_path(namespace, expr)
            case ast.Filter(expr=expr, negated=negated):
                bound = self.expression(expr)
                return _opposite(bound) if negated else bound
            case ast.LogExpr(op=op, expr1=left, expr2=right):
                kind = And if op.lower() == "and" else Or
                return _joined(kind, self.expression(left), self.expression(right))
            case ast.AttrExpr():
                return self._term(node)
        raise TypeError(f"the grammar has no {type(node).__name__}")

    def _term(self, node: ast.AttrExpr) -> Expression:
        """Bind ``path op literal`` or ``path pr``."""
        inner = node.attr_path.attr_name
        if not isinstance(inner, ast.Filter):
            return _test(node, self._path(node.attr_path))
        # emails[type eq "work"].value co "x": one element fulfils both.
        sub = inner.namespace.sub_attr
        inner.namespace.sub_attr = None
        element = self.expression(inner)
        if not isinstance(element, Element):
            raise TypeError("a filter in brackets is always an element")
        if sub is None and node.value.lower() == "pr":
            return element
        binder = replace(self, parent=_bracketed(element.path.attribute))
        path = binder.named("value" if sub is None else sub.value)
        test = _test(node, path)
        return replace(element, expression=_joined(And, element.expression, test))

    def _value_path(self, namespace: ast.AttrPath, inner: Any) -> Element:
        if namespace.sub_attr is not None or not isinstance(namespace.attr_name, str):
            message = "Brackets stand behind an attribute, not behind a part of it."
            raise InvalidFilter(message)
        path = self._path(namespace)
        if path.attribute.type != "complex" and not path.multi_valued:
            message = f"{path.attribute.name} has one value: take the brackets out."
            raise InvalidFilter(message)
        parent = _bracketed(path.attribute)
        return Element(path, replace(self, parent=parent).expression(inner))

    def _path(self, node: ast.AttrPath) -> AttributePath:
        prefix = f"{node.uri}:" if node.uri else ""
        suffix = f".{node.sub_attr.value}" if node.sub_attr else ""
        return self.named(f"{prefix}{node.attr_name}{suffix}")

    def named(self, text: str) -> AttributePath:
        """Find what *text* names, from the resource or inside the brackets."""
        found = self._inside(text) if self.parent else self._anywhere(text)
        if found is None:
            raise self._unknown(text)
        return found

    def _inside(self, text: str) -> AttributePath | None:
        sub = self.parent.sub(text) if self.parent else None
        return AttributePath((sub.name.lower(),), sub) if sub else None

    def _anywhere(self, text: str) -> AttributePath | None:
        split = self.resource_type.split_urn(text)
        schema, rest = split or (self.resource_type.schema, f":{text}")
        is_core = schema is self.resource_type.schema
        urn = () if is_core else (schema.id.lower(),)
        if not rest and not is_core:
            return AttributePath(urn, self.resource_type.whole(schema))
        name, dot, sub_name = rest[1:].partition(".")
        attribute = self.resource_type.find(schema.id, name)
        if attribute is None:
            return None
        keys = (*urn, attribute.name.lower())
        if not dot:
            return AttributePath(keys, attribute)
        sub = attribute.sub(sub_name)
        return AttributePath(keys, attribute, sub) if sub else None

    def _unknown(self, text: str) -> InvalidFilter | Sensitive:
        if text.lower().rpartition(":")[2] == "password":
            return Sensitive("password is never kept and cannot be searched for.")
        names = self.resource_type.names()
        if self.parent:
            names = tuple(sub.name for sub in self.parent.sub_attributes)
        near = [name for name in names if name.lower().endswith(f":{text.lower()}")]
        near += difflib.get_close_matches(text[:_LONGEST_GUESS], names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return InvalidFilter(f"No schema declares {shown(text)}.{hint}")


def _test(node: ast.AttrExpr, path: AttributePath) -> Expression:
    """Build the test that stands behind a path."""
    op = node.value.lower()
    if op == "pr":
        return Present(path)
    literal: Literal = node.comp_value.value
    if literal.value is None:
        return _null(op, path)
    path = _with_value(path, path.attribute.name)
    _check_operator(op, path)
    return Compare(path, op, _parameter(path, literal))


def _null(op: str, path: AttributePath) -> Expression:
    if op not in _EQUALITY:
        raise InvalidFilter(f"null can be compared with eq and ne, not with {op}.")
    return Present(path) if op == "ne" else Not(Present(path))


def _parameter(path: AttributePath, literal: Literal) -> Parameter:
    if literal.text is None:
        return Parameter(path.target, literal, int(str(literal.value)))
    parameter = Parameter(path.target, literal)
    parameter.value(())
    return parameter


def _check_operator(op: Operator, path: AttributePath) -> None:
    """Refuse an operator that the type has no meaning for (RFC 7644, table 3)."""
    target = path.target
    takes = _TAKES[target.type]
    if op not in takes:
        message = f"{target.name} is a {target.type}: use {', '.join(sorted(takes))}."
        raise InvalidFilter(message)


def _with_value(path: AttributePath, name: str) -> AttributePath:
    """Let a complex attribute stand for its "value" (``manager eq "x"``)."""
    if path.target.type != "complex":
        return path
    value = path.target.sub("value")
    if value is None:
        names = ", ".join(f"{name}.{sub.name}" for sub in path.target.sub_attributes)
        raise InvalidFilter(f"{name} has parts: name one of them, {names}.")
    return replace(path, sub=value)


@lru_cache(maxsize=256)
def _bracketed(attribute: Attribute) -> Attribute:
    """Return what the names inside ``attribute[...]`` belong to.

    The values of a simple attribute are called "value" there (RFC 7644 section 3.5.2
    writes ``members[value eq ...]`` for lists of any kind).
    """
    if attribute.type == "complex":
        return attribute
    value = replace(attribute, name="value", multi_valued=False)
    return Attribute(attribute.name, "complex", sub_attributes=(value,))


def _opposite(expression: Expression) -> Expression:
    return expression.expression if isinstance(expression, Not) else Not(expression)


def _joined(
    kind: type[And] | type[Or], left: Expression, right: Expression
) -> Expression:
    """Join two expressions, flat: a chain of fifty terms is one node."""
    first = left.operands if isinstance(left, kind) else (left,)
    second = right.operands if isinstance(right, kind) else (right,)
    return kind((*first, *second))

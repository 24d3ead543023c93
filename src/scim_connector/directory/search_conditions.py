"""From a bound filter to SQL conditions over ``links``: the twin of ``matches``.

NOT is carried down to the single comparisons, so that NULL never has to be thought of
above them: a comparison that is asked for may be NULL (that is not true), one that is
asked against says what an absent value means. What has a column of its own is compared
there, e-mail values in ``link_emails``, everything else in the search document.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from sqlalchemy import and_, bindparam, exists, not_, or_, select, true
from sqlalchemy import literal_column as sql

from scim_connector.directory.search_columns import (
    SearchColumn,
    column_of,
    is_email_value,
    refuse_unsearchable,
)
from scim_connector.directory.tables import link_emails, links
from scim_connector.scim.filters import (
    And,
    AttributePath,
    Compare,
    Element,
    Expression,
    Not,
    Or,
    Parameter,
    Present,
)
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.directory.search_json import Clause, Documents

CONNECTION: Final = "of_connection"
"""The parameter of every statement here: whose links are searched."""

INDEXED: Final = frozenset({"eq", "sw", "gt", "ge", "lt", "le"})
EQUAL: Final = frozenset({"eq"})

_LAST: Final = "\U0010ffff"
_SURROGATES: Final = range(0xD800, 0xE000)
_ORDER: Final[dict[str, Callable[[Any, Any], Clause]]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Binding:
    """How a parameter of the statement gets its value for one request."""

    name: str
    parameter: Parameter
    fold: Callable[[str], str] = text_key
    make: Callable[[Any], Any] | None = None

    def value(self, strings: tuple[str, ...]) -> Any:
        """Return the value; raises InvalidFilter when a text has the wrong form."""
        value = self.parameter.value(strings, self.fold)
        return value if self.make is None else self.make(value)


@dataclass(frozen=True, slots=True)
class Place:
    """A document that is looked into: that of the link, or an element of a list."""

    document: Clause
    prefix: tuple[str, ...] = ()
    is_link: bool = False

    def keys(self, path: AttributePath) -> tuple[str, ...]:
        """Return the keys to the attribute, its sub-attribute not included."""
        return (*self.prefix, *path.keys)


@dataclass(slots=True)
class Conditions:
    """Compiles one template.

    Afterwards *bindings* are its parameters, and *connections* the names of those that
    are the connection once more.
    """

    documents: Documents
    bindings: list[Binding] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)

    def of(self, expression: Expression) -> Clause:
        """Return the condition on a row of ``links``."""
        return self._condition(expression, Place(links.c.search, is_link=True), True)

    def _condition(self, expression: Expression, place: Place, wanted: bool) -> Clause:
        """Return a condition that is true exactly when the expression is *wanted*."""
        match expression:
            case Not(inner):
                return self._condition(inner, place, not wanted)
            case And(operands) | Or(operands):
                parts = [self._condition(each, place, wanted) for each in operands]
                return (and_ if isinstance(expression, And) is wanted else or_)(*parts)
            case Present(path):
                return self._present(path, place, wanted)
            case Compare():
                return self._comparison(expression, place, wanted)
            case Element(path, inner):
                return self._element(path, inner, place, wanted)

    # ---------------------------------------------------------------- single values

    def _present(self, path: AttributePath, place: Place, wanted: bool) -> Clause:
        if place.is_link:
            refuse_unsearchable(_steps(path, place))
        if place.is_link and (column := column_of(path)):
            there = column.of(links).is_not(None) if column.nullable else true()
        elif path.multi_valued and path.sub_key:
            elements, element = self.documents.each(place.document, place.keys(path))
            inside = self.documents.present(element, (path.sub_key,))
            there = _exists(elements, inside)
        else:
            there = self.documents.present(place.document, _steps(path, place))
        return there if wanted else not_(there)

    def _comparison(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        path = compare.path
        if place.is_link:
            refuse_unsearchable(_steps(path, place))
        if not path.multi_valued:
            return self._single(compare, place, wanted)
        if compare.op == "ne":
            return self._some_differ(compare, place, wanted)
        if place.is_link and is_email_value(path):
            met = self._email(compare)
        else:
            elements, element = self.documents.each(place.document, place.keys(path))
            met = _exists(elements, self._at(compare, Place(element), wanted=True))
        return met if wanted else not_(met)

    def _single(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        column = column_of(compare.path) if place.is_link else None
        if column is not None:
            return self._column(compare, column, wanted)
        keys = _steps(compare.path, place)
        kind = compare.path.target.type
        value = self.documents.value(place.document, keys, kind)
        return self._test(compare, value, wanted)

    def _column(self, compare: Compare, column: SearchColumn, wanted: bool) -> Clause:
        value = column.of(links)
        fold, nullable = column.fold, column.nullable
        if compare.op == "sw":
            met = self._range(compare, value, wanted, fold)
        else:
            met = self._test(compare, value, wanted, fold=fold, nullable=nullable)
        if not (wanted and column.selective):
            return met
        # The connection beside each column lets every operand of an "or" use its own
        # index, of (connection, column). Under one name SQLite would move it out again.
        name = f"{CONNECTION}{len(self.connections)}"
        self.connections.append(name)
        return and_(links.c.connection_id == bindparam(name), met)

    def _at(self, compare: Compare, place: Place, *, wanted: bool) -> Clause:
        """Compare the sub-attribute of one element."""
        path = compare.path
        keys = (path.sub_key or "value",)
        value = self.documents.value(place.document, keys, path.target.type)
        return self._test(compare, value, wanted)

    def _some_differ(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        """``ne`` of a multi-valued attribute: one value differs, or there is none."""
        keys = place.keys(compare.path)
        elements, element = self.documents.each(place.document, keys)
        differs = _exists(elements, self._at(compare, Place(element), wanted=True))
        found = or_(not_(self.documents.present(place.document, keys)), differs)
        return found if wanted else not_(found)

    # -------------------------------------------------------------------- elements

    def _element(
        self, path: AttributePath, inner: Expression, place: Place, wanted: bool
    ) -> Clause:
        if place.is_link:
            refuse_unsearchable(_steps(path, place))
        keys = place.keys(path)
        if not path.multi_valued:
            there = self.documents.present(place.document, keys)
            within = self._condition(inner, Place(place.document, keys), wanted)
            return and_(there, within) if wanted else or_(not_(there), within)
        elements, element = self.documents.each(place.document, keys)
        met = _exists(elements, self._condition(inner, Place(element), True))
        if not wanted:
            return not_(met)
        return and_(*self._email_anchor(path, inner), met)

    def _email_anchor(self, path: AttributePath, inner: Expression) -> list[Clause]:
        """Find the few links that have the address, before any element is read."""
        if path.keys != ("emails",):
            return []
        terms = inner.operands if isinstance(inner, And) else (inner,)
        return [self._email(term) for term in terms if _is_address(term)]

    def _email(self, compare: Compare) -> Clause:
        key = link_emails.c.value_key
        if compare.op == "sw":
            met = self._range(compare, key, True, text_key)
        else:
            met = self._test(compare, key, True)
        here = link_emails.c.connection_id == bindparam(CONNECTION)
        return links.c.seq.in_(select(link_emails.c.link_seq).where(here, met))

    # ---------------------------------------------------------------------- values

    def _test(
        self,
        compare: Compare,
        value: Clause,
        wanted: bool,
        *,
        fold: Callable[[str], str] = text_key,
        nullable: bool = True,
    ) -> Clause:
        """Compare *value*, which may be NULL, with the literal."""
        name = self._bind(compare, fold)
        is_ne = compare.op == "ne"
        met = self._holds("eq" if is_ne else compare.op, value, name, compare)
        if wanted is not is_ne:
            return met
        return or_(value.is_(None), not_(met)) if nullable else not_(met)

    def _holds(self, op: str, value: Clause, name: str, compare: Compare) -> Clause:
        match op:
            case "eq":
                return value == bindparam(name)
            case "co":
                return self.documents.contains(value, name)
            case "sw":
                return self.documents.starts_with(value, name)
            case "ew":
                return self.documents.ends_with(value, name)
        if compare.path.target.type in {"string", "reference"}:
            value = self.documents.ordered(value)
        return _ORDER[op](value, bindparam(name))

    def _range(
        self,
        compare: Compare,
        value: Clause,
        wanted: bool,
        fold: Callable[[str], str],
    ) -> Clause:
        """``sw`` on an index: from the text on, up to what begins otherwise."""
        first = self._bind(compare, fold)
        end = self._bind(compare, fold, successor)
        ordered = self.documents.ordered(value)
        if wanted:
            return and_(ordered >= bindparam(first), ordered < bindparam(end))
        outside = or_(ordered < bindparam(first), ordered >= bindparam(end))
        return or_(value.is_(None), outside)

    def _bind(
        self,
        compare: Compare,
        fold: Callable[[str], str],
        make: Callable[[str], str] | None = None,
    ) -> str:
        parameter = compare.value
        if not isinstance(parameter, Parameter):
            raise TypeError("only templates are compiled; see filters.prepare")
        name = f"p{len(self.bindings)}"
        binding = Binding(name, parameter, fold, make or self.documents.sent)
        self.bindings.append(binding)
        return name


def successor(prefix: str) -> str:
    """Return the first text, by code point, after all that begin with *prefix*.

    Where there is none, the last character of Unicode; it is a noncharacter that no
    stored text contains.
    """
    kept = prefix.rstrip(_LAST)
    if not kept:
        return _LAST
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return kept[:-1] + chr(following)


def is_selective(expression: Expression, operators: frozenset[str] = INDEXED) -> bool:
    """Say whether an index leads to all that match, by one of the *operators*."""
    match expression:
        case And(operands):
            return any(is_selective(operand, operators) for operand in operands)
        case Or(operands):
            return all(is_selective(operand, operators) for operand in operands)
        case Compare(path, op):
            column = column_of(path)
            indexed = column.selective if column else is_email_value(path)
            return indexed and op in operators
        case Element(path, inner):
            terms = inner.operands if isinstance(inner, And) else (inner,)
            addresses = [term.op for term in terms if _is_address(term)]
            return path.keys == ("emails",) and not operators.isdisjoint(addresses)
    return False


def _is_address(term: Expression) -> TypeGuard[Compare]:
    """Say whether a term inside ``emails[...]`` asks for an address by its index."""
    if not isinstance(term, Compare) or term.op not in {"eq", "sw"}:
        return False
    return term.path.keys == ("value",)


def _steps(path: AttributePath, place: Place) -> tuple[str, ...]:
    """Return the keys to a value that is no list."""
    keys = place.keys(path)
    return keys if path.sub_key is None else (*keys, path.sub_key)


def _exists(elements: Clause, condition: Clause) -> Clause:
    """Say whether an element fulfils the condition.

    Correlated by name: SQLAlchemy's own correlation stops one level up and would join
    a second ``links`` without saying so.
    """
    found: Clause = select(sql("1")).select_from(elements).where(condition)
    return exists(found.correlate(links))

"""From a bound filter to SQL conditions over a target: the twin of ``matches``.

NOT is carried down to the single comparisons, so that NULL never has to be thought of
above them: a comparison that is asked for may be NULL (that is not true), one that is
asked against says what an absent value means. What has a column of its own is compared
there, elements with a table of their own in its rows, everything else in the search
document.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, and_, bindparam, exists, not_, or_, select, true
from sqlalchemy import literal_column as sql

from scim_connector.directory.search_places import Document, Each, Place, Row
from scim_connector.directory.search_targets import (
    CONNECTION,
    SearchColumn,
    Target,
    steps_of,
)
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
    from scim_connector.directory.search_targets import Elements

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


@dataclass(slots=True)
class Conditions:
    """Compiles one template for a *target*.

    Afterwards *bindings* are its parameters, and *connections* the names of those that
    are the connection once more.
    """

    target: Target
    documents: Documents
    bindings: list[Binding] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)

    def of(self, expression: Expression) -> Clause:
        """Return the condition on a row of the target."""
        whole = Document(self.documents, self.target.table.c.search, is_resource=True)
        return self._condition(expression, whole, True)

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
        self._refuse_made(path, place)
        if place.is_resource and (column := self.target.column(path)):
            value = self.target.table.c[column.name]
            is_nullable = self.target.is_nullable(column)
            there = value.is_not(None) if is_nullable else true()
        elif path.multi_valued and path.sub_key:
            each = self._each(path, place)
            there = self._exists(each, each.place.present((path.sub_key,)))
        else:
            there = self._whole(path, place)
        return there if wanted else not_(there)

    def _whole(self, path: AttributePath, place: Place) -> Clause:
        """Say whether anything of an attribute is there; never NULL."""
        each = self._each(path, place) if path.multi_valued else None
        if each is not None and isinstance(each.place, Row):
            return self._exists(each, true())
        return place.present(path.keys if path.multi_valued else steps_of(path))

    def _comparison(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        path = compare.path
        self._refuse_made(path, place)
        if not path.multi_valued:
            return self._single(compare, place, wanted)
        if compare.op == "ne":
            return self._some_differ(compare, place, wanted)
        rows = self.target.rows_of(path) if place.is_resource else None
        if rows is not None and path.sub_key in rows.indexed:
            met = self._listed(rows, path.sub_key, compare)
        else:
            each = self._each(path, place)
            met = self._exists(each, self._at(compare, each.place, wanted=True))
        return met if wanted else not_(met)

    def _single(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        column = self.target.column(compare.path) if place.is_resource else None
        if column is not None:
            return self._column(compare, column, wanted)
        return self._test(compare, self._value(compare.path, place), wanted)

    def _value(self, path: AttributePath, place: Place) -> Clause:
        constant = self.target.constants.get((*place.path, *steps_of(path)))
        if constant is not None:
            return sql(f"'{constant}'", Text)
        return place.value(steps_of(path), path.target.type)

    def _column(self, compare: Compare, column: SearchColumn, wanted: bool) -> Clause:
        table = self.target.table
        value, fold = table.c[column.name], column.fold
        nullable = self.target.is_nullable(column)
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
        return and_(table.c.connection_id == bindparam(name), met)

    def _at(self, compare: Compare, place: Place, *, wanted: bool) -> Clause:
        """Compare the sub-attribute of one element."""
        path = compare.path
        value = place.value((path.sub_key or "value",), path.target.type)
        return self._test(compare, value, wanted)

    def _some_differ(self, compare: Compare, place: Place, wanted: bool) -> Clause:
        """``ne`` of a multi-valued attribute: one value differs, or there is none."""
        each = self._each(compare.path, place)
        differs = self._exists(each, self._at(compare, each.place, wanted=True))
        found = or_(not_(self._whole(compare.path, place)), differs)
        return found if wanted else not_(found)

    # -------------------------------------------------------------------- elements

    def _element(
        self, path: AttributePath, inner: Expression, place: Place, wanted: bool
    ) -> Clause:
        self._refuse_made(path, place)
        if not path.multi_valued:
            there = place.present(path.keys)
            within = self._condition(inner, place.below(path.keys), wanted)
            return and_(there, within) if wanted else or_(not_(there), within)
        each = self._each(path, place)
        met = self._exists(each, self._condition(inner, each.place, True))
        if not wanted:
            return not_(met)
        return and_(*self._anchors(path, inner, place), met)

    def _each(self, path: AttributePath, place: Place) -> Each:
        """Return the elements of a list, from its table or from the document."""
        rows = self.target.rows_of(path) if place.is_resource else None
        if rows is None or rows.is_copy:
            return place.each(path.keys)
        owned = rows.owner == self.target.table.c.seq
        return Each(rows.source, Row(rows.values, path.keys), owned)

    def _exists(self, each: Each, condition: Clause) -> Clause:
        """Say whether an element fulfils the condition.

        Correlated by name: SQLAlchemy's own correlation stops one level up and would
        join a second table of the target without saying so.
        """
        found: Clause = select(sql("1")).select_from(each.source)
        found = found.where(*([] if each.owned is None else [each.owned]), condition)
        return exists(found.correlate(self.target.table))

    def _anchors(
        self, path: AttributePath, inner: Expression, place: Place
    ) -> list[Clause]:
        """Find the few that have the value, before any element is read."""
        rows = self.target.rows_of(path) if place.is_resource else None
        if rows is None:
            return []
        return [
            self._listed(rows, term.path.keys[0], term) for term in _sought(rows, inner)
        ]

    def _listed(self, rows: Elements, key: str, compare: Compare) -> Clause:
        """Compare an indexed value of the elements, all resources at once."""
        value = rows.values[key]
        if compare.op == "sw":
            met = self._range(compare, value, True, text_key)
        else:
            met = self._test(compare, value, True)
        found = select(rows.owner).select_from(rows.source)
        found = found.where(rows.connection == bindparam(CONNECTION), met)
        if rows.owner.nullable:
            found = found.where(rows.owner.is_not(None))
        return self.target.table.c.seq.in_(found)

    def _refuse_made(self, path: AttributePath, place: Place) -> None:
        self.target.refuse_made((*place.path, *steps_of(path)))

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


def is_selective(
    target: Target, expression: Expression, operators: frozenset[str] = INDEXED
) -> bool:
    """Say whether an index leads to all that match, by one of the *operators*."""
    match expression:
        case And(operands):
            return any(is_selective(target, each, operators) for each in operands)
        case Or(operands):
            return all(is_selective(target, each, operators) for each in operands)
        case Compare(path, op):
            return op in operators and _is_indexed(target, path)
        case Element(path, inner):
            rows = target.rows_of(path)
            if rows is None or not rows.selective:
                return False
            sought = [term.op for term in _sought(rows, inner)]
            return not operators.isdisjoint(sought)
    return False


def _is_indexed(target: Target, path: AttributePath) -> bool:
    """Say whether few rows have one value of *path*, and an index leads to them."""
    column, rows = target.column(path), target.rows_of(path)
    if column is not None:
        return column.selective
    return rows is not None and rows.selective and path.sub_key in rows.indexed


def _sought(rows: Elements, inner: Expression) -> list[Compare]:
    """Return the terms in brackets that an index of the elements answers."""
    terms = inner.operands if isinstance(inner, And) else (inner,)
    return [
        term
        for term in terms
        if isinstance(term, Compare)
        and term.op in {"eq", "sw"}
        and term.path.keys[0] in rows.indexed
    ]

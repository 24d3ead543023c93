"""Which rows a list is made of, and in which order: what pages and walks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import literal_column as sql

from scim_connector.directory.search_conditions import Conditions, is_selective
from scim_connector.directory.search_json import DOCUMENTS, Clause
from scim_connector.directory.search_order import Order, attribute_path
from scim_connector.directory.search_targets import CONNECTION, Target
from scim_connector.scim import filters, paging
from scim_connector.scim.errors import TooMany, Unavailable

if TYPE_CHECKING:
    from scim_connector.directory.search_conditions import Binding
    from scim_connector.scim.filters import AttributePath, Expression
    from scim_connector.scim.schemas import ResourceType

_RETRY_AFTER: Final = 5


@dataclass(frozen=True, slots=True)
class Sort:
    """What a list is sorted by: the text of ``sortBy``, and its direction."""

    by: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of a target that fulfil a filter, in an order.

    *is_selective* says that the filter leads to its rows through an index; otherwise
    they are met in the order of the list.
    """

    target: Target
    template: Expression | None
    where: list[Clause]
    order: Order
    is_selective: bool
    bindings: tuple[Binding, ...]
    connections: tuple[str, ...]

    def in_sequence(self) -> list[Clause]:
        """Return the conditions for a list in the order of creation.

        The bound names the index in which nothing but visible rows is met, in order.
        """
        bound = [] if self.is_selective else [self.target.table.c.seq >= sql("0")]
        return [*self.where, *bound]

    def values(self, connection_id: int, strings: tuple[str, ...]) -> dict[str, Any]:
        """Return the parameters of the statements; InvalidFilter for a wrong one."""
        values: dict[str, Any] = dict.fromkeys(self.connections, connection_id)
        for binding in self.bindings:
            values[binding.name] = binding.value(strings)
        return values


def select_by(
    target: Target,
    shape: str | None,
    resource_type: ResourceType,
    dialect: str,
    sort: Sort | None,
) -> Selection:
    """Compile the *shape* of a filter (None: no filter) and an order.

    Raises what ``filters.template`` raises, InvalidPath or InvalidValue for *sort*.
    """
    template = filters.template(shape, resource_type) if shape else None
    conditions = Conditions(target, DOCUMENTS[dialect])
    selective = template is not None and is_selective(target, template)
    through = target.visible_through_columns() if selective else None
    where = through or target.visible(target.table)
    if template is not None:
        where.append(conditions.of(template))
    order = Order(
        target,
        DOCUMENTS[dialect],
        _sorted_by(sort, resource_type),
        descending=bool(sort and sort.descending),
        by_index=not selective,
    )
    return Selection(
        target=target,
        template=template,
        where=where,
        order=order,
        is_selective=selective,
        bindings=tuple(conditions.bindings),
        connections=(CONNECTION, *conditions.connections),
    )


def _sorted_by(sort: Sort | None, resource_type: ResourceType) -> AttributePath | None:
    asked = paging.sort(sort.by, None, resource_type) if sort else None
    return attribute_path(asked.path) if asked else None


def took_too_long(target: Target, *, is_search: bool) -> TooMany | Unavailable:
    """Return the refusal of what the statement deadline ended (decision 32)."""
    if is_search:
        message = (
            "The search takes longer than it may. Ask with eq for"
            f" {target.indexed}: these have an index."
        )
        return TooMany(message)
    message = "The database is too slow at the moment; try again."
    return Unavailable(message, retry_after=_RETRY_AFTER)

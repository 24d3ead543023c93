"""POST /Bulk: each operation a request of its own, with its own transaction and log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from scim_connector.provisioning.entries import ACTIONS
from scim_connector.provisioning.problems import problem_of
from scim_connector.scim import bulk
from scim_connector.scim.errors import Conflict, NotFound, ScimError

if TYPE_CHECKING:
    from scim_connector.provisioning.calls import Answer, Call, UseCases
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.scim.bulk import BulkOperation, BulkRequest
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation; ``error`` is the SCIM error of a refused one.

    ``id`` is that of the resource, also of one that was created and then could not be
    completed; None when there is none.
    """

    operation: BulkOperation
    status: int
    id: str | None = None
    version: int | None = None
    error: Json | None = None


class Bulk:
    """Carries bulk requests out; built once per process."""

    def __init__(self, exchange: Exchange, kinds: Mapping[str, UseCases]) -> None:
        """Serve *kinds* by the name of their endpoint."""
        self._exchange = exchange
        self._kinds = kinds

    def run(self, call: Call) -> list[Outcome]:
        """Carry out the operations of a request, in order where references allow.

        Returns one outcome for each that was carried out; after ``failOnErrors`` errors
        the rest are not.  Raises what ``scim.bulk.read`` raises.
        """
        try:
            request = bulk.read(call.body or {})
        except ScimError as refusal:
            raise self._exchange.refused_read(call, refusal) from None
        outcomes = _Run(self._exchange, self._kinds, call, request).outcomes()
        refused = sum(outcome.error is not None for outcome in outcomes)
        done = len(outcomes) - refused
        told = f"{len(request.operations)} operations: {done} done, {refused} refused"
        left = len(request.operations) - len(outcomes)
        told += f", {left} not carried out after that." if left else "."
        self._exchange.was_read(replace(call, body=None), told=told)
        return outcomes


class _Run:
    """One bulk request at work."""

    def __init__(
        self,
        exchange: Exchange,
        kinds: Mapping[str, UseCases],
        call: Call,
        request: BulkRequest,
    ) -> None:
        self._exchange = exchange
        self._kinds = kinds
        self._call = call
        self._request = request
        self._creators = request.creators()
        self._ids: dict[str, str] = {}
        self._begun: set[int] = set()
        self._incomplete: dict[int, BulkOperation] = {}
        self._done: dict[int, Outcome] = {}

    def outcomes(self) -> list[Outcome]:
        """Run everything; the outcomes are in the order of the request."""
        for operation in self._request.operations:
            if self._is_over():
                break
            self._reach(operation)
            self._complete()
        return [self._done[place] for place in sorted(self._done)]

    def _is_over(self) -> bool:
        most = self._request.fail_on_errors
        errors = sum(each.error is not None for each in self._done.values())
        return most is not None and errors >= most

    def _reach(self, operation: BulkOperation) -> None:
        """Run one operation, after those that create what it names."""
        waiting = [operation]
        while waiting:
            present = waiting[-1]
            self._begun.add(present.place)
            needed = self._next_creator(present)
            if needed is not None:
                waiting.append(needed)
                continue
            waiting.pop()
            if present.place not in self._done:
                self._done[present.place] = self._carried_out(present)

    def _next_creator(self, operation: BulkOperation) -> BulkOperation | None:
        """One that has to run before *operation*, and has not begun."""
        for name in sorted(operation.references):
            creator = self._creators.get(name)
            if creator is not None and creator.place not in self._begun:
                return creator
        return None

    def _carried_out(self, operation: BulkOperation) -> Outcome:
        """Run one operation alone; nothing that it raises ends the others."""
        call = self._alone(operation)
        try:
            kind = self._reached(operation, call)
            answer = self._sent(kind, operation, call)
        except Exception as error:
            problem = problem_of(error, call.request_id)
            return Outcome(operation, problem.status, error=problem.body)
        if operation.bulk_id is not None and answer.id is not None:
            self._ids[operation.bulk_id] = answer.id
        return Outcome(operation, answer.status, answer.id, answer.version)

    def _reached(self, operation: BulkOperation, call: Call) -> UseCases:
        """The use cases of an operation; what never reaches them is logged here."""
        try:
            if operation.refused is not None:
                raise operation.refused
            self._refuse_unresolvable(operation)
            kind = self._kinds.get(operation.endpoint)
            if kind is None:
                known = ", ".join(f"/{name}" for name in self._kinds)
                message = f"There is nothing at /{operation.endpoint}"
                raise NotFound(f"{message}; use {known}.")
        except ScimError as refusal:
            action = ACTIONS.get(operation.method, "Read")
            raise self._exchange.refused_read(call, refusal, action=action) from None
        return kind

    def _refuse_unresolvable(self, operation: BulkOperation) -> None:
        """Refuse what names nothing of this request, or something that failed."""
        for name in sorted(operation.references - self._ids.keys()):
            creator = self._creators.get(name)
            if creator is None:
                message = f'"bulkId:{name}" names no POST of this request.'
                raise Conflict(f"{message} Give its bulkId, or the id itself.")
            failed = self._done.get(creator.place)
            if failed is not None:
                message = f'"bulkId:{name}" was not created: {_detail(failed)}'
                raise Conflict(message)

    def _sent(self, kind: UseCases, operation: BulkOperation, call: Call) -> Answer:
        """Hand an operation to the use cases of its kind."""
        data = operation.data
        circular = operation.references - self._ids.keys()
        if circular:
            self._incomplete[operation.place] = operation
            data = bulk.without(data, circular) or {}
        call = replace(call, body=bulk.resolve(data, self._ids))
        target = bulk.resolve(operation.target, self._ids) or ""
        match operation.method:
            case "POST":
                return kind.create(call)
            case "PUT":
                return kind.replace(call, target, if_match=operation.version)
            case "PATCH":
                return kind.patch(call, target, if_match=operation.version)
        return kind.delete(call, target, if_match=operation.version)

    # --------------------------------------------------------------- circular references

    def _complete(self) -> None:
        """Add the references that were left out, where both ends now exist."""
        for place, operation in list(self._incomplete.items()):
            outcome = self._done[place]
            if outcome.error is None:
                self._done[place] = self._completed(operation, outcome)
            del self._incomplete[place]

    def _completed(self, operation: BulkOperation, created: Outcome) -> Outcome:
        """Write a created resource once more, with everything it names."""
        call = self._alone(operation, again=True)
        body = bulk.resolve(operation.data, self._ids)
        call = replace(call, method="PUT", path=f"{call.path}/{created.id}", body=body)
        kind = self._kinds[operation.endpoint]
        try:
            self._refuse_unresolvable(operation)
            answer = kind.replace(call, created.id or "", if_match=None)
        except Exception as error:
            problem = problem_of(error, call.request_id)
            detail = f"Created without what it names: {problem.body['detail']}"
            body = {**problem.body, "detail": detail}
            return replace(created, status=problem.status, error=body)
        return replace(created, version=answer.version)

    def _alone(self, operation: BulkOperation, *, again: bool = False) -> Call:
        """The call of one operation, as if it had come by itself."""
        name = f"{operation.place}{'+' if again else ''}"
        key = self._call.idempotency_key
        path = f"/scim/v2/{operation.endpoint}"
        if operation.target is not None:
            path = f"{path}/{bulk.resolve(operation.target, self._ids)}"
        return replace(
            self._call,
            request_id=str(uuid5(UUID(self._call.request_id), name)),
            method=operation.method,
            path=path,
            started=perf_counter_ns(),
            arrived=self._call.started,
            body=operation.data,
            idempotency_key=None if key is None else f"{key}:{name}",
        )


def _detail(failed: Outcome) -> str:
    return str((failed.error or {}).get("detail", "it failed"))

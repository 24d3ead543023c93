"""Servers that are broken in one way each, as real ones have been."""

from __future__ import annotations

from typing import Any

from tests.probe.lab import Json, Lab, Refused


class IgnoresText(Lab):
    """Takes only JSON booleans; "False" changes nothing and is answered as done."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        if operation.get("path") == "active" and isinstance(operation["value"], str):
            return
        super().apply(resource, op, operation)


class KeepsText(Lab):
    """Stores "True" as it came."""

    def boolean(self, value: Any) -> Any:
        return value


class WipesGroup(Lab):
    """Reads the removal of a list by the letter of RFC 7644: all members go."""

    def membership(self, group: Json, op: str, value: list[Json]) -> None:
        if op == "remove":
            group["members"] = []
        else:
            super().membership(group, op, value)


class AddsTwice(Lab):
    """Adds a member who is there already a second time."""

    def membership(self, group: Json, op: str, value: list[Json]) -> None:
        if op == "add":
            group["members"] = [*group.get("members", []), *value]
        else:
            super().membership(group, op, value)


class ShowsMembers(Lab):
    """Knows no excludedAttributes."""

    def shown(self, resource: Json, query: Json) -> Json:
        return resource


class CountsInText(Lab):
    """Counters are strings."""

    def page(self, resources: list[Json], total: int, start: int = 1) -> Json:
        return {**super().page(resources, total, start), "totalResults": str(total)}


class NullResources(Lab):
    """An empty list is null."""

    def page(self, resources: list[Json], total: int, start: int = 1) -> Json:
        return {
            **super().page(resources, total, start),
            "Resources": resources or None,
        }


class HidesInactive(Lab):
    """No filter finds anybody who is inactive."""

    def selects(self, resource: Json, expression: str | None) -> bool:
        return resource["active"] and super().selects(resource, expression)


class MindsCase(Lab):
    """userName has case in filters, and none in the index."""

    def compares(self, resource: Json, part: str) -> bool:
        found = super().compares(resource, part)
        name = part.rpartition(" eq ")[2].strip('"')
        return found and (
            not part.startswith("userName") or resource["userName"] == name
        )


class IgnoresDots(Lab):
    """Looks only at top-level keys of a value without a path."""

    def spread(self, resource: Json, op: str, values: Json) -> None:
        super().spread(resource, op, {k: v for k, v in values.items() if "." not in k})


class NoTarget(Lab):
    """A filtered path without a target is an error, as RFC 7644 has it."""

    def missing(self, elements: list[Json], found: Any) -> Json:
        raise Refused(400, "noTarget", "No value matches.")


class ManagerText(Lab):
    """Answers manager as it came, as text."""

    def read(self, value: Any, name: str = "") -> Any:
        return value if name == "manager" else super().read(value, name)


class TellsNothing(Lab):
    """Errors are no SCIM errors."""

    def error(self, status: int, scim_type: str = "", detail: str = "no") -> Json:
        return {"message": detail}


class PlainJson(Lab):
    """application/json everywhere."""

    content_type = "application/json"


class NeverDeletes(Lab):
    """DELETE of a user is refused."""

    def delete(self, store: dict[str, Json], key: str) -> tuple[int, Any]:
        if store is self.users:
            raise Refused(405, "", "Users cannot be deleted.")
        return super().delete(store, key)


class DeactivatesByPut(Lab):
    """A PUT without active deactivates."""

    def put(self, store: dict[str, Json], key: str, after: Json) -> Json:
        return super().put(store, key, {"active": False, **after})


class RefusesReadOnly(Lab):
    """A PUT may not hold meta."""

    def write(
        self, method: str, kind: str, store: dict[str, Json], key: str, content: bytes
    ) -> tuple[int, Any]:
        if method == "PUT" and b'"meta"' in content:
            raise Refused(400, "mutability", "meta is readOnly.")
        return super().write(method, kind, store, key, content)


class LosesMembers(Lab):
    """A rename without a path takes the value for the whole group."""

    def spread(self, resource: Json, op: str, values: Json) -> None:
        if "displayName" in values:
            resource.pop("members", None)
        super().spread(resource, op, values)


class ForgetsTheEnd(Lab):
    """Past the end totalResults is 0."""

    def page(self, resources: list[Json], total: int, start: int = 1) -> Json:
        return super().page(resources, total if resources else 0, start)


class Shuffles(Lab):
    """The order of a list changes from page to page."""

    def list(self, store: dict[str, Json], query: Json) -> Json:
        if store and "filter" not in query:
            first = next(iter(store))
            store[first] = store.pop(first)
        return super().list(store, query)


class NoGroups(Lab):
    """Only users."""

    def route(
        self, method: str, kind: str, key: str, query: Json, content: bytes
    ) -> tuple[int, Any]:
        if kind == "Groups":
            raise Refused(501, "", "Groups are not there yet.")
        return super().route(method, kind, key, query, content)


class TakesDoubles(Lab):
    """A taken userName is created a second time."""

    def same(self, one: str, other: str) -> bool:
        return False


class RefusesUnknownUrn(Lab):
    """A URN nobody declared is an error."""

    def write(
        self, method: str, kind: str, store: dict[str, Json], key: str, content: bytes
    ) -> tuple[int, Any]:
        if b"ADSCIM" in content or b":Probe:" in content:
            raise Refused(400, "invalidSyntax", "Unknown URN.")
        return super().write(method, kind, store, key, content)


class Redirects(Lab):
    """Sends /Users/ elsewhere, as frameworks do with slashes."""

    def answer(self, environ: Json) -> tuple[int, Any]:
        if environ["PATH_INFO"].endswith("/"):
            raise Refused(307, "", "Elsewhere.")
        return super().answer(environ)

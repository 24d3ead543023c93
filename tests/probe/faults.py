"""Servers that are broken in one way each, as real ones have been."""

from __future__ import annotations

from typing import Any

from tests.probe.lab import ENT, Json, Lab, Refused


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


class NumbersIds(Lab):
    """The id is a number."""

    def created(self, resource: Json) -> tuple[int, Any]:
        return 201, {**resource, "id": 7}


class FindsByNameAlone(Lab):
    """Filters on anything but names find nobody."""

    def compares(self, resource: Json, part: str) -> bool:
        return "Name" in part and super().compares(resource, part)


class ForgetsNames(Lab):
    """A GET shows no name."""

    def shown(self, resource: Json, query: Json) -> Json:
        return {k: v for k, v in super().shown(resource, query).items() if k != "name"}


class ForgetsEnterprise(Lab):
    """A GET shows nothing of the enterprise extension."""

    def shown(self, resource: Json, query: Json) -> Json:
        return {k: v for k, v in super().shown(resource, query).items() if k != ENT}


class RefusesNulls(Lab):
    """A null is no value."""

    def write(
        self, method: str, kind: str, store: dict[str, Json], key: str, content: bytes
    ) -> tuple[int, Any]:
        if method != "PATCH" and b"null" in content:
            raise Refused(400, "invalidValue", "null is no value.")
        return super().write(method, kind, store, key, content)


class MindsNames(Lab):
    """Attribute names have case."""

    def read(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if k[:1].islower()}
        return super().read(value, name)


class NeverRemoves(Lab):
    """Removals are answered as done."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        if op != "remove":
            super().apply(resource, op, operation)


class NeverActivates(Lab):
    """Nobody comes back by PATCH."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        wanted = str(operation["value"]) if operation.get("path") == "active" else ""
        if wanted.lower() != "true":
            super().apply(resource, op, operation)


class IgnoresBooleans(Lab):
    """A PATCH of active is read as text alone."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        if operation.get("path") != "active" or operation["value"] not in {True, False}:
            super().apply(resource, op, operation)


class AnswersNothing(Lab):
    """A PATCH is answered with 200 and an empty object."""

    def patched(self, resource: Json) -> tuple[int, Any]:
        return 200, {}


class KeepsNames(Lab):
    """The name of a deleted user stays taken."""

    def delete(self, store: dict[str, Json], key: str) -> tuple[int, Any]:
        name = store[key].get("userName")
        self.taken = {*getattr(self, "taken", set()), name}
        return super().delete(store, key)

    def check(self, user: Json, key: str) -> None:
        super().check(user, key)
        if user["userName"] in getattr(self, "taken", set()):
            raise Refused(409, "uniqueness", "The name was used before.")


class RefusesGroups(Lab):
    """No group can be made."""

    def write(
        self, method: str, kind: str, store: dict[str, Json], key: str, content: bytes
    ) -> tuple[int, Any]:
        if method == "POST" and kind == "Groups":
            raise Refused(400, "invalidValue", "No.")
        return super().write(method, kind, store, key, content)


class AddsOne(Lab):
    """Of several members the first is added."""

    def membership(self, group: Json, op: str, value: list[Json]) -> None:
        super().membership(group, op, value[:1])


class RenamesToEmpty(Lab):
    """A new name of a group takes its members away."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        if operation.get("path") == "displayName" and "members" in resource:
            resource["members"] = []
        super().apply(resource, op, operation)


class KeepsGroups(Lab):
    """DELETE of a group is answered as done."""

    def delete(self, store: dict[str, Json], key: str) -> tuple[int, Any]:
        return (204, None) if store is self.groups else super().delete(store, key)


class NeverReplaces(Lab):
    """Members are only ever added, by PATCH and by PUT."""

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        is_push = operation.get("path") == "members" and op == "replace"
        super().apply(resource, "add" if is_push else op, operation)

    def put(self, store: dict[str, Json], key: str, after: Json) -> Json:
        if "members" in after:
            after["members"] = store[key]["members"]
        return super().put(store, key, after)


class RefusesPasswords(Lab):
    """A PATCH with a password is refused."""

    def spread(self, resource: Json, op: str, values: Json) -> None:
        if "password" in values:
            raise Refused(400, "mutability", "Passwords are kept elsewhere.")
        super().spread(resource, op, values)

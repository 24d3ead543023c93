"""Mappings as JSON: the versions, and a new one checked, planned and applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import counters, mapping_versions
from scim_connector.mapping import language, samples
from scim_connector.provisioning import plans
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.progress import Work
from scim_connector.web.admin_api.routes import Missing, Route
from scim_connector.web.admin_api.simulate import LONGEST_MAPPING
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.mapping_versions import MappingVersion
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.plans import Plan
    from scim_connector.web.admin_api.routes import Visit
    from scim_connector.web.long_work import Count

#: More differences than anybody reads; their number is told all the same.
MOST: Final = 1000


def list_versions(visit: Visit) -> dict[str, Any]:
    """Every version of the mapping of a connection."""
    held = found(visit)
    versions = mapping_versions.every(visit.reader, held.id)
    return {"items": [_row(each, held) for each in versions]}


def _row(each: MappingVersion, held: Connection) -> dict[str, Any]:
    return {
        "number": each.number,
        "file_name": each.file_name,
        "sha256": each.sha256,
        "applied_at": instant(each.applied_at),
        "applied_by": each.applied_by,
        "is_applied": each.number == held.mapping_number,
    }


def get_version(visit: Visit) -> dict[str, Any]:
    """One version, with its text."""
    held, number = found(visit), visit.places["number"]
    for each in mapping_versions.every(visit.reader, held.id):
        if each.number == number:
            return {**_row(each, held), "text": each.text}
    raise Missing(f"The mapping of {held.name} has no version {number}.")


def _loaded(visit: Visit, held: Connection) -> Mapping:
    text = visit.body["text"].replace("\r\n", "\n")
    return language.load(text, f"{held.name}.toml")


def check_mapping(visit: Visit) -> dict[str, Any]:
    """Read a mapping and run its tests."""
    return {"tests": _tests(_loaded(visit, found(visit)))}


def _tests(new: Mapping) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "faults": list(each.faults)} for each in samples.run(new)
    ]


def plan_mapping(visit: Visit) -> Work:
    """What a new mapping would change for everybody; nothing is written."""
    held, act = found(visit), visit.act()
    new = _loaded(visit, held)

    def do(count: Count) -> dict[str, Any]:
        result = plans.plan(visit.office.database, held, new, act, progress=count)
        return {**_told(result), "tests": _tests(new)}

    return Work(_people(visit, held), do)


def apply_mapping(visit: Visit) -> Work:
    """Make a text the mapping, and let everybody follow, or nobody."""
    held, act = found(visit), visit.act()
    new, named = _loaded(visit, held), visit.body.get("changes")

    def do(count: Count) -> dict[str, Any]:
        result = plans.apply(
            visit.office.database, held, new, act, named=named, progress=count
        )
        return {**_told(result), "number": result.number}

    return Work(_people(visit, held), do)


def _people(visit: Visit, held: Connection) -> int:
    return counters.totals(visit.reader, held.id)[0]


def _told(result: Plan) -> dict[str, Any]:
    return {
        "people": result.people,
        "changed": result.changed,
        "roles_moved": result.roles,
        "is_large": result.is_large,
        "differences": [
            {
                "username": each.username,
                "field": each.field,
                "before": each.before,
                "after": each.after,
                "refused": each.refused or None,
            }
            for each in result.differences[:MOST]
        ],
        "differences_in_all": len(result.differences),
    }


# ---------------------------------------------------------------------------- as data

_VERSION: Final = {
    "number": shapes.number(),
    "file_name": shapes.told(),
    "sha256": shapes.told(),
    "applied_at": shapes.instant(),
    "applied_by": shapes.told(),
    "is_applied": shapes.flag("Whether it holds now."),
}
_TEST: Final = shapes.answer(
    name=shapes.told(), faults=shapes.many(shapes.told(), "None is good.")
)
_TESTS: Final = shapes.many(_TEST, "The tests in the mapping.")
_DIFFERENCE: Final = shapes.answer(
    username=shapes.told(),
    field=shapes.told(),
    before={"description": "The present value."},
    after={"description": "What it would become."},
    refused=shapes.or_null(shapes.told("Why it stays as it is.")),
)
_PLAN: Final = {
    "people": shapes.number("How many were looked at."),
    "changed": shapes.number("How many users change."),
    "roles_moved": shapes.number("How many gain or lose a role through groups."),
    "is_large": shapes.flag("Whether `changes` has to be sent to apply it."),
    "differences": shapes.many(_DIFFERENCE, f"The first {MOST}."),
    "differences_in_all": shapes.number(),
}
SHAPES: Final = {
    "MappingVersion": shapes.answer(**_VERSION),
    "Plan": shapes.answer(**_PLAN, tests=_TESTS),
    "Applied": shapes.answer(**_PLAN, number=shapes.number("Of the new version.")),
}
_ALL: Final = "/connections/{connection_id}/mappings"
_TEXT: Final = shapes.text("The mapping, as a file has it.", most=LONGEST_MAPPING)
_A_TEXT: Final = shapes.given(("text",), text=_TEXT)

ROUTES: Final = (
    Route(
        "GET",
        _ALL,
        list_versions,
        VIEW_PROVISIONING,
        "Every version of the mapping of a connection.",
        shapes.answer(items=shapes.many(shapes.ref("MappingVersion"))),
    ),
    Route(
        "GET",
        f"{_ALL}/{{number}}",
        get_version,
        VIEW_PROVISIONING,
        "One version, with its text.",
        shapes.answer(**_VERSION, text=shapes.told()),
    ),
    Route(
        "POST",
        f"{_ALL}/check",
        check_mapping,
        VIEW_PROVISIONING,
        "Read a mapping and run its tests; nobody is looked at.",
        shapes.answer(tests=_TESTS),
        body=_A_TEXT,
        is_large=True,
    ),
    Route(
        "POST",
        f"{_ALL}/plan",
        plan_mapping,
        MANAGE_PROVISIONING,
        "What a mapping would change for everybody; nothing is written.",
        shapes.ref("Plan"),
        body=_A_TEXT,
        is_large=True,
        is_long=True,
    ),
    Route(
        "POST",
        f"{_ALL}/apply",
        apply_mapping,
        MANAGE_PROVISIONING,
        "Make a text the mapping, and let everybody follow, or nobody.",
        shapes.ref("Applied"),
        body=shapes.given(
            ("text",),
            text=_TEXT,
            changes=shapes.number("`changed` of the plan, where it is large.", least=0),
        ),
        is_large=True,
        is_long=True,
    ),
)

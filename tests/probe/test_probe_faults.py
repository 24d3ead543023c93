"""The probe finds each fault of a server, and nothing in one without."""

from __future__ import annotations

import pytest

from scim_connector.probe import running
from scim_connector.probe.checks import Outcome, Result
from scim_connector.probe.client import Client
from scim_connector.probe.conversation import Conversation
from tests.probe import faults
from tests.probe.lab import Lab, serving

LISTS_ENTRA = (
    "connect connect-external-id connect-work-email special-characters match-absent"
    " group-absent delete trailing-slash? flag-in-query?"
)
#: A broken server: what fails for Entra ID, and for Okta; a ? marks a warning.
FOUND: dict[type[Lab], tuple[str, str]] = {
    Lab: ("", ""),
    faults.IgnoresText: ("disable disable-small", ""),
    faults.KeepsText: ("create-string-boolean active-again disable disable-small", ""),
    faults.WipesGroup: ("group-remove", ""),
    faults.AddsTwice: ("group-add-again", "group-add-again group-remove"),
    faults.ShowsMembers: ("group-find group-read", ""),
    faults.CountsInText: (
        f"{LISTS_ENTRA} schemas? resource-types? match match-case manager-check rename"
        " inactive-found group-find",
        "connect exists-absent exists exists-capitals inactive-found create-again"
        " import-pages import-order import-end group-absent group-find group-import",
    ),
    faults.NullResources: (
        LISTS_ENTRA,
        "connect exists-absent import-end group-absent",
    ),
    faults.HidesInactive: ("inactive-found", "inactive-found"),
    faults.MindsCase: ("match-case", "exists-capitals?"),
    faults.IgnoresDots: ("update-flag populate-flag", ""),
    faults.NoTarget: ("filtered-path", ""),
    faults.ManagerText: ("create-manager-text manager-add", ""),
    faults.TellsNothing: (
        "wrong-token? unknown-address? unknown-user? duplicate? create-invalid?"
        " rename-taken?",
        "wrong-token unknown-address? unknown-user duplicate",
    ),
    faults.PlainJson: ("content-type?", "content-type?"),
    faults.NeverDeletes: ("delete", ""),
    faults.DeactivatesByPut: ("", "put-without-active"),
    faults.RefusesReadOnly: (
        "",
        "round-trip profile-push put-without-active deactivate-put",
    ),
    faults.LosesMembers: ("", "group-rename"),
    faults.ForgetsTheEnd: ("", "import-end"),
    faults.Shuffles: ("", "import-order"),
    faults.NoGroups: ("", ""),
    faults.TakesDoubles: (
        "duplicate rename-taken inactive-found",
        "duplicate inactive-found",
    ),
    faults.RefusesUnknownUrn: ("create-custom-extension group-create-urn", ""),
    faults.Redirects: ("trailing-slash?", ""),
    faults.NumbersIds: (
        "create create-nulls create-string-boolean create-other-casing"
        " create-custom-extension group-create",
        "create group-create",
    ),
    faults.FindsByNameAlone: ("match-external-id match-work-email manager-check", ""),
    faults.ForgetsNames: (
        "read-back update update-flag populate-flag",
        "read-back profile-push",
    ),
    faults.ForgetsEnterprise: (
        "create-enterprise create-manager-text update update-flag populate-flag"
        " manager-add",
        "",
    ),
    faults.RefusesNulls: ("create-nulls", "group-put"),
    faults.MindsNames: ("create-other-casing", ""),
    faults.NeverRemoves: (
        "single-attribute manager-remove group-remove group-remove-filter",
        "group-remove",
    ),
    faults.NeverActivates: ("restore", "reactivate"),
    faults.IgnoresBooleans: ("disable-flag", "deactivate create-again"),
    faults.AnswersNothing: ("patch-answer", "reactivate"),
    faults.KeepsNames: ("create-after-delete", ""),
    faults.RefusesGroups: ("group-create", "group-create"),
    faults.AddsOne: ("group-add", "group-add"),
    faults.RenamesToEmpty: ("group-rename", "group-rename"),
    faults.KeepsGroups: ("group-delete", "group-delete"),
    faults.NeverReplaces: ("", "group-push group-push-without-path group-put"),
    faults.RefusesPasswords: ("", "password?"),
}
CASES = [
    pytest.param(lab, provider, set(words.split()), id=f"{lab.__name__}-{provider}")
    for lab, both in FOUND.items()
    for provider, words in zip(("entra", "okta"), both, strict=True)
]


def probe(lab: Lab, provider: str) -> tuple[list[Result], list[str]]:
    """The results of a whole run, and what was left behind."""
    with serving(lab) as url:
        talk = Conversation(Client(url, provider, Lab.token), "example.com")
        running.look(talk.client)
        results = list(running.run(talk, running.script(provider)))
        return results, running.clean_up(talk)


def marked(results: list[Result]) -> set[str]:
    """The checks that failed, and those with a warning and a question mark."""
    marks = {Outcome.FAILS: "", Outcome.WARNING: "?"}
    return {f"{r.check.id}{marks[r.outcome]}" for r in results if r.outcome in marks}


def test_every_fault_is_in_the_table() -> None:
    """No broken server is written and then not probed."""
    classes = {c for c in vars(faults).values() if isinstance(c, type)}
    assert {c for c in classes if issubclass(c, Lab)} == set(FOUND)


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_every_check_can_fail(provider: str) -> None:
    """Each check of a script is tripped by one of the broken servers at least."""
    column = ["entra", "okta"].index(provider)
    tripped = {
        word.rstrip("?") for both in FOUND.values() for word in both[column].split()
    }

    assert tripped == {check.id for check in running.script(provider)}


@pytest.mark.parametrize(("lab", "provider", "expected"), CASES)
def test_a_broken_server_has_exactly_its_findings(
    lab: type[Lab], provider: str, expected: set[str]
) -> None:
    """One fault, its findings in each provider's script, and no others."""
    results, _ = probe(lab(), provider)

    assert marked(results) == expected


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_a_good_server_is_all_green_and_left_empty(provider: str) -> None:
    """Every check passes, groups included; nobody and nothing stays."""
    lab = Lab()
    lab.users["u"] = {"id": "u", "userName": "own@example.com", "active": True}
    lab.groups["g"] = {"id": "g", "displayName": "Own", "active": True}
    results, left = probe(lab, provider)

    assert {result.outcome for result in results} == {Outcome.OK}
    assert left == []
    assert lab.users == {
        "u": {"id": "u", "userName": "own@example.com", "active": True}
    }
    assert lab.groups == {"g": {"id": "g", "displayName": "Own", "active": True}}


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_what_depends_on_a_failure_is_skipped(provider: str) -> None:
    """Without groups each check of a group is skipped with a reason, none is green."""
    results, _ = probe(faults.NoGroups(), provider)
    of_groups = [result for result in results if result.check.of_groups]

    assert {result.outcome for result in of_groups} == {Outcome.SKIPPED}
    reasons = {result.finding for result in of_groups}
    assert "the server has no groups (POST /Groups answers 501)" in reasons
    assert "needs group-create, which did not pass" in reasons


def test_what_cannot_be_removed_is_named() -> None:
    """Users of a server that deletes nobody end inactive, and are listed."""
    lab = faults.NeverDeletes()
    _, left = probe(lab, "okta")

    assert len(left) == len(lab.users) == 3
    assert all("could not be deleted; it is inactive now" in line for line in left)
    assert not any(user["active"] for user in lab.users.values())


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_a_script_leans_only_on_what_came_before(provider: str) -> None:
    """Ids are unique, and ``after`` names earlier checks."""
    seen: set[str] = set()
    for check in running.script(provider):
        assert check.id not in seen
        assert set(check.after) <= seen
        seen.add(check.id)

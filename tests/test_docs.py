"""The documentation is complete and true where a program can tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scim_connector import settings
from scim_connector.administration import reasons
from scim_connector.administration.alert_conditions import CONDITIONS
from scim_connector.administration.conflicts import KINDS
from scim_connector.cli import dialects, main, reasons_page, reference
from scim_connector.compliance import checks, reports
from scim_connector.compliance.controls import CONTROLS
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.probe import report
from scim_connector.rules import events_page, handbook, security_events
from scim_connector.rules.events import EVENTS, OTHERS
from scim_connector.rules.permissions import PERMISSIONS
from scim_connector.scim import errors
from scim_connector.web import metrics
from scim_connector.web.admin_api import page as admin_api

TOP = Path(__file__).parents[1]
PAGES = sorted(
    [*TOP.glob("*.md"), TOP / "deploy" / "README.md", *TOP.glob("docs/**/*.md")]
)
_THREAT = re.compile(
    r"^\| T(?P<number>\d+) \| .+ \| (?P<proof>[^|]+) \|$", re.MULTILINE
)
_PROOF = re.compile(
    r"`(?P<file>[\w/]+\.py)::(?P<test>test_\w+)(?:\[(?P<exchange>[\w/]+)\])?`"
)
_CODE = "".join(
    file.read_text("utf-8")
    for file in TOP.glob("src/scim_connector/**/*.py")
    if file.name != "events.py"
)
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")


def _page(name: str) -> str:
    return (TOP / "docs" / name).read_text("utf-8")


def test_the_handbook_page_is_the_rules() -> None:
    """docs/handbook.md is generated: scim-connector rules --markdown."""
    assert _page("handbook.md") == handbook.render()


def test_the_settings_page_is_the_settings() -> None:
    """docs/settings.md is generated: scim-connector settings --markdown."""
    assert _page("settings.md") == settings.documentation()


def test_every_alert_is_documented() -> None:
    """docs/operations.md has each with its threshold, its sentence and who is mailed."""
    page = _page("operations.md")
    for each in CONDITIONS:
        line = f"| `{each.id}` | {each.shown(each.threshold)} | {each.sentence} |"
        assert f"{line} {each.permission.name} |" in page


def test_the_metrics_page_is_the_figures() -> None:
    """docs/metrics.md is generated: scim-connector metrics --markdown."""
    assert _page("metrics.md") == metrics.documentation()


def test_the_page_of_events_is_the_table() -> None:
    """docs/events.md is generated: scim-connector audit events --markdown."""
    assert _page("events.md") == events_page.render()


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_told_by_somebody(name: str) -> None:
    """An event on the page is one that the program writes, with each of its facts.

    That it writes no other is refused when it happens (``rules.events.Event``).
    """
    assert f"| `{name}` |" in _page("events.md")
    assert f'"{name}"' in _CODE
    for fact in set(EVENTS[name].facts) - {OTHERS}:
        assert re.search(rf'"{fact}"|\b{fact}=', _CODE), fact


def test_every_permission_is_documented() -> None:
    """docs/console.md has each permission with its name and its sentence."""
    page = _page("console.md")
    for each in PERMISSIONS:
        assert f"| `{each.id}` | {each.name} | {each.sentence} |" in page


def test_the_probe_page_is_the_checks() -> None:
    """docs/probe.md is generated: scim-connector probe --markdown."""
    assert _page("probe.md") == report.documentation()


def test_every_report_finding_and_control_is_documented() -> None:
    """docs/compliance.md has each with its sentence, and what a report cannot see."""
    page = _page("compliance.md")
    for kind in reports.KINDS:
        assert f"| `{kind.id}` |" in page
        assert kind.sentence in page
        assert all(f"- `{kind.id}`: {said}" in page for said in kind.blind)
    for name, sentence in checks.KINDS.items():
        assert f"| `{name}` | {sentence} |" in page
    assert all(f"| {c.id} | {c.asks} |" in page for c in CONTROLS)


def test_every_security_event_is_documented() -> None:
    """docs/security-events.md has each with its URI and its sentence."""
    page = _page("security-events.md")
    for each in security_events.EVENTS:
        assert f"| `{each.id}` | `{each.uri}` | {each.sentence} |" in page


def test_every_function_is_documented() -> None:
    """Each function stands in the mapping page with signature and sentence."""
    page = _page("mapping-language.md")

    for function in FUNCTIONS.values():
        assert f"| `{function.signature}` | {function.sentence} |" in page


COMMANDS = dict(reference.every(main))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """Each command stands in docs/operations.md and says in --help what it does."""
    assert f"`{name}`" in _page("operations.md")
    assert COMMANDS[name].help


def test_the_page_of_commands_is_the_program() -> None:
    """docs/commands.md is generated: scim-connector commands --markdown."""
    assert _page("commands.md") == reference.page(main)  # type: ignore[arg-type]


def test_the_page_of_refusals_is_the_reasons() -> None:
    """docs/refusals.md is generated: scim-connector log reasons --markdown."""
    assert _page("refusals.md") == reasons_page.render()


def test_every_refusal_of_the_protocol_has_its_advice() -> None:
    """Whatever can be the reason of a log entry stands on the page."""
    every = [each for each in vars(errors).values() if isinstance(each, type)]
    named = {
        each.scim_type or each.__name__
        for each in every
        if issubclass(each, errors.ScimError) and each is not errors.ScimError
    }

    assert named <= set(reasons.codes())


def test_every_remedy_is_documented() -> None:
    """Each remedy of the conflict queue stands in docs/operations.md."""
    page = _page("operations.md")

    for kind in KINDS.values():
        for remedy in kind.remedies:
            assert f"`{remedy.id}" in page


def test_the_page_of_quirks_is_current() -> None:
    """docs/dialects.md is what ``dialects --markdown`` prints."""
    assert _page("dialects.md") == dialects.page()


def test_every_route_of_the_admin_api_is_documented() -> None:
    """docs/admin-api.md ends with what ``openapi --markdown`` prints."""
    assert _page("admin-api.md").endswith(f"\n\n{admin_api.made()}")


def test_every_threat_has_its_line() -> None:
    """docs/security.md has T1 to T99, each with a test or the words that there is none."""
    threats = list(_THREAT.finditer(_page("security.md")))

    assert [int(each["number"]) for each in threats] == list(range(1, 100))
    for each in threats:
        assert "`" in each["proof"] or "*Not tested" in each["proof"], each["number"]


@pytest.mark.parametrize("name", ["security.md", "promises.md"])
def test_every_test_that_a_page_names_exists(name: str) -> None:
    """Each is a function of its file, and each recorded exchange is a file too."""
    tests = TOP / "tests"
    page = _page(name)
    named = list(_PROOF.finditer(page))

    assert len(named) == page.count("::")
    for each in named:
        assert f"def {each['test']}(" in (tests / each["file"]).read_text(), each[0]
        if each["exchange"]:
            assert (tests / "exchanges" / f"{each['exchange']}.json").exists(), each[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """No page points at a file that is not there."""
    for found in _LINK.finditer(page.read_text("utf-8")):
        assert (page.parent / found["target"]).exists(), found["target"]

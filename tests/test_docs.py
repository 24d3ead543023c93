"""The documentation is complete and true where a program can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scim_connector import settings
from scim_connector.administration.conflicts import KINDS
from scim_connector.cli import dialects, main
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.probe import report
from scim_connector.rules import handbook
from scim_connector.rules.permissions import PERMISSIONS
from scim_connector.web.admin_api import page as admin_api

TOP = Path(__file__).parents[1]
PAGES = sorted([TOP / "README.md", *TOP.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")


def _page(name: str) -> str:
    return (TOP / "docs" / name).read_text("utf-8")


def test_the_handbook_page_is_the_rules() -> None:
    """docs/handbook.md is generated: scim-connector rules --markdown."""
    assert _page("handbook.md") == handbook.render()


def test_the_settings_page_is_the_settings() -> None:
    """docs/settings.md is generated: scim-connector settings --markdown."""
    assert _page("settings.md") == settings.documentation()


def test_every_permission_is_documented() -> None:
    """docs/console.md has each permission with its name and its sentence."""
    page = _page("console.md")
    for each in PERMISSIONS:
        assert f"| `{each.id}` | {each.name} | {each.sentence} |" in page


def test_the_probe_page_is_the_checks() -> None:
    """docs/probe.md is generated: scim-connector probe --markdown."""
    assert _page("probe.md") == report.documentation()


def test_every_function_is_documented() -> None:
    """Each function stands in the mapping page with signature and sentence."""
    page = _page("mapping-language.md")

    for function in FUNCTIONS.values():
        assert f"| `{function.signature}` | {function.sentence} |" in page


def _commands(
    group: click.Group, path: str = ""
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        full = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from _commands(command, full)
        else:
            yield full, command


COMMANDS = dict(_commands(main))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """Each command stands in docs/operations.md and says in --help what it does."""
    assert f"`{name}`" in _page("operations.md")
    assert COMMANDS[name].help


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """No page points at a file that is not there."""
    for found in _LINK.finditer(page.read_text("utf-8")):
        assert (page.parent / found["target"]).exists(), found["target"]

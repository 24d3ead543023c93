"""The files in deploy/ name what there is: every metric, label, setting and command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scim_connector.administration.figures import FIGURES, Figure
from scim_connector.settings import SETTINGS

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus" / "scim-connector.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "scim-connector.json"
UNIT = DEPLOY / "systemd" / "scim-connector.service"
_METRIC = re.compile(r"\bscim_connector_\w+")
_BY = re.compile(r"\b(?:by|on) \((?P<labels>[^)]+)\)")
_SELECTOR = re.compile(r"\b(?P<name>scim_connector_\w+)\{(?P<matchers>[^}]*)\}")
_SHOWN = re.compile(r"\{\{(?:\s*\$labels\.)?(?P<label>\w+)\s*\}\}")


def _names() -> dict[str, Figure]:
    """Every figure by the names under which Prometheus has it."""
    found = {}
    for each in FIGURES:
        suffixes = ("_bucket", "_sum", "_count") if each.kind == "histogram" else ("",)
        found |= {f"scim_connector_{each.name}{suffix}": each for suffix in suffixes}
    return found


def _rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return list(group["rules"])


def _queries() -> Iterator[tuple[str, str]]:
    """Each expression, and the words that may show its labels."""
    for rule in _rules():
        yield rule["expr"], " ".join(rule["annotations"].values())
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


QUERIES = list(_queries())


@pytest.mark.parametrize(("expression", "words"), QUERIES, ids=[q for q, _ in QUERIES])
def test_what_is_asked_for_exists(expression: str, words: str) -> None:
    """Each metric by its full name, each label of one of them."""
    names = _names()
    asked = set(_METRIC.findall(expression))
    assert asked <= set(names)
    if not asked:
        assert expression == 'up{job="scim-connector"} == 0'
        return
    labels = {label for name in asked for label in names[name].labels} | {"le"}

    grouped = ",".join(_BY.findall(expression)).replace(" ", "")
    assert {label for label in grouped.split(",") if label} <= labels
    for name, matchers in _SELECTOR.findall(expression):
        matched = {part.split("=")[0].strip() for part in matchers.split(",")}
        assert matched <= set(names[name].labels)
    shown = {label for label in _SHOWN.findall(words) if label != "value"}
    assert shown <= labels


def test_every_metric_is_on_the_dashboard() -> None:
    """So that whoever sees a number in an alert finds its history."""
    page = DASHBOARD.read_text("utf-8")

    for each in FIGURES:
        assert f"scim_connector_{each.name}" in page


def test_the_dashboard_is_laid_out() -> None:
    """No two panels share a place or an id; each has a title and a query."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
        assert panel["title"]
        assert panel["targets"]

    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_rule_says_what_and_how_bad() -> None:
    """A name of its own, a severity, and a sentence for whoever is woken."""
    rules = _rules()

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]


def test_the_scrape_file_is_yaml() -> None:
    """With the token in a file, and the rules beside it."""
    made = yaml.safe_load((DEPLOY / "prometheus" / "scrape.yml").read_text("utf-8"))

    (job,) = made["scrape_configs"]
    assert job["authorization"]["credentials_file"]
    assert made["rule_files"] == [RULES.name]


def test_the_environment_of_the_unit_names_settings() -> None:
    """Each variable is one; those that are left out too."""
    text = (UNIT.with_suffix(".env")).read_text("utf-8")
    known = {setting.variable for setting in SETTINGS}

    assert set(re.findall(r"^#?(SCIM_CONNECTOR_\w+)=", text, re.MULTILINE)) <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_sound_and_closed(tmp_path: Path) -> None:
    """Systemd itself takes it without a word, and judges what it leaves open."""
    text = UNIT.read_text("utf-8")
    program = "/opt/scim-connector/bin/scim-connector"
    assert text.count(f"ExecStart={program} serve") == 1
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(f"ExecStart={program}", "ExecStart=/bin/true"))

    said = _analyze("verify", str(unit))
    judged = _analyze("security", "--offline=true", "--threshold=20", str(unit))

    assert said == ""
    assert "Overall exposure level" in judged


def _analyze(*arguments: str) -> str:
    """What systemd-analyze says; it ends with 0, or the test fails."""
    ended = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr

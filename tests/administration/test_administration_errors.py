"""A refusal says what to do in words that fit a page and a terminal alike."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import scim_connector

ROOT = Path(scim_connector.__file__).parent
ROOMS = ("administration", "web/console", "web/admin_api", "provisioning")
COMMAND = re.compile("scim-connector [a-z]")
OPTION = re.compile("--[a-z]|: (user|conflict|connection) [a-z]+ ")
#: What is no sentence of a page: a note that stands beside the page's own way.
BOTH_WAYS = "or with: scim-connector"


def sentences(file: Path) -> list[str]:
    """Every text of a module that is no docstring."""
    tree = ast.parse(file.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs
    ]


def first_words(file: Path) -> list[str]:
    """Every text in the sentence of a NotPossible: what stands before its command."""
    tree = ast.parse(file.read_text("utf-8"))
    refusals = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "NotPossible"
        and node.args
    ]
    return [
        part.value
        for sentence in refusals
        for part in ast.walk(sentence)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def test_no_refusal_names_an_option_of_a_command() -> None:
    """It stands in the command beside the sentence, which a page leaves out."""
    told = [
        t
        for f in sorted((ROOT / "administration").glob("*.py"))
        for t in first_words(f)
    ]
    assert told
    assert [text for text in told if OPTION.search(text)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_refusal_sends_an_administrator_to_a_terminal(room: str) -> None:
    """Commands stand beside sentences, not in them, unless the page is named first."""
    files = sorted((ROOT / room).glob("*.py"))
    assert files
    told = [text for file in files for text in sentences(file)]
    named = [text for text in told if COMMAND.search(text)]
    assert [text for text in named if BOTH_WAYS not in text] == []

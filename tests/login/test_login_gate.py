"""The gate: one order of reasons, one road to a session, and nobody asks elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import scim_connector

SOURCE = Path(scim_connector.__file__).parent
#: Who may open a session; ``login.sso`` does it for token exchange, too.
OPENS = {"login/passwords.py", "login/sso.py"}
#: Who asks whether somebody may come in, besides the rules themselves.
ASKS = {"login/gate.py"}
#: Who asks it of the gate: each door, in the transaction that lets somebody in.
ADMITS = {
    "login/sso.py",  # a trial, which lets nobody in
    "login/links.py",
    "login/own_account.py",
    "login/passwords.py",
    "login/sessions.py",
}


def _calls(name: str, *, of: str | None = None) -> Iterator[str]:
    """The files that call *name*, as a function of *of* where that is given."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _is(node.func, name, of):
                yield file.relative_to(SOURCE).as_posix()


def _is(function: ast.expr, name: str, of: str | None) -> bool:
    if isinstance(function, ast.Name):
        return of is None and function.id == name
    if not isinstance(function, ast.Attribute) or function.attr != name:
        return False
    return of is None or ast.unparse(function.value) == of


def _inserted(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and _is(node.func, "insert", None):
            yield ast.unparse(node.args[0])


def test_no_other_road_makes_a_session() -> None:
    """Rows of sessions are added in one place, which only the listed doors reach."""
    added = set(_calls("add", of="sessions"))
    opened = set(_calls("open", of="self._sessions"))

    assert added == {"login/sessions.py"}
    assert opened == OPENS


def test_sessions_are_inserted_by_one_file() -> None:
    """The table is written to by its own file alone."""
    writers = {
        file.relative_to(SOURCE).as_posix()
        for file in SOURCE.rglob("*.py")
        if "sessions" in set(_inserted(file))
    }

    assert writers == {"directory/sessions.py"}


def test_every_door_asks_the_one_function() -> None:
    """``rules.access.may_sign_in`` is asked by the gate, the gate by every door."""
    asking = set(_calls("may_sign_in")) - {"rules/access.py"}

    assert asking == ASKS
    assert set(_calls("admit")) == ADMITS

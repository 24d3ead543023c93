"""The matrix of permissions: every view of the console, for whoever lacks its one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scim_connector.rules.permissions import AUDITOR, PERMISSIONS
from scim_connector.settings import Settings
from scim_connector.web.console.desk import Desk as ServedDesk
from scim_connector.wiring import open_house, parts_of, prepare
from tests.console import Desk, Office

#: Views that are for everybody who may do anything here.
FOR_ALL = {("GET", "/admin"), ("GET", "/admin/glossary")}


def _served(folder: Path) -> list[tuple[str, str, str]]:
    """Each view of the real application: method, a path that fits it, permission."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/x.db", secret_key_file=folder / "x.key"
    )
    prepare(settings)
    house = open_house(settings)
    try:
        desk = parts_of(house).app.extensions["console"]
        assert isinstance(desk, ServedDesk)
        return [
            (method, re.sub(r"<int[^>]*>", "1", re.sub(r"<\w+>", "x", path)), need.id)
            for method, path, need in desk.served
            if need is not None
        ]
    finally:
        house.database.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Every view that needs a permission."""
    return _served(tmp_path_factory.mktemp("served"))


def test_every_view_needs_a_permission(
    tmp_path: Path, served: list[tuple[str, str, str]]
) -> None:
    """But for the first page and the glossary, which show what one may see."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/x.db", secret_key_file=tmp_path / "x.key"
    )
    prepare(settings)
    house = open_house(settings)
    desk = parts_of(house).app.extensions["console"]
    house.database.close()

    assert {(m, p) for m, p, need in desk.served if need is None} == FOR_ALL
    assert {need for _, _, need in served} == {each.id for each in PERMISSIONS}
    assert all(
        need not in AUDITOR
        for method, path, need in served
        if method == "POST" and not path.endswith(("/try", "/functions", "/sample"))
    )


def test_who_lacks_one_permission_is_refused_just_that(
    office: Office, served: list[tuple[str, str, str]]
) -> None:
    """Somebody with all permissions but one: 403 where it is needed, never elsewhere."""
    for number, permission in enumerate(PERMISSIONS):
        others = [each.id for each in PERMISSIONS if each is not permission]
        desk = office.somebody(f"lacks{number}", *others)
        for method, path, need in served:
            if need == permission.id:
                page = _sent(desk, method, path)
                assert page == (403, True), (method, path, need)


def _sent(desk: Desk, method: str, path: str) -> tuple[int, bool]:
    page = desk.get(path) if method == "GET" else desk.post(path)
    return page.status, "Your roles do not carry" in page.words


def test_a_stranger_reaches_no_view(
    office: Office, served: list[tuple[str, str, str]]
) -> None:
    """Without a session every view leads to sign in, and does nothing."""
    desk = Desk(office.address)
    for method, path, _ in served:
        page = desk.get(path) if method == "GET" else desk.post(path)
        assert page.path == "/login", (method, path)

"""Conflicts in the console: read, decided one by one, and as a batch."""

from __future__ import annotations

import re

from tests.console import Desk, Office


def _clash(office: Office, name: str) -> tuple[str, dict[str, object]]:
    """A local user, and a provider that sends somebody of the same address."""
    email = f"{name}@contoso.com"
    office.scim.cli(
        "user", "add", "--email", email, "--last", name, "--username", f"local.{name}"
    )
    body = {
        "userName": f"{name}.sent@contoso.com",
        "externalId": name,
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": email}],
    }
    assert office.scim.send("POST", "/Users", body).status == 409
    return _path(office, f"{name}.sent@contoso.com"), body


def _path(office: Office, identity: str) -> str:
    page = office.admin.get("/admin/conflicts")
    found = re.search(
        rf'href="(/admin/conflicts/\d+)">{re.escape(identity)}', page.text
    )
    assert found is not None, page.words
    return found[1]


def test_a_link_lets_the_next_try_succeed(office: Office) -> None:
    """Decided on the page; the provider's retry is that very user, and no mail goes."""
    path, body = _clash(office, "clara")
    page = office.admin.get(path)
    assert "The address belongs to somebody else" in page.words
    assert "local.clara" in page.words

    done = office.admin.post(path, {"remedy": "link"})
    again = office.scim.send("POST", "/Users", body)

    assert done.path == "/admin/conflicts"
    assert again.status == 201
    told = office.scim.cli("user", "show", "local.clara")
    assert "clara.sent@contoso.com" in told
    assert "clara.sent@contoso.com</a>" not in office.admin.get("/admin/conflicts").text
    decided = office.admin.get("/admin/conflicts?state=decided")
    assert "clara.sent@contoso.com" in decided.words
    assert "by console:ada@contoso.com" in decided.words


def test_a_refused_decision_keeps_what_was_typed(office: Office) -> None:
    """Another address that is taken as well: the rule, and the field as it was."""
    path, _ = _clash(office, "dora")

    page = office.admin.post(
        path, {"remedy": "change_email", "email": "ada@contoso.com"}
    )

    assert page.status in {400, 409}
    assert "is taken by an active user (R5)" in page.words
    assert 'value="ada@contoso.com"' in page.text
    assert office.admin.get(path).text.count("waiting") >= 1


def test_a_batch_is_reviewed_before_it_is_done(office: Office) -> None:
    """What would become of each is shown first; nothing is decided by looking."""
    paths = [_clash(office, name)[0] for name in ("edda", "esra")]
    ids = [path.rpartition("/")[2] for path in paths]
    fields: dict[str, str | list[str]] = {"remedy": "link", "conflict": ids}

    review = office.admin.post("/admin/conflicts/batch", fields)
    assert review.words.count(" yes") == 2
    assert all("waiting" in office.admin.get(path).text for path in paths)
    done = office.admin.post("/admin/conflicts/batch/do", fields)

    assert "2 conflicts decided" in done.words


def test_a_batch_without_a_choice_is_told(office: Office) -> None:
    """Neither ticks nor an act: what is missing is said."""
    for fields, told in (
        ({"remedy": "link"}, "Tick the conflicts"),
        ({"conflict": "1"}, "Choose what is to be done"),
        ({"remedy": "change_email", "conflict": "1"}, "Choose what is to be done"),
    ):
        page = office.admin.post("/admin/conflicts/batch", fields)
        assert page.status == 400
        assert told in page.words


def test_the_list_is_narrowed_and_is_a_file(office: Office) -> None:
    """By kind and connection; a value that is not offered is told."""
    _clash(office, "fritz")

    rows = office.admin.get("/admin/conflicts?kind=email_taken&format=csv")
    none = office.admin.get("/admin/conflicts?kind=roles_to_approve")
    wrong = office.admin.get("/admin/conflicts?kind=nonsense")

    assert "fritz.sent@contoso.com" in rows.text
    assert "fritz.sent@contoso.com" not in none.text
    assert wrong.status == 400


def test_who_may_only_look_decides_nothing(office: Office, auditor: Desk) -> None:
    """The page is read, the acts are not offered, and refused when they are sent."""
    path, _ = _clash(office, "gerda")

    page = auditor.get(path)

    assert 'To decide it your roles need "Manage provisioning"' in page.words
    assert auditor.post(path, {"remedy": "ignore"}).status == 403
    assert auditor.post("/admin/conflicts/batch", {"remedy": "link"}).status == 403

"""Numbers in addresses and forms that are none: a page that says so, never a 500."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.console import Office

#: Digits to Python and no number; more than a database holds; neither.
ODD = ("²", "9" * 30, "-1", "x", "9999-12-31")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "path",
    [
        "/admin/conflicts?after={}.1",
        "/admin/conflicts?after=1.{}",
        "/admin/conflicts/{}",
        "/admin/connections/{}",
        "/admin/connections/{}/rehearsal",
        "/admin/connections/{}/change",
        "/admin/connections/{}/sign-in?kept=yes",
        "/admin/connections/{}/test",
        "/admin/connections/{}/trusts",
        "/admin/log?user={}",
        "/admin/mapping?connection={}",
        "/admin/mapping?user={}",
        "/admin/mapping?version={}",
        "/admin/receipts?after={}",
        "/admin/users/{}",
        "/admin/users/{}/history",
    ],
)
def test_no_address_breaks_a_page(office: Office, path: str, odd: str) -> None:
    """It is passed over, answered 400, or not there."""
    page = office.admin.get(path.format(quote(odd)))

    assert page.status in {200, 400, 404}, page.words


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/admin/connections", {"kind": "entra", "name": "x", "takes_over": "{}"}),
        ("/admin/connections/1/settings", {"until": "{}", "off": "{}"}),
        ("/admin/connections/1/change", {"kind": "{}", "name": "x", "until": "{}"}),
        ("/admin/connections/1/trusts", {"tenant": "{}", "audiences": "{}"}),
        ("/admin/connections/1/trusts/remove", {"trust": "{}"}),
        ("/admin/connections/1/test", {"provider": "{}", "domain": "{}"}),
        ("/admin/connections/1/sign-in/try", {"issuer": "{}", "client_id": "{}"}),
        ("/admin/connections/1/sign-in", {"equals": "{}", "algorithm": "{}"}),
        ("/admin/conflicts/batch", {"remedy": "ignore", "conflict": "{}"}),
        ("/admin/conflicts/batch/do", {"remedy": "ignore", "conflict": "{}"}),
        ("/admin/mapping/plan", {"connection": "{}", "text": ""}),
        ("/admin/mapping/apply", {"connection": "1", "text": "", "changes": "{}"}),
    ],
)
def test_no_form_breaks_a_page(
    office: Office, path: str, fields: dict[str, str], odd: str
) -> None:
    """The same for what a form holds."""
    sent = {name: value.format(odd) for name, value in fields.items()}
    page = office.admin.post(path, sent)

    assert page.status in {200, 400, 404}, page.words

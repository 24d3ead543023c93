"""The console on PostgreSQL: every screen and every list as a file."""

from __future__ import annotations

import json
from pathlib import Path

from tests import console
from tests.postgres import Postgres

PATHS = (
    "/admin",
    "/admin/users",
    "/admin/users?words=VIRTANEN&status=active&kind=person",
    "/admin/users?status=held",
    "/admin/users?status=never",
    "/admin/users?status=refused",
    "/admin/users?source=default&role=Administrator",
    "/admin/users/2",
    "/admin/users/2/identity",
    "/admin/users/2/access",
    "/admin/users/2/history",
    "/admin/users/2/names",
    "/admin/users/2/deactivate",
    "/admin/users/new",
    "/admin/log",
    "/admin/log?outcome=Failure&reason=email_taken&words=anna&method=POST&status=409",
    "/admin/log?since=2020-01-01&until=2040-01-01&reads=yes&connection=default",
    "/admin/conflicts",
    "/admin/conflicts?state=decided&kind=email_taken&connection=default",
    "/admin/mapping",
    "/admin/mapping/functions",
    "/admin/connections",
    "/admin/connections/1",
    "/admin/connections/1/tokens",
    "/admin/connections/1/trusts",
    "/admin/connections/1/settings",
    "/admin/connections/1/change",
    "/admin/connections/1/test",
    "/admin/connections/1/compatibility",
    "/admin/connections/1/sign-in",
    "/admin/connections/2/rehearsal",
    "/admin/receipts",
    "/admin/applications",
    "/admin/applications/api-app",
    "/admin/roles",
    "/admin/roles/groups",
    "/admin/settings",
    "/admin/settings/mail",
    "/account",
)


def test_every_screen(tmp_path: Path, postgres_server: Postgres) -> None:
    """Each answers, and the lists are files whose rows are those of the page."""
    url = postgres_server.create("console_on_postgres")
    with console.running(tmp_path, SCIM_CONNECTOR_DATABASE_URL=url) as office:
        console.live(office)
        for path in PATHS:
            page = office.admin.get(path)
            assert page.status == 200, (path, page.words[:300])
        for name in ("users", "log", "conflicts", "receipts"):
            rows = json.loads(office.admin.get(f"/admin/{name}?format=json").text)
            assert rows, name
        plan = office.admin.post(
            "/admin/mapping/plan",
            {"connection": "1", "text": office.admin.mapping_text(1)},
        )
        assert "Nobody changes" in plan.words
        judged = office.admin.post("/admin/connections/2/rehearsal/judge")
        assert "I have seen what will happen" in judged.words
        new = {"kind": "okta", "name": "after", "link_existing": "never"}
        office.admin.post("/admin/connections/1/change", new)
        change = office.admin.get("/admin/connections/1/change")
        assert "Taken over so far" in change.words
        played = office.admin.post("/admin/connections/1/test", {"provider": "okta"})
        assert "Okta can work with this server" in played.words
    postgres_server.drop("console_on_postgres")

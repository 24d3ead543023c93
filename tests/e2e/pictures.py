"""``./dev pictures``: each screen of the console, as the demo fills it.

Light and dark, at 1280 and 390 px, into ``docs/images``.  Whoever changes how a screen
looks runs it and looks at what has changed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.e2e import chromium
from tests.server import PROGRAM, ROOT, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

INTO: Final = ROOT / "docs" / "images"
SIZES: Final = {1280: 800, 390: 780}
SCHEMES: Final = ("light", "dark")
#: Until something of everything has happened in the demo.
_LIVELY: Final = 35.0
_FIRST: Final = "tbody th a"
#: Where each screen is; behind ">" what is clicked to come there.
SCREENS: Final = {
    "overview": "/admin",
    "users": "/admin/users",
    "user": f"/admin/users?status=held>{_FIRST}",
    "user-identity": f"/admin/users?source=entra>{_FIRST}>a:text-is('Identity')",
    "user-access": f"/admin/users?source=okta>{_FIRST}>a:text-is('Access')",
    "user-history": f"/admin/users?status=held>{_FIRST}>a:text-is('History')",
    "user-new": "/admin/users/new",
    "user-import": "/admin/users/import",
    "log": "/admin/log",
    "request": f"/admin/log?outcome=Failure&reason=email_taken>{_FIRST}",
    "conflicts": "/admin/conflicts",
    "conflict": f"/admin/conflicts>{_FIRST}",
    "mapping": "/admin/mapping",
    "functions": "/admin/mapping/functions",
    "connections": "/admin/connections",
    "connection": "/admin/connections>.card a:text-is('entra')",
    "connection-tokens": "/admin/connections>.card a:text-is('okta')>a:text-is('Tokens')",
    "connection-change": "/admin/connections>.card a:text-is('okta')"
    ">a:text-is('Change to another provider')",
    "connection-test": "/admin/connections>.card a:text-is('entra')>a:text-is('Test')",
    "compliance": "/admin/compliance",
    "report": "/admin/compliance/reports/leavers",
    "receipts": "/admin/receipts",
    "receivers": "/admin/applications/receivers",
    "receiver": f"/admin/applications/receivers>{_FIRST}",
    "webhooks": "/admin/applications/webhooks",
    "webhook": f"/admin/applications/webhooks>{_FIRST}",
    "undo": "/admin/undo",
    "connection-guard": "/admin/connections>.card a:text-is('entra')>a:text-is('Guard')",
    "alerts": "/admin/settings/alerts",
    "applications": "/admin/applications",
    "roles": "/admin/roles",
    "groups": "/admin/roles/groups",
    "settings": "/admin/settings",
    "account": "/account",
}


def main() -> int:
    """Take every picture; returns the exit status."""
    INTO.mkdir(parents=True, exist_ok=True)
    with _demo() as said, chromium.running() as browser:
        time.sleep(_LIVELY)
        for width, height in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            _sign_in(page, said)
            for name, place in SCREENS.items():
                _open(page, said["Address"], place)
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    path = INTO / f"{name}-{width}-{scheme}.png"
                    page.screenshot(path=path)
                    print(path.relative_to(ROOT))
            page.close()
    return 0


@contextmanager
def _demo() -> Iterator[dict[str, str]]:
    """The demo, running; yields what it printed: Address, Username, Password."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        command = [*PROGRAM, "serve", "--demo", "--port", str(free_port())]
        with out.open("wb") as file:
            process = subprocess.Popen(command, cwd=name, stdout=file, stderr=file)
        try:
            yield _printed(out)
        finally:
            process.terminate()
            process.wait(20)


def _printed(out: Path) -> dict[str, str]:
    for _ in range(600):
        found = dict(re.findall(r"^(\w+):\s+(\S.*)$", out.read_text(), re.MULTILINE))
        if "Password" in found:
            time.sleep(2)
            return found
        time.sleep(0.1)
    sys.exit(f"the demo did not start:\n{out.read_text()}")


def _sign_in(page: Page, said: dict[str, str]) -> None:
    page.goto(f"{said['Address']}/login?return_to=/admin")
    page.get_by_label("Username or email address").fill(said["Username"])
    page.get_by_label("Password", exact=True).fill(said["Password"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()


def _open(page: Page, address: str, place: str) -> None:
    path, *clicks = place.split(">")
    page.goto(address + path)
    for what in clicks:
        page.locator(what).first.click()
        page.wait_for_load_state()


if __name__ == "__main__":
    sys.exit(main())

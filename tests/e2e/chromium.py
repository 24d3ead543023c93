"""A real browser without a screen: the machine's own Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e import certified

_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    # Every host is this machine, whatever it is called.
    "--host-resolver-rules=MAP * 127.0.0.1",
]
_TALLEST = (
    "Math.max(0, ...[...document.querySelectorAll('button, .button')].map("
    "each => each.offsetHeight))"
)
_TWO_LINES = 70
_AXE = "node_modules/axe-core/axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1100, "height": 800}


@contextmanager
def running() -> Iterator[Browser]:
    """Run Chromium with a fresh folder of its own."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail("no Chromium on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=found, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """One person's browser, and everything it complained about."""

    def __init__(self, browser: Browser, pictures: Path) -> None:
        """Put screenshots into *pictures*."""
        self._pictures = pictures
        self.context: BrowserContext = browser.new_context(
            ignore_https_errors=True, viewport=DESK, reduced_motion="reduce"
        )
        self.context.set_default_timeout(5_000)
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self._axe = (certified.installed() / _AXE).read_text()
        self.page.on("console", lambda said: self._keep(said.type, said.text))
        self.page.on("pageerror", lambda error: self._keep("error", str(error)))

    def _keep(self, kind: str, text: str) -> None:
        # A page that answers 403 is a line of the console, and what we ask for.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.complaints.append(f"{self.page.url}: {text}")

    def look(self, name: str) -> None:
        """Take pictures, light and dark, wide and narrow; nothing may stick out."""
        page = self.page
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, size in (("desk", DESK), ("phone", PHONE)):
                page.set_viewport_size(size)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], f"{name} is {wide} px wide on a {width}"
                tall = page.evaluate(_TALLEST)
                assert tall <= _TWO_LINES, f"a button of {name} is {tall} px tall"
                path = self._pictures / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=True)
            barriers = self._barriers()
            assert barriers == [], f"{name}, {scheme}: {barriers}"
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(DESK)

    def _barriers(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA: contrast, names, labels, order, size."""
        self.page.evaluate(self._axe)
        found = self.page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa',"
            " 'best-practice']})"
        )
        return [
            f"{each['id']}: {node['html'][:120]} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


def pictures_of(otherwise: Path) -> Path:
    """Where screenshots go: SCREENSHOTS, or a folder of this run."""
    folder = Path(os.environ.get("SCREENSHOTS") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder

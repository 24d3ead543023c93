"""The documentation as a site, as ``./dev site`` has built it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SITE = TOP / "site"
PAGES = sorted(SITE.glob("**/*.html"))
#: Tags that make a browser fetch something, and the attribute that says what.
FETCHED = {"script": "src", "img": "src", "link": "href", "source": "srcset"}


class Fetches(HTMLParser):
    """What a browser that opens a page asks for besides."""

    def __init__(self) -> None:
        """Nothing so far."""
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of whatever is fetched."""
        named = dict(attrs)
        if named.get("rel") in ("next", "prev", "index", "search", "canonical"):
            return
        if address := named.get(FETCHED.get(tag, "")):
            self.found.append(address)


def test_every_document_is_a_page() -> None:
    """Nothing that is read on the code host is missing in the site."""
    wanted = {
        page.relative_to(TOP / "docs").with_suffix(".html")
        for page in TOP.glob("docs/**/*.md")
    }

    assert wanted <= {page.relative_to(SITE) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_a_page_fetches_nothing_from_elsewhere(page: Path) -> None:
    """No font, script or picture of another host; all that is named is there."""
    fetches = Fetches()
    fetches.feed(page.read_text("utf-8"))
    for address in fetches.found:
        if not address.startswith("data:"):
            assert "//" not in address
            assert (page.parent / address.partition("?")[0]).resolve().is_file()


def test_the_search_knows_the_words() -> None:
    """It works from files, without a server."""
    index = (SITE / "searchindex.js").read_text("utf-8")

    assert all(f'"{word}"' in index for word in ("initi", "deactiv", "rehears"))

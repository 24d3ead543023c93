"""How the documentation becomes a site: ``./dev site``."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "scim_connector"
version = release = __version__
copyright = "the developers of scim_connector"

extensions = ["myst_parser"]
exclude_patterns = ["images/*"]
highlight_language = "none"
nitpicky = True
# Headings have the same anchors as on the code host, where the pages are read as well.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"scim_connector {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False

#: Pages that lie outside of docs/ on the code host, and what includes them here.
OUTSIDE = {
    "deploy/README.md": "/deploy.md",
    "SECURITY.md": "/reporting.md",
    "CHANGELOG.md": "/changelog.md",
}
_LINK = re.compile(r"\]\((?!\w+:|#)(?P<path>[^)#\s]+)")
_DOCS = Path(__file__).parent


def setup(app: Sphinx) -> None:
    """Lead links between the pages to where the pages are in the site."""
    app.connect("source-read", _read)
    app.connect("include-read", _included)


def _read(app: Sphinx, name: str, text: list[str]) -> None:
    text[0] = _led(text[0], (_DOCS / name).parent)


def _included(app: Sphinx, path: Path, _: str, text: list[str]) -> None:
    text[0] = _led(text[0], (_DOCS / path).resolve().parent)


def _led(text: str, folder: Path) -> str:
    """*text* with each link as seen from the top of docs/; it was written in *folder*."""
    is_ours = folder.is_relative_to(_DOCS)

    def lead(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / found["path"]))
        if page := OUTSIDE.get(os.path.relpath(target, _DOCS.parent)):
            return f"]({page}"
        if target.is_relative_to(_DOCS):
            return f"](/{target.relative_to(_DOCS)}"
        return f"]({os.path.relpath(target, folder if is_ours else _DOCS)}"

    return _LINK.sub(lead, text)

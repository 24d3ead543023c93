"""The mapping files that come with the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def text(kind: str) -> str:
    """The shipped mapping of a kind: entra, okta or generic.

    A wheel carries them inside the package; a checkout has them at its top level.
    """
    packed = files("scim_connector") / "mappings" / f"{kind}.toml"
    if packed.is_file():
        return packed.read_text("utf-8")
    top = Path(__file__).parents[3] / "mappings"
    return (top / f"{kind}.toml").read_text("utf-8")

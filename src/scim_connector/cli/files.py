"""Files named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector.cli.context import fail
from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax

if TYPE_CHECKING:
    from scim_connector.scim.types import Json


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, or one clear sentence."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise fail(f"There is no file {file}.") from None
    except UnicodeDecodeError:
        raise fail(f"{file} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.") from None


def read_object(file: Path) -> Json:
    """The JSON object in a file, or in what is typed where the file is "-"."""
    typed = str(file) == "-"
    body = sys.stdin.buffer.read() if typed else read_text(file).encode()
    try:
        return gate.loads_object(body)
    except InvalidSyntax as error:
        where = "What was typed" if typed else str(file)
        raise fail(f"{where}: {error.detail}") from None

"""Files named on the command line."""

from __future__ import annotations

from pathlib import Path

from scim_connector.cli.context import fail


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

"""Files that are there when they are whole, and not at all before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scim_connector.administration.errors import NotPossible


@contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """What is written to gets its name at the end, for its owner alone to read.

    Until then it is a draft of this call in the same folder, which no other call
    touches.  Raises NotPossible when the file exists, or cannot be written.
    """
    try:
        with _draft(file) as out:
            yield out
    except OSError as error:
        why = error.strerror or error
        raise NotPossible(f"{file} cannot be written: {why}.") from None


@contextmanager
def _draft(file: Path) -> Iterator[BinaryIO]:
    _refuse_existing(file)
    number, name = tempfile.mkstemp(".part", f".{file.name}.", file.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            yield out
        _refuse_existing(file)
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise NotPossible(f"{file} exists already; name another file.")

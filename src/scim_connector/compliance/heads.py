"""Signed heads of audit at intervals: into the log, a file of their own, and webhooks.

Whoever collects the log, or copies the file elsewhere, can prove later that nothing was
cut off and no older copy put back, without having thought of it before.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from scim_connector.compliance import chain
from scim_connector.directory import installation, seals, webhooks
from scim_connector.rules.webhooks import AUDIT_HEAD

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.tokens.signing import SigningKeys

_log = structlog.get_logger("audit")
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Heads:
    """Signs the newest seal every so often, in one of all processes.

    *every* is in microseconds; *file* may be None, and then there is the log alone.
    """

    signing: SigningKeys
    issuer: str
    every: int
    file: Path | None = None

    def keep(self, database: Database, now: int) -> str | None:
        """Sign what was sealed since the last time, when it is time; returns the head.

        Two who do it at once: one finds it done.
        """
        if not self._is_due(database.reader(), now):
            return None

        def claim(tx: Transaction) -> str | None:
            found = seals.head(tx)
            if found is None or not self._is_due(tx, now):
                return None
            installation.write(tx, installation.LAST_HEAD, f"{now} {found.last_event}")
            head = chain.signed(found, self.signing, issuer=self.issuer, now=now)
            data = {"head": head, "last_event": found.last_event}
            webhooks.tell(tx, AUDIT_HEAD, data, now=now)
            return head

        head = database.write(claim)
        if head is not None:
            self._tell(head)
        return head

    def _is_due(self, reader: Reader, now: int) -> bool:
        last = installation.read(reader, installation.LAST_HEAD)
        if last is None:
            return seals.last_event(reader) > 0
        at, event = map(int, last.split())
        return now >= at + self.every and seals.last_event(reader) > event

    def _tell(self, head: str) -> None:
        """One line in the log, and one in the file, which is on the disk then."""
        _log.info("audit head", head=head)
        if self.file is None:
            return
        try:
            append(self.file, head)
        except OSError as error:
            _log.warning("audit head not in the file", reason=str(error))


def append(file: Path, line: str) -> None:
    """Add a line to a file that nobody else reads, and wait for the disk."""
    handle = os.open(file, _FLAGS, _MODE)
    try:
        os.write(handle, f"{line}\n".encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)

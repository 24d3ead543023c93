"""How the condition of each alert is judged, at one instant.

A judge looks at the installation and says for which subjects its condition holds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scim_connector.administration import backups, certificates, reasons
from scim_connector.administration.overview import DAY, first_expiry
from scim_connector.administration.receivers import waiting_since
from scim_connector.directory import (
    async_requests,
    audit,
    connections,
    credentials,
    outbox,
    receivers,
    request_log,
    seals,
    webhooks,
)
from scim_connector.rules.counting import counted

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
#: The topic of the mails that tell of alerts; they are no reason for another one.
MAIL: Final = "mail:alert"
#: Fewer refusals than these are no share of anything.
FEWEST: Final = 5
EXPIRED: Final = "0"
_GIGABYTE: Final = 1024**3
_SHARE_OF: Final = 3 * HOUR


@dataclass(frozen=True, slots=True)
class Look:
    """An installation at one instant; *path* and *certificate* are files of it."""

    reader: Reader
    now: int
    path: Path | None = None
    certificate: Path | None = None

    def live(self) -> list[Connection]:
        """The connections that work."""
        return [c for c in connections.every(self.reader) if c.state == "live"]


@dataclass(frozen=True, slots=True)
class Holding:
    """A condition holds for *subject*; *level* grows worse by becoming smaller."""

    subject: str
    sentence: str
    level: str = ""


# ----------------------------------------------------------------------- connections


def expiring(look: Look, days: tuple[int, ...]) -> Iterator[Holding]:
    """The last token of a connection, or the certificate, ends within these days."""
    for each in connections.every(look.reader):
        held = credentials.of_connection(look.reader, each.id)
        first = None if each.state == "retired" else first_expiry(held, look.now)
        ends = None if first is None else first.credential.expires_at
        if ends is not None:
            what = f"The last token of connection {each.name}"
            yield from _ending(look, days, f"connection {each.name}", what, ends)
    if look.certificate is not None:
        ends = certificates.ends_at(look.certificate)
        if ends is not None:
            what = "The certificate of this server"
            yield from _ending(look, days, "certificate", what, ends)


def _ending(
    look: Look, days: tuple[int, ...], subject: str, what: str, ends: int
) -> Iterator[Holding]:
    if ends <= look.now:
        yield Holding(subject, f"{what} has expired.", EXPIRED)
        return
    reached = [n for n in days if ends - look.now <= n * DAY]
    if reached:
        left = (ends - look.now) // DAY
        shown = "in less than a day" if not left else f"in {counted(left, 'day')}"
        yield Holding(subject, f"{what} expires {shown}.", str(min(reached)))


def silent(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """A connection that asks by itself has not, for so long."""
    for each in look.live():
        last, _ = request_log.last(look.reader, each.id)
        # Only Entra ID asks by itself; the others call when something changes.
        if each.kind != "entra" or last is None:
            continue
        if look.now - last > hours[0] * HOUR:
            shown = counted((look.now - last) // HOUR, "hour")
            yield Holding(
                f"connection {each.name}",
                f"Connection {each.name} has not been heard of for {shown}.",
            )


def refused(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """A connection asks, and everything has been refused for so long."""
    span = hours[0] * HOUR
    for each in look.live():
        last, success = request_log.last(look.reader, each.id)
        since = each.created_at if success is None else success
        if last is not None and last > since and look.now - since > span:
            if look.now - last > span:
                continue  # it asks no more: that is silence
            yield Holding(
                f"connection {each.name}",
                f"Everything that connection {each.name} asks for has been refused for"
                f" {counted((look.now - since) // HOUR, 'hour')}.",
            )


def share(look: Look, percent: tuple[int, ...]) -> Iterator[Holding]:
    """One reason refused at least this share of what a connection asked for."""
    found = request_log.shares(look.reader, since=look.now - _SHARE_OF)
    for each in look.live():
        counts = found.get(each.id, {})
        whole = sum(counts.values())
        for reason, count in sorted(counts.items()):
            if reason and count >= FEWEST and count * 100 >= percent[0] * whole:
                titles = [r.title for r in reasons.of(reason, each.kind)] or [reason]
                yield Holding(
                    f"connection {each.name}: {reason}",
                    f"{count:,} of {whole:,} changes that connection {each.name} asked"
                    f" for in three hours were refused: {', '.join(titles)}.",
                )


def waiting(look: Look, minutes: tuple[int, ...]) -> Iterator[Holding]:
    """A request that was taken to be carried out later has waited for so long."""
    found = async_requests.queues(look.reader)
    for each in connections.every(look.reader):
        queue = found.get(each.id)
        if queue is not None and look.now - queue.since > minutes[0] * MINUTE:
            yield Holding(
                f"connection {each.name}",
                f"To be carried out for connection {each.name}:"
                f" {counted(queue.count, 'request')}, the oldest waits for"
                f" {counted((look.now - queue.since) // MINUTE, 'minute')}.",
            )


# ------------------------------------------------------------------ people and access


def last_administrator(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """The last Administrator was to go, within these hours."""
    names = ["last_administrator:protected"]
    for event in audit.newest_named(look.reader, names, at_most=1):
        if look.now - event.at <= hours[0] * HOUR:
            who = event.actor.partition(":")[2]
            yield Holding(
                "administrator",
                f"{who} was refused to take the last Administrator away.",
            )


def cut_off(look: Look, minutes: tuple[int, ...]) -> Iterator[Holding]:
    """An application has not confirmed a deactivation for so long."""
    before = look.now - minutes[0] * MINUTE
    found = outbox.unfinished(look.reader, before=before, since=look.now - DAY)
    for name, (count, _) in sorted(found.items()):
        yield Holding(
            f"application {name}",
            f"Application {name} has not confirmed {counted(count, 'deactivation')}.",
        )


def receivers_behind(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """A receiver has not taken an event for so long, or refused one within a day."""
    refused = receivers.refused(look.reader, since=look.now - DAY)
    for each in receivers.every(look.reader):
        if each.paused:
            continue
        since = waiting_since(look.reader, each)
        if since is not None and look.now - since > hours[0] * HOUR:
            shown = counted((look.now - since) // HOUR, "hour")
            said = f"has not taken a security event for {shown}"
        elif each.id in refused:
            said = f"has refused {counted(refused[each.id], 'security event')}"
        else:
            continue
        yield Holding(f"receiver {each.name}", f"Receiver {each.name} {said}.")


# ------------------------------------------------------------------------- the house


def not_delivered(look: Look, mails: tuple[int, ...]) -> Iterator[Holding]:
    """So many mails were given up in a day."""
    found = outbox.given_up(look.reader, since=look.now - DAY)
    count = sum(n for t, n in found.items() if t.startswith("mail:") and t != MAIL)
    if count >= mails[0]:
        shown = "A mail was" if count == 1 else f"{count:,} mails were"
        yield Holding("mail", f"{shown} not delivered in the last 24 hours.")


def webhooks_failing(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """A webhook has not taken something for so long, or it was given up in a day."""
    before = look.now - hours[0] * HOUR
    found = webhooks.failing(look.reader, before=before, since=look.now - DAY)
    for name, count in sorted(found.items()):
        shown = counted(count, "message")
        yield Holding(of_webhook(name), f"Webhook {name} has not taken {shown}.")


def of_webhook(name: str) -> str:
    """The subject of an alert about a webhook."""
    return f"webhook {name}"


def disk(look: Look, gigabytes: tuple[int, ...]) -> Iterator[Holding]:
    """Less than this is free beside the database."""
    if look.path is None:
        return
    free = shutil.disk_usage(look.path.absolute().parent).free
    if free < gigabytes[0] * _GIGABYTE:
        shown = f"{free / _GIGABYTE:,.1f} GB"
        yield Holding("disk", f"Only {shown} are free where the database lies.")


def backup(look: Look, hours: tuple[int, ...]) -> Iterator[Holding]:
    """The last backup is older."""
    last = backups.last(look.reader)
    if last is not None and look.now - last > hours[0] * HOUR:
        shown = counted((look.now - last) // HOUR, "hour")
        yield Holding("backup", f"The last backup is {shown} old.")


def unsealed(look: Look, minutes: tuple[int, ...]) -> Iterator[Holding]:
    """An event has waited for its seal for so long."""
    since = seals.oldest_unsealed(look.reader)
    if since is not None and look.now - since > minutes[0] * MINUTE:
        shown = counted((look.now - since) // MINUTE, "minute")
        yield Holding("audit", f"The record of changes is not sealed since {shown}.")

"""What the database tells of how an installation does: a look that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scim_connector.administration import backups
from scim_connector.administration.findings import Finding, good, look, wrong
from scim_connector.administration.guide import NEWEST, is_guid
from scim_connector.administration.overview import (
    DAY,
    SILENT_AFTER,
    WARN_DAYS,
    first_expiry,
)
from scim_connector.administration.overview import mail as mails
from scim_connector.administration.receivers import waiting_since
from scim_connector.administration.webhooks import state_of
from scim_connector.directory import (
    async_requests,
    connections,
    counters,
    credentials,
    links,
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
_HOUR: Final = 3600 * SECOND
#: The sealer works each second; what waits longer has been left alone.
UNSEALED_AFTER: Final = 5 * 60 * SECOND
#: What was taken to be carried out later is, within a second or so.
WAITED_AFTER: Final = 60 * SECOND
#: Security events are taken within seconds.
NOT_TAKEN_AFTER: Final = 5 * 60 * SECOND
#: A backup each day may begin a little later than yesterday.
BACKUP_AFTER: Final = 26 * _HOUR
_OKTA_ID: Final = re.compile(r"00u[0-9A-Za-z]{17}")


def examined(reader: Reader, now: int) -> Iterator[Finding]:
    """Look at what is stored, what leaves here and each connection; *now* in µs."""
    yield from _counters(reader)
    yield _audit(reader, now)
    yield _mails(reader, now)
    yield from _webhooks(reader)
    yield from _receivers(reader, now)
    yield _asked(reader, now)
    yield _backup(reader, now)
    every = [c for c in connections.every(reader) if c.state != "retired"]
    if not every:
        advice = "Add one for each identity provider."
        yield look("connections", "There is none.", advice, "connection add")
    for each in every:
        yield _token(reader, each, now)
        yield from _heard(reader, each, now)
        yield from _external_ids(reader, each)


def _counters(reader: Reader) -> Iterator[Finding]:
    found = counters.wrong(reader)
    for line in found:
        yield wrong("database", f"Counted wrongly: {line}.", "Tell who maintains this.")
    if not found:
        yield good("database", "The counters are those of the rows.")


def _audit(reader: Reader, now: int) -> Finding:
    since = seals.oldest_unsealed(reader)
    if since is None or now - since < UNSEALED_AFTER:
        return good("audit", "Every event is sealed, or will be in a moment.")
    minutes = (now - since) // (60 * SECOND)
    return look(
        "audit",
        f"An event has waited {counted(minutes, 'minute')} for its seal.",
        "A server seals within a second; start one.",
        "serve",
    )


def _mails(reader: Reader, now: int) -> Finding:
    standing = mails(reader, now)
    lost = standing["failed"] + standing["late"]
    if lost:
        sentence = f"Mails of the last seven days that were not delivered: {lost:,}."
        advice = "See why, then send them again or drop them."
        return look("mail", sentence, advice, "mail list --not-sent")
    held = outbox.count_held(reader)
    if held:
        sentence = f"Mails that wait for a decision: {held:,}."
        return look("mail", sentence, "Send them, or drop them.", "mail held send")
    return good("mail", "No mail of the last seven days was lost.")


def _webhooks(reader: Reader) -> Iterator[Finding]:
    tallies = webhooks.tallies(reader)
    for each in webhooks.every(reader):
        area = f"webhook {each.name}"
        state = state_of(each, tallies.get(each.id, webhooks.Tally()))
        if state in {"trying", "failed"}:
            why = (webhooks.trouble(reader, each.id) or "").rstrip(".")
            sentence = f"Not delivered: {why}."
            advice = "See what it was not sent, and send it again."
            yield look(area, sentence, advice, f"webhook show {each.name}")
        elif state != "paused":
            yield good(area, "It takes what it is sent.")


def _receivers(reader: Reader, now: int) -> Iterator[Finding]:
    for each in receivers.every(reader):
        area, since = f"receiver {each.name}", waiting_since(reader, each)
        if each.paused:
            continue
        if since is None or now - since < NOT_TAKEN_AFTER:
            yield good(area, "It takes the security events it asked for.")
            continue
        minutes = (now - since) // (60 * SECOND)
        why = each.last_error or "it does not ask for them"
        sentence = (
            f"It has not taken any for {counted(minutes, 'minute')}: {why.rstrip('.')}."
        )
        advice = "See whether it can be reached; what it missed is kept for it."
        yield look(area, sentence, advice, f"receiver show {each.name}")


def _asked(reader: Reader, now: int) -> Finding:
    queues = async_requests.queues(reader).values()
    count, since = (
        sum(q.count for q in queues),
        min((q.since for q in queues), default=now),
    )
    if now - since < WAITED_AFTER:
        return good("requests", "No asynchronous request waits for long.")
    minutes = (now - since) // (60 * SECOND)
    return look(
        "requests",
        f"Asynchronous requests that wait: {count:,}, the oldest for"
        f" {counted(minutes, 'minute')}.",
        "A server or a worker carries them out within a second; start one.",
        "worker",
    )


def _backup(reader: Reader, now: int) -> Finding:
    last = backups.last(reader)
    advice = "Make one each day, and keep it on another machine."
    if last is None:
        return look("backup", "No backup is known here.", advice, "db backup")
    hours = (now - last) // _HOUR
    if now - last > BACKUP_AFTER:
        sentence = f"The last backup is {counted(hours, 'hour')} old."
        return look("backup", sentence, advice, "db backup")
    return good("backup", f"The last backup is {counted(hours, 'hour')} old.")


# ---------------------------------------------------------------------- connections


def _token(reader: Reader, connection: Connection, now: int) -> Finding:
    area = f"connection {connection.name}"
    renew = "Make another token, and paste it into the provider."
    command = f"token create {connection.name}"
    first = first_expiry(credentials.of_connection(reader, connection.id), now)
    if first is None:
        return wrong(area, "Nothing opens it: it has no token.", renew, command)
    ends = first.credential.expires_at
    if ends is None:
        return good(area, "A token opens it, without an end.")
    if ends <= now:
        return wrong(
            area, "Nothing opens it: its last token has expired.", renew, command
        )
    days = (ends - now) // DAY
    if days <= WARN_DAYS[0]:
        return look(
            area, f"Its last token expires in {counted(days, 'day')}.", renew, command
        )
    return good(area, f"A token opens it for {counted(days, 'day')}.")


def _heard(reader: Reader, connection: Connection, now: int) -> Iterator[Finding]:
    last, success = request_log.last(reader, connection.id)
    area = f"connection {connection.name}"
    if connection.state != "live" or last is None:
        return
    if now - last > SILENT_AFTER and connection.kind == "entra":
        hours = (now - last) // _HOUR
        yield look(
            area,
            f"Entra ID has not asked for {hours:,} hours; it does every 40 minutes.",
            "See in Entra ID whether provisioning runs, and that it reaches this address.",
        )
    elif success is None or last - success > SILENT_AFTER:
        yield look(
            area,
            "The provider asks, and is refused every time.",
            "See in the log what it was refused, and why.",
            f"log list --connection {connection.name} --failures",
        )


def _external_ids(reader: Reader, connection: Connection) -> Iterator[Finding]:
    held = links.newest_external_ids(reader, connection.id, at_most=NEWEST)
    if connection.kind == "generic" or not held:
        return
    is_entra = connection.kind == "entra"
    strange = sum(1 for value in held if not _fits(value, is_entra=is_entra))
    area = f"connection {connection.name}"
    if not strange:
        yield good(area, "Each externalId is an object id of the provider.")
        return
    attribute = "objectId" if is_entra else "user.getInternalProperty('id')"
    yield look(
        area,
        f"{strange:,} of the newest {len(held):,} people have an externalId that is no"
        " object id; somebody who comes back may not be known again.",
        f"Let the provider send {attribute} as externalId.",
    )


def _fits(value: str | None, *, is_entra: bool) -> bool:
    if value is None:
        return False
    return is_guid(value) if is_entra else bool(_OKTA_ID.fullmatch(value))

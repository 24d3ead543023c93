"""Every setting there is: its name, how it is read, its default, what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scim_connector.settings.readings import (
    address,
    count,
    credential,
    host,
    line,
    long_secret,
    mailbox,
    number,
    one_of,
    proxies,
    rate,
    seconds,
    yes_or_no,
    zone,
)

PREFIX: Final = "SCIM_CONNECTOR_"
#: Whether traces are sent; the first is the default.
TRACES: Final = ("off", "on", "continued")
#: How a mail server is spoken to; the first is the default.
SECURITIES: Final = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the file; the variable is the name in capitals."""

    name: str
    read: Callable[[str], Any]
    default: Any
    sentence: str
    #: Its value is shown nowhere, not even when it cannot be used.
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "database_url",
        str,
        "sqlite:///scim-connector.db",
        "Where everything is kept: a SQLite file in the working directory, or"
        " `postgresql://user:password@host/name` (PostgreSQL 14 or newer).",
        secret=True,
    ),
    Setting(
        "public_url",
        address,
        None,
        "The address providers reach you at, the only source of every link that is"
        " given out; without it, the address served on.",
    ),
    Setting("host", str, "127.0.0.1", "The address to listen on."),
    Setting("port", number, 8080, "The port to listen on."),
    Setting("workers", number, 2, "How many processes answer requests."),
    Setting(
        "tls_cert", Path, None, "A certificate file (whole chain) to serve https with."
    ),
    Setting("tls_key", Path, None, "The private key of that certificate."),
    Setting(
        "secret_key",
        str,
        None,
        "The secret key itself, instead of a file: 32 bytes in base64, older keys on"
        " further lines.",
        secret=True,
    ),
    Setting(
        "secret_key_file",
        Path,
        Path("scim-connector.key"),
        "The file of the secret key, made at the first start.",
    ),
    Setting(
        "trusted_proxies",
        proxies,
        (),
        "Addresses of proxies whose X-Forwarded-For is believed, or ranges such as"
        " `10.42.0.0/16`, with commas between them. The client's address goes into the"
        " logs and limits guesses of passwords; no link is made from it.",
    ),
    Setting("max_body", number, 1_048_576, "The largest request body, in bytes."),
    Setting(
        "rate_limit",
        rate,
        1_000,
        "Requests a second that one connection may send to each process, 25 or more;"
        " 0 for no limit. What is over it is answered 429.",
    ),
    Setting(
        "async_waiting",
        count,
        1_000,
        "How many requests with `Prefer: respond-async` may wait of one connection, to be"
        " carried out later; 0 to answer every request at once.",
    ),
    Setting(
        "deliver",
        yes_or_no,
        True,
        "Whether `serve` sends mails, calls applications and carries out asynchronous"
        " requests itself; `no` where `scim-connector worker` does.",
    ),
    Setting(
        "session_idle",
        number,
        60,
        "Minutes after which a session that is not used is over.",
    ),
    Setting(
        "session_hours",
        number,
        12,
        "Hours after which a session is over, however much it is used.",
    ),
    Setting(
        "session_limit",
        count,
        0,
        "How many sessions there may be at once (R28); 0 for any number.",
    ),
    Setting(
        "second_factor",
        one_of("off", "administrators", "everybody"),
        "administrators",
        "Whom a password alone does not let in: `off`, `administrators` or `everybody`."
        " Who has set up a second factor is always asked for it.",
    ),
    Setting(
        "password_days",
        count,
        0,
        "Days after which a password has to be changed; 0 for never.",
    ),
    Setting(
        "metrics_token",
        long_secret,
        None,
        "The bearer token that opens `/metrics`, 20 characters or more; without it there"
        " is no such page.",
        secret=True,
    ),
    Setting(
        "traces",
        one_of(*TRACES),
        TRACES[0],
        "Whether traces are sent (extra `otel`): `off`, `on`, or `continued`, where a"
        " request from one of `trusted_proxies` goes on with the trace that it names."
        " Where to, the variables of OpenTelemetry say, such as"
        " `OTEL_EXPORTER_OTLP_ENDPOINT`.",
    ),
    Setting(
        "audit_head_minutes",
        count,
        60,
        "Minutes after which the newest seal of audit is signed into the log again, when"
        " there is a newer one; 0 for never.",
    ),
    Setting(
        "audit_head_file",
        Path,
        None,
        "A file that each of these signed heads is appended to, too, for `audit verify"
        " --head`; keep copies where nobody of this machine can change them.",
    ),
    Setting(
        "keep_requests_days",
        count,
        30,
        "Days for which the log keeps what providers sent and were answered; the requests"
        " stay, with their steps. 0 for ever.",
    ),
    Setting(
        "keep_events_days",
        count,
        400,
        "Days for which audit keeps its events, and the log its requests; the seals stay,"
        " so that the chain holds. 0 for ever.",
    ),
    Setting(
        "statement_timeout", seconds, 5.0, "How long one statement may take, seconds."
    ),
    Setting(
        "smtp_host",
        host,
        None,
        "The mail server that mails go through; without it they are written to"
        " `mail_folder`.",
    ),
    Setting(
        "smtp_port", number, 587, "Its port: 587 for `starttls`, mostly 465 for `tls`."
    ),
    Setting(
        "smtp_security",
        one_of(*SECURITIES),
        SECURITIES[0],
        "How it is spoken to: `starttls`, `tls` from the first byte, or `none`. Its"
        " certificate and name are checked; a password goes unencrypted to this machine"
        " alone.",
    ),
    Setting(
        "smtp_ca",
        Path,
        None,
        "A file of the certificates to trust for it, instead of the machine's own.",
    ),
    Setting("smtp_user", credential, None, "The user to sign in to it as."),
    Setting(
        "smtp_password", credential, None, "The password of that user.", secret=True
    ),
    Setting(
        "mail_from",
        mailbox,
        None,
        "The address that mails come from; without it, `no-reply` at the host of the"
        " public URL.",
    ),
    Setting(
        "mail_folder",
        Path,
        Path("mail"),
        "Where mails are written, as `.eml` files, while `smtp_host` is not set.",
    ),
    Setting(
        "organisation",
        line,
        "your organisation",
        "Whom the mails speak for, as in: your account at Contoso College.",
    ),
    Setting(
        "time_zone",
        zone,
        "UTC",
        "The zone in which mails tell the time, beside UTC; a name such as"
        " `Europe/Berlin`.",
    ),
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def documentation() -> str:
    """Every setting as Markdown, for ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "Each setting is an environment variable, or a line in `scim-connector.toml` in"
        " the working directory (another file: `--config FILE`). The variable wins. An"
        " unknown name is an error. `SCIM_CONNECTOR_DATABASE_URL_FILE` and"
        " `SCIM_CONNECTOR_SMTP_PASSWORD_FILE` name files that hold those two, as"
        " containers and service managers hand secrets over; set one or the other. This"
        " page is generated: `scim-connector settings --markdown`.",
        "",
        "| variable | in the file | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for setting in SETTINGS:
        default = "none" if setting.default in (None, ()) else f"`{setting.default}`"
        lines.append(
            f"| `{setting.variable}` | `{setting.name}` | {default} |"
            f" {setting.sentence} |"
        )
    return "\n".join(lines) + "\n"

"""Settings: ``SCIM_CONNECTOR_*`` variables over one optional ``scim-connector.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import idna

PREFIX: Final = "SCIM_CONNECTOR_"
FILE: Final = "scim-connector.toml"


NO_OPEN_SIGN_IN: Final = (
    "a password is not sent unencrypted to another machine; use smtp_security starttls"
    " or tls."
)


class BadSettings(Exception):
    """A setting that cannot be used; the text names it and says what to write."""


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


#: Whether traces are sent; the first is the default.
TRACES: Final = ("off", "on", "continued")
#: How a mail server is spoken to; the first is the default.
SECURITIES: Final = ("starttls", "tls", "none")
_IPV6: Final = 6
_MAILBOX: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
#: The fewest characters of a token that a person chooses.
SHORTEST_TOKEN: Final = 20
#: What Entra ID asks of a server, for each tenant.
LEAST_RATE: Final = 25


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = "write a whole number above 0"
        raise ValueError(message)
    return int(text)


def _count(text: str) -> int:
    """A whole number; 0 switches off what it bounds."""
    return 0 if text == "0" else _number(text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false"}:
        message = "write yes or no"
        raise ValueError(message)
    return text.lower() in {"yes", "true"}


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            message = f"write one of {', '.join(words)}"
            raise ValueError(message)
        return text

    return read


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 3600:  # noqa: PLR2004 - an hour is no deadline any more
        message = "write seconds, between 0 and 3600"
        raise ValueError(message)
    return seconds


def _address(text: str) -> str:
    """A public URL without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "write an address such as https://scim.example.com"
        raise ValueError(message)
    if parts.query or parts.fragment or parts.username:
        message = "write the address alone, without ?, # or a user"
        raise ValueError(message)
    on_the_wire(parts.hostname)
    return text.rstrip("/")


def _proxies(text: str) -> tuple[str, ...]:
    named = [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    for each in named:
        if each.prefixlen == 0:
            message = f"{each} is everybody; name the range that the proxies come from"
            raise ValueError(message)
    return tuple(str(each) for each in named)


def _rate(text: str) -> int:
    rate = int(text)
    if rate and rate < LEAST_RATE:
        message = f"a provider needs {LEAST_RATE} requests a second; 0 is no limit"
        raise ValueError(message)
    return rate


def _host(text: str) -> str:
    if not text or any(sign in text for sign in "/@ ") or not text.isprintable():
        message = "write the name of the host alone, such as smtp.example.com"
        raise ValueError(message)
    return on_the_wire(text.strip("."))


def _security(text: str) -> str:
    if text not in SECURITIES:
        message = f"write one of {', '.join(SECURITIES)}"
        raise ValueError(message)
    return text


def _credential(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        message = "write printable ASCII characters, one or more"
        raise ValueError(message)
    return text


def _long_secret(text: str) -> str:
    if len(_credential(text)) < SHORTEST_TOKEN:
        message = f"write {SHORTEST_TOKEN} characters or more, by chance"
        raise ValueError(message)
    return text


def _mailbox(text: str) -> str:
    """An address alone, its domain as it goes over the wire."""
    local, _, domain = text.rpartition("@")
    address = f"{local}@{on_the_wire(domain)}"
    if "=?" in local or not _MAILBOX.fullmatch(address):
        message = "write an address alone, such as no-reply@example.com"
        raise ValueError(message)
    return address


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        message = "write one line of text"
        raise ValueError(message)
    return text.strip()


def _zone(text: str) -> str:
    if text == "UTC":  # known without any data
        return text
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = (
            "write a name such as Europe/Berlin; if it is one, this machine has no time"
            " zones: install its tzdata package"
        )
        raise ValueError(message) from None


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
        _address,
        None,
        "The address providers reach you at, the only source of every link that is"
        " given out; without it, the address served on.",
    ),
    Setting("host", str, "127.0.0.1", "The address to listen on."),
    Setting("port", _number, 8080, "The port to listen on."),
    Setting("workers", _number, 2, "How many processes answer requests."),
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
        _proxies,
        (),
        "Addresses of proxies whose X-Forwarded-For is believed, or ranges such as"
        " `10.42.0.0/16`, with commas between them. The client's address goes into the"
        " logs and limits guesses of passwords; no link is made from it.",
    ),
    Setting("max_body", _number, 1_048_576, "The largest request body, in bytes."),
    Setting(
        "rate_limit",
        _rate,
        1_000,
        "Requests a second that one connection may send to each process, 25 or more;"
        " 0 for no limit. What is over it is answered 429.",
    ),
    Setting(
        "async_waiting",
        _count,
        1_000,
        "How many requests with `Prefer: respond-async` may wait of one connection, to be"
        " carried out later; 0 to answer every request at once.",
    ),
    Setting(
        "deliver",
        _yes_or_no,
        True,
        "Whether `serve` sends mails, calls applications and carries out asynchronous"
        " requests itself; `no` where `scim-connector worker` does.",
    ),
    Setting(
        "session_idle",
        _number,
        60,
        "Minutes after which a session that is not used is over.",
    ),
    Setting(
        "session_hours",
        _number,
        12,
        "Hours after which a session is over, however much it is used.",
    ),
    Setting(
        "session_limit",
        _count,
        0,
        "How many sessions there may be at once (R28); 0 for any number.",
    ),
    Setting(
        "second_factor",
        _one_of("off", "administrators", "everybody"),
        "administrators",
        "Whom a password alone does not let in: `off`, `administrators` or `everybody`."
        " Who has set up a second factor is always asked for it.",
    ),
    Setting(
        "password_days",
        _count,
        0,
        "Days after which a password has to be changed; 0 for never.",
    ),
    Setting(
        "metrics_token",
        _long_secret,
        None,
        "The bearer token that opens `/metrics`, 20 characters or more; without it there"
        " is no such page.",
        secret=True,
    ),
    Setting(
        "traces",
        _one_of(*TRACES),
        TRACES[0],
        "Whether traces are sent (extra `otel`): `off`, `on`, or `continued`, where a"
        " request from one of `trusted_proxies` goes on with the trace that it names."
        " Where to, the variables of OpenTelemetry say, such as"
        " `OTEL_EXPORTER_OTLP_ENDPOINT`.",
    ),
    Setting(
        "audit_head_minutes",
        _count,
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
        _count,
        30,
        "Days for which the log keeps what providers sent and were answered; the requests"
        " stay, with their steps. 0 for ever.",
    ),
    Setting(
        "keep_events_days",
        _count,
        400,
        "Days for which audit keeps its events, and the log its requests; the seals stay,"
        " so that the chain holds. 0 for ever.",
    ),
    Setting(
        "statement_timeout", _seconds, 5.0, "How long one statement may take, seconds."
    ),
    Setting(
        "smtp_host",
        _host,
        None,
        "The mail server that mails go through; without it they are written to"
        " `mail_folder`.",
    ),
    Setting(
        "smtp_port", _number, 587, "Its port: 587 for `starttls`, mostly 465 for `tls`."
    ),
    Setting(
        "smtp_security",
        _security,
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
    Setting("smtp_user", _credential, None, "The user to sign in to it as."),
    Setting(
        "smtp_password", _credential, None, "The password of that user.", secret=True
    ),
    Setting(
        "mail_from",
        _mailbox,
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
        _line,
        "your organisation",
        "Whom the mails speak for, as in: your account at Contoso College.",
    ),
    Setting(
        "time_zone",
        _zone,
        "UTC",
        "The zone in which mails tell the time, beside UTC; a name such as"
        " `Europe/Berlin`.",
    ),
)
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; see :data:`SETTINGS` for what each means."""

    database_url: str = "sqlite:///scim-connector.db"
    public_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    tls_cert: Path | None = None
    tls_key: Path | None = None
    secret_key: str | None = None
    secret_key_file: Path = Path("scim-connector.key")
    trusted_proxies: tuple[str, ...] = ()
    max_body: int = 1_048_576
    rate_limit: int = 1_000
    async_waiting: int = 1_000
    deliver: bool = True
    session_idle: int = 60
    session_hours: int = 12
    session_limit: int = 0
    second_factor: str = "administrators"
    password_days: int = 0
    metrics_token: str | None = None
    traces: str = TRACES[0]
    audit_head_minutes: int = 60
    audit_head_file: Path | None = None
    keep_requests_days: int = 30
    keep_events_days: int = 400
    statement_timeout: float = 5.0
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_security: str = SECURITIES[0]
    smtp_ca: Path | None = None
    smtp_user: str | None = None
    smtp_password: str | None = None
    mail_from: str | None = None
    mail_folder: Path = Path("mail")
    organisation: str = "your organisation"
    time_zone: str = "UTC"

    @property
    def is_open(self) -> bool:
        """Whether other machines reach the port itself, and over plain HTTP.

        Who names a proxy says that it stands in front and speaks https.
        """
        plain = self.tls_cert is None and not self.trusted_proxies
        return plain and not is_loopback(self.host)

    def __repr__(self) -> str:
        """The settings without their secrets."""
        return f"Settings({self.base_url})"

    @property
    def address(self) -> str:
        """The public address, or the one served on."""
        if self.public_url:
            return self.public_url
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The SCIM base URL that providers are given."""
        return f"{self.address}/scim/v2"

    @property
    def mail_host(self) -> str:
        """The host of the address, as mail names it: an IP address in brackets."""
        host = urlsplit(self.address).hostname or "localhost"
        try:
            address = ip_address(host)
        except ValueError:
            return on_the_wire(host)
        return f"[IPv6:{address}]" if address.version == _IPV6 else f"[{address}]"

    @property
    def sender(self) -> str:
        """The address that mails come from."""
        return self.mail_from or f"no-reply@{self.mail_host}"

    @classmethod
    def load(cls, environ: Mapping[str, str], file: Path | None = None) -> Settings:
        """Read the variables over the file; raises BadSettings.

        *file* must exist when it is named; ``scim-connector.toml`` in the working
        directory may be absent.
        """
        values = _of_file(file if file is not None else Path(FILE), named=bool(file))
        values |= _of_environment(environ)
        settings = cls(**values)
        if (settings.tls_cert is None) != (settings.tls_key is None):
            raise BadSettings("tls_cert and tls_key belong together; set both.")
        if (settings.smtp_user is None) != (settings.smtp_password is None):
            raise BadSettings("smtp_user and smtp_password belong together; set both.")
        open_sign_in = settings.smtp_user and settings.smtp_security == "none"
        if open_sign_in and not is_loopback(settings.smtp_host or "localhost"):
            raise BadSettings(f"smtp_security: {NO_OPEN_SIGN_IN}")
        if settings.traces == "continued" and not settings.trusted_proxies:
            raise BadSettings("traces: continued needs a proxy in trusted_proxies.")
        return settings


def on_the_wire(host: str) -> str:
    """The name of a host in ASCII, as resolvers, certificates and mails have it.

    By IDNA 2008: the older rules of the standard library take ß for ss, which is
    another host.  Raises ValueError for what cannot be a name.
    """
    try:
        ascii_form = host if host.isascii() else idna.encode(host, uts46=True).decode()
        return ascii_form.encode("idna").decode("ascii")  # labels of 1 to 63 characters
    except UnicodeError:
        message = f'"{host}" cannot be the name of a host'
        raise ValueError(message) from None


def is_loopback(host: str) -> bool:
    """Whether *host* can be nothing but this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of_file(file: Path, *, named: bool) -> dict[str, Any]:
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if named:
            raise BadSettings(f"There is no settings file {file}.") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{file}: {error}") from None
    return {
        name: _value(_known(name, f"{file}: "), _as_text(value), f"{file}: {name}")
        for name, value in raw.items()
    }


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    return str(value)


def _of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable != f"{PREFIX}CONFIG":
            name = variable.removeprefix(PREFIX).lower()
            if (secret := _kept_in_a_file(name)) is not None:
                if secret.variable in environ:
                    raise BadSettings(f"Set {variable} or {secret.variable}, not both.")
                values[secret.name] = _value(secret, _content(text, variable), variable)
                continue
            setting = _known(name, "", shown=variable)
            values[setting.name] = _value(setting, text, variable)
    return values


def _kept_in_a_file(name: str) -> Setting | None:
    """The secret whose file *name* is; secret_key_file is a setting of its own."""
    if name in _BY_NAME or not name.endswith("_file"):
        return None
    setting = _BY_NAME.get(name.removesuffix("_file"))
    return setting if setting is not None and setting.secret else None


def _content(file: str, variable: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{variable}: {file} cannot be read: {error}") from None


def _known(name: str, where: str, *, shown: str | None = None) -> Setting:
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = get_close_matches(name, _BY_NAME, 1)
    meant = _BY_NAME[near[0]].variable if near and shown else (near or [""])[0]
    hint = f"; did you mean {meant}?" if near else "; see docs/settings.md"
    raise BadSettings(f"{where}unknown setting {shown or name}{hint}")


def _value(setting: Setting, text: str, where: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        shown = "" if setting.secret else f' "{text}"'
        raise BadSettings(f"{where}{shown}: {error}") from None


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

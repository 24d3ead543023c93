"""Settings: ``SCIM_CONNECTOR_*`` variables over one optional ``scim-connector.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scim_connector.settings.hosts import is_loopback, on_the_wire
from scim_connector.settings.loading import BadSettings, of_environment, of_file
from scim_connector.settings.table import (
    PREFIX,
    SECURITIES,
    SETTINGS,
    TRACES,
    Setting,
    documentation,
)

__all__ = [
    "FILE",
    "NO_OPEN_SIGN_IN",
    "PREFIX",
    "SECURITIES",
    "SETTINGS",
    "TRACES",
    "BadSettings",
    "Setting",
    "Settings",
    "documentation",
    "is_loopback",
    "on_the_wire",
]

FILE: Final = "scim-connector.toml"
NO_OPEN_SIGN_IN: Final = (
    "a password is not sent unencrypted to another machine; use smtp_security starttls"
    " or tls."
)
_IPV6: Final = 6


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
        values = of_file(file if file is not None else Path(FILE), named=bool(file))
        values |= of_environment(environ)
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

"""Settings: what is taken, what is refused, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from scim_connector.cli import main
from scim_connector.settings import BadSettings, Settings

PASSWORD = "correct-horse"


def load(**values: str) -> Settings:
    return Settings.load(
        {f"SCIM_CONNECTOR_{name.upper()}": value for name, value in values.items()}
    )


def test_mail_has_defaults() -> None:
    """Nothing needs to be set: mails are written to a folder, in UTC."""
    settings = load()

    assert settings.smtp_host is None
    assert (settings.smtp_port, settings.smtp_security) == (587, "starttls")
    assert settings.mail_folder == Path("mail")
    assert settings.time_zone == "UTC"


@pytest.mark.parametrize(
    ("public_url", "sender"),
    [
        ("https://scim.contoso.com:8443/base", "no-reply@scim.contoso.com"),
        ("https://scim.straße.de", "no-reply@scim.xn--strae-oqa.de"),
        ("http://192.0.2.7:8080", "no-reply@[192.0.2.7]"),
        ("http://[2001:db8::1]", "no-reply@[IPv6:2001:db8::1]"),
    ],
)
def test_mails_come_from_the_host_of_the_address(public_url: str, sender: str) -> None:
    """Without mail_from the sender is no-reply at the host of the public URL."""
    assert load(public_url=public_url).sender == sender


def test_mail_from_is_the_sender() -> None:
    """mail_from is taken, its domain in the form of the wire."""
    assert load(mail_from="hello@straße.de").sender == "hello@xn--strae-oqa.de"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtp_security", "ssl"),
        ("smtp_host", ""),
        ("smtp_host", "smtp://smtp.example.com"),
        ("smtp_host", "smtp..example.com"),
        ("smtp_port", "0"),
        ("mail_from", "no-reply"),
        ("mail_from", "Contoso <no-reply@contoso.com>"),
        ("mail_from", "a@contoso.com,b@contoso.com"),
        ("mail_from", "a@contoso.com\nBcc: b@contoso.com"),
        ("mail_from", "=?utf-8?q?a?=@contoso.com"),
        ("organisation", " "),
        ("organisation", "Contoso\r\nBcc: b@contoso.com"),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "../../etc/passwd"),
        ("public_url", "https://scim..contoso.com"),
        ("trusted_proxies", "ingress.example.com"),
        ("trusted_proxies", "10.42.0.1/16"),
        ("trusted_proxies", "192.0.2.1, 0.0.0.0/0"),
        ("trusted_proxies", "::/0"),
    ],
)
def test_a_setting_of_no_use_is_named(name: str, value: str) -> None:
    """A value that cannot be used is refused, by the name of its variable."""
    with pytest.raises(BadSettings, match=f"SCIM_CONNECTOR_{name.upper()}"):
        load(**{name: value})


def test_user_and_password_belong_together() -> None:
    """One without the other is refused."""
    with pytest.raises(BadSettings, match="belong together"):
        load(smtp_user="mailer")


@pytest.mark.parametrize(
    ("host", "taken"),
    [("smtp.example.com", False), ("127.0.0.1", True), ("localhost", True)],
)
def test_a_password_needs_encryption(host: str, taken: bool) -> None:
    """Without TLS a password is for a mail server on this machine alone."""
    values = {"smtp_user": "mailer", "smtp_password": PASSWORD, "smtp_host": host}
    if taken:
        assert load(**values, smtp_security="none").smtp_user == "mailer"
        return
    with pytest.raises(BadSettings, match="not sent unencrypted") as refused:
        load(**values, smtp_security="none")
    assert PASSWORD not in str(refused.value)


def test_a_bad_password_is_not_shown() -> None:
    """A password that cannot be used is not repeated in the error."""
    with pytest.raises(BadSettings) as refused:
        load(smtp_user="mailer", smtp_password=f"{PASSWORD}ä")

    assert "SCIM_CONNECTOR_SMTP_PASSWORD" in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_the_password_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' repr nor the settings command shows the password."""
    monkeypatch.setenv("SCIM_CONNECTOR_SMTP_USER", "mailer")
    monkeypatch.setenv("SCIM_CONNECTOR_SMTP_PASSWORD", PASSWORD)

    printed = CliRunner().invoke(main, ["settings"])

    assert printed.exit_code == 0
    assert "mailer" in printed.output
    assert PASSWORD not in printed.output
    assert PASSWORD not in repr(load(smtp_user="mailer", smtp_password=PASSWORD))


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """A variable with _FILE behind names the file of a secret; its line end is none."""
    (tmp_path / "url").write_text("postgresql://u:p@db/people\n")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")

    settings = load(
        database_url_file=str(tmp_path / "url"),
        smtp_user="mailer",
        smtp_password_file=str(tmp_path / "password"),
    )

    assert settings.database_url == "postgresql://u:p@db/people"
    assert settings.smtp_password == PASSWORD


def test_a_secret_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    """A missing file, two sources for one secret, and a file for what is no secret."""
    with pytest.raises(BadSettings, match=r"DATABASE_URL_FILE: .+ cannot"):
        load(database_url_file=str(tmp_path / "none"))
    with pytest.raises(BadSettings, match="not both"):
        load(database_url_file=str(tmp_path / "none"), database_url="sqlite:///a.db")
    with pytest.raises(BadSettings, match="unknown setting"):
        load(smtp_host_file=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        ({}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),  # noqa: S104 - nothing listens in this test
        ({"host": "192.0.2.7"}, True),
        ({"host": "192.0.2.7", "tls_cert": "a.pem", "tls_key": "a.key"}, False),
        ({"host": "192.0.2.7", "trusted_proxies": "192.0.2.1"}, False),
    ],
)
def test_plain_http_for_others_is_known(values: dict[str, str], is_open: bool) -> None:
    """Only this machine, TLS of our own or a named proxy keeps tokens off the wire."""
    assert load(**values).is_open is is_open


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("192.0.2.1", ("192.0.2.1/32",)),
        (" 10.42.0.0/16 , 2001:DB8::1,", ("10.42.0.0/16", "2001:db8::1/128")),
        ("", ()),
    ],
)
def test_proxies_are_addresses_and_ranges(text: str, named: tuple[str, ...]) -> None:
    """Of both versions, with commas between them."""
    assert load(trusted_proxies=text).trusted_proxies == named

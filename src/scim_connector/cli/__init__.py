"""``scim-connector``: everything an operator does, one command each."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from scim_connector import __version__

#: Command, module and name in it, and the line shown in ``--help``; loaded when used.
COMMANDS: Final = {
    "serve": ("serve:serve", "Serve SCIM; the first start prints how to connect."),
    "connection": ("connection:connection", "Connections to identity providers."),
    "token": ("token:token", "Bearer tokens of connections."),
    "oauth": ("oauth:oauth", "OAuth client secrets and trusts of connections."),
    "application": ("application:application", "Applications that rely on the gate."),
    "sign-in": ("sign_in:sign_in", "Single sign-on through a connection."),
    "session": ("session:session", "Where people are signed in."),
    "receiver": ("receiver:receiver", "Security events to other systems."),
    "webhook": ("webhook:webhook", "Signed webhooks: alerts and heads of audit."),
    "receipts": ("receipts:receipts_", "What each deactivation ended, and how fast."),
    "audit": ("audit:audit", "The record of every change, and the proof of it."),
    "report": ("compliance:report", "Who had access, who lost it, what is unusual."),
    "sample": ("compliance:sample_", "A page of proof for each person named."),
    "evidence": ("compliance:evidence_", "One signed archive for an auditor."),
    "review": ("compliance:review_", "Access reviews: a sheet, and its decisions."),
    "compliance": ("compliance:compliance", "Findings, for a scheduler."),
    "undo": ("undo:undo", "Put values back to what they were before a change."),
    "mail": ("mail:mail", "Mails: sent, waiting, undeliverable."),
    "worker": ("worker:worker", "A further process that sends what waits."),
    "user": ("user:user", "Local users."),
    "role": ("names:role", "Roles."),
    "profile": ("names:profile", "Profiles."),
    "api-app": ("api_app:api_app", "The API App and its user."),
    "api-key": ("api_key:api_key", "Keys of API users."),
    "import": ("importing:import_users", "Import users from a CSV file."),
    "mapping": ("mapping:mapping", "How local fields are derived."),
    "simulate": ("simulate:simulate", "Try one request; nothing is written."),
    "rollout": ("rollout:rollout", "Try a whole directory; nothing is kept."),
    "probe": ("probe:probe", "Play a provider against any SCIM server."),
    "conflict": ("conflict:conflict", "What waits for a person's decision."),
    "link": ("link:link", "Link identities of providers to existing users."),
    "log": ("log:log", "The requests of providers, with their steps."),
    "doctor": ("doctor:doctor", "What is not as it should be, and what to do."),
    "alerts": ("alerts:alerts", "What is told without asking, and to whom."),
    "metrics": ("metrics:metrics", "The figures that Prometheus reads."),
    "dialects": ("dialects:dialects", "The tolerated quirks of providers."),
    "openapi": ("openapi:openapi", "The Admin API, described for programs."),
    "rules": ("rules:rules", "The handbook of local rules."),
    "settings": ("settings:settings", "Every setting."),
    "commands": ("reference:commands", "Every command, on one page."),
    "db": ("db:db", "The database: upgrade, check, back up, restore, copy."),
    "keys": ("keys:keys", "The secret key."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(f"scim_connector.cli.{module}"), name)
        assert isinstance(found, click.Command)  # noqa: S101 - the table is ours
        return found

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scim-connector")
@click.option("--config", metavar="FILE", help="Settings file (default: as serve).")
@click.pass_context
def main(ctx: click.Context, config: str | None) -> None:
    """The SCIM server between Entra ID or Okta and your applications.

    Start with `scim-connector serve` in an empty folder: it makes a database and prints
    an address, a token and a line to try. Then `scim-connector connection add`.
    """
    ctx.obj = config

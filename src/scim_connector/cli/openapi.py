"""``openapi``: the description of the Admin API, for who writes a program."""

from __future__ import annotations

import click
import orjson

from scim_connector.cli.context import load_settings
from scim_connector.web.admin_api import document, page


@click.command()
@click.option(
    "--markdown",
    is_flag=True,
    help="The routes in short, as docs/admin-api.md has them.",
)
@click.pass_context
def openapi(ctx: click.Context, markdown: bool) -> None:
    """The Admin API of this installation as an OpenAPI 3.1 document, in JSON.

    The server has the same at /admin/api/openapi.json.
    """
    if markdown:
        click.echo(page.made(), nl=False)
        return
    made = document.made(load_settings(ctx.find_root().obj).address)
    click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())

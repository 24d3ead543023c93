"""``commands``: every command with its arguments and options, on one page."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

import click

from scim_connector.cli.output import json_option, records


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/commands.md.")
@json_option
@click.pass_context
def commands(ctx: click.Context, markdown: bool, as_json: bool) -> None:
    """Every command with what it does; each says more with --help."""
    top = ctx.find_root().command
    assert isinstance(top, click.Group)  # noqa: S101 - the program is one
    if markdown:
        click.echo(page(top), nl=False)
        return
    shown = [
        {"command": name, "does": _first_sentence(command)}
        for name, command in every(top)
    ]
    records(shown, as_json=as_json)


def every(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, by its whole name, in the order of --help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None  # noqa: S101 - it was listed
        whole = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from every(command, whole)
        else:
            yield whole, command


def page(top: click.Group) -> str:
    """Every command as Markdown, for ``docs/commands.md``."""
    lines = [
        "# Commands",
        "",
        "`scim-connector COMMAND`, in a checkout `./dev cli COMMAND`. Each says the same"
        " with `--help`, and takes `--config FILE` before its name. What a command"
        " changes stands in audit under the name of the account it was run by. Exit"
        " code 0: done. 1: it looked, and something is not well. 2: refused in one"
        " sentence, and nothing was changed. This page is generated:"
        " `scim-connector commands --markdown`.",
    ]
    subject = ""
    for name, command in every(top):
        if name.split()[0] != subject:
            subject = name.split()[0]
            lines += ["", f"## {subject}"]
        lines += _told(name, command, is_alone=name == subject)
    return "\n".join(lines) + "\n"


def _told(name: str, command: click.Command, *, is_alone: bool) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    if not is_alone:
        yield from ("", f"### {name}")
    usage = " ".join([f"scim-connector {name}", *command.collect_usage_pieces(context)])
    yield from ("", *_paragraphs(command), "```", usage, "```")
    options = [each for each in command.params if isinstance(each, click.Option)]
    shown = [each.get_help_record(context) or ("", "") for each in options]
    if shown:
        yield from ("", "| option | what it does |", "| --- | --- |")
        yield from (f"| `{_cell(form)}` | {_cell(said)} |" for form, said in shown)


def _paragraphs(command: click.Command) -> Iterator[str]:
    """The text of --help; what click is told not to wrap are lines to type."""
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from ("```", paragraph.removeprefix("\b\n"), "```", "")
        else:
            yield from (paragraph, "")


def _cell(text: str) -> str:
    """Text for a table: a bar would end its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _first_sentence(command: click.Command) -> str:
    return cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ")

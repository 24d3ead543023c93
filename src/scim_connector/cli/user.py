"""``user``: local users, as an administrator works with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import api_app
from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from scim_connector.cli import user_erasing, user_naming, user_sign_in
from scim_connector.cli.context import act, ask, fail, moment, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import (
    access,
    assignments,
    audit,
    connections,
    links,
    profiles,
    roles,
    users,
)
from scim_connector.directory.users import Query, User

if TYPE_CHECKING:
    from scim_connector.wiring import House

MOST_LISTED = 1000


@click.group()
def user() -> None:
    """Local users. They are never deleted, only deactivated, or erased on request.

    \b
    scim-connector user list --inactive
    scim-connector user show kim.doe
    scim-connector user deactivate kim.doe
    """  # noqa: D301 - click reads \b


for each in (*user_sign_in.COMMANDS, user_naming.recompute, user_erasing.erase):
    user.add_command(each)


@user.command("list")
@click.argument("words", required=False)
@click.option("--active/--inactive", default=None)
@click.option("--api/--people", "api_user", default=None)
@click.option("--managed/--unmanaged", default=None, help="By a provider, or not.")
@click.option("--role", metavar="NAME")
@click.option("--connection", metavar="NAME")
@click.option("--limit", type=click.IntRange(1, 100_000), default=MOST_LISTED)
@json_option
@opens
def list_(
    house: House,
    words: str | None,
    role: str | None,
    connection: str | None,
    limit: int,
    as_json: bool,
    **filters: Any,
) -> None:
    """Users by username; WORDS is looked for in names, initials and email."""
    reader = house.database.reader()
    query = Query(
        words=words,
        role_id=_role_id(house, role),
        connection_id=_connection_id(house, connection),
        at_most=limit,
        **filters,
    )
    found = users.search(reader, query)
    rows = [_line(u) for u in found]
    hint = "Nobody fits. Add somebody: scim-connector user add --email ADDRESS"
    records(rows, as_json=as_json, empty=hint)


def _role_id(house: House, name: str | None) -> int | None:
    if name is None:
        return None
    found = roles.by_name(house.database.reader(), name)
    if found is None:
        raise fail(f'There is no role "{name}".')
    return found.id


def _connection_id(house: House, name: str | None) -> int | None:
    if name is None:
        return None
    found = connections.by_name(house.database.reader(), name)
    if found is None:
        raise fail(f'There is no connection "{name}".')
    return found.id


def _line(found: User) -> dict[str, Any]:
    return {
        "username": found.username,
        "initials": found.initials,
        "name": f"{found.first_name} {found.last_name}".strip(),
        "email": found.email,
        "kind": "API user" if found.is_api_user else found.user_type,
        "active": found.active,
    }


def _manager(found: connections.Connection | None) -> str:
    if found is None:
        return "nobody but us"
    return (
        f"nobody but us (was {found.name}, retired)" if found.is_retired else found.name
    )


@user.command()
@click.argument("username")
@json_option
@opens
def show(house: House, username: str, as_json: bool) -> None:
    """One user: fields with whose they are, roles with where each comes from."""
    reader = house.database.reader()
    found = doors.find(reader, username)
    link = links.of_user(reader, found.id)
    manager = connections.by_id(reader, link.connection_id) if link else None
    names = {c.id: c.name for c in connections.every(reader)}
    held = [
        f"{name} ({names.get(by, 'here')})"
        for name, _, by in assignments.sources(reader, found.id)
    ]
    row = _line(found) | {
        "profile": profiles.name(reader, found.profile_id) if found.profile_id else "",
        "roles": held,
        "managed by": _manager(manager),
        "SCIM id": link.id if link else "",
        "userName as sent": link.user_name if link else "",
        "changed here": sorted(found.overridden),
        "held inactive by": found.held_by or "",
        "first sign-in": moment(found.first_login_at),
        "erased": moment(found.erased_at),
        "created": moment(found.created_at),
        "changed": moment(found.updated_at),
    }
    record(row, as_json=as_json)


@user.command()
@click.option("--email", required=True)
@click.option("--first", "first_name", default="", help="First name.")
@click.option("--last", "last_name", default="", help="Last name.")
@click.option("--initials", default="", help="Default: proposed from the name.")
@click.option("--username", default="", help="Default: proposed from the email.")
@click.option("--api", "api_user", is_flag=True, help="For programs only; for ever.")
@click.option("--inactive", is_flag=True)
@click.option("--role", "given", multiple=True, metavar="NAME")
@click.option("--profile", metavar="NAME")
@click.option("--mail/--no-mail", default=True, help="Mail a password link.")
@opens
def add(house: House, given: tuple[str, ...], inactive: bool, **fields: Any) -> None:
    """Add a person, or with --api an API user: programs only, and never changed later."""
    doing = act()
    new = NewUser(roles=given, active=not inactive, **fields)
    made = house.database.write(lambda tx: doors.add(tx, new, doing))
    click.echo(f"Added {made.username} with initials {made.initials}.")
    if made.is_api_user and not access.api_app_state(house.database.reader())[0]:
        click.echo("It is of use once the API App is installed: api-app install")
    elif made.welcomed:
        click.echo(f"A password mail to {made.email} is queued.")


@user.command()
@click.argument("username")
@click.option("--email")
@click.option("--first", "first_name", help="First name.")
@click.option("--last", "last_name", help="Last name.")
@click.option("--initials")
@click.option("--new-username", "new_name", help="Another username.")
@click.option("--override", is_flag=True, help="Also what a provider manages.")
@opens
def edit(
    house: House, username: str, new_name: str | None, override: bool, **fields: Any
) -> None:
    """Change fields. What a provider manages is refused, unless you --override it."""
    values = {
        n: v for n, v in {**fields, "username": new_name}.items() if v is not None
    }
    if not values:
        raise fail("Nothing to change; see: scim-connector user edit --help")
    doing = act()
    house.database.write(
        lambda tx: doors.edit(
            tx, doors.find(tx, username), values, doing, override=override
        )
    )
    click.echo(f"Changed {', '.join(sorted(values)).replace('_', ' ')}.")


@user.command()
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask about the API App.")
@opens
def deactivate(house: House, username: str, yes: bool) -> None:
    """End every access at once; a provider cannot undo it by repeating itself.

    The API user that the API App acts as is taken out of its configuration; that is
    asked about first.
    """
    reader, doing = house.database.reader(), act()
    lost = api_app.consequence(reader, {doors.find(reader, username).id})
    if lost:
        ask(lost, yes=yes)
    done = house.database.write(
        lambda tx: doors.deactivate(tx, doors.find(tx, username), doing)
    )
    cut = done.cut_off()
    ended = ", ".join(
        what.replace("_", " ") if count is True else f"{count} {what.replace('_', ' ')}"
        for what, count in cut.items()
        if count
    )
    click.echo(
        f"{done.user.username} is inactive. Ended: {ended or 'nothing was open'}."
    )


@user.command()
@click.argument("username")
@opens
def reactivate(house: House, username: str) -> None:
    """Make a user active again; no former session, link or key comes back."""
    doing = act()
    done = house.database.write(
        lambda tx: doors.reactivate(tx, doors.find(tx, username), doing)
    )
    click.echo(f"{done.user.username} is active.")


@user.command()
@click.argument("username")
@json_option
@opens
def history(house: House, username: str, as_json: bool) -> None:
    """Everything that happened to a user, the oldest first."""
    reader = house.database.reader()
    found = doors.find(reader, username)
    rows = [
        {
            "id": event.id,
            "at": moment(event.at),
            "event": event.name,
            "by": event.actor,
            "facts": "" if event.facts == "{}" else event.facts,
        }
        for event in audit.of_user(reader, found.id)
    ]
    records(rows, as_json=as_json)


@user.group()
def role() -> None:
    """Roles of a user, given from here."""


@role.command("add")
@click.argument("username")
@click.argument("name")
@opens
def add_role(house: House, username: str, name: str) -> None:
    """Give a role."""
    doing = act()
    house.database.write(
        lambda tx: doors.give_role(tx, doors.find(tx, username), name, doing)
    )
    click.echo(f"{username} holds {name}.")


@role.command("remove")
@click.argument("username")
@click.argument("name")
@opens
def remove_role(house: House, username: str, name: str) -> None:
    """Take back a role that was given from here."""
    doing = act()
    house.database.write(
        lambda tx: doors.take_role(tx, doors.find(tx, username), name, doing)
    )
    click.echo(f"{username} no longer holds {name} from here.")


@user.command()
@click.argument("username")
@click.argument("name", required=False)
@opens
def profile(house: House, username: str, name: str | None) -> None:
    """Set the profile of a user; without NAME, clear it."""
    doing = act()
    house.database.write(
        lambda tx: doors.set_profile(tx, doors.find(tx, username), name, doing)
    )
    click.echo(f"The profile of {username} is {name or 'cleared'}.")


@user.command()
@click.argument("connection")
@click.argument("identity", metavar="USERNAME_SENT")
@click.argument("username")
@opens
def link(house: House, connection: str, identity: str, username: str) -> None:
    """Decide that the identity a provider sends is this local user.

    USERNAME_SENT is the userName as the provider sends it. Its next try succeeds.
    """
    doing = act()
    house.database.write(
        lambda tx: doors.link(tx, connection, identity, doors.find(tx, username), doing)
    )
    click.echo(f"{identity} will be {username} at the provider's next try.")


@user.command()
@click.argument("username")
@opens
def unlink(house: House, username: str) -> None:
    """Undo a link: the user stays, unmanaged; the SCIM id answers 404."""
    doing = act()
    house.database.write(lambda tx: doors.unlink(tx, doors.find(tx, username), doing))
    click.echo(f"{username} is managed here alone now.")

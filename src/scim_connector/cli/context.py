"""What every command needs: settings, the open house, who is acting, and when."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import update_wrapper
from pathlib import Path
from time import time_ns
from typing import Any, TypeVar

import click

from scim_connector.accounts import Act
from scim_connector.administration.errors import NotPossible
from scim_connector.directory.database import (
    DatabaseUnavailable,
    LostRace,
    StatementTimeout,
)
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.mapping.errors import MappingError
from scim_connector.rules.actors import Actor
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.scim.rendering import timestamp
from scim_connector.settings import PREFIX, BadSettings, Settings
from scim_connector.wiring import House, NotReady, open_house

F = TypeVar("F", bound=Callable[..., Any])

#: The one exit code for "nothing was changed, and this is why".
REFUSED = 2
_SPAN = re.compile(r"(?P<count>\d{1,5})\s*(?P<unit>[hdwy])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}
MOST_HOURS = 100 * _HOURS["y"]
HOUR = 3600 * 1_000_000


class Refused(click.ClickException):
    """One sentence on stderr and exit code 2; nothing was changed."""

    exit_code = REFUSED


def fail(message: str) -> Refused:
    """The exception that ends a command with one sentence."""
    return Refused(message)


def told(refusal: NotPossible) -> str:
    """A refusal at a terminal: the sentence, and the command that helps."""
    if refusal.command is None:
        return str(refusal)
    return f"{refusal} Run: scim-connector {refusal.command}"


@contextmanager
def explaining() -> Iterator[None]:
    """Turn whatever refuses a command into one sentence and exit code 2."""
    try:
        yield
    except NotPossible as error:
        raise fail(told(error)) from None
    except (BadSettings, NotReady, MappingError, RulesViolated) as error:
        raise fail(str(error)) from None
    except ScimError as error:
        raise fail(error.detail) from None
    except (DatabaseBusy, LostRace):
        raise fail("The database is busy; nothing was changed. Try again.") from None
    except StatementTimeout:
        raise fail(
            "This took longer than a statement may (statement_timeout)."
        ) from None
    except DatabaseUnavailable as error:
        raise fail(f"The database cannot be reached: {error}") from None


def ask(question: str, *, yes: bool) -> None:
    """Let whoever sits at the terminal confirm; where nobody does, *yes* is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise fail(f"{question}. Repeat with --yes.")
    click.confirm(f"{question}. Go on?", abort=True)


def load_settings(config: str | None, **given: Any) -> Settings:
    """Settings from the environment and the file; *given* are command line options.

    Options go into the environment, where worker processes read them too.
    """
    for name, value in given.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
    if config is not None:
        os.environ[f"{PREFIX}CONFIG"] = config
    config = os.environ.get(f"{PREFIX}CONFIG")
    with explaining():
        return Settings.load(os.environ, Path(config) if config else None)


def opens(command: F) -> F:
    """Give a command the open house as its first argument; close it afterwards."""

    @click.pass_context
    def run(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
        settings = load_settings(ctx.find_root().obj)
        with explaining():
            house: House = open_house(settings)
            try:
                return ctx.invoke(command, house, *args, **kwargs)
            finally:
                house.database.close()

    return update_wrapper(run, command)  # type: ignore[return-value]


def now() -> int:
    """The present in microseconds since 1970 UTC."""
    return time_ns() // 1000


def act() -> Act:
    """What is done now is done by the OS account of this shell."""
    return Act(Actor.operator(os.environ.get("SUDO_USER") or getpass.getuser()), now())


def moment(microseconds: int | None) -> str:
    """An instant for a table: UTC to the second; "-" for none."""
    if microseconds is None:
        return "-"
    return timestamp(microseconds)[:19].replace("T", " ")


class Span(click.ParamType[int | None]):
    """How long: ``365d``, ``12h``, ``2w``, ``1y``, or ``never``; in microseconds."""

    name = "SPAN"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        """Microseconds, None for never."""
        if value is None or isinstance(value, int) or value == "never":
            return value if isinstance(value, int) else None
        found = _SPAN.fullmatch(value.strip().lower())
        if found is None or int(found["count"]) == 0:
            self.fail(f'"{value}": write 365d, 12h, 2w, 1y or never.', param, ctx)
        hours = int(found["count"]) * _HOURS[found["unit"]]
        if hours > MOST_HOURS:
            self.fail(f'"{value}" is beyond 100y; write never.', param, ctx)
        return hours * HOUR


class Date(click.ParamType[int]):
    """A day, ``2026-12-31``: the instant at which it ends in UTC, in microseconds."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Microseconds at the end of the day."""
        if isinstance(value, int):
            return value
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f'"{value}": write a day as 2026-12-31.', param, ctx)
        return int(day.timestamp() * 1_000_000) + 24 * HOUR

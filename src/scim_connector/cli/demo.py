"""``serve --demo``: a made-up college in a folder that is gone afterwards."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click

from scim_connector.cli.context import explaining, fail, load_settings
from scim_connector.demo import stage
from scim_connector.demo.people import cast
from scim_connector.demo.playing import playing
from scim_connector.settings import PREFIX
from scim_connector.wiring import open_house, prepare

if TYPE_CHECKING:
    from scim_connector.demo.stage import Scene
    from scim_connector.settings import Settings

PORT: Final = 8080
WORKERS: Final = 2
_OURS: Final = frozenset({"port", "workers"})


def serve_demo(
    config: str | None,
    options: Mapping[str, Any],
    check: Callable[[Settings], None],
    run: Callable[[Settings], None],
) -> None:
    """Set the demo up in a temporary folder, play, and remove the folder at the end.

    *check* refuses settings that cannot be served, *run* serves until a signal.
    """
    _refuse_what_is_real(config, options)
    with _folder() as folder, explaining():
        settings = _settings(folder, options)
        check(settings)
        welcome = prepare(settings).welcome
        house = open_house(settings)
        try:
            scene = stage.set_up(house, cast().local)
        finally:
            house.database.close()
        _print(settings, scene, folder, "" if welcome is None else welcome.token)
        with playing(scene):
            run(settings)


def _refuse_what_is_real(config: str | None, options: Mapping[str, Any]) -> None:
    """A demo is about nothing that exists: no database, no settings, no address."""
    given = [f"--{n.replace('_', '-')}" for n in options if options[n] is not None]
    given = [name for name in given if name.removeprefix("--") not in _OURS]
    if config is not None:
        given.append("--config")
    if f"{PREFIX}DATABASE_URL" in os.environ:
        given.append(f"{PREFIX}DATABASE_URL")
    if given:
        raise fail(
            f"--demo makes a database and settings of its own: take {', '.join(given)}"
            " away, or serve without --demo. Nothing was changed."
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """A new folder that we work in; removed with all that is in it.

    A signal that comes before the server listens to signals ends us in good order too.
    """
    before = Path.cwd()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with TemporaryDirectory(prefix="scim-connector-demo-") as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def _settings(folder: Path, options: Mapping[str, Any]) -> Settings:
    """Settings of the demo alone; whatever was set before counts for nothing."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    port, workers = options["port"] or PORT, options["workers"] or WORKERS
    os.environ.update(stage.environment(folder, port=port, workers=workers))
    return load_settings(None)


def _print(settings: Settings, scene: Scene, folder: Path, token: str) -> None:
    click.echo(
        "This is a demo: Contoso College, with Entra ID and Okta played on this"
        " machine.\n"
        f"Everything is in {folder} and vanishes at the end.\n\n"
        f"Address:        {settings.address}\n"
        f"Username:       {scene.username}\n"
        f"Password:       {scene.password}\n\n"
        "For requests of your own, as one more provider:\n\n"
        f"SCIM base URL:  {settings.base_url}\n"
        f"Bearer token:   {token}\n\n"
        "Within a minute people join, move, leave and are refused (Ctrl-C ends it)."
    )
    sys.stdout.flush()

"""Settings from a file and from variables, each under a name that is known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scim_connector.settings.table import BY_NAME, PREFIX, Setting


class BadSettings(Exception):
    """A setting that cannot be used; the text names it and says what to write."""


def of_file(file: Path, *, named: bool) -> dict[str, Any]:
    """What a file says; only one that was *named* must be there.  Raises BadSettings."""
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


def of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the variables say, secrets in files among them.  Raises BadSettings."""
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
    if name in BY_NAME or not name.endswith("_file"):
        return None
    setting = BY_NAME.get(name.removesuffix("_file"))
    return setting if setting is not None and setting.secret else None


def _content(file: str, variable: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{variable}: {file} cannot be read: {error}") from None


def _known(name: str, where: str, *, shown: str | None = None) -> Setting:
    if name in BY_NAME:
        return BY_NAME[name]
    near = get_close_matches(name, BY_NAME, 1)
    meant = BY_NAME[near[0]].variable if near and shown else (near or [""])[0]
    hint = f"; did you mean {meant}?" if near else "; see docs/settings.md"
    raise BadSettings(f"{where}unknown setting {shown or name}{hint}")


def _value(setting: Setting, text: str, where: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        shown = "" if setting.secret else f' "{text}"'
        raise BadSettings(f"{where}{shown}: {error}") from None

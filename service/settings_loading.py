"""Settings by flag, by environment (INBRIEF_…), by file, by default: the first decides.

What is unknown or out of range is refused, all of it at once, so that a start
either means what the operator wrote or says why it does not.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from models.errors import SettingsError
from service.settings import ENV_PREFIX, Settings

# Names the file itself, so it cannot stand in the file.
CONFIG_VARIABLE: Final = "INBRIEF_CONFIG"
# The key that commands which ask a running service show to it.
KEY_VARIABLE: Final = "INBRIEF_KEY"


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from flags, then environment, then the TOML file `config`, then defaults.

    `config` None takes the file that INBRIEF_CONFIG names, if it does. A flag
    that is None counts as not given.

    Raises:
        SettingsError: one sentence a fault, all faults at once.
    """
    environment = os.environ if environ is None else environ
    if config is None and environment.get(CONFIG_VARIABLE):
        config = Path(environment[CONFIG_VARIABLE])
    faults = _unknown_variables(environment)
    if config is not None:
        faults += _unreadable(config)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    settings: Settings | None = None
    if config is None or not _unreadable(config):
        try:
            settings = _from_file(config)(**given)
        except ValidationError as error:
            faults += [_describe(detail, given, environment, config) for detail in error.errors()]
    if faults or settings is None:
        raise SettingsError("\n".join(faults))
    return settings


def _from_file(config: Path | None) -> type[Settings]:
    class ConfiguredSettings(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    return ConfiguredSettings


def _unreadable(config: Path) -> list[str]:
    try:
        tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        return [f"The settings file {config} cannot be read: {error.strerror}."]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [f"The settings file {config} is not valid TOML: {error}."]
    return []


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    known |= {CONFIG_VARIABLE, KEY_VARIABLE}
    faults = []
    for variable in sorted(environment):
        if variable.upper().startswith(ENV_PREFIX) and variable.upper() not in known:
            close = difflib.get_close_matches(variable.upper(), known, n=1)
            hint = f"; did you mean {close[0]}?" if close else "."
            faults.append(f"Unknown environment variable {variable}{hint}")
    return faults


def _describe(
    detail: Any, given: Mapping[str, Any], environment: Mapping[str, str], config: Path | None
) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if not name:
        return f"{detail['msg'].removeprefix('Value error, ')}."
    if name in given:
        origin = f"--{name.replace('_', '-')}"
    elif any(variable.upper() == ENV_PREFIX + name.upper() for variable in environment):
        origin = ENV_PREFIX + name.upper()
    else:
        origin = f"{name} in {config}"
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, Settings.model_fields, n=1)
        return f"Unknown setting {origin}" + (f"; did you mean {close[0]}?" if close else ".")
    message = detail["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"{origin}: {message[0].lower()}{message[1:]}."

"""A command-line flag for every setting, made from the settings themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import PydanticUndefined

from service.settings import ENV_PREFIX, Settings

Run = Callable[[Path | None, Mapping[str, Any]], None]


def with_setting_flags(run: Run) -> Callable[..., None]:
    """A command with `--config` and one option a setting; `run` gets the file and what was given.

    Options have no default of their own: what is not given is left to the
    environment, the file and the settings' defaults.
    """

    def command(**flags: Any) -> None:
        run(flags.pop("config"), flags)

    parameters = [
        inspect.Parameter(
            "config",
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                Path | None,
                typer.Option(
                    help="TOML file with settings by their names.", envvar="INBRIEF_CONFIG"
                ),
            ],
        )
    ]
    for name, field in Settings.model_fields.items():
        kind: Any = bool if field.annotation is bool else str
        option = typer.Option(
            help=f"{field.description}  [env: {ENV_PREFIX}{name.upper()}; "
            f"default: {_shown(field.get_default())}]",
            show_default=False,
        )
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__doc__ = run.__doc__
    return command


def _shown(value: Any) -> str:
    if value is None or value is PydanticUndefined or value in ("", ()):
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)

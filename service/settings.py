"""Every setting of the service: by flag, by environment (INBRIEF_…), by file, by default.

The first of these that names a setting decides. What is unknown or out of
range is refused, all of it at once, so that a start either means what the
operator wrote or says why it does not.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.errors import SettingsError

ENV_PREFIX: Final = "INBRIEF_"
# Names the file itself, so it cannot stand in the file.
CONFIG_VARIABLE: Final = "INBRIEF_CONFIG"


class Settings(BaseSettings):
    """The values a service runs with; frozen."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 takes a free one.")
    root_path: str = Field(
        default="", description="Path prefix that a proxy in front strips, such as `/inbrief`."
    )

    model: str = Field(
        default="news-small",
        min_length=1,
        description="A shipped model's name, a checkpoint directory or a hub id.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="`auto`, `cpu` or `cuda`."
    )
    engine: Literal["auto", "transformers", "ctranslate2"] = Field(
        default="auto", description="`auto`, `transformers` or `ctranslate2`."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = Field(
        default="auto", description="`auto`, `fp32`, `bf16`, `fp16` or `int8`."
    )
    model_cache_dir: Path | None = Field(
        default=None, description="Where converted checkpoints are kept; unset: the user's cache."
    )
    allow_download: bool = Field(
        default=False, description="Whether a hub id may be downloaded at start."
    )

    max_body_bytes: int = Field(
        default=4 * 2**20, ge=1024, description="Largest request body, in bytes."
    )
    body_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Time within which a whole body must arrive."
    )
    max_article_characters: int = Field(
        default=500_000, ge=100, description="Longest article, in characters."
    )
    max_html_characters: int = Field(
        default=2_000_000, ge=100, description="Largest HTML page, in characters."
    )
    max_batch_articles: int = Field(
        default=64, ge=1, le=1024, description="Most articles in one batch request."
    )
    batch_concurrency: int = Field(
        default=32,
        ge=1,
        description="Most articles of one batch request in the queue at the same time.",
    )

    deadline_seconds: float = Field(
        default=30.0, gt=0, description="Time within which a summary must be ready."
    )
    queue_max_articles: int = Field(
        default=256, ge=1, description="Most articles waiting; further ones get 503."
    )
    queue_max_characters: int = Field(
        default=20_000_000, ge=1000, description="Most characters waiting; further ones get 503."
    )
    inference_max_articles: int = Field(
        default=32, ge=1, description="Most articles in one inference batch."
    )
    inference_max_tokens: int = Field(
        default=32_768,
        ge=1,
        description="Token budget of one inference batch, padding included; "
        "a longer article runs alone.",
    )
    gather_seconds: float = Field(
        default=0.002,
        ge=0,
        le=1,
        description="How long an idle model waits for company before it starts a batch.",
    )
    heartbeat_seconds: float = Field(
        default=10.0, gt=0, description="Longest silence on an event stream."
    )
    drain_seconds: float = Field(
        default=30.0, ge=0, description="How long a stop waits for the requests under way."
    )
    drain_delay_seconds: float = Field(
        default=0.0,
        ge=0,
        description="How long a stop goes on answering 503 so that a load balancer notices.",
    )

    url_fetching: Literal["off", "listed", "public"] = Field(
        default="off",
        description="Whether requests may name a URL: never, for the listed hosts, for all "
        "public hosts.",
    )
    url_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Hosts for `url_fetching = listed`, separated by commas."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )

    @field_validator("url_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        if self.url_fetching == "listed" and not self.url_hosts:
            raise ValueError("url_fetching is 'listed' but url_hosts names no host")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


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
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
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
    return f"{origin}: {detail['msg'][0].lower()}{detail['msg'][1:]}."

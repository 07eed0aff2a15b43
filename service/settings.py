"""Every setting of the service: its type, its bounds, its default, its meaning."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.errors import SettingsError
from service.addresses import normalise_pattern
from service.keys import canonical_origin
from service.limiting import parse_rate
from service.logs import LogFormat
from service.proxies import ForwardedHeader, parse_networks
from service.redis_store import REDIS_SCHEMES

T = TypeVar("T")

ENV_PREFIX: Final = "INBRIEF_"


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
    engine: Literal["auto", "native", "transformers", "ctranslate2", "cuda-graphs"] = Field(
        default="auto",
        description="`auto`, `native`, `transformers`, `ctranslate2` or `cuda-graphs`.",
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
        default=30.0,
        gt=0,
        description="Time within which a whole body must arrive, and in which a client must take "
        "in something of a long answer.",
    )
    max_article_characters: int = Field(
        default=500_000, ge=100, description="Longest article, in characters."
    )
    max_html_characters: int = Field(
        default=2_000_000, ge=100, description="Largest HTML page, in characters."
    )
    page_max_waiting: int = Field(
        default=64,
        ge=1,
        description="Most pages (`html` or `url`) read or waiting to be; further ones get 503.",
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
        default=(),
        description="Hosts for `url_fetching = listed`, separated by commas; `*.example.org` "
        "stands for every subdomain.",
    )
    url_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(80, 443), description="Ports that pages are fetched from, separated by commas."
    )
    url_max_bytes: int = Field(
        default=5 * 2**20, ge=1024, description="Largest page that is fetched, in bytes, unpacked."
    )
    url_max_redirects: int = Field(
        default=5, ge=0, le=20, description="Most redirects on the way to a page."
    )
    url_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Time for a whole fetch, redirects and robots.txt included.",
    )
    html_timeout_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Computing time within which the article on a page must be found.",
    )

    data_dir: Path | None = Field(
        default=None,
        description="Directory of the cache and the keys; unset: `inbrief` in the user's data "
        "directory (XDG_DATA_HOME).",
    )
    cache_url: str = Field(
        default="sqlite",
        description="`sqlite` (a file in the data directory), `redis://…`, `rediss://…` (TLS), "
        "either with `+cluster` after the scheme's name, or `off`.",
    )
    cache_max_bytes: int = Field(
        default=512 * 2**20, ge=2**20, description="Largest size of the SQLite cache, in bytes."
    )
    cache_max_age_seconds: float = Field(
        default=30 * 86_400.0, gt=0, description="How long a summary is kept."
    )
    cache_timeout_seconds: float = Field(
        default=0.25, gt=0, le=10, description="Longest wait for the cache; then without it."
    )
    summary_max_age_seconds: int = Field(
        default=300,
        ge=0,
        description="How long browsers and proxies may keep an answer to "
        "`GET /v1/summaries/{id}`; a purge is seen by everybody after that.",
    )

    keys_file: Path | None = Field(
        default=None, description="File of the API keys; unset: `keys.json` in the data directory."
    )
    allow_open: bool = Field(
        default=False,
        description="Whether a service without keys may listen on other addresses than loopback.",
    )
    key_rate: str = Field(
        default="600/minute", description="Requests of one key, such as `600/minute`, or `off`."
    )
    address_rate: str = Field(
        default="120/minute",
        description="Requests of one client address with a site key or without a key, or `off`.",
    )
    rate_url: str | None = Field(
        default=None,
        description="Redis where requests are counted; unset: where the cache is, if that is "
        "Redis, else in this process.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Networks of the proxies in front, separated by commas; only they may say "
        "who the client is.",
    )
    forwarded_header: ForwardedHeader = Field(
        default="x-forwarded-for",
        description="Where trusted proxies write it: `x-forwarded-for` or `forwarded` (RFC 7239).",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask from the browser, separated by commas; those "
        "of site keys may anyhow.",
    )
    tls_certfile: Path | None = Field(
        default=None, description="Certificate chain (PEM); with it the service speaks HTTPS."
    )
    tls_keyfile: Path | None = Field(
        default=None, description="Private key of the certificate, when in a file of its own."
    )
    header_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Time within which a request's headers must arrive, and what is left of a "
        "body that was answered already.",
    )
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        description="How long a connection is kept for its next request; longer than a proxy in "
        "front keeps it, or the proxy sends into a closing one.",
    )
    max_header_bytes: int = Field(
        default=32_768, ge=1024, description="Largest request line and headers, in bytes."
    )

    metrics_open: bool = Field(
        default=False,
        description="Whether `/metrics` needs no admin key where summaries need a key.",
    )
    tracing: bool = Field(
        default=False,
        description="Whether OpenTelemetry traces are sent; OTEL_EXPORTER_OTLP_ENDPOINT says "
        "where.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )
    log_format: LogFormat = Field(
        default="auto",
        description="`json` (an object a line), `text`, or `auto`: text on a terminal.",
    )

    @property
    def data_path(self) -> Path:
        """The data directory, set or not."""
        return self.data_dir or user_data_directory() / "inbrief"

    @property
    def keys_path(self) -> Path:
        return self.keys_file or self.data_path / "keys.json"

    @property
    def shared_url(self) -> str | None:
        """The Redis where requests are counted, if there is one."""
        return self.rate_url or (self.cache_url if "://" in self.cache_url else None)

    @field_validator("cache_url", "rate_url")
    @classmethod
    def _is_store(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or (info.field_name == "cache_url" and value in ("sqlite", "off")):
            return value
        if value.partition("://")[0] not in REDIS_SCHEMES:
            raise ValueError(f"must begin with one of {', '.join(REDIS_SCHEMES)} and ://")
        return value

    @field_validator("key_rate", "address_rate")
    @classmethod
    def _is_rate(cls, value: str, info: ValidationInfo) -> str:
        return _checked(value, lambda: parse_rate(value, info.field_name or ""))

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(value, lambda: parse_networks(value))

    @field_validator("url_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normalise_pattern(one) for one in value)

    @field_validator("url_ports")
    @classmethod
    def _are_ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not all(1 <= port <= 65535 for port in value):
            raise ValueError("a port is a number from 1 to 65535")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _checked(value, lambda: [canonical_origin(one) for one in value])
        return tuple(canonical_origin(one) for one in value)

    @field_validator("url_hosts", "url_ports", "trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        if self.url_fetching == "listed" and not self.url_hosts:
            raise ValueError("url_fetching is 'listed' but url_hosts names no host")
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise ValueError("tls_keyfile is set but tls_certfile is not")
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


def user_data_directory() -> Path:
    """Where programs keep a user's data (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _checked(value: T, check: Callable[[], object]) -> T:
    """`value`, whose fault becomes pydantic's kind of error."""
    try:
        check()
    except SettingsError as error:
        raise ValueError(error.message) from None
    return value

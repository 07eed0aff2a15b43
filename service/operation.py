"""What surrounds the desk in production, wired from settings: cache, keys, limits, metrics."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI

from models.errors import SettingsError
from service.bodies import BodyLimit
from service.cache import SqliteFile, Store, SummaryCache
from service.desk import Desk
from service.head_requests import HeadRequests
from service.keys import KeyFile
from service.limiting import RateLimiter, parse_rate
from service.observability import Metrics
from service.proxies import ProxyTrust, is_loopback_host, parse_networks
from service.redis_store import RedisStore
from service.responding import CatchAll, ProblemResponse
from service.security import Gate, Guard, Origins, Rates, SecurityHeaders
from service.settings import Settings
from service.sqlite_store import SqliteStore
from service.tracing import Tracing, open_tracing
from service.watching import Watched

CACHE_FILE = "summaries.sqlite3"


@dataclass(frozen=True, slots=True)
class Operation:
    """The parts of one service instance."""

    settings: Settings
    cache: SummaryCache
    keys: KeyFile
    limiter: RateLimiter
    metrics: Metrics
    tracing: Tracing

    @classmethod
    def of(cls, settings: Settings) -> Operation:
        """Open nothing yet: files and connections come with the first request that needs them.

        Raises:
            MissingDependency: Redis or tracing is asked for and its extra is not installed.
        """
        metrics = Metrics()
        cache = SummaryCache(
            open_store(settings),
            timeout_seconds=settings.cache_timeout_seconds,
            on_event=metrics.cache_event,
        )
        return cls(
            settings=settings,
            cache=cache,
            keys=KeyFile(settings.keys_path),
            limiter=RateLimiter(
                settings.shared_url, timeout_seconds=settings.cache_timeout_seconds
            ),
            metrics=metrics,
            tracing=open_tracing(settings.tracing),
        )

    def surround(self, app: FastAPI, desk: Desk) -> None:
        """Put the middleware around `app`; the last one added is the outermost."""
        settings = self.settings
        self.metrics.watch(desk)
        guard = Guard(
            self.keys,
            self.limiter,
            ProxyTrust(parse_networks(settings.trusted_proxies), settings.forwarded_header),
            Rates(
                parse_rate(settings.key_rate, "key_rate"),
                parse_rate(settings.address_rate, "address_rate"),
            ),
        )
        app.state.guard = guard
        app.state.metrics = self.metrics
        app.state.keys = self.keys
        app.add_middleware(HeadRequests)
        app.add_middleware(
            BodyLimit,
            max_bytes=settings.max_body_bytes,
            timeout_seconds=settings.body_timeout_seconds,
            respond=ProblemResponse,
        )
        app.add_middleware(
            Gate, guard=guard, respond=ProblemResponse, metrics_open=settings.metrics_open
        )
        app.add_middleware(Origins, origins=settings.cors_origins, keys=self.keys)
        app.add_middleware(CatchAll)
        app.add_middleware(SecurityHeaders, https=settings.tls_certfile is not None)
        app.add_middleware(Watched, metrics=self.metrics, tracing=self.tracing)

    async def close(self) -> None:
        """The desk closes the cache."""
        await self.limiter.close()
        self.tracing.close()


def open_store(settings: Settings) -> Store | None:
    """The store that `cache_url` names; it connects at its first use.

    Raises:
        MissingDependency: it is Redis, and the extra is not installed.
    """
    if settings.cache_url == "off":
        return None
    if settings.cache_url != "sqlite":
        return RedisStore(
            settings.cache_url,
            max_age_seconds=settings.cache_max_age_seconds,
            timeout_seconds=settings.cache_timeout_seconds,
        )
    return SqliteFile(open_file(settings))


def open_file(settings: Settings) -> SqliteStore:
    """The SQLite cache of these settings."""
    return SqliteStore(
        settings.data_path / CACHE_FILE,
        max_bytes=settings.cache_max_bytes,
        max_age_seconds=settings.cache_max_age_seconds,
    )


def require_guarded(settings: Settings, keys: KeyFile) -> None:
    """Refuse to stand open on the network by accident.

    Raises:
        SettingsError: no key exists, and others than this machine could ask.
    """
    if keys.guards or settings.allow_open or is_loopback_host(settings.host):
        return
    raise SettingsError(
        f"Nobody needs a key here, and {settings.host} can be reached from other machines: "
        "create one with `inbrief keys create`, or set allow_open.",
        field="allow_open",
    )

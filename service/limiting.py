"""Rates by key and by client address, over the `limits` library, here or in Redis."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from typing import Final, cast

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisClusterStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from models.errors import SettingsError
from service.breaker import Breaker

logger = logging.getLogger(__name__)

# How often counters that ran out are looked for.
SWEEP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands after a request against one policy."""

    policy: str
    allowed: bool
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """RateLimit-Policy and RateLimit, draft-ietf-httpapi-ratelimit-headers-11."""
        policy = f'"{self.policy}";q={self.quota};w={self.window_seconds}'
        limit = f'"{self.policy}";r={self.remaining};t={self.reset_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", limit.encode())]


class _SweptMemory(MemoryStorage):
    """The library looks through every counter at every request; with many
    addresses that is work an attacker can ask for, so it is done once a second."""

    _swept = float("-inf")

    async def _MemoryStorage__schedule_expiry(self) -> None:
        now = time.monotonic()
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            await super()._MemoryStorage__schedule_expiry()  # type: ignore[misc]


class RateLimiter:
    """Sliding windows; counted in Redis when `url` names one, so that all processes share them.

    When Redis fails, this process counts alone until it is back: a limit that
    is a little loose is better than no service.
    """

    def __init__(self, url: str | None = None, *, timeout_seconds: float = 0.25) -> None:
        self._timeout_seconds = timeout_seconds
        self._local = SlidingWindowCounterRateLimiter(_SweptMemory())
        self._redis = None if url is None else _redis_storage(url, timeout_seconds)
        self._shared = None if self._redis is None else SlidingWindowCounterRateLimiter(self._redis)
        self._breaker = Breaker()

    async def close(self) -> None:
        """Never raises: a store that does not take its leave does not stop the service's stop."""
        if self._redis is None:
            return
        try:
            # The library has no close of its own.
            await cast(RedispyBridge, self._redis.bridge).storage.aclose()
        except Exception as error:  # whatever the store raises
            logger.warning("rate limit store failed to close: %s", type(error).__name__)

    async def hit(
        self, policy: str, rate: RateLimitItem, bucket: str, *, cost: int = 1
    ) -> Standing:
        """Count `cost` requests of `bucket` against `rate`; refused ones are not counted."""
        if self._shared is not None and not self._breaker.open:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    standing = await _hit(self._shared, policy, rate, bucket, cost)
            except Exception as error:  # whatever the store raises, the request is judged here
                self._breaker.failed()
                logger.warning("rate limit store failed: %s", type(error).__name__)
            else:
                self._breaker.worked()
                return standing
        return await _hit(self._local, policy, rate, bucket, cost)


async def _hit(
    limiter: SlidingWindowCounterRateLimiter,
    policy: str,
    rate: RateLimitItem,
    bucket: str,
    cost: int,
) -> Standing:
    allowed = await limiter.hit(rate, policy, bucket, cost=cost)
    stats = await limiter.get_window_stats(rate, policy, bucket)
    window = rate.get_expiry()
    # Bounded on both sides, so that a clock set back cannot send anybody away for hours.
    reset = min(max(1, math.ceil(stats.reset_time - time.time())), window)
    return Standing(policy, allowed, rate.amount, window, stats.remaining, reset)


def parse_rate(text: str, field: str) -> RateLimitItem | None:
    """A rate such as `600/minute` or `5 per second`; None for `off`.

    Raises:
        SettingsError: it is neither.
    """
    if text.strip().lower() == "off":
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(
            f"{text!r} is not a rate; write it like 600/minute, or off.", field=field
        ) from error


def _redis_storage(url: str, timeout_seconds: float) -> RedisStorage | RedisClusterStorage:
    scheme, _, rest = url.partition("://")
    options: dict[str, float | str | bool] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
    }
    if scheme == "rediss+cluster":  # the library knows TLS for clusters as an option only
        scheme, options["ssl"] = "redis+cluster", True
    if scheme == "unix":
        scheme = "redis+unix"
    storage = storage_from_string(
        f"async+{scheme}://{rest}", implementation="redispy", key_prefix="inbrief", **options
    )
    assert isinstance(
        storage, RedisStorage | RedisClusterStorage
    )  # the async+ schemes give the async classes
    return storage

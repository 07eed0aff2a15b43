"""Bytes by key in Redis, for several processes and machines."""

from __future__ import annotations

import secrets
from typing import Any, Final

from models.errors import MissingDependency

REDIS_SCHEMES: Final = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")
# How long a claim holds without being given back: its owner may have died.
CLAIM_SECONDS: Final = 30
MAX_CONNECTIONS: Final = 64

# Give a claim back only if it is still ours (redis.io, "Distributed locks").
_RELEASE: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
)


class RedisStore:
    """Keys are `PREFIX:{id}` and `PREFIX:{id}:claim`: the braces put both into one cluster slot.

    `url` is `redis://`, `rediss://` (TLS) or `unix://`; with `+cluster` after
    the scheme's name it names any node of a Redis Cluster. Methods raise
    `redis.RedisError`, `OSError` or `TimeoutError`.
    """

    def __init__(
        self, url: str, *, max_age_seconds: float, timeout_seconds: float, prefix: str = "inbrief"
    ) -> None:
        self._client = connect(url, timeout_seconds=timeout_seconds)
        self._max_age_seconds = max(1, int(max_age_seconds))
        self._prefix = prefix

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{{{key}}}"

    async def get(self, key: str) -> bytes | None:
        value = await self._client.get(self._name(key))
        return None if value is None else bytes(value)

    async def put(self, key: str, value: bytes) -> None:
        await self._client.set(self._name(key), value, ex=self._max_age_seconds)

    async def delete(self, key: str) -> bool:
        return bool(await self._client.delete(self._name(key)))

    async def claim(self, key: str) -> str | None:
        token = secrets.token_hex(8)
        taken = await self._client.set(f"{self._name(key)}:claim", token, nx=True, ex=CLAIM_SECONDS)
        return token if taken else None

    async def release(self, key: str, token: str) -> None:
        await self._client.eval(_RELEASE, 1, f"{self._name(key)}:claim", token)

    async def close(self) -> None:
        await self._client.aclose()


def connect(url: str, *, timeout_seconds: float) -> Any:
    """An asyncio Redis client for `url`; connects at its first command.

    Raises `MissingDependency` without the `redis` package.
    """
    try:
        import redis.asyncio
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise MissingDependency(
            "Redis needs the redis extra: pip install 'inbrief[redis]'", field="cache_url"
        ) from error
    bounds: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "max_connections": MAX_CONNECTIONS,
    }
    scheme, _, rest = url.partition("://")
    if scheme.endswith("+cluster"):
        return redis.asyncio.RedisCluster.from_url(
            f"{scheme.removesuffix('+cluster')}://{rest}", **bounds
        )
    # No retry inside the client: the caller's own deadline is shorter than a second try.
    return redis.asyncio.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **bounds)

"""Results by content: the id of a summary is the key of its cached answer.

An id is a digest of the text, the options, the model's revision and the
engine, so an entry is never out of date; it goes by age, by space or by
purge. A cache may make the service faster and never make it fail: every call
to a store has a deadline, every error counts as "not there", and a store that
keeps failing is left alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol, TypeVar

from service.breaker import Breaker
from service.entries import HotEntries, seal, unseal
from service.single_flight import SingleFlight
from service.sqlite_store import SqliteStore

T = TypeVar("T")
CacheEvent = Literal["hit", "miss", "join", "error"]

logger = logging.getLogger(__name__)

# Entries answered from this process's memory. Five seconds bound how long a
# purge made elsewhere goes unseen, and still take the store out of the way of
# an article that is asked for a thousand times a second.
HOT_SECONDS: Final = 5.0
HOT_BYTES: Final = 32 * 2**20
# How long another process may take over a computation it claimed.
CLAIM_SECONDS: Final = 30.0
CLAIM_POLL_SECONDS: Final = 0.05
CLOSE_SECONDS: Final = 5.0


class Store(Protocol):
    """Bytes by key somewhere outside this process; may raise anything at any time."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, key: str) -> bool: ...

    async def claim(self, key: str) -> str | None:
        """Claim the computation for `key` among processes: a token, or None if another has it."""
        ...

    async def release(self, key: str, token: str) -> None: ...

    async def close(self) -> None: ...


class SqliteFile:
    """A `SqliteStore` on a thread of its own, so that a slow disk never stops the event loop."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cache")

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def get(self, key: str) -> bytes | None:
        return await self._call(partial(self._store.get, key))

    async def put(self, key: str, value: bytes) -> None:
        await self._call(partial(self._store.put, key, value))

    async def delete(self, key: str) -> bool:
        return await self._call(partial(self._store.delete, key))

    async def claim(self, key: str) -> str | None:
        return ""  # one machine, one process: the single flight in memory is enough

    async def release(self, key: str, token: str) -> None:
        return

    async def close(self) -> None:
        await self._call(self._store.close)
        self._executor.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class Cached:
    """A value and where it came from."""

    value: bytes
    from_cache: bool
    joined: bool


class SummaryCache:
    """Memory, then a store, then the computation; the same key is computed once at a time.

    `store` None keeps results in memory only for `HOT_SECONDS`. `on_event` is
    told what happened, for the metrics.
    """

    def __init__(
        self,
        store: Store | None,
        *,
        timeout_seconds: float = 0.25,
        hot_bytes: int = HOT_BYTES,
        hot_seconds: float = HOT_SECONDS,
        on_event: Callable[[CacheEvent], None] = lambda event: None,
    ) -> None:
        self._store = store
        self._timeout_seconds = timeout_seconds
        self._on_event = on_event
        self._hot = HotEntries(hot_bytes, hot_seconds)
        self._breaker = Breaker()
        self._flights: SingleFlight[tuple[bytes, bool]] = SingleFlight()
        self._writes: dict[asyncio.Task[None], str] = {}

    async def get(self, key: str) -> bytes | None:
        """The value for `key`, or None; never raises because of the store."""
        value = self._hot.get(key)
        if value is None:
            value = await self._fetch(key)
        self._on_event("miss" if value is None else "hit")
        return value

    async def get_or_compute(self, key: str, compute: Callable[[], Awaitable[bytes]]) -> Cached:
        """The value for `key`, from the cache or from `compute`, whose errors pass through.

        However many callers ask at once, `compute` runs once; it goes on when
        its first caller leaves, and stops when the last one does.
        """
        value = self._hot.get(key)
        if value is not None:
            self._on_event("hit")
            return Cached(value, from_cache=True, joined=False)
        (value, found), joined = await self._flights.run(key, lambda: self._land(key, compute))
        self._on_event("join" if joined else "hit" if found else "miss")
        return Cached(value, from_cache=found, joined=joined)

    async def purge(self, key: str) -> bool:
        """Remove `key`; true when the store held it.

        Raises whatever the store raises: who purges must know that it failed.
        """
        # A write under way would bring back what is removed here; each is bounded in time.
        if writes := [task for task, written in self._writes.items() if written == key]:
            await asyncio.wait(writes)
        self._hot.delete(key)
        if self._store is None:
            return False
        async with asyncio.timeout(self._timeout_seconds * 4):
            return await self._store.delete(key)

    async def reachable(self) -> bool:
        """Whether the store answers now; for the operator's eyes, not for readiness."""
        if self._store is None:
            return True
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._store.get("probe")
        except Exception:  # any failure is the answer
            return False
        return True

    async def close(self) -> None:
        """Finish the writes under way, then close the store, also one that was left alone."""
        if self._writes:
            await asyncio.wait(self._writes, timeout=CLOSE_SECONDS)
        if self._store is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._store.close()
        except Exception as error:  # whatever a store raises, the service stops in order
            logger.warning("cache close failed: %s: %s", type(error).__name__, error)

    async def _land(self, key: str, compute: Callable[[], Awaitable[bytes]]) -> tuple[bytes, bool]:
        value = await self._fetch(key)
        if value is not None:
            return value, True
        token = await self._claim(key)
        if token is None:
            value = await self._await_other_process(key)
            if value is not None:
                return value, True
        try:
            value = await compute()
        except BaseException:
            self._after(key, self._release(key, token))
            raise
        self._hot.put(key, value)
        self._after(key, self._keep(key, value, token))
        return value, False

    async def _claim(self, key: str) -> str | None:
        """A token; empty when the store cannot say, so that the work is done here."""
        store = self._store
        if store is None:
            return ""
        answer = await self._try("claim", lambda: _wrapped(store.claim(key)))
        return "" if answer is None else answer[0]

    async def _await_other_process(self, key: str) -> bytes | None:
        """The value that another process is computing; None when it gave up or takes too long."""
        store = self._store
        assert store is not None  # only a store can say that another process has the claim
        end = time.monotonic() + CLAIM_SECONDS
        while time.monotonic() < end and not self._breaker.open:
            await asyncio.sleep(CLAIM_POLL_SECONDS)
            value = await self._fetch(key)
            if value is not None:
                return value
            answer = await self._try("claim", lambda: _wrapped(store.claim(key)))
            if answer is None or answer[0] is not None:
                return None
        return None

    async def _fetch(self, key: str) -> bytes | None:
        store = self._store
        if store is None:
            return None
        sealed = await self._try("get", lambda: store.get(key))
        if sealed is None:
            return None
        value = unseal(key, sealed)
        if value is None:
            logger.warning("cache entry failed its digest and was ignored")
            self._on_event("error")
            return None
        self._hot.put(key, value)
        return value

    async def _keep(self, key: str, value: bytes, token: str | None) -> None:
        store = self._store
        if store is None:
            return
        sealed = seal(key, value)
        await self._try("put", lambda: store.put(key, sealed))
        await self._release(key, token)

    async def _release(self, key: str, token: str | None) -> None:
        store = self._store
        if store is not None and token:
            await self._try("release", lambda: store.release(key, token))

    def _after(self, key: str, work: Awaitable[None]) -> None:
        """Do it after the answer: no reader waits for a write."""

        async def finish() -> None:
            await work

        task = asyncio.create_task(finish(), name="cache-write")
        self._writes[task] = key
        task.add_done_callback(self._writes.pop)

    async def _try(self, operation: str, call: Callable[[], Awaitable[T]]) -> T | None:
        if self._breaker.open:
            return None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await call()
        except Exception as error:  # whatever a store raises, the request goes on without it
            self._breaker.failed()
            self._on_event("error")
            logger.warning("cache %s failed: %s: %s", operation, type(error).__name__, error)
            return None
        self._breaker.worked()
        return result


async def _wrapped(claim: Awaitable[str | None]) -> tuple[str | None]:
    """A one-tuple, so that "another has it" (None) differs from "the store failed" (None)."""
    return (await claim,)

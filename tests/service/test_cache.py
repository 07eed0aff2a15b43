from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest

from models.errors import InferenceFailed
from service.breaker import BREAKER_FAILURES
from service.cache import CacheEvent, SqliteFile, Store, SummaryCache
from service.entries import HotEntries, seal, unseal
from service.sqlite_store import SqliteStore


class Inference:
    """What a miss costs: counted, and slow enough for others to join."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.runs = 0
        self.seconds = seconds

    async def __call__(self) -> bytes:
        self.runs += 1
        await asyncio.sleep(self.seconds)
        return b'{"summary": "Talks ended."}'


class DictStore:
    """The simplest store, which can be told to break in every way."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.delay_seconds = 0.0
        self.error: Exception | None = None
        self.calls = 0

    async def _trouble(self) -> None:
        self.calls += 1
        await asyncio.sleep(self.delay_seconds)
        if self.error is not None:
            raise self.error

    async def get(self, key: str) -> bytes | None:
        await self._trouble()
        return self.entries.get(key)

    async def put(self, key: str, value: bytes) -> None:
        await self._trouble()
        self.entries[key] = value

    async def delete(self, key: str) -> bool:
        await self._trouble()
        return self.entries.pop(key, None) is not None

    async def claim(self, key: str) -> str | None:
        await self._trouble()
        return "token"

    async def release(self, key: str, token: str) -> None:
        await self._trouble()

    async def close(self) -> None:
        await self._trouble()


def sqlite_file(directory: Path) -> SqliteFile:
    return SqliteFile(SqliteStore(directory / "cache.db", max_bytes=2**20, max_age_seconds=3600))


def test_the_second_asker_is_answered_from_the_cache(tmp_path: Path) -> None:
    async def scenario() -> None:
        events: list[CacheEvent] = []
        cache = SummaryCache(sqlite_file(tmp_path), timeout_seconds=10.0, on_event=events.append)
        infer = Inference()
        first = await cache.get_or_compute("a", infer)
        second = await cache.get_or_compute("a", infer)
        assert (first.value, first.from_cache) == (second.value, False)
        assert second.from_cache
        assert infer.runs == 1
        assert events == ["miss", "hit"]
        assert await cache.get("a") == first.value
        assert await cache.get("b") is None
        await cache.close()

    asyncio.run(scenario())


def test_the_cache_outlives_the_process(tmp_path: Path) -> None:
    async def session() -> tuple[bool, int]:
        cache, infer = SummaryCache(sqlite_file(tmp_path), timeout_seconds=10.0), Inference()
        found = await cache.get_or_compute("a", infer)
        await cache.close()
        return found.from_cache, infer.runs

    assert asyncio.run(session()) == (False, 1)
    assert asyncio.run(session()) == (True, 0)


def test_a_thousand_simultaneous_askers_cost_one_inference(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache, infer = SummaryCache(sqlite_file(tmp_path), timeout_seconds=10.0), Inference()
        answers = await asyncio.gather(*(cache.get_or_compute("a", infer) for _ in range(1000)))
        assert infer.runs == 1
        assert len({answer.value for answer in answers}) == 1
        assert sum(answer.joined for answer in answers) == 999
        await cache.close()

    asyncio.run(scenario())


def test_an_error_of_the_model_passes_through_and_is_not_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache = SummaryCache(sqlite_file(tmp_path), timeout_seconds=10.0)

        async def fail() -> bytes:
            raise InferenceFailed("the model raised")

        with pytest.raises(InferenceFailed):
            await cache.get_or_compute("a", fail)
        infer = Inference()
        assert not (await cache.get_or_compute("a", infer)).from_cache
        await cache.close()

    asyncio.run(scenario())


def test_purge_removes_everywhere_and_says_whether_there_was_something(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache, infer = SummaryCache(sqlite_file(tmp_path), timeout_seconds=10.0), Inference()
        await cache.get_or_compute("a", infer)
        assert await cache.purge("a") is True  # the write follows the answer: it is waited for
        assert await cache.purge("a") is False
        assert await cache.get("a") is None
        await cache.get_or_compute("a", infer)
        assert infer.runs == 2
        await cache.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("bug"), ValueError("strange")])
def test_a_broken_store_never_fails_a_request_and_is_soon_left_alone(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        store = DictStore()
        store.error = error
        events: list[CacheEvent] = []
        cache = SummaryCache(store, hot_seconds=0.0, on_event=events.append)
        infer = Inference(0.0)
        for number in range(30):
            assert (await cache.get_or_compute(f"k{number}", infer)).value
        await asyncio.sleep(0.05)
        assert infer.runs == 30
        assert store.calls <= BREAKER_FAILURES + 2  # beside those already under way
        assert "error" in events
        with pytest.raises(type(error)):
            await cache.purge("k1")

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert "cache" in caplog.text


def test_a_slow_store_costs_its_time_out_a_few_times_and_then_nothing() -> None:
    async def scenario() -> int:
        store = DictStore()
        store.delay_seconds = 10
        cache = SummaryCache(store, timeout_seconds=0.05)
        infer = Inference(0.0)
        for number in range(100):
            await cache.get_or_compute(f"k{number}", infer)
        return store.calls

    assert asyncio.run(scenario()) < 100 / 4  # asked each time it would be a hundred and more


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"inb1" + bytes(40)])
def test_a_damaged_entry_is_computed_again(damage: bytes) -> None:
    async def scenario() -> None:
        store = DictStore()
        store.entries["a"] = damage
        cache, infer = SummaryCache(store, timeout_seconds=10.0), Inference(0.0)
        assert not (await cache.get_or_compute("a", infer)).from_cache
        await cache.close()
        assert unseal("a", store.entries["a"]) == b'{"summary": "Talks ended."}'

    asyncio.run(scenario())


def test_a_seal_belongs_to_one_key_and_one_value() -> None:
    sealed = seal("a", b"value")
    assert unseal("a", sealed) == b"value"
    assert unseal("b", sealed) is None
    assert unseal("a", sealed[:-1]) is None
    assert unseal("a", sealed + b"x") is None


def test_hot_entries_are_bounded_in_bytes_and_seconds() -> None:
    hot = HotEntries(100, 3600.0)
    for number in range(10):
        hot.put(f"k{number}", bytes(30))
    assert [hot.get(f"k{number}") is not None for number in range(10)] == [False] * 7 + [True] * 3
    hot.put("k9", bytes(30))
    hot.delete("k9")
    assert hot.get("k9") is None
    hot.put("large", bytes(200))
    assert hot.get("large") is None
    stale = HotEntries(100, 0.0)
    stale.put("a", b"x")
    time.sleep(0.001)
    assert stale.get("a") is None


def test_a_cache_without_a_store_still_shares_the_work() -> None:
    async def scenario() -> None:
        cache, infer = SummaryCache(None), Inference()
        await asyncio.gather(*(cache.get_or_compute("a", infer) for _ in range(10)))
        assert infer.runs == 1
        assert await cache.purge("a") is False
        assert await cache.reachable()
        await cache.close()

    asyncio.run(scenario())


def test_the_stores_fulfil_the_protocol(tmp_path: Path) -> None:
    store: Store = sqlite_file(tmp_path)
    asyncio.run(store.close())

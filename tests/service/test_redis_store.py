from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from service.breaker import BREAKER_FAILURES
from service.cache import CLAIM_SECONDS, CacheEvent, SummaryCache
from service.redis_store import RedisStore, connect
from tests.processes import RedisServer, free_port, redis_server

pytestmark = pytest.mark.redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def open_store(server: RedisServer, timeout_seconds: float = 0.2) -> RedisStore:
    return RedisStore(server.url, max_age_seconds=60, timeout_seconds=timeout_seconds)


def patient(server: RedisServer) -> SummaryCache:
    """Waits for a Redis that shares a busy machine rather than do without it."""
    return SummaryCache(open_store(server, 5.0), timeout_seconds=5.0)


async def value() -> bytes:
    return b"a summary"


def test_two_processes_share_what_one_computed(server: RedisServer) -> None:
    async def scenario() -> None:
        first, second = patient(server), patient(server)
        assert not (await first.get_or_compute("a", value)).from_cache
        await first.close()
        assert (await second.get_or_compute("a", value)).from_cache
        assert await second.purge("a") is True
        await second.close()

    asyncio.run(scenario())


def test_two_machines_that_ask_at_once_compute_once(server: RedisServer) -> None:
    async def scenario() -> None:
        runs = 0

        async def slow() -> bytes:
            nonlocal runs
            runs += 1
            await asyncio.sleep(0.3)
            return b"a summary"

        caches = [patient(server) for _ in range(4)]
        answers = await asyncio.gather(
            *(cache.get_or_compute("a", slow) for cache in caches for _ in range(50))
        )
        assert runs == 1
        assert {answer.value for answer in answers} == {b"a summary"}
        for cache in caches:
            await cache.close()

    asyncio.run(scenario())


def test_a_failed_computation_gives_its_claim_back(server: RedisServer) -> None:
    async def scenario() -> None:
        first, second = patient(server), patient(server)

        begun, end = asyncio.Event(), asyncio.Event()

        async def fail() -> bytes:
            begun.set()
            await end.wait()
            raise RuntimeError("engine")

        failing = asyncio.create_task(first.get_or_compute("a", fail))
        await begun.wait()
        other = asyncio.create_task(second.get_or_compute("a", value))
        end.set()
        async with asyncio.timeout(CLAIM_SECONDS * 0.8):  # it is not left to run out
            assert (await other).value == b"a summary"
        with pytest.raises(RuntimeError):
            await failing
        await first.close()
        await second.close()

    asyncio.run(scenario())


def test_entries_carry_an_age_and_one_cluster_slot(server: RedisServer) -> None:
    async def scenario() -> None:
        cache = patient(server)
        await cache.get_or_compute("abc", value)
        await cache.close()
        client = connect(server.url, timeout_seconds=30)
        keys = await client.keys("*")
        assert keys == [b"inbrief:{abc}"]
        assert 0 < await client.ttl(keys[0]) <= 60
        await client.aclose()

    asyncio.run(scenario())


def test_a_killed_redis_is_missed_by_nobody_and_used_again_when_it_is_back(
    server: RedisServer,
) -> None:
    async def scenario() -> None:
        cache = SummaryCache(open_store(server), hot_seconds=0.0)
        await cache.get_or_compute("a", value)
        server.kill()
        for number in range(20):
            assert (await cache.get_or_compute(f"k{number}", value)).value == b"a summary"
        assert not await cache.reachable()
        server.start()
        end = time.monotonic() + 60
        while not (await cache.get_or_compute("back", value)).from_cache:
            assert time.monotonic() < end, "the cache never came back"
            await asyncio.sleep(0.2)
        await cache.close()

    asyncio.run(scenario())


def test_a_paused_redis_costs_little(server: RedisServer) -> None:
    async def scenario() -> int:
        events: list[CacheEvent] = []
        cache = SummaryCache(
            open_store(server), timeout_seconds=0.1, hot_seconds=0.0, on_event=events.append
        )
        await cache.get_or_compute("a", value)
        server.signal(signal.SIGSTOP)
        for number in range(50):
            assert (await cache.get_or_compute(f"k{number}", value)).value == b"a summary"
        waited = events.count("error")
        server.signal(signal.SIGCONT)
        await cache.close()
        return waited

    assert 1 <= asyncio.run(scenario()) < 25  # whoever waits each time waits fifty times


def test_a_full_redis_answers_and_computes(tmp_path: Path) -> None:
    async def scenario(server: RedisServer) -> None:
        cache = SummaryCache(open_store(server), hot_seconds=0.0)
        for number in range(10):
            found = await cache.get_or_compute(f"k{number}", value)
            assert found.value == b"a summary"
            assert not found.from_cache
        await cache.close()

    with redis_server(tmp_path, ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) as full:
        asyncio.run(scenario(full))


def test_no_connection_is_left_open_to_a_redis_that_was_left_alone(server: RedisServer) -> None:
    async def scenario() -> None:
        watcher = connect(server.url, timeout_seconds=30)
        await watcher.lpush("inbrief:{a}", "what no get can read")
        events: list[CacheEvent] = []
        cache = SummaryCache(open_store(server, 10.0), timeout_seconds=10.0, on_event=events.append)
        await asyncio.gather(*(cache.get("a") for _ in range(4)))
        assert events.count("error") == 4 > BREAKER_FAILURES
        assert await clients(watcher) == 1 + 4
        await cache.close()
        async with asyncio.timeout(60):
            while await clients(watcher) > 1:
                await asyncio.sleep(0.01)
        await watcher.aclose()

    asyncio.run(scenario())


async def clients(watcher: Any) -> int:
    return int((await watcher.info("clients"))["connected_clients"])


def test_a_redis_cluster_is_spoken_to(tmp_path: Path) -> None:
    async def scenario(server: RedisServer) -> None:
        node = connect(server.url, timeout_seconds=30)
        await node.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        end = time.monotonic() + 60
        while (await node.cluster("info"))["cluster_state"] != "ok":
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        await node.aclose()
        url = server.url.replace("redis://", "redis+cluster://").removesuffix("/0")
        cache = SummaryCache(
            RedisStore(url, max_age_seconds=60, timeout_seconds=10), timeout_seconds=10
        )
        await cache.get_or_compute("a", value)
        assert await cache.purge("a") is True
        await cache.close()

    with redis_server(
        tmp_path, ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    ) as node:
        asyncio.run(scenario(node))


def test_redis_is_spoken_to_over_tls_and_only_to_the_right_one(tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key, trust = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    authority.cert_pem.write_to_path(trust)
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    tls = ["--tls-port", str(port), "--tls-cert-file", str(chain), "--tls-key-file", str(key)]

    async def scenario() -> None:
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs="
        for authority_file, trusted in ((trust, True), (stranger, False)):
            store = RedisStore(f"{url}{authority_file}", max_age_seconds=60, timeout_seconds=5)
            if trusted:
                await store.put("a", b"a summary")
                assert await store.get("a") == b"a summary"
            else:
                with pytest.raises(redis.ConnectionError, match=r"(?i)certificate"):
                    await store.get("a")
            await store.close()

    with redis_server(tmp_path, [*tls, "--tls-auth-clients", "no"]):
        asyncio.run(scenario())

from __future__ import annotations

import asyncio
import gc
import signal
import time
from pathlib import Path

import pytest
import trustme
from limits.aio.storage import MemoryStorage

from models.errors import SettingsError
from service.limiting import RateLimiter, parse_rate
from tests.processes import RedisServer, free_port, redis_server


def test_a_quota_is_allowed_and_the_next_is_not() -> None:
    async def scenario() -> None:
        limiter, rate = RateLimiter(), parse_rate("5/minute", "rate")
        assert rate is not None
        standings = [await limiter.hit("key", rate, "a") for _ in range(7)]
        assert [standing.allowed for standing in standings] == [True] * 5 + [False] * 2
        assert [standing.remaining for standing in standings] == [4, 3, 2, 1, 0, 0, 0]
        assert all(1 <= standing.reset_seconds <= 60 for standing in standings)
        assert (await limiter.hit("key", rate, "b")).allowed
        assert (await limiter.hit("address", rate, "a")).allowed

    asyncio.run(scenario())


def test_the_fields_are_those_of_the_draft() -> None:
    async def scenario() -> None:
        rate = parse_rate("5/minute", "rate")
        assert rate is not None
        standing = await RateLimiter().hit("key", rate, "a", cost=2)
        headers = dict(standing.headers())
        assert headers[b"ratelimit-policy"] == b'"key";q=5;w=60'
        assert headers[b"ratelimit"] == f'"key";r=3;t={standing.reset_seconds}'.encode()

    asyncio.run(scenario())


def test_room_comes_back_with_time() -> None:
    async def scenario() -> None:
        limiter, rate = RateLimiter(), parse_rate("2/second", "rate")
        assert rate is not None
        # A window may end between two of these, so they are asked until one is refused.
        while (standing := await limiter.hit("key", rate, "a")).allowed:
            pass
        await asyncio.sleep(standing.reset_seconds + 0.1)
        assert (await limiter.hit("key", rate, "a")).allowed

    asyncio.run(scenario())


@pytest.mark.parametrize("jump_seconds", [-7200.0, 7200.0])
def test_a_clock_that_jumps_locks_nobody_out(
    monkeypatch: pytest.MonkeyPatch, jump_seconds: float
) -> None:
    async def scenario() -> None:
        limiter, rate = RateLimiter(), parse_rate("2/minute", "rate")
        assert rate is not None
        for _ in range(3):
            await limiter.hit("key", rate, "a")
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump_seconds)
        standing = await limiter.hit("key", rate, "a")
        assert standing.allowed
        assert standing.reset_seconds <= 60

    asyncio.run(scenario())


def test_many_addresses_are_swept_and_not_walked_through_each_time() -> None:
    async def scenario() -> None:
        limiter, rate = RateLimiter(), parse_rate("5/second", "rate")
        assert rate is not None
        for number in range(20_000):
            await limiter.hit("address", rate, str(number))
        storage = limiter._local.storage
        assert isinstance(storage, MemoryStorage)
        while len(storage.storage) >= 10:
            await asyncio.sleep(0.2)
            await limiter.hit("address", rate, "last")

    asyncio.run(asyncio.wait_for(scenario(), 120))


@pytest.mark.redis
def test_processes_count_together_and_alone_while_redis_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        rate = parse_rate("4/hour", "rate")
        assert rate is not None
        with redis_server(tmp_path) as server:
            first, second = (RateLimiter(server.url, timeout_seconds=5.0) for _ in range(2))
            allowed = [
                (await limiter.hit("key", rate, "a")).allowed for limiter in (first, second) * 3
            ]
            assert allowed == [True] * 4 + [False] * 2
            server.signal(signal.SIGSTOP)
            alone = RateLimiter(server.url, timeout_seconds=0.1)
            for number in range(40):
                assert (await alone.hit("key", rate, f"b{number}")).allowed
            # Whoever waits each time waits forty times.
            assert 1 <= caplog.text.count("rate limit store failed") < 20
            assert [(await alone.hit("key", rate, "c")).allowed for _ in range(5)][-1] is False
            server.signal(signal.SIGCONT)
            for limiter in (first, second, alone):
                await limiter.close()

    asyncio.run(scenario())


def test_rates_are_written_plainly() -> None:
    assert parse_rate("off", "key_rate") is None
    rate = parse_rate("600 per minute", "key_rate")
    assert rate is not None
    assert (rate.amount, rate.get_expiry()) == (600, 60)
    with pytest.raises(SettingsError, match="600/minute"):
        parse_rate("lots", "key_rate")


@pytest.mark.redis
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # it cannot be closed in order
def test_a_redis_that_does_not_take_its_leave_stops_no_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, trust = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    authority.cert_pem.write_to_path(trust)
    tls = ["--tls-port", str(port), "--tls-cert-file", str(chain), "--tls-key-file", str(key)]

    async def scenario(server: RedisServer) -> None:
        rate = parse_rate("4/hour", "rate")
        assert rate is not None
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={trust}"
        limiter = RateLimiter(url, timeout_seconds=3.0)
        await limiter.hit("key", rate, "a")
        assert "failed" not in caplog.text
        server.signal(signal.SIGSTOP)  # and nobody answers TLS's close_notify
        await limiter.close()
        assert "failed to close: TimeoutError" in caplog.text

    with redis_server(tmp_path, [*tls, "--tls-auth-clients", "no"]) as server:
        asyncio.run(scenario(server))
    gc.collect()  # here, and not in a test that allows no such warning

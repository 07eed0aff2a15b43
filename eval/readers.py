"""Readers of a service under load: what they ask for, how long they wait, what they get.

Each latency runs from the moment a reader asks to the last byte of the answer.
All readers live in one event loop, whose own lateness is measured beside it:
what a busy client adds to a latency is not the service's.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

# What a service may answer on purpose when there is too much of everything.
DELIBERATE: Final = frozenset({429, 503})
# How many answered articles are kept to be asked for again.
_MOST_ASKED: Final = 10_000
# How often the client's own event loop is asked how late it is.
_LAG_SECONDS: Final = 0.02


class AnswerLike(Protocol):
    """What a connection brings back (`eval.connections.Answer`)."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def retry_after_seconds(self) -> float: ...
    @property
    def failure(self) -> str | None: ...


class Asking(Protocol):
    """A way to the service (`eval.connections.Connections`)."""

    async def get(self, path: str) -> AnswerLike: ...

    async def post(self, path: str, body: Mapping[str, Any]) -> AnswerLike: ...


@dataclass(slots=True)
class Phase:
    """What one phase measured; times in seconds, latencies by what the answer was."""

    name: str
    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    cached: list[float] = field(default_factory=list)
    computed: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    client_lag: list[float] = field(default_factory=list)

    def failures(self) -> int:
        """Answers that nobody meant: neither 200 nor deliberate, and broken connections."""
        meant = {"200", *map(str, DELIBERATE)}
        return sum(count for status, count in self.statuses.items() if status not in meant)

    def summary(self) -> dict[str, Any]:
        """The phase as JSON-ready values."""
        requests = sum(self.statuses.values())
        return {
            "name": self.name,
            "seconds": round(self.seconds, 1),
            "requests": requests,
            "requests_per_second": round(requests / max(self.seconds, 1e-9), 1),
            "statuses": dict(sorted(self.statuses.items())),
            "failures": self.failures(),
            "cached": quantiles(self.cached),
            "computed": quantiles(self.computed),
            "refused": quantiles(self.refused),
            "client_lag": quantiles(self.client_lag),
        }


class Articles:
    """New articles without end, made of those given; and those that were asked before."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self._texts = texts
        self._random = random.Random(seed)
        self._run = f"{time.time_ns():x}"  # a second run must not find the first one's answers
        self._asked: list[str] = []
        self._made = 0

    def new(self) -> str:
        self._made += 1
        text = self._texts[self._made % len(self._texts)]
        return f"{text}\n\nThis is reading {self._made} of run {self._run}."

    def next(self, repeats: float) -> str:
        if self._asked and self._random.random() < repeats:
            return self._random.choice(self._asked)
        return self.new()

    def answered(self, text: str) -> None:
        if len(self._asked) < _MOST_ASKED:
            self._asked.append(text)


async def read_and_think(
    phase: Phase,
    ask: Asking,
    articles: Articles,
    *,
    clients: int,
    seconds: float,
    think_seconds: float,
    repeats: float,
) -> None:
    """Readers who ask, think and ask again; they do not all come at once."""

    async def reader(number: int, end: float) -> None:
        await asyncio.sleep(think_seconds * number / clients)
        while time.monotonic() < end:
            await _ask(ask, articles.next(repeats), phase, articles)
            await asyncio.sleep(think_seconds)

    await _run(phase, reader, clients, seconds)


async def read_without_rest(
    phase: Phase, ask: Asking, articles: Articles, *, clients: int, seconds: float
) -> None:
    """Readers who all come at once, ask for new articles only and do not think."""

    async def reader(_: int, end: float) -> None:
        while time.monotonic() < end:
            refused_seconds = await _ask(ask, articles.new(), phase, articles)
            # As a client is asked to, though not for as long: overload is to stay overload.
            await asyncio.sleep(min(1.0, refused_seconds))

    await _run(phase, reader, clients, seconds)


async def _run(
    phase: Phase, reader: Callable[[int, float], Awaitable[None]], clients: int, seconds: float
) -> None:
    async def read(number: int) -> None:
        await reader(number, begin + seconds)

    begin = time.monotonic()
    watch = asyncio.create_task(_watch_lag(phase.client_lag))
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(read(number))
    finally:
        watch.cancel()
    phase.seconds = time.monotonic() - begin


async def _watch_lag(late: list[float]) -> None:
    while True:
        begin = time.monotonic()
        await asyncio.sleep(_LAG_SECONDS)
        late.append(max(0.0, time.monotonic() - begin - _LAG_SECONDS))


async def _ask(ask: Asking, text: str, phase: Phase, articles: Articles) -> float:
    """Ask once and note what came; for how many seconds to stay away, if refused on purpose."""
    begin = time.monotonic()
    answer = await ask.post("/v1/summaries", {"text": text})
    seconds = time.monotonic() - begin
    phase.statuses[answer.failure or str(answer.status)] += 1
    if answer.status == 200:
        (phase.cached if json.loads(answer.body)["cached"] else phase.computed).append(seconds)
        articles.answered(text)
    if answer.status not in DELIBERATE:
        return 0.0
    phase.refused.append(seconds)
    return answer.retry_after_seconds


def quantiles(seconds: Sequence[float]) -> dict[str, float | int]:
    """Milliseconds at some quantiles; of nothing, only that there is nothing."""
    if not seconds:
        return {"n": 0}
    p50, p95, p99 = np.quantile(np.asarray(seconds), (0.5, 0.95, 0.99))
    return {
        "n": len(seconds),
        "p50_ms": round(1000 * p50, 1),
        "p95_ms": round(1000 * p95, 1),
        "p99_ms": round(1000 * p99, 1),
        "max_ms": round(1000 * max(seconds), 1),
    }

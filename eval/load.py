"""A running service under load, by URL: what readers get while many of them ask.

Readers ask, read (think) and ask again; a share of what they ask was asked
before, as when a story is new. Then, if wanted, more readers than the service
can serve ask for new articles only, and it is measured how soon the service is
itself again afterwards. Idle connections can be held all the while.

Latencies are those of a closed loop with thinking: a reader who waits asks
less, so the rate falls when the service is slow (no correction is made).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
import numpy as np
import typer

from eval.datasets import BUNDLED, SEEDS
from models.articles import ArticleRecord, read_records
from models.errors import EvaluationError

# What a service may answer on purpose when there is too much of everything.
DELIBERATE: Final = frozenset({429, 503})
SAMPLE_SECONDS: Final = 5.0
RECOVERY_SECONDS: Final = 120.0
_MEMORY: Final = "process_resident_memory_bytes"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Who asks, for how long, and how often for what was asked before."""

    url: str
    clients: int = 200
    seconds: float = 300.0
    repeats: float = 0.7
    think_seconds: float = 1.0
    overload_clients: int = 0
    overload_seconds: float = 30.0
    idle_connections: int = 0
    key: str | None = None
    seed: int = 0


@dataclass(slots=True)
class Phase:
    """What one phase measured; latencies in seconds, by whether the answer was cached."""

    name: str
    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    cached: list[float] = field(default_factory=list)
    computed: list[float] = field(default_factory=list)

    def failures(self) -> int:
        """Answers that nobody meant: neither 200 nor deliberate, and broken connections."""
        meant = {"200", *map(str, DELIBERATE)}
        return sum(count for status, count in self.statuses.items() if status not in meant)

    def summary(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "seconds": round(self.seconds, 1),
            "requests": sum(self.statuses.values()),
            "requests_per_second": round(sum(self.statuses.values()) / max(self.seconds, 1e-9), 1),
            "statuses": dict(sorted(self.statuses.items())),
            "failures": self.failures(),
            "cached": _quantiles(self.cached),
            "computed": _quantiles(self.computed),
        }


class _Articles:
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
        if len(self._asked) < 10_000:
            self._asked.append(text)


async def run_load(plan: LoadPlan, texts: Sequence[str]) -> dict[str, Any]:
    """Carry out the plan; a JSON-ready report."""
    articles = _Articles(texts, plan.seed)
    headers = {"authorization": f"Bearer {plan.key}"} if plan.key else {}
    unbounded = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx.AsyncClient(
            base_url=plan.url, headers=headers, timeout=60, limits=unbounded
        ) as client,
        _idle(plan) as idle,
        _sampling(client) as memory,
    ):
        steady = await _phase(plan, client, articles, "steady", plan.clients, plan.seconds)
        phases = [steady.summary()]
        recovery = None
        if plan.overload_clients:
            over = await _phase(
                plan, client, articles, "overload", plan.overload_clients, plan.overload_seconds
            )
            phases.append(over.summary())
            recovery = await _recovery(client, articles)
        await asyncio.sleep(min(SAMPLE_SECONDS, plan.seconds))
        held = sum(not writer.is_closing() for writer in idle)
    return {
        "plan": {**asdict(plan), "key": None if plan.key is None else "…"},
        "phases": phases,
        "recovery_seconds": recovery,
        "idle_connections_opened": len(idle),
        "idle_connections_held": held,
        "memory_bytes": memory,
    }


async def _phase(
    plan: LoadPlan,
    client: httpx.AsyncClient,
    articles: _Articles,
    name: str,
    clients: int,
    seconds: float,
) -> Phase:
    phase = Phase(name)
    overload = name == "overload"
    begin = time.monotonic()
    end = begin + seconds

    async def reader(number: int) -> None:
        if not overload:  # readers do not all come at once
            await asyncio.sleep(plan.think_seconds * number / clients)
        while time.monotonic() < end:
            text = articles.new() if overload else articles.next(plan.repeats)
            await _ask(client, text, phase, articles)
            if not overload:
                await asyncio.sleep(plan.think_seconds)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(reader(number))
    phase.seconds = time.monotonic() - begin
    return phase


async def _ask(client: httpx.AsyncClient, text: str, phase: Phase, articles: _Articles) -> None:
    begin = time.monotonic()
    try:
        response = await client.post("/v1/summaries", json={"text": text})
    except httpx.TransportError as error:
        phase.statuses[type(error).__name__] += 1
        return
    seconds = time.monotonic() - begin
    phase.statuses[str(response.status_code)] += 1
    if response.status_code == 200:
        (phase.cached if response.json()["cached"] else phase.computed).append(seconds)
        articles.answered(text)
    elif response.status_code in DELIBERATE:
        # As a client is asked to, though not for as long: overload is to stay overload.
        await asyncio.sleep(min(1.0, float(response.headers.get("retry-after", 1))))


async def _recovery(client: httpx.AsyncClient, articles: _Articles) -> float | None:
    """Seconds until the service is ready and answers a new article; None: it never did."""
    begin = time.monotonic()
    while time.monotonic() - begin < RECOVERY_SECONDS:
        with contextlib.suppress(httpx.TransportError):
            ready = await client.get("/readyz")
            if ready.status_code == 200:
                answer = await client.post("/v1/summaries", json={"text": articles.new()})
                if answer.status_code == 200:
                    return round(time.monotonic() - begin, 2)
        await asyncio.sleep(0.1)
    return None


@contextlib.asynccontextmanager
async def _idle(plan: LoadPlan) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """Connections on which nothing is ever said."""
    parts = urlsplit(plan.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    writers: list[asyncio.StreamWriter] = []
    for _ in range(plan.idle_connections):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(parts.hostname, port)
            writers.append(writer)
    try:
        yield writers
    finally:
        for writer in writers:
            writer.close()


@contextlib.asynccontextmanager
async def _sampling(client: httpx.AsyncClient) -> AsyncIterator[list[int]]:
    """The service's resident memory, sampled from its own metrics."""
    samples: list[int] = []

    async def sample() -> None:
        while True:
            with contextlib.suppress(httpx.TransportError, StopIteration):
                samples.append(next(_memory((await client.get("/metrics")).text)))
            await asyncio.sleep(SAMPLE_SECONDS)

    task = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        task.cancel()


def _memory(metrics: str) -> Iterator[int]:
    for line in metrics.splitlines():
        if line.startswith(_MEMORY):
            yield int(float(line.split()[1]))


def _quantiles(seconds: Sequence[float]) -> dict[str, float | int]:
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


def load(
    url: Annotated[str, typer.Option(help="The running service.")] = "http://127.0.0.1:8000",
    data: Annotated[str, typer.Option(help="Articles that are asked for.")] = "bundled",
    clients: Annotated[int, typer.Option(min=1, help="Readers at the same time.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 300.0,
    repeats: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests for what was asked before.")
    ] = 0.7,
    think_seconds: Annotated[float, typer.Option(min=0, help="Between two requests.")] = 1.0,
    overload_clients: Annotated[
        int, typer.Option(min=0, help="Then so many readers who ask for new articles only.")
    ] = 0,
    overload_seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 30.0,
    idle_connections: Annotated[
        int, typer.Option(min=0, help="Connections that say nothing, held all the while.")
    ] = 0,
    key: Annotated[
        str | None, typer.Option(envvar="INBRIEF_KEY", help="The service's key, if it needs one.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report there as JSON.")] = None,
) -> None:
    """Load a running service as readers would and report what they got."""
    path = (BUNDLED if BUNDLED.exists() else SEEDS) if data == "bundled" else Path(data)
    texts = [record.text for record in read_records(path) if isinstance(record, ArticleRecord)]
    if not texts:
        raise EvaluationError(f"{data} holds no article.")
    plan = LoadPlan(
        url, clients, seconds, repeats, think_seconds, overload_clients, overload_seconds,
        idle_connections, key,
    )  # fmt: skip
    report = asyncio.run(run_load(plan, texts))
    text = json.dumps(report, indent=2)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)
    if any(phase["failures"] for phase in report["phases"]):
        raise typer.Exit(1)

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
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from eval.connections import connections
from eval.datasets import BUNDLED, SEEDS
from eval.readers import Articles, Asking, Phase, read_and_think, read_without_rest
from models.articles import ArticleRecord, read_records
from models.errors import EvaluationError

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


async def run_load(plan: LoadPlan, texts: Sequence[str]) -> dict[str, Any]:
    """Carry out the plan; a JSON-ready report.

    Raises:
        MissingDependency: the `eval` extra is not installed.
    """
    articles = Articles(texts, plan.seed)
    phases = [Phase("steady")]
    recovery = None
    async with (
        connections(plan.url, plan.key) as ask,
        _idle(plan) as idle,
        _sampling(ask) as memory,
    ):
        await read_and_think(
            phases[0],
            ask,
            articles,
            clients=plan.clients,
            seconds=plan.seconds,
            think_seconds=plan.think_seconds,
            repeats=plan.repeats,
        )
        if plan.overload_clients:
            phases.append(Phase("overload"))
            await read_without_rest(
                phases[1],
                ask,
                articles,
                clients=plan.overload_clients,
                seconds=plan.overload_seconds,
            )
            recovery = await _recovery(ask, articles)
        await asyncio.sleep(min(SAMPLE_SECONDS, plan.seconds))
        held = sum(not writer.is_closing() for writer in idle)
    return {
        "plan": {**asdict(plan), "key": None if plan.key is None else "…"},
        "phases": [phase.summary() for phase in phases],
        "recovery_seconds": recovery,
        "idle_connections_opened": len(idle),
        "idle_connections_held": held,
        "memory_bytes": memory,
    }


async def _recovery(ask: Asking, articles: Articles) -> float | None:
    """Seconds until the service is ready and answers a new article; None: it never did."""
    begin = time.monotonic()
    while time.monotonic() - begin < RECOVERY_SECONDS:
        if (await ask.get("/readyz")).status == 200:
            answer = await ask.post("/v1/summaries", {"text": articles.new()})
            if answer.status == 200:
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
async def _sampling(ask: Asking) -> AsyncIterator[list[int]]:
    """The service's resident memory, sampled from its own metrics."""
    samples: list[int] = []

    async def sample() -> None:
        while True:
            metrics = await ask.get("/metrics")
            samples.extend(_memory(metrics.body.decode()))
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

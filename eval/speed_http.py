"""What the way through HTTP costs: a service with many clients against its model called directly.

The same number of new articles goes to a running service, from clients that
ask again as soon as they are answered, and to the same model in this process,
in batches as large as there are clients; in turns, and the one not asked
idles. The service should run with as many threads as this process. What the
clients themselves cost is reported beside: on one machine they take it from
the service, elsewhere they would not.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from eval.connections import connections
from eval.readers import Articles, Asking
from eval.runs import write_json
from eval.speed import conditions
from eval.speed_texts import texts
from models.contract import Article, Summariser, SummaryRequest
from models.errors import EvaluationError, InbriefError
from models.loading import DEFAULT_MODEL, load

_SEED: Final = 20_26

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of the same number of articles both ways; the clients' are of the processor."""

    http: float
    direct: float
    clients_cpu: float


async def ask_all(ask: Asking, articles: Sequence[str], clients: int) -> float:
    """Seconds until all are answered by `clients` at a time.

    Raises EvaluationError at an answer other than 200.
    """
    waiting: Iterator[str] = iter(articles)

    async def client() -> None:
        for text in waiting:
            answer = await ask.post("/v1/summaries", {"text": text})
            if answer.status != 200:
                raise EvaluationError(f"The service answered {answer.status or answer.failure}.")

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began


def summarise_all(summariser: Summariser, articles: Sequence[str], batch: int) -> float:
    """Seconds for the model itself, in batches.

    Raises the first article's error, where one cannot be summarised.
    """
    began = time.perf_counter()
    for at in range(0, len(articles), batch):
        requests = [SummaryRequest(Article(text)) for text in articles[at : at + batch]]
        for result in summariser.summarise(requests):
            if isinstance(result, InbriefError):
                raise result
    return time.perf_counter() - began


async def measure(
    url: str, key: str | None, summariser: Summariser, clients: int, count: int, rounds: int
) -> list[Round]:
    """`take_turns` with the service at `url`.

    Raises MissingDependency without the `eval` extra.
    """
    async with connections(url, key) as ask:
        return await take_turns(ask, summariser, clients, count, rounds)


async def take_turns(
    ask: Asking, summariser: Summariser, clients: int, count: int, rounds: int
) -> list[Round]:
    """What each round of `count` new articles took; a short one before is not counted."""
    made = Articles(texts(300, 40), _SEED)
    found: list[Round] = []
    for number in range(rounds + 1):
        size = count if number else clients
        articles, begun = [made.new() for _ in range(size)], time.process_time()
        by_http = await ask_all(ask, articles, clients)
        clients_cpu = time.process_time() - begun
        directly = summarise_all(summariser, [made.new() for _ in range(size)], clients)
        if number:
            found.append(Round(by_http, directly, clients_cpu))
    return found


@app.command()
def http(
    out: Annotated[Path, typer.Option(help="Directory for http.json.")],
    url: Annotated[str, typer.Option(help="A running service.")] = "http://127.0.0.1:8000",
    model: Annotated[str, typer.Option(help="The model that it runs.")] = DEFAULT_MODEL,
    clients: Annotated[int, typer.Option(min=1, help="At a time; the batch too.")] = 16,
    articles: Annotated[int, typer.Option(min=1, help="Of each round.")] = 320,
    rounds: Annotated[int, typer.Option(min=1, help="Timed rounds.")] = 3,
    key: Annotated[str | None, typer.Option(envvar="INBRIEF_KEY", help="Its key.")] = None,
) -> None:
    """Measure throughput by HTTP against the same model called directly."""
    found = asyncio.run(measure(url, key, load(model), clients, articles, rounds))
    shares = [one.direct / one.http for one in found]
    report: dict[str, Any] = {
        "model": model,
        "clients": clients,
        "articles": articles,
        "conditions": conditions(),
        "seconds": [asdict(one) for one in found],
        "share_of_direct": [statistics.median(shares), min(shares), max(shares)],
        "clients_share": statistics.median(one.clients_cpu / one.http for one in found),
    }
    write_json(out / "http.json", report)
    median, least, most = report["share_of_direct"]
    typer.echo(
        f"{median:.2f} ({least:.2f}-{most:.2f}) times the model's own throughput; "
        f"the clients took {report['clients_share']:.1%} of a core"
    )

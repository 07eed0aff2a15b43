"""What waits is prepared while the model runs, and never twice."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from models.contract import Article, Summary, SummaryRequest
from service.ahead import MOST_AHEAD, Ahead
from service.batch import BatchJob, run_batch
from service.microbatch import MicroBatcher
from service.waiting import Limits
from tests.fakes import FakeSummariser

TEXT = "The council of Milton closed its old swimming pool in June. Repairs cost too much."


class Marked(SummaryRequest):
    """A request that has been prepared."""


class PreparingSummariser(FakeSummariser):
    """Prepares by marking; `prepared` keeps the texts, in order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.prepared: list[str] = []
        self.may_prepare = threading.Event()
        self.may_prepare.set()
        self.preparing = threading.Event()

    def prepare(self, request: SummaryRequest) -> SummaryRequest:
        self.preparing.set()
        assert self.may_prepare.wait(30)
        self.prepared.append(request.article.text)
        if "broken" in request.article.text:
            raise ZeroDivisionError
        return Marked(request.article, request.options)


def request(marker: str) -> SummaryRequest:
    return SummaryRequest(Article(f"{marker}. {TEXT}"))


def test_a_model_that_cannot_gets_what_was_asked() -> None:
    asked = request("plain")
    with closing(Ahead(FakeSummariser())) as ahead:
        assert ahead.start(asked).take() is asked


def test_what_has_begun_is_waited_for() -> None:
    model = PreparingSummariser()
    model.may_prepare.clear()
    with closing(Ahead(model)) as ahead:
        ready = ahead.start(request("one"))
        assert model.preparing.wait(30)
        threading.Timer(0.05, model.may_prepare.set).start()
        assert isinstance(ready.take(), Marked)
        assert isinstance(ready.take(), Marked)
    assert len(model.prepared) == 1


def test_what_has_not_begun_stays_as_it_is() -> None:
    model = PreparingSummariser()
    model.may_prepare.clear()
    with closing(Ahead(model)) as ahead:
        first, second, third = (ahead.start(request(name)) for name in ("one", "two", "three"))
        assert model.preparing.wait(30)
        third.drop()
        for _ in range(2):
            assert type(second.take()) is SummaryRequest
        model.may_prepare.set()
        assert isinstance(first.take(), Marked)
        assert type(third.take()) is SummaryRequest
    assert [text.split(".")[0] for text in model.prepared] == ["one"]


def test_what_cannot_be_prepared_is_left_to_the_batch() -> None:
    asked = request("broken")
    with closing(Ahead(PreparingSummariser())) as ahead:
        ready = ahead.start(asked)
        for _ in range(2):
            assert ready.take() is asked


def test_the_queue_prepares_while_a_batch_runs() -> None:
    gate = threading.Event()
    model = PreparingSummariser(gate=gate)

    async def scenario() -> None:
        batcher = MicroBatcher(model, Limits(max_batch_articles=2))
        batcher.start()
        names = ["first", *(f"number {index}" for index in range(MOST_AHEAD + 10))]
        waiting = [
            asyncio.ensure_future(batcher.submit(request(name), deadline_seconds=3600))
            for name in names[:1]
        ]
        async with asyncio.timeout(100):
            while not model.started.is_set():
                await asyncio.sleep(0.002)
            waiting += [
                asyncio.ensure_future(batcher.submit(request(name), deadline_seconds=3600))
                for name in names[1:]
            ]
            # The first batch still runs: these were prepared beside it, and no more of them.
            while len(model.prepared) < 1 + MOST_AHEAD:
                await asyncio.sleep(0.002)
        await asyncio.sleep(0.05)
        assert len(model.prepared) == 1 + MOST_AHEAD
        gate.set()
        found = await asyncio.gather(*waiting)
        assert all(isinstance(one.summary, Summary) for one in found)
        await batcher.stop()

    asyncio.run(asyncio.wait_for(scenario(), 120))
    assert len(model.prepared) <= MOST_AHEAD + 11
    given = [one for call in model.calls for one in call]
    assert len(given) == MOST_AHEAD + 11
    assert sum(isinstance(one, Marked) for one in given) >= MOST_AHEAD


def test_a_corpus_is_prepared_beside_the_model(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    names = [*(f"number {index}" for index in range(40)), "broken"]
    source.write_text(
        "".join(json.dumps({"id": name, "text": f"{name}. {TEXT}"}) + "\n" for name in names)
    )
    model = PreparingSummariser()
    counts = run_batch(BatchJob(source, tmp_path / "out.jsonl", max_batch_articles=4), model)
    assert (counts.done, counts.failed) == (41, 0)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == names
    assert all(line["summary"] for line in lines)
    assert len(model.prepared) == len(set(model.prepared))
    assert any(isinstance(one, Marked) for call in model.calls for one in call)

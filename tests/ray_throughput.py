"""How fast a batch on Ray is with one worker and with two, against a local run.

    python -m tests.ray_throughput 5000                # a model that sleeps 20 ms an article
    python -m tests.ray_throughput 1000 news-small     # the shipped model

A model that sleeps shows what Ray itself costs; a real one shows what the
cores of this machine give. The outputs must be the same but for their timings.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from eval.datasets import SEEDS
from models import loading
from models.articles import ArticleRecord, read_records
from models.contract import OnSentence, Summariser, Summary, SummaryRequest
from models.errors import InbriefError
from service.batch import BatchJob, Counts, run_batch
from service.ray_batch import Load, RayPool, run_ray_batch
from tests.fakes import FakeSummariser

SECONDS_AN_ARTICLE: Final = 0.02


class SleepingSummariser(FakeSummariser):
    """Takes its time for every article and no processor."""

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        time.sleep(SECONDS_AN_ARTICLE * len(requests))
        return super().summarise(requests, on_sentence)


def _sleeping() -> Summariser:
    return SleepingSummariser()


def write(path: Path, count: int) -> None:
    found = [record.text for record in read_records(SEEDS) if isinstance(record, ArticleRecord)]
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            text = f"{found[number % len(found)]}\n\nThis is article {number}."
            stream.write(json.dumps({"id": str(number), "text": text}) + "\n")


def without_timings(path: Path) -> list[Any]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row.pop("timings", None)
    return rows


def measure(directory: Path, count: int, model: str | None) -> None:
    load: Load = partial(loading.load, model) if model else _sleeping
    source = directory / "in.jsonl"
    write(source, count)
    outputs = []
    for workers in (0, 1, 2):
        job = BatchJob(source, directory / f"{workers}.jsonl")
        first: list[float] = []
        begin = time.monotonic()

        def note(counts: Counts, begin: float = begin, first: list[float] = first) -> None:
            if counts.done and not first:
                first.extend((time.monotonic() - begin, counts.done))

        if workers:
            counts = run_ray_batch(job, load, RayPool(workers=workers), note)
        else:
            counts = run_batch(job, load(), note)
        seconds = time.monotonic() - begin
        steady = (counts.done - first[1]) / (seconds - first[0])
        name = f"Ray, {workers} workers" if workers else "local"
        print(  # noqa: T201
            f"{name}: {counts.done} articles, {counts.failed} with errors, {seconds:.1f} s, "
            f"{counts.done / seconds:.1f}/s in all; first lines after {first[0]:.1f} s, "
            f"{steady:.1f}/s from then on",
            flush=True,
        )
        outputs.append(without_timings(job.output))
    assert outputs[0] == outputs[1] == outputs[2], "the outputs differ"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="inbrief-ray-") as where:
        measure(Path(where), int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)

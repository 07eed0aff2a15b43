"""A file of articles in, a file of summaries out: in order, in flat memory, resumable.

Records are read in windows. Inside a window they are sorted by length into
batches that fit the token budget, so that little is computed for padding; the
lines are written in the order of the input when the window is done. The next
window is sized so that a killed run loses some seconds of work and no more.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from models.articles import ArticleRecord, FieldNames, read_records
from models.contract import Article, Summariser, Summary, SummaryOptions, SummaryRequest
from models.errors import InbriefError, InferenceFailed, InputError, InvalidRecord
from service.ahead import Ahead, Ready
from service.batch_output import BatchOutput, fingerprint
from service.conversion import response_of
from service.identity import summary_id
from service.problems import problem_of, to_json
from service.unforeseen import log_unforeseen

FIRST_WINDOW: Final = 16
MAX_WINDOW: Final = 1024
MAX_WINDOW_CHARACTERS: Final = 16_000_000
# What a killed run may lose, roughly.
WINDOW_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class BatchJob:
    """What one run does. `max_batch_tokens` bounds articles times the longest of them."""

    source: Path
    output: Path
    options: SummaryOptions = field(default_factory=SummaryOptions)
    fields: FieldNames = field(default_factory=FieldNames)
    language: str | None = None
    max_batch_articles: int = 32
    max_batch_tokens: int = 32_768
    restart: bool = False


@dataclass(slots=True)
class Counts:
    """Records of the input that have their line; `resumed` of them before this run."""

    done: int = 0
    failed: int = 0
    resumed: int = 0


# Told after each batch: the counts so far, with what is finished but not written yet.
OnProgress = Callable[[Counts], None]
_Record = ArticleRecord | InvalidRecord


def run_batch(
    job: BatchJob, summariser: Summariser, on_progress: OnProgress = lambda counts: None
) -> Counts:
    """Write the line of every record that has none yet; the counts of the whole output.

    Raises:
        InputError: the input cannot be read, or the output is not this job's.
    """
    records = read_records(job.source, job.fields)
    counts = Counts()
    with BatchOutput(job.output, arguments(job, summariser), restart=job.restart) as output:
        skip_written(job, records, output, counts)
        on_progress(counts)
        size = FIRST_WINDOW
        with closing(Ahead(summariser)) as ahead:
            while window := read_window(records, size):
                started = time.monotonic()
                lines = summarise_window(job, summariser, ahead, window, counts, on_progress)
                output.append(lines)
                rate = len(window) / max(time.monotonic() - started, 1e-6)
                # At most doubled: the rate of a few articles says little.
                size = max(1, min(MAX_WINDOW, 2 * size, round(rate * WINDOW_SECONDS)))
    return counts


def count_records(source: Path, fields: FieldNames) -> int:
    """How many records the input has, bad ones included; one pass over it."""
    if source.suffix.lower() == ".jsonl" and source.is_file():
        with source.open("rb") as stream:
            return sum(1 for line in stream if line.strip())
    return sum(1 for _ in read_records(source, fields))


def arguments(job: BatchJob, summariser: Summariser) -> dict[str, Any]:
    info = summariser.info
    return {
        "input": fingerprint(job.source),
        "options": asdict(job.options),
        "fields": json.loads(json.dumps(asdict(job.fields))),
        "language": job.language,
        "model": [info.name, info.revision, info.engine, info.precision],
    }


def skip_written(
    job: BatchJob, records: Iterator[_Record], output: BatchOutput, counts: Counts
) -> None:
    for line in output.written():
        record = next(records, None)
        if record is None or line.id != _id_of(record):
            raise InputError(
                f"{job.output} does not follow {job.source}: line {counts.done + 1} is of "
                "another record.",
                field="output",
            )
        counts.done += 1
        counts.resumed += 1
        counts.failed += line.failed


def read_window(
    records: Iterator[_Record], size: int, max_characters: int = MAX_WINDOW_CHARACTERS
) -> list[_Record]:
    """The next records: `size` of them, or fewer when they reach `max_characters` before."""
    window: list[_Record] = []
    characters = 0
    for record in islice(records, size):
        window.append(record)
        characters += len(record.text) if isinstance(record, ArticleRecord) else 0
        if characters >= max_characters:
            break
    return window


def summarise_window(
    job: BatchJob,
    summariser: Summariser,
    ahead: Ahead,
    window: Sequence[_Record],
    counts: Counts,
    on_progress: OnProgress,
) -> list[str]:
    """The lines of a window, in order."""
    lines = [""] * len(window)
    requests: dict[int, SummaryRequest] = {}
    for index, record in enumerate(window):
        if isinstance(record, InvalidRecord):
            lines[index] = _error_line(record.record_id, record, line=record.line)
            counts.failed += 1
            counts.done += 1
        else:
            article = Article(record.text, record.title, job.language)
            requests[index] = SummaryRequest(article, job.options)
    for batch, ready in _prepared(ahead, requests, _batches(job, summariser, requests)):
        started = time.monotonic()
        results = _summarise(summariser, [one.take() for one in ready])
        seconds = time.monotonic() - started
        for index, result in zip(batch, results, strict=True):
            record = window[index]
            assert isinstance(record, ArticleRecord)  # only these became requests
            if isinstance(result, InbriefError):
                lines[index] = _error_line(record.id, result)
                counts.failed += 1
            else:
                lines[index] = _line(record, requests[index], result, seconds)
        counts.done += len(batch)
        on_progress(counts)
    return lines


def _batches(
    job: BatchJob, summariser: Summariser, requests: dict[int, SummaryRequest]
) -> Iterator[list[int]]:
    """Indices in batches of similar length, the longest first, within the token budget."""
    tokens = {index: summariser.estimate_tokens(one) for index, one in requests.items()}
    batch: list[int] = []
    for index in sorted(tokens, key=lambda one: -tokens[one]):
        if batch and (
            len(batch) == job.max_batch_articles
            or tokens[batch[0]] * (len(batch) + 1) > job.max_batch_tokens
        ):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _prepared(
    ahead: Ahead, requests: dict[int, SummaryRequest], batches: Iterable[list[int]]
) -> Iterator[tuple[list[int], list[Ready]]]:
    """Batches with what is made ready for them, begun while the batch before them runs."""
    coming: deque[tuple[list[int], list[Ready]]] = deque()
    for batch in batches:
        coming.append((batch, [ahead.start(requests[index]) for index in batch]))
        if len(coming) > 1:
            yield coming.popleft()
    yield from coming


def _summarise(
    summariser: Summariser, requests: Sequence[SummaryRequest]
) -> Sequence[Summary | InbriefError]:
    """Results in order. A batch that fails as a whole is run again one by one."""
    try:
        return summariser.summarise(requests)
    except Exception as error:
        log_unforeseen(error, "summarise")
    if len(requests) == 1:
        return [InferenceFailed("The model failed on this article.")]
    return [result for one in requests for result in _summarise(summariser, [one])]


def _line(record: ArticleRecord, request: SummaryRequest, summary: Summary, seconds: float) -> str:
    response = response_of(
        summary_id(request, summary.model),
        summary,
        request.options,
        queue_seconds=0.0,
        inference_seconds=seconds,
        total_seconds=seconds,
    ).model_dump(exclude_none=True)
    return _json_line({**response, "id": record.id, "summary_id": response["id"]})


def _error_line(identity: str | None, error: InbriefError, line: int | None = None) -> str:
    row: dict[str, Any] = {"id": identity}
    if line is not None:
        row["line"] = line
    return _json_line({**row, "error": to_json(problem_of(error))})


def _json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _id_of(record: _Record) -> str | None:
    return record.record_id if isinstance(record, InvalidRecord) else record.id

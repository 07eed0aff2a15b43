"""The batch run on Ray Data: the same lines in the same file, made by a pool of actors.

The driver reads and writes, as in `service.batch`; in between, chunks of
records go through `map_batches` with one summariser an actor. Ray holds back
the reading when the actors are behind, gives the chunks of a lost node to
others, and the output is that of a local run but for its timings: in order,
resumable, no line twice.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from models.articles import read_records
from models.contract import Summariser
from models.errors import InferenceFailed, InputError, MissingDependency
from service.ahead import Ahead
from service.batch import (
    BatchJob,
    Counts,
    OnProgress,
    arguments,
    read_window,
    skip_written,
    summarise_window,
)
from service.batch_output import BatchOutput

# Articles that an actor takes at a time; a lost node costs so many again.
CHUNK_ARTICLES: Final = 64
# Articles of one Ray Data execution, whose input lies in the object store.
SEGMENT_CHUNKS: Final = 256
SEGMENT_CHARACTERS: Final = 256_000_000

Load = Callable[[], Summariser]


@dataclass(frozen=True, slots=True)
class RayPool:
    """`address` of a cluster; None starts one on this machine that ends with the run."""

    workers: int = 2
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    address: str | None = None


class _Worker:
    """One actor of the pool, with its own summariser."""

    def __init__(self, load: Load, job: BatchJob) -> None:
        self._summariser = load()
        self._ahead = Ahead(self._summariser)
        self._job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        lines, failed = [], []
        for chunk in batch["records"]:
            counts = Counts()
            records = pickle.loads(chunk)
            made = summarise_window(
                self._job, self._summariser, self._ahead, records, counts, _ignore
            )
            lines.append(json.dumps(made))
            failed.append(counts.failed)
        return {"index": list(batch["index"]), "lines": lines, "failed": failed}


def run_ray_batch(
    job: BatchJob,
    load: Load,
    pool: RayPool | None = None,
    on_progress: OnProgress = lambda counts: None,
) -> Counts:
    """As `service.batch.run_batch`, on a Ray cluster; `load` is called in every actor.

    Raises:
        MissingDependency: Ray is not installed.
        InputError: the input cannot be read, or the output is not this job's.
        InferenceFailed: the cluster gave up.
    """
    pool = pool or RayPool()
    records = read_records(job.source, job.fields)
    counts = Counts()
    with BatchOutput(job.output, arguments(job, load()), restart=job.restart) as output:
        skip_written(job, records, output, counts)
        on_progress(counts)
        with _cluster(pool) as data:
            while chunks := _segment(records):
                for made, failed in _ordered(_run(data, chunks, job, load, pool)):
                    output.append(made)
                    counts.done += len(made)
                    counts.failed += failed
                    on_progress(counts)
    return counts


def _segment(records: Iterator[Any]) -> list[bytes]:
    """The next chunks, as many as lie in memory with ease."""
    chunks: list[bytes] = []
    characters = 0
    while len(chunks) < SEGMENT_CHUNKS and characters < SEGMENT_CHARACTERS:
        window = read_window(records, CHUNK_ARTICLES)
        if not window:
            break
        # Ray itself carries pickles; these bytes never come from outside the run.
        chunks.append(pickle.dumps(window))
        characters += len(chunks[-1])
    return chunks


def _run(
    data: Any, chunks: Sequence[bytes], job: BatchJob, load: Load, pool: RayPool
) -> Iterator[tuple[int, list[str], int]]:
    """Index, lines and number of errors of each chunk, as they become ready."""
    rows = [{"index": index, "records": chunk} for index, chunk in enumerate(chunks)]
    made = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        _Worker,
        batch_size=1,
        compute=data.ActorPoolStrategy(min_size=1, max_size=pool.workers),
        fn_constructor_args=(load, job),
        num_cpus=pool.cpus_per_worker,
        num_gpus=pool.gpus_per_worker or None,
        # A node that dies takes its actors along; their chunks are done again elsewhere.
        max_restarts=-1,
        max_task_retries=-1,
    )
    for row in made.iter_rows():
        yield int(row["index"]), json.loads(row["lines"]), int(row["failed"])


def _ordered(chunks: Iterator[tuple[int, list[str], int]]) -> Iterator[tuple[list[str], int]]:
    """The chunks by their index, each once; those that come early wait."""
    early: dict[int, tuple[list[str], int]] = {}
    expected = 0
    for index, lines, failed in chunks:
        if index >= expected:
            early.setdefault(index, (lines, failed))
        while expected in early:
            yield early.pop(expected)
            expected += 1
    if early:
        raise InferenceFailed("The Ray cluster lost a part of the work; start the run again.")


@contextmanager
def _cluster(pool: RayPool) -> Iterator[Any]:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependency(
            "This needs the ray extra: pip install 'inbrief[ray]'", field="engine"
        ) from error
    started = not ray.is_initialized()
    if started:
        # Actors import what the driver imports, also from a source tree.
        root = str(Path(__file__).resolve().parents[1])
        ray.init(
            address=pool.address,
            include_dashboard=False if pool.address is None else None,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": root, "OMP_WAIT_POLICY": "PASSIVE"}},
        )
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    try:
        yield ray.data
    finally:
        if started:
            ray.shutdown()


def to_parquet(lines: Path, output: Path) -> int:
    """Copy the finished lines into a Parquet file, a row a line; the number of rows.

    Columns: the flat fields of the answer, `error` (the problem's type) and
    `answer` (the whole line as JSON).

    Raises:
        MissingDependency: pyarrow is not installed.
        InputError: the file exists.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependency(
            "Parquet needs the data extra: pip install 'inbrief[data]'", field="output"
        ) from error
    if output.exists():
        raise InputError(f"{output} exists; move it away.", field="output")
    texts = ("id", "summary_id", "summary", "kind", "length", "language")
    schema = pyarrow.schema(
        [(name, pyarrow.string()) for name in texts]
        + [("words", pyarrow.int32()), ("source_words", pyarrow.int32())]
        + [("truncated", pyarrow.bool_()), ("error", pyarrow.string())]
        + [("answer", pyarrow.string())]
    )
    partial = output.with_name(output.name + ".partial")
    count = 0
    with (
        lines.open(encoding="utf-8") as stream,
        pyarrow.parquet.ParquetWriter(partial, schema) as writer,
    ):
        while window := list(islice(stream, 4096)):
            rows = []
            for line in window:
                answer = json.loads(line)
                row = {name: answer.get(name) for name in schema.names}
                row["error"] = answer.get("error", {}).get("type")
                row["answer"] = line.rstrip("\n")
                rows.append(row)
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    partial.replace(output)
    return count


def _ignore(counts: Counts) -> None:
    return

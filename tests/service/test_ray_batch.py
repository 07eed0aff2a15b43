"""The batch run on a real Ray cluster, two nodes on this machine."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from service import ray_batch
from service.batch import BatchJob, Counts, run_batch
from service.ray_batch import RayPool, run_ray_batch, to_parquet
from service.schemas import EXAMPLE_TEXT
from tests.fakes import FakeSummariser

# Ray leaves sockets and files to the interpreter's end.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]

ray = pytest.importorskip("ray")
load = partial(FakeSummariser, seconds_a_call=0.05)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 200 * 2**20, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=node)
    started.add_node(num_cpus=2, object_store_memory=200 * 2**20)
    root = str(Path(__file__).parents[2])
    ray.init(
        address=started.address,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": root}},
    )
    yield started
    ray.shutdown()
    started.shutdown()  # type: ignore[no-untyped-call]


def write(path: Path, count: int) -> Path:
    with path.open("w") as stream:
        for number in range(count):
            if number % 50 == 7:
                stream.write("not json\n")
            else:
                text = f"{EXAMPLE_TEXT} It is number {number}. " * (1 + number % 3)
                stream.write(json.dumps({"id": f"a{number}", "text": text}) + "\n")
    return path


def without_timings(path: Path) -> list[Any]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row.pop("timings", None)
    return rows


def test_the_output_is_that_of_a_local_run(cluster: Any, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", 200)
    here = BatchJob(source, tmp_path / "here.jsonl")
    there = BatchJob(source, tmp_path / "there.jsonl")
    local = run_batch(here, FakeSummariser())
    on_ray = run_ray_batch(there, load, RayPool(workers=2))
    assert (on_ray.done, on_ray.failed) == (local.done, local.failed) == (200, 4)
    assert without_timings(there.output) == without_timings(here.output)


def test_a_run_that_stopped_goes_on_where_it_was(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_batch, "CHUNK_ARTICLES", 10)
    source = write(tmp_path / "in.jsonl", 120)
    job = BatchJob(source, tmp_path / "out.jsonl")

    def stop(counts: Counts) -> None:
        if counts.done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_ray_batch(job, load, on_progress=stop)
    written = len(job.output.read_text().splitlines())
    assert 40 <= written < 120
    counts = run_ray_batch(job, load)
    assert (counts.done, counts.resumed) == (120, written)
    whole = BatchJob(source, tmp_path / "whole.jsonl")
    run_batch(whole, FakeSummariser())
    assert without_timings(job.output) == without_timings(whole.output)


def test_a_node_that_dies_in_the_middle_costs_nothing_but_time(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_batch, "CHUNK_ARTICLES", 10)
    doomed = cluster.add_node(num_cpus=4, object_store_memory=200 * 2**20)
    articles = int(os.environ.get("RAY_ARTICLES", "600"))
    source = write(tmp_path / "in.jsonl", articles)
    job = BatchJob(source, tmp_path / "out.jsonl")
    killed = threading.Event()

    def kill_half_way(counts: Counts) -> None:
        if counts.done >= articles // 3 and not killed.is_set():
            killed.set()
            cluster.remove_node(doomed, allow_graceful=False)

    counts = run_ray_batch(
        job,
        partial(FakeSummariser, seconds_a_call=0.2),
        RayPool(workers=6),
        on_progress=kill_half_way,
    )
    assert killed.is_set()
    rows = without_timings(job.output)
    assert (counts.done, len(rows)) == (articles, articles)
    identities = [row["id"] for row in rows if row["id"] is not None]
    assert identities == [f"a{number}" for number in range(articles) if number % 50 != 7]


def test_parquet_holds_a_row_a_line(tmp_path: Path) -> None:
    import pyarrow.parquet

    job = BatchJob(write(tmp_path / "in.jsonl", 60), tmp_path / "out.jsonl")
    run_batch(job, FakeSummariser())
    assert to_parquet(job.output, tmp_path / "out.parquet") == 60
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [json.loads(row["answer"]) for row in table] == [
        json.loads(line) for line in job.output.read_text().splitlines()
    ]
    assert table[7]["error"] == "/problems/invalid-record"
    assert table[0]["words"] > 0
    with pytest.raises(InputError, match="exists"):
        to_parquet(job.output, tmp_path / "out.parquet")

"""Batch runs: a line a record, in order, whatever happens to records and to the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models.articles import ArticleRecord, FieldNames
from models.baselines import Lead
from models.contract import SummaryOptions
from models.errors import InputError, InvalidRecord, NotAnArticle
from service.batch import BatchJob, Counts, count_records, read_window, run_batch
from service.batch_output import fingerprint, manifest_path
from service.schemas import EXAMPLE_TEXT, SummaryResponse
from tests.fakes import FakeSummariser

ROOT = Path(__file__).parents[2]
FOREIGN = "this is somebody else's file\n"


def write(path: Path, rows: list[Any]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def articles(count: int) -> list[dict[str, str]]:
    """Articles of different lengths, each recognisable by its summary."""
    return [
        {"id": f"n{i}", "text": f"Article number {i} begins here. {EXAMPLE_TEXT * (1 + i * 7 % 5)}"}
        for i in range(count)
    ]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", articles(60))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def test_a_line_a_record_in_order_with_the_fields_of_the_service(
    source: Path, output: Path
) -> None:
    counts = run_batch(BatchJob(source, output), FakeSummariser())
    assert counts == Counts(done=60, failed=0, resumed=0)
    rows = read(output)
    assert [row["id"] for row in rows] == [f"n{i}" for i in range(60)]
    for i, row in enumerate(rows):
        assert row["summary"].startswith(f"Article number {i} begins here.")
        digest = row.pop("summary_id")
        SummaryResponse.model_validate_json(json.dumps({**row, "id": digest}))


def test_batches_hold_articles_of_similar_length_within_the_budget(
    source: Path, output: Path
) -> None:
    summariser = FakeSummariser()
    run_batch(BatchJob(source, output, max_batch_tokens=1000), summariser)
    for call in summariser.calls:
        tokens = [summariser.estimate_tokens(request) for request in call]
        assert max(tokens) * len(tokens) <= 1000
        assert tokens == sorted(tokens, reverse=True)
    assert max(map(len, summariser.calls)) > 1


def test_a_window_is_bounded_in_records_and_in_characters() -> None:
    records = iter([ArticleRecord(f"n{i}", "x" * length) for i, length in enumerate([4, 4, 9, 1])])
    assert [one.text for one in articles_of(read_window(records, 10, 8))] == ["xxxx"] * 2
    assert [one.id for one in articles_of(read_window(records, 1, 8))] == ["n2"]
    assert [one.id for one in articles_of(read_window(records, 10, 8))] == ["n3"]
    assert read_window(records, 10, 8) == []


def articles_of(window: list[ArticleRecord | InvalidRecord]) -> list[ArticleRecord]:
    return [record for record in window if isinstance(record, ArticleRecord)]


def test_options_reach_every_article(source: Path, output: Path) -> None:
    wanted = SummaryOptions("tldr", "long", max_words=200, format="markdown", strict=True)
    summariser = FakeSummariser()
    run_batch(BatchJob(source, output, wanted, language="de"), summariser)
    requests = [request for call in summariser.calls for request in call]
    assert {request.options for request in requests} == {wanted}
    assert {row["language"] for row in read(output)} == {"de"}


def test_bad_records_become_lines_and_harm_no_other(tmp_path: Path, output: Path) -> None:
    good = articles(3)
    rows = [
        good[0],
        "{not json",
        {"id": "short", "text": "Too short."},
        {"id": "wrong", "text": 5},
        good[1],
        {"id": "menu", "text": f"MENU {EXAMPLE_TEXT}"},
        {"id": "crash", "text": f"CRASH {EXAMPLE_TEXT}"},
        good[2],
    ]
    summariser = FakeSummariser(
        errors={"MENU": NotAnArticle("This is a menu.", field="text")},
        explosions={"CRASH": ValueError("boom")},
    )
    counts = run_batch(BatchJob(write(tmp_path / "in.jsonl", rows), output), summariser)
    assert (counts.done, counts.failed) == (8, 5)
    lines = read(output)
    problems = [line["error"]["type"].split("/")[-1] if "error" in line else "" for line in lines]
    assert problems == [
        *("", "invalid-record", "article-too-short", "invalid-record"),
        *("", "not-an-article", "inference-failed", ""),
    ]
    assert lines[1]["line"] == 2
    assert [line["id"] for line in lines[4:]] == ["n1", "menu", "crash", "n2"]
    again = run_batch(BatchJob(tmp_path / "in.jsonl", output), summariser)
    assert (again.done, again.failed, again.resumed) == (8, 5, 8)


def test_csv_columns_and_directories(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(f'url,body\n/a,"{EXAMPLE_TEXT}"\n/b,"{EXAMPLE_TEXT}"\n')
    fields = FieldNames(id="url", text=("body",))
    run_batch(BatchJob(table, tmp_path / "a.jsonl", fields=fields), FakeSummariser())
    assert [row["id"] for row in read(tmp_path / "a.jsonl")] == ["/a", "/b"]
    assert count_records(table, fields) == 2
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("x", "y"):
        (folder / f"{name}.txt").write_text(EXAMPLE_TEXT)
    run_batch(BatchJob(folder, tmp_path / "b.jsonl"), FakeSummariser())
    assert [row["id"] for row in read(tmp_path / "b.jsonl")] == ["x", "y"]


@pytest.mark.parametrize("cut", [0, 1, 100, 5000, -1, -2, -200])
def test_an_output_cut_anywhere_is_completed(source: Path, output: Path, cut: int) -> None:
    run_batch(BatchJob(source, output), FakeSummariser())
    whole = [_timeless(row) for row in read(output)]
    with output.open("r+b") as stream:
        stream.truncate(cut if cut >= 0 else output.stat().st_size + cut)
    counts = run_batch(BatchJob(source, output), FakeSummariser())
    assert counts.done == 60
    assert counts.resumed < 60
    assert [_timeless(row) for row in read(output)] == whole


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "timings"}


def test_a_run_killed_before_its_first_line_begins_anew(source: Path, output: Path) -> None:
    run_batch(BatchJob(source, output), FakeSummariser())
    output.unlink()  # the manifest is written first, so this is how such a kill looks
    assert run_batch(BatchJob(source, output), FakeSummariser()).resumed == 0
    assert len(read(output)) == 60


def test_a_foreign_file_is_never_touched(source: Path, output: Path) -> None:
    output.write_text(FOREIGN)
    with pytest.raises(InputError, match="was not written by this command"):
        run_batch(BatchJob(source, output), FakeSummariser())
    with pytest.raises(InputError, match="was not written by this command"):
        run_batch(BatchJob(source, output, restart=True), FakeSummariser())
    assert output.read_text() == FOREIGN
    assert not manifest_path(output).exists()


def test_a_foreign_file_in_place_of_ours_is_not_continued(source: Path, output: Path) -> None:
    run_batch(BatchJob(source, output), FakeSummariser())
    output.write_text(FOREIGN)
    with pytest.raises(InputError, match="was not written by this command"):
        run_batch(BatchJob(source, output), FakeSummariser())
    assert output.read_text() == FOREIGN


def test_the_input_is_not_an_output(source: Path) -> None:
    before = source.read_bytes()
    with pytest.raises(InputError, match="was not written by this command"):
        run_batch(BatchJob(source, source), FakeSummariser())
    assert source.read_bytes() == before


def test_other_arguments_do_not_continue_a_file(source: Path, output: Path) -> None:
    run_batch(BatchJob(source, output), FakeSummariser())
    before = output.read_bytes()
    other = BatchJob(source, output, SummaryOptions("tldr"))
    with pytest.raises(InputError, match=r"other arguments \(options\)"):
        run_batch(other, FakeSummariser())
    with pytest.raises(InputError, match=r"other arguments \(model\)"):
        run_batch(BatchJob(source, output), Lead(3))
    with source.open("a") as stream:
        stream.write(json.dumps(articles(61)[-1]) + "\n")
    with pytest.raises(InputError, match=r"other arguments \(input\)"):
        run_batch(BatchJob(source, output), FakeSummariser())
    assert output.read_bytes() == before
    counts = run_batch(BatchJob(source, output, restart=True), FakeSummariser())
    assert (counts.done, counts.resumed) == (61, 0)


def test_two_runs_do_not_write_one_file(source: Path, output: Path) -> None:
    def second_run(counts: Counts) -> None:
        with pytest.raises(InputError, match="being written by another run"):
            run_batch(BatchJob(source, output), FakeSummariser())

    assert run_batch(BatchJob(source, output), FakeSummariser(), second_run).done == 60


@pytest.mark.parametrize("name", ["out.csv", "no/such/folder/out.jsonl"])
def test_an_output_that_cannot_be(source: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"must end in \.jsonl"):
        run_batch(BatchJob(source, tmp_path / name), FakeSummariser())


def test_the_fingerprint_sees_a_change_anywhere_in_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    data = bytearray(os.urandom(3_000_000))
    path.write_bytes(data)
    seen = {fingerprint(path)}
    for place in (0, 1_048_575, 1_048_576, 1_500_000, 2_999_999):
        data[place] ^= 1
        path.write_bytes(data)
        seen.add(fingerprint(path))
    assert len(seen) == 6


def run_command(arguments: list[str], directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "service", "batch", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )


def test_killed_three_times_it_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    # Articles of some hundred sentences keep even a baseline busy for a while.
    rows = [
        {
            "id": f"n{i}",
            "text": f"Article number {i} begins here.\n\n" + f"{EXAMPLE_TEXT}\n\n" * 20,
        }
        for i in range(200)
    ]
    write(tmp_path / "in.jsonl", rows)
    output = tmp_path / "out.jsonl"
    arguments = ["in.jsonl", "out.jsonl", "--model", "lead-3"]
    kills = 0
    while kills < 3:
        before = output.stat().st_size if output.exists() else 0
        process = run_command(arguments, tmp_path)
        while not output.exists() or output.stat().st_size <= before:
            assert process.poll() is None, "the run was over before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert process.stderr is not None
        process.stderr.close()
        lines = len(output.read_bytes().splitlines())
        assert 0 < lines < 200, "the kill came too late to show anything"
        kills += 1
    process = run_command(arguments, tmp_path)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert b"200 articles (" in said
    assert b"0 with errors" in said
    found = read(output)
    assert [row["id"] for row in found] == [f"n{i}" for i in range(200)]
    assert all(row["summary"].startswith(f"Article number {i} ") for i, row in enumerate(found))

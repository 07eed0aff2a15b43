from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from eval import speed
from eval.speed import Cell, Measurement
from eval.speed_report import app
from eval.speed_texts import lengths, texts
from models.checkpoints import read_checkpoint
from models.errors import EvaluationError
from tests.models.tiny_checkpoints import save_checkpoint


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_checkpoint(tmp_path_factory.mktemp("shape") / "tiny", "bart"))


def test_a_cell_has_the_same_inputs_in_every_run(shape: str) -> None:
    cell = Cell(shape, 40, 5, 3, 1)
    inputs = cell.inputs(320, 2)
    assert inputs == Cell(shape, 40, 5, 3, 1).inputs(320, 2)
    assert [len(article) for article in inputs] == [40, 40, 40]
    mixed = Cell(shape, 100, 5, 60, 1, mixed=True).inputs(320, 2)
    assert min(map(len, mixed)) < 60 < 90 < max(map(len, mixed))


def test_a_cell_may_have_inputs_from_so_many_tokens_to_so_many(shape: str) -> None:
    cell = Cell(shape, 44, 5, 400, 1, least_input_tokens=26)  # enough to draw every length
    lengths = [len(article) for article in cell.inputs(320, 2)]
    assert min(lengths) == 26
    assert max(lengths) == 44
    assert "26-44" in cell.key


def test_a_gpu_reads_what_a_cpu_reads_in_a_cell_of_its_own(shape: str) -> None:
    cell = Cell(shape, 40, 5, 3, 1)
    other = Cell(shape, 40, 5, 3, 1, device="cuda")
    assert other.key == f"{cell.key} on cuda"
    assert other.inputs(320, 2) == cell.inputs(320, 2)


def test_engines_of_cpus_are_lost_cells_on_a_gpu(shape: str, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(Path(shape))
    for system in ("native-int8", "news-small"):
        with pytest.raises(EvaluationError, match="runs on CPU"):
            speed.make_engine(system, checkpoint, tmp_path, "cuda")


def test_ratios_are_taken_round_by_round() -> None:
    ours, theirs = Measurement("a", (1.0, 2.0, 1.0), 0), Measurement("b", (3.0, 4.0, 2.0), 0)
    assert speed.ratios(ours, theirs) == (2.0, 2.0, 3.0)
    assert speed.ratios(Measurement("a", (), 0, failure="x"), theirs) is None
    assert speed.ratios(ours, theirs, cpu=True) is None
    busy = Measurement("b", (9.0,), 0, cpu_seconds=(6.0,))
    assert speed.ratios(Measurement("a", (9.0,), 0, cpu_seconds=(2.0,)), busy, cpu=True) == (
        3,
        3,
        3,
    )


def test_engines_take_turns_and_a_started_run_goes_on(shape: str, tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--shapes", shape, "--inputs", "20-30", "--outputs", "4"]
    arguments += ["--batches", "2", "--beams", "1", "--rounds", "2"]
    systems = ["--systems", "cuda-graphs-fp32,transformers-fp32"]
    first = CliRunner().invoke(app, [*arguments, *systems])
    assert first.exit_code == 0, first.output
    rows = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert [row["system"] for row in rows] == ["cuda-graphs-fp32", "transformers-fp32"]
    assert all(len(row["seconds"]) == 2 and row["resident_bytes"] > 0 for row in rows)
    assert rows[1]["times_transformers-fp32"] == [1.0, 1.0, 1.0]
    assert all(len(row["cpu_seconds"]) == 2 for row in rows)
    assert rows[1]["cpu_times_transformers-fp32"] == [1.0, 1.0, 1.0]
    table = (tmp_path / "speed.md").read_text()
    assert "| 20-30 | 4 | 2 | 1 | cuda-graphs-fp32 |" in table
    lines = (tmp_path / "cells.jsonl").read_text().splitlines()
    again = CliRunner().invoke(app, [*arguments, *systems])
    assert again.exit_code == 0, again.output
    assert (tmp_path / "cells.jsonl").read_text().splitlines() == lines


def test_unknown_systems_and_shapes_are_refused(tmp_path: Path) -> None:
    cell = Cell("bart-base", 10, 2, 1, 1)
    with pytest.raises(EvaluationError, match="No system 'vllm'"):
        speed.run([cell], ["vllm"], 1, tmp_path)
    with pytest.raises(EvaluationError, match="No shape 'gpt'"):
        speed.run([Cell("gpt", 10, 2, 1, 1)], ["native-fp32"], 1, tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    cell = Cell("bart-base", 10, 2, 1, 1, device="cuda")
    with pytest.raises(EvaluationError, match="no CUDA device"):
        speed.run([cell], ["cuda-graphs-bf16"], 1, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("inputs", ["ten", "44-26", "1-2-3"])
def test_inputs_that_are_no_numbers_are_refused(inputs: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--out", str(tmp_path), "--inputs", inputs])
    assert result.exit_code == 2


def test_an_engine_that_fails_is_a_lost_cell_with_its_reason(shape: str, tmp_path: Path) -> None:
    cell = Cell(shape, 200, 2, 1, 1)  # more positions than the checkpoint has
    results = speed.run([cell], ["native-fp32"], 1, tmp_path)
    assert "InferenceFailed" in results[0][1][0].failure


def test_texts_are_as_long_for_networks_as_for_news_small() -> None:
    cell = Cell("distilbart-12-6", 1024, 60, 8, 4, words=600)
    read = texts(600, 8)
    assert len(set(read)) == 8
    assert all(600 <= len(text.split()) < 900 for text in read)
    counts = [len(article) for article in cell.inputs(50265, 2)]
    assert counts == lengths(600, 8, 1024)
    assert all(700 < count <= 1024 for count in counts)
    assert texts(600, 100)[:8] == read


def test_news_small_runs_beside_a_network(shape: str, tmp_path: Path) -> None:
    cell = Cell(shape, 100, 4, 2, 1, words=100)
    ours, theirs = speed.run([cell], ["news-small", "native-fp32"], 1, tmp_path)[0][1]
    assert ours.seconds
    assert theirs.seconds
    without = Cell(shape, 100, 4, 2, 1)
    lost = speed.run([without], ["news-small"], 1, tmp_path)[0][1][0]
    assert "reads texts" in lost.failure

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from typer.testing import CliRunner

from eval.memory import app, watch
from models.generation import GenerationSettings
from tests.models.tiny_checkpoints import save_checkpoint


class Recorder:
    """Stands for an engine and notes what it is given."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.batches: list[int] = []

    def generate(self, batch: Sequence[Sequence[int]], settings: GenerationSettings) -> None:
        self.lengths += [len(article) for article in batch]
        self.batches.append(len(batch))


def test_as_many_articles_as_asked_for_and_samples_in_between() -> None:
    engine = Recorder()
    samples = list(watch(engine, 300, 2, 100, 50, 40))
    assert engine.batches == [32, 32, 32, 4]
    assert [sample.articles for sample in samples] == [64, 100]
    assert all(sample.resident_bytes > 0 for sample in samples)
    assert 21 <= min(engine.lengths) < 30 < 45 < max(engine.lengths) <= 51


def test_samples_are_written_down(tmp_path: Path) -> None:
    shape = save_checkpoint(tmp_path / "tiny", "bart", max_position_embeddings=256)
    arguments = ["--out", str(tmp_path), "--shape", str(shape), "--articles", "70"]
    done = CliRunner().invoke(app, [*arguments, "--every", "32", "--system", "native-fp32"])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "memory.json").read_text())
    assert [sample["articles"] for sample in report["samples"]] == [32, 64, 70]
    assert "70 articles:" in done.output

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer
from typer.testing import CliRunner

from eval import parity
from eval.parity import app
from models.checkpoints import read_checkpoint
from tests.models.tiny_checkpoints import save_checkpoint


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("shape") / "tiny"
    return str(save_checkpoint(directory, "bart", max_position_embeddings=1024))


def test_engines_are_compared_with_transformers_on_articles(shape: str, tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--shape", shape, "--limit", "6", "--outputs", "8"]
    arguments += ["--systems", "native-fp32,native-int8", "--batch", "4", "--alone", "3"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    exact, rounded = json.loads((tmp_path / "parity.json").read_text())["rows"]
    assert (exact["system"], exact["articles"], exact["equal"]) == ("native-fp32", 6, 6)
    assert exact["equal_tokens"] == 1.0
    assert exact["rouge_lost"] == {name: [0.0, 0.0, 0.0] for name in parity.MEASURES}
    assert set(exact["rouge"]) == set(parity.MEASURES)
    assert (exact["tried_alone"], exact["equal_alone"]) == (3, 3)
    assert rounded["equal_alone"] == 3
    assert f"| {shape} | native-fp32 | 6 | 100.0% |" in (tmp_path / "parity.md").read_text()


def test_outputs_that_part_are_counted() -> None:
    assert parity._agreement((1, 2, 3, 4), (1, 2, 9, 4)) == 0.75
    assert parity._agreement((1, 2), (1, 2, 3, 4)) == 0.5
    assert parity._agreement((), ()) == 0.0


def test_news_small_has_no_reference(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--systems", "news-small"])
    assert done.exit_code != 0
    assert "no reference" in str(done.exception)


def test_a_checkpoint_of_its_own_reads_with_its_special_tokens_and_may_end(
    shape: str, tmp_path: Path
) -> None:
    words = parity.Words(read_checkpoint(Path(shape)), shape)
    ids = words.encode("The river left its banks. " * 400)
    assert len(ids) == 1024
    whole = AutoTokenizer.from_pretrained(shape)("The river left its banks.")["input_ids"]
    assert words.encode("The river left its banks.") == whole
    arguments = ["--out", str(tmp_path), "--shape", shape, "--limit", "4", "--outputs", "30"]
    arguments += ["--systems", "native-fp32", "--alone", "0", "--own-ends"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "parity.json").read_text())["rows"][0]["equal"] == 4

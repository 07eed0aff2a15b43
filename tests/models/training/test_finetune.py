"""A newsroom's own model: fine-tuned on its file, resumed, and served by its path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import loading
from models.contract import Article, Summary, SummaryOptions, SummaryRequest
from models.errors import InputError
from models.training.__main__ import main
from models.training.finetune import read_summarised, split_records
from tests.models.tiny_checkpoints import TEXT, save_checkpoint


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    sentences = TEXT.splitlines()
    with path.open("w") as lines:
        for index in range(12):
            text = " ".join(sentences[index % 5 : index % 5 + 5])
            record = {"id": str(index), "text": text, "summary": sentences[index % 5]}
            lines.write(json.dumps(record) + "\n")
    return path


def finetune_arguments(base: Path, data: Path, out: Path, *more: str) -> list[str]:
    return [
        *("--recipe", "finetune", "--base", str(base), "--data", str(data), "--out", str(out)),
        *("--batch-size", "2", "--evaluation-steps", "4", "--learning-rate", "0.01", *more),
    ]


@pytest.mark.slow
def test_the_result_is_served_by_its_path(tmp_path: Path, data: Path) -> None:
    base = save_checkpoint(tmp_path / "base", "bart")
    out = tmp_path / "out"
    assert main(finetune_arguments(base, data, out, "--epochs", "8")) == 0
    assert (out / "best" / "model.safetensors").exists()
    assert (out / "best" / "model.safetensors").read_bytes() != (
        base / "model.safetensors"
    ).read_bytes()
    summariser = loading.load(str(out / "best"), engine="transformers", precision="fp32")
    options = SummaryOptions(kind="tldr")
    (result,) = summariser.summarise([SummaryRequest(Article(TEXT, language="en"), options)])
    assert isinstance(result, Summary)
    assert main(finetune_arguments(base, data, out, "--epochs", "10", "--resume")) == 0


def test_a_record_without_a_summary_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a7", "text": "Some text."}\n')
    with pytest.raises(InputError, match="a7"):
        read_summarised(path)


def test_validation_takes_its_share_and_at_least_one(data: Path) -> None:
    records = read_summarised(data)
    train, held_out = split_records(records, 0.25, seed=1)
    assert len(held_out) == 3
    assert {record.id for record in train}.isdisjoint(record.id for record in held_out)
    assert split_records(records, 0.25, seed=1) == (train, held_out)
    train, held_out = split_records(records[:2], 0.01, seed=1)
    assert (len(train), len(held_out)) == (1, 1)


def test_bad_data_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = save_checkpoint(tmp_path / "base", "t5")
    arguments = finetune_arguments(base, tmp_path / "missing.jsonl", tmp_path / "out")
    assert main(arguments) == 2
    assert "missing.jsonl" in capsys.readouterr().err

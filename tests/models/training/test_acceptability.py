from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from models.acceptability import Judge
from models.training.acceptability import (
    batch_of,
    epoch,
    figures,
    loss_of,
    read_examples,
    separation,
    train_acceptability,
)
from models.training.config import TrainingConfig
from tests.models.shortenings import shortening
from tests.models.tiny_judge import CONFIG, tiny_judging_network
from tests.models.tiny_rewriter import tiny_network, tiny_tokenizer

# What ends in "of" is not sound: learnt in seconds.
SOUND = ("a man was told of it", "a man was told")
FAULTY = ("a man was told of it", "a man was told of")


def line(sentence: str, kept: str, sound: bool) -> str:
    one = shortening(sentence, kept)
    return json.dumps([sentence, one.task, one.keys, one.places, sound, [] if sound else [4]])


@pytest.fixture
def bert_directory(tmp_path: Path) -> Path:
    sizes = BertConfig(
        vocab_size=tiny_tokenizer().get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=256,
    )  # fmt: skip
    BertModel(sizes).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines = [line(*SOUND, True), line(*FAULTY, False)] * 20
    for name in ("train", "val"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_examples_know_the_pieces_where_they_are_faulty(data: Path) -> None:
    sound, faulty = read_examples(data / "val.jsonl", tiny_tokenizer())[:2]

    assert sound.sound
    assert not any(sound.faults)
    assert not faulty.sound
    assert [one for one, bad in zip(faulty.marked.words, faulty.faults, strict=True) if bad] == [4]


def test_an_epoch_has_each_example_once_in_the_order_of_its_seed(data: Path) -> None:
    examples = read_examples(data / "val.jsonl", tiny_tokenizer())

    sizes = [len(batch.sound) for batch in epoch(examples, 16, seed=3)]
    again = [len(batch.sound) for batch in epoch(examples, 16, seed=3)]

    assert sum(sizes) == len(examples)
    assert sizes == again


def test_the_loss_falls_along_its_gradient(data: Path) -> None:
    network, rewriter = tiny_judging_network(), tiny_network()
    examples = read_examples(data / "val.jsonl", tiny_tokenizer())
    batch = batch_of(examples)

    before = loss_of(network, rewriter, batch)
    torch.autograd.backward(before)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.05 * parameter.grad)
    after = loss_of(network, rewriter, batch)

    assert after < before


def test_what_is_told_apart_is_measured() -> None:
    perfect = separation([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    opposite = separation([0.9, 0.8, 0.2, 0.1], [False, False, True, True])

    assert perfect["auc"] == perfect["kept_at_1%"] == 1.0
    assert opposite["auc"] == opposite["kept_at_1%"] == 0.0


def test_training_learns_and_exports(data: Path, bert_directory: Path, tmp_path: Path) -> None:
    config = TrainingConfig(
        minutes=None, max_steps=250, batch_size=8, learning_rate=5e-3,
        pretrained_learning_rate=5e-3, warmup_steps=5, bfloat16=False,
    )  # fmt: skip
    rewriter, out = tiny_network(), tmp_path / "out"

    train_acceptability(
        data, rewriter, data / "tokenizer.json", bert_directory, out, config, CONFIG
    )

    judge = Judge.load(out / "best", rewriter, tiny_tokenizer())
    sound, faulty = judge.score([shortening(*SOUND), shortening(*FAULTY)])
    assert sound > 0.8
    assert faulty < 0.2
    examples = read_examples(data / "val.jsonl", tiny_tokenizer())
    assert figures(judge.network, rewriter, examples)["auc"] == 1.0

"""The rewriter's recipe from articles to a directory that can be loaded, and its resuming."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from models.networks.rewriter import RewriterConfig
from models.rewriter_input import RewriteInput
from models.rewriting import Rewriter
from models.training.config import TrainingConfig
from models.training.rewriter import RewriterRecipe, train_rewriter
from tests.models.tiny_rewriter import tiny_tokenizer

PEOPLE = ["Ellen Ortiz", "Tom Becker", "Ana Silva", "Omar Haddad", "Li Wei", "Nora Quinn"]
PLACES = ["Springfield", "Lisbon", "Mill Creek", "Oslo", "Perth"]


def write_articles(path: Path, count: int) -> None:
    """Articles whose highlight is the second sentence without its attribution."""
    with path.open("w") as lines:
        for i in range(count):
            person, place = PEOPLE[i % 6], PLACES[i % 5]
            article = (
                f"People in {place} woke to a strange sight. {person} closed the old bridge in "
                f"{place} after {i + 3} inspections, officials said. The weather was fine."
            )
            summary = f"{person} closed the old bridge in {place} after {i + 3} inspections."
            record = {"id": str(i), "article": article, "summary": summary}
            lines.write(json.dumps(record) + "\n")


@pytest.fixture
def recipe(tmp_path: Path) -> RewriterRecipe:
    base = tmp_path / "base"
    tokenizer = tiny_tokenizer()
    size = tokenizer.get_vocab_size()
    torch.manual_seed(0)
    bert = BertModel(
        BertConfig(
            vocab_size=size,
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=64,
        )
    )
    bert.save_pretrained(base)
    tokenizer.save(str(base / "tokenizer.json"))
    network = RewriterConfig(
        width=32,
        heads=4,
        inner=64,
        encoder_layers=2,
        frozen_layers=1,
        decoder_layers=1,
        vocabulary=size,
        max_pieces=256,
    )
    training = TrainingConfig(
        minutes=None,
        max_steps=60,
        batch_size=8,
        learning_rate=3e-3,
        warmup_steps=5,
        bfloat16=False,
    )
    return RewriterRecipe(network, training, base, validation_examples=8)


def test_articles_become_a_rewriter(tmp_path: Path, recipe: RewriterRecipe) -> None:
    (tmp_path / "data").mkdir()
    write_articles(tmp_path / "data" / "cnndm.jsonl", 60)
    train_rewriter(recipe, tmp_path / "data", tmp_path / "out")
    rewriter = Rewriter.load(tmp_path / "out" / "best")
    sentence = "Nora Quinn closed the old bridge in Oslo after 77 inspections, officials said."
    ((found,),) = rewriter.rewrite([RewriteInput(sentence, lead="People in Oslo woke.")])
    assert found.text == "Nora Quinn closed the old bridge in Oslo after 77 inspections."


def test_a_seed_fixes_the_result_and_a_finished_run_is_left_alone(
    tmp_path: Path, recipe: RewriterRecipe
) -> None:
    (tmp_path / "data").mkdir()
    write_articles(tmp_path / "data" / "cnndm.jsonl", 60)
    short = replace(recipe, training=replace(recipe.training, max_steps=6))
    for name in ("first", "second"):
        train_rewriter(short, tmp_path / "data", tmp_path / name)
    first, second = (
        (tmp_path / name / "best" / "rewriter.safetensors").read_bytes()
        for name in ("first", "second")
    )
    assert first == second
    train_rewriter(short, tmp_path / "data", tmp_path / "second", resume=True)
    assert (tmp_path / "second" / "best" / "rewriter.safetensors").read_bytes() == first

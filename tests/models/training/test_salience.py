from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.networks.salience import SalienceConfig
from models.selection import Selector
from models.training.config import TrainingConfig
from models.training.salience import SalienceRecipe, train_salience
from models.training.salience_labels import Overlap, oracle, target, tokens
from tests.models.tiny_rewriter import tiny_tokenizer

ARTICLE = (
    "Heavy rain fell on the hills above Milton during the night. "
    "The river left its banks and flooded forty houses in the old town. "
    "Nobody was hurt, the mayor told a local radio station. "
    "Schools will stay closed until Friday while the mud is cleared. "
    "The town was last flooded in 1987."
)
SUMMARY = "The river flooded forty houses in the old town.\nSchools stay closed until Friday."


def overlaps(article: str) -> list[Overlap]:
    sentences = article.split(". ")
    return [Overlap.of(tokens(sentence)) for sentence in sentences]


def test_rouge_of_labels_is_the_f1_of_stemmed_ngrams() -> None:
    ours = Overlap.of(tokens("The cats were sleeping"))
    reference = Overlap.of(tokens("the cat sleeps"))

    unigram, bigram = ours.rouge(reference)

    # the, cat and sleep of four words against three; of the bigrams only "the cat".
    assert unigram == pytest.approx(2 * 3 / 7)
    assert bigram == pytest.approx(2 * 1 / 5)


def test_the_oracle_takes_the_sentences_that_tell_what_the_reference_tells() -> None:
    assert oracle(overlaps(ARTICLE), Overlap.of(tokens(SUMMARY))) == [1, 3]


def test_the_target_is_a_distribution_that_prefers_the_oracle() -> None:
    goal = target(overlaps(ARTICLE), Overlap.of(tokens(SUMMARY)))

    assert goal is not None
    assert goal.sum() == pytest.approx(1)
    assert set(np.argsort(-goal)[:2].tolist()) == {1, 3}


def test_a_reference_that_shares_nothing_has_no_target() -> None:
    assert target(overlaps(ARTICLE), Overlap.of(tokens("Quux zork."))) is None


@pytest.fixture
def recipe(tmp_path: Path) -> SalienceRecipe:
    base = tmp_path / "base"
    base.mkdir()
    tokenizer = tiny_tokenizer()
    tokenizer.save(str(base / "tokenizer.json"))
    torch.manual_seed(0)
    table = torch.randn(tokenizer.get_vocab_size(), 16)
    save_file({"embeddings.word_embeddings.weight": table}, base / "model.safetensors")
    network = SalienceConfig(
        vocabulary_size=len(table), embedding_width=16, width=16, layers=1, heads=2
    )
    training = TrainingConfig(
        minutes=None, max_steps=60, batch_size=8, warmup_steps=5, bfloat16=False
    )
    return SalienceRecipe(network, training, validation_articles=4, base=base, workers=1)


def write_articles(directory: Path) -> None:
    directory.mkdir()
    order = [
        ARTICLE.rstrip(".").split(". ")[k:] + ARTICLE.rstrip(".").split(". ")[:k] for k in range(5)
    ]
    lines = [
        json.dumps({"id": str(n), "article": ". ".join(order[n % 5]) + ".", "summary": SUMMARY})
        for n in range(24)
    ]
    (directory / "cnndm.jsonl").write_text("\n".join(lines) + "\n")


def test_the_recipe_learns_what_references_tell_wherever_it_stands(
    tmp_path: Path, recipe: SalienceRecipe
) -> None:
    write_articles(tmp_path / "data")

    train_salience(recipe, tmp_path / "data", tmp_path / "out")

    sentences = [part + "." for part in ARTICLE.rstrip(".").split(". ")]
    scores = Selector.load(tmp_path / "out" / "best").score([sentences[2:] + sentences[:2]])[0]
    assert set(np.argsort(-scores)[:2].tolist()) == {4, 1}


def test_a_run_resumed_ends_where_one_in_one_go_ends(
    tmp_path: Path, recipe: SalienceRecipe
) -> None:
    write_articles(tmp_path / "data")
    short = replace(recipe, training=replace(recipe.training, max_steps=6))

    train_salience(short, tmp_path / "data", tmp_path / "whole")
    train_salience(short, tmp_path / "data", tmp_path / "again")
    train_salience(short, tmp_path / "data", tmp_path / "again", resume=True)

    weights = [
        (tmp_path / name / "best" / "salience.safetensors").read_bytes()
        for name in ("whole", "again")
    ]
    assert weights[0] == weights[1]

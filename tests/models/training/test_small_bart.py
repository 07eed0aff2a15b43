"""The small copying BART: what it is shown, what it begins as, and that it learns to copy."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from models.checkpoints import read_checkpoint
from models.engines.transformers import TransformersEngine
from models.generation import GenerationSettings
from models.training.config import TrainingConfig
from models.training.extracts import IGNORE, Extractor, collate, epoch
from models.training.small_bart import SmallBartRecipe, network_from_bert, train_small_bart

WIDTH = 64
SENTENCES = (
    "The river left its banks and flooded forty houses.",
    "Nobody was hurt, the mayor told a local station.",
    "Schools stay closed until the mud is gone.",
    "The town was last under water many years ago.",
)
ARTICLE = " ".join(SENTENCES)
SUMMARY = "Schools stay closed and nobody was hurt."


def tokenizer() -> Tokenizer:
    words = sorted(set((ARTICLE + SUMMARY).replace(",", " , ").replace(".", " . ").split()))
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words]
    made = Tokenizer(WordLevel({name: n for n, name in enumerate(names)}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return made


@pytest.fixture
def recipe(tmp_path: Path) -> SmallBartRecipe:
    """A recipe on a BERT of two layers with random weights."""
    base = tmp_path / "base"
    base.mkdir()
    words = tokenizer()
    words.save(str(base / "tokenizer.json"))
    torch.manual_seed(0)
    sizes = {
        "embeddings.word_embeddings": (words.get_vocab_size(), WIDTH),
        "embeddings.position_embeddings": (128, WIDTH),
        "embeddings.token_type_embeddings": (2, WIDTH),
    }
    for layer in range(2):
        prefix = f"encoder.layer.{layer}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            sizes[f"{prefix}.attention.{part}"] = (WIDTH, WIDTH)
        sizes[f"{prefix}.intermediate.dense"] = (2 * WIDTH, WIDTH)
        sizes[f"{prefix}.output.dense"] = (WIDTH, 2 * WIDTH)
    weights = {f"{name}.weight": torch.randn(size) / WIDTH**0.5 for name, size in sizes.items()}
    weights |= {f"{name}.bias": torch.zeros(size[0]) for name, size in sizes.items()}
    norms = ["embeddings.LayerNorm"]
    norms += [f"encoder.layer.{n}.{kind}" for n in range(2) for kind in _NORMS]
    weights |= {f"{name}.weight": torch.ones(WIDTH) for name in norms}
    weights |= {f"{name}.bias": torch.zeros(WIDTH) for name in norms}
    save_file(weights, base / "model.safetensors")
    training = TrainingConfig(
        minutes=None,
        max_steps=60,
        batch_size=8,
        learning_rate=3e-3,
        pretrained_learning_rate=3e-3,
        warmup_steps=5,
        bfloat16=False,
    )
    return SmallBartRecipe(2, 1, 64, 32, passages=16, held_out=2, training=training, base=base)


_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def write_articles(directory: Path) -> Path:
    directory.mkdir()
    lines = [
        json.dumps(
            {"id": str(n), "article": " ".join(SENTENCES[n % 4 :] + SENTENCES[: n % 4]),
             "summary": SUMMARY}
        )
        for n in range(32)
    ]  # fmt: skip
    (directory / "cnndm.jsonl").write_text("\n".join(lines) + "\n")
    return directory


def test_a_summary_is_the_sentences_that_tell_the_reference_in_the_articles_order() -> None:
    words = tokenizer()
    extract = Extractor(words, 64, 32).summary(ARTICLE, SUMMARY)

    assert extract is not None
    assert words.decode(extract.source[1:-1]) == words.decode(words.encode(ARTICLE).ids)
    wanted = " ".join(SENTENCES[1:3])
    assert words.decode(extract.target[:-1]) == words.decode(words.encode(wanted).ids)
    assert {extract.source[-1], extract.target[-1]} == {words.token_to_id("[SEP]")}


def test_only_whole_sentences_that_fit_are_read() -> None:
    extract = Extractor(tokenizer(), 26, 32).summary(ARTICLE, SUMMARY)

    assert extract is not None
    assert len(extract.source) <= 26
    assert tokenizer().decode(extract.source[1:-1]).endswith("a local station .")


def test_a_passage_is_a_run_of_sentences_and_some_of_them() -> None:
    words, chance = tokenizer(), random.Random(0)
    extractor = Extractor(words, 64, 32)
    article = words.decode(words.encode(ARTICLE).ids)
    found = [extractor.passage(ARTICLE, chance) for _ in range(20)]

    for one in found:
        assert one is not None
        source, target = words.decode(one.source[1:-1]), words.decode(one.target[:-1])
        assert target in source
        assert source in article
    assert len({one.target for one in found if one}) > 3


def test_what_is_shown_is_fixed_by_the_seed_and_left_out_where_nothing_fits() -> None:
    extractor = Extractor(tokenizer(), 64, 32)
    articles = [ARTICLE, "Quux.", *SENTENCES]
    seen = [
        [
            batch.targets.tolist()
            for batch in epoch(articles, partial(extractor.summary, reference=SUMMARY), 2, seed)
        ]
        for seed in (1, 1, 2)
    ]

    assert seen[0] == seen[1] != seen[2]
    assert sum(len(batch) for batch in seen[0]) < len(articles)


def test_padding_is_masked_and_not_learned_from() -> None:
    extractor = Extractor(tokenizer(), 64, 32)
    chosen = [one for text in (ARTICLE, SENTENCES[2]) if (one := extractor.summary(text, SUMMARY))]
    batch = collate(chosen)

    assert batch.mask.sum(1).tolist() == [len(one.source) for one in chosen]
    assert (batch.targets != IGNORE).sum(1).tolist() == [len(one.target) for one in chosen]


def test_at_first_the_decoder_finds_each_token_in_the_source(recipe: SmallBartRecipe) -> None:
    assert recipe.base is not None
    network = network_from_bert(recipe.base, recipe).eval()
    attention = network.model.decoder.layers[0].encoder_attn
    states = network.model.shared.weight[4:14][None]

    queries, keys = attention.q_proj(states), attention.k_proj(states)

    nearest = (queries @ keys.transpose(1, 2)).argmax(-1)[0]
    assert nearest.tolist() == list(range(10))


@pytest.mark.slow
def test_it_learns_to_copy_and_engines_read_it(tmp_path: Path, recipe: SmallBartRecipe) -> None:
    data = write_articles(tmp_path / "data")

    train_small_bart(recipe, data, tmp_path / "out")

    checkpoint = read_checkpoint(tmp_path / "out" / "best")
    words = tokenizer()
    extract = Extractor(words, 64, 32).summary(ARTICLE, SUMMARY)
    assert extract is not None
    engine = TransformersEngine(checkpoint, "fp32")
    (hypotheses,) = engine.generate([extract.source], GenerationSettings(max_new_tokens=31))
    assert hypotheses[0].tokens == extract.target[:-1]

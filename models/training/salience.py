"""The salience network's recipe: labels, embedding table, training, export.

Trained on articles with reference summaries. Minutes on two cores: the
sentences' embeddings are fixed, only the layers over them learn.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import documents
from models.contract import Article
from models.errors import InbriefError
from models.networks.salience import SalienceBatch, SalienceConfig, SalienceNetwork
from models.selection import (
    COMMON_SHARE,
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    Selector,
    describe,
    distinct,
    ranked,
)
from models.training.config import TrainingConfig
from models.training.loop import Trainer
from models.training.pairs import read_jsonl
from models.training.salience_labels import Overlap, target, tokens
from models.training.warm_start import minilm_directory

CHUNK_RECORDS: Final = 500
FREQUENCY_RECORDS: Final = 4000
VALIDATION_SENTENCES: Final = 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SalienceRecipe:
    """A network and how it is trained; articles beyond `articles` are left."""

    network: SalienceConfig = field(default_factory=SalienceConfig)
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            minutes=None,
            max_steps=1850,
            batch_size=64,
            warmup_steps=200,
            weight_decay=0.05,
            bfloat16=False,
            validation_minutes=2.0,
        )
    )
    articles: int | None = None
    validation_articles: int = 1500
    base: Path | None = None  # None: all-MiniLM-L6-v2 from its package
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Example:
    """One article: embeddings (N, E) fp16, features (N, F), target distribution (N,)."""

    embeddings: NDArray[np.float16]
    features: Floats
    target: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """A held-out article with what its sentences are judged by."""

    sentences: list[str]
    overlaps: list[Overlap]
    reference: Overlap


@dataclass(frozen=True, slots=True)
class Batch:
    inputs: SalienceBatch
    target: Tensor


def train_salience(recipe: SalienceRecipe, data: Path, out: Path, *, resume: bool = False) -> None:
    """Train on `data`/cnndm.jsonl[.xz], its last articles held out; export to `out/best`."""
    base, config = recipe.base or minilm_directory(), recipe.training
    records = read_articles(data, recipe.articles)
    held_out, records = (
        records[-recipe.validation_articles :],
        records[: -recipe.validation_articles],
    )
    out.mkdir(parents=True, exist_ok=True)
    table, weights = embedding_table(base, records[:FREQUENCY_RECORDS])
    torch.manual_seed(config.seed)
    network = SalienceNetwork(recipe.network)
    best = out / "best"
    export(network, table, weights, base / "tokenizer.json", best)
    train = _examples(records, best, recipe, out / "examples")
    judged = [found for record in held_out if (found := _judged(record))]
    print(f"{len(train)} articles, {sum(p.numel() for p in network.parameters())} parameters")
    selector = Selector.load(best)
    trainer = Trainer[Batch](
        network,
        config,
        loss=lambda batch: loss(network, batch),
        epochs=lambda number: epoch(train, recipe, seed=config.seed + number),
        validate=lambda: validate(selector.with_network(network), judged),
        is_pretrained=lambda name: False,
        out=out,
    )
    if resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    trainer.fit()
    export(network, table, weights, base / "tokenizer.json", best)


def read_articles(data: Path, limit: int | None = None) -> list[dict[str, str]]:
    """The first `limit` records of `data`/cnndm.jsonl[.xz]."""
    for name in ("cnndm.jsonl.xz", "cnndm.jsonl"):
        if (data / name).exists():
            return list(islice(read_jsonl(data / name), limit))
    raise FileNotFoundError(f"{data} holds no cnndm.jsonl or cnndm.jsonl.xz")


def embedding_table(base: Path, records: Sequence[dict[str, str]]) -> tuple[Floats, Floats]:
    """A centred table (V, E) from the base encoder's, and each piece's weight a / (a + share)."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    state = load_file(base / "model.safetensors")
    table = state["embeddings.word_embeddings.weight"].float().numpy()
    counts = np.zeros(len(table))
    articles = [record["article"] for record in records]
    for encoding in tokenizer.encode_batch_fast(articles, add_special_tokens=False):
        counts += np.bincount(encoding.ids, minlength=len(table))
    share = counts / max(1.0, counts.sum())
    weights = (COMMON_SHARE / (COMMON_SHARE + share)).astype(np.float32)
    return table - table.mean(0), weights


def _examples(
    records: Sequence[dict[str, str]], directory: Path, recipe: SalienceRecipe, out: Path
) -> list[Example]:
    """Examples of the records, built once, kept in files of `CHUNK_RECORDS` articles each."""
    out.mkdir(exist_ok=True)
    chunks = [
        (out / f"{begin:07d}.npz", records[begin : begin + CHUNK_RECORDS])
        for begin in range(0, len(records), CHUNK_RECORDS)
    ]
    build = partial(_build, directory, recipe.network.max_sentences)
    missing = [chunk for chunk in chunks if not chunk[0].exists()]
    with ProcessPoolExecutor(recipe.workers) as pool:
        for _ in pool.map(build, [path for path, _ in missing], [part for _, part in missing]):
            pass
    return [example for path, _ in chunks for example in _load(path)]


def _build(
    directory: Path, max_sentences: int, path: Path, records: Sequence[dict[str, str]]
) -> None:
    selector = Selector.load(directory)
    examples = []
    for record in records:
        sentences = _sentences(record["article"])[:max_sentences]
        overlaps = [Overlap.of(tokens(sentence)) for sentence in sentences]
        goal = (
            target(overlaps, Overlap.of(tokens(record["summary"]))) if len(overlaps) > 3 else None
        )
        if goal is not None:
            embeddings = selector.embed(sentences)
            features = describe(sentences, embeddings)
            examples.append(Example(embeddings.astype(np.float16), features, goal))
    partial_path = path.with_suffix(".partial")
    with partial_path.open("wb") as file:
        np.savez(
            file,
            counts=[len(example.target) for example in examples],
            embeddings=np.concatenate([example.embeddings for example in examples]),
            features=np.concatenate([example.features for example in examples]),
            target=np.concatenate([example.target for example in examples]),
        )
    partial_path.replace(path)


def _sentences(article: str) -> list[str]:
    try:
        return [
            sentence.text for sentence in documents.read(Article(article, language="en")).sentences
        ]
    except InbriefError:
        return []


def _load(path: Path) -> Iterator[Example]:
    with np.load(path) as arrays:
        bounds = np.cumsum(arrays["counts"])[:-1]
        parts = [np.split(arrays[name], bounds) for name in ("embeddings", "features", "target")]
    for embeddings, features, goal in zip(*parts, strict=True):
        yield Example(embeddings, features, goal)


def _judged(record: dict[str, str]) -> Judged | None:
    sentences = _sentences(record["article"])
    if len(sentences) <= VALIDATION_SENTENCES:
        return None
    overlaps = [Overlap.of(tokens(sentence)) for sentence in sentences]
    return Judged(sentences, overlaps, Overlap.of(tokens(record["summary"])))


def epoch(items: Sequence[Example], recipe: SalienceRecipe, seed: int) -> Iterator[Batch]:
    """One pass in an order that `seed` fixes; articles of like length together within pools."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(items))
    size = recipe.training.batch_size
    for begin in range(0, len(order), 20 * size):
        pool = sorted(order[begin : begin + 20 * size], key=lambda i: len(items[i].target))
        starts = generator.permutation(range(0, len(pool), size))
        for start in starts:
            yield _batch([items[i] for i in pool[start : start + size]])


def _batch(chosen: Sequence[Example]) -> Batch:
    longest = max(len(example.target) for example in chosen)
    shape = (len(chosen), longest)
    embeddings = np.zeros((*shape, chosen[0].embeddings.shape[1]), np.float32)
    features = np.zeros((*shape, chosen[0].features.shape[1]), np.float32)
    goal, mask = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    for row, example in enumerate(chosen):
        count = len(example.target)
        embeddings[row, :count], features[row, :count] = example.embeddings, example.features
        goal[row, :count], mask[row, :count] = example.target, True
    inputs = SalienceBatch(
        torch.from_numpy(embeddings), torch.from_numpy(features), torch.from_numpy(mask)
    )
    return Batch(inputs, torch.from_numpy(goal))


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy between the target distribution and the softmax of the scores (ListNet)."""
    scores = network(batch.inputs)
    per_article = -(batch.target * torch.log_softmax(scores, -1)).sum(-1)
    return per_article.mean()


def validate(selector: Selector, judged: Sequence[Judged]) -> dict[str, float]:
    """ROUGE-1 and ROUGE-2 F1 x 100 of two chosen sentences, and of the first two beside them."""
    figures = dict.fromkeys(("R1", "R2", "lead R1", "lead R2"), 0.0)
    scores = selector.score([item.sentences for item in judged])
    for item, found in zip(judged, scores, strict=True):
        chosen = distinct(ranked(found), item.sentences, VALIDATION_SENTENCES)
        for prefix, indices in (("", chosen), ("lead ", range(VALIDATION_SENTENCES))):
            words = sum((item.overlaps[index] for index in indices), Overlap.of(()))
            for name, value in zip(("R1", "R2"), words.rouge(item.reference), strict=True):
                figures[prefix + name] += 100 * value / len(judged)
    return figures


def export(
    network: SalienceNetwork, table: Floats, weights: Floats, tokenizer: Path, out: Path
) -> None:
    """Write what `Selector.load` reads: fp16 layers, the table in int8 with a scale a row."""
    out.mkdir(parents=True, exist_ok=True)
    scale = np.abs(table).max(1) / 127
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    state["table"] = torch.from_numpy(np.rint(table / scale[:, None]).astype(np.int8))
    state["table_scale"] = torch.from_numpy(scale.astype(np.float32))
    state["piece_weights"] = torch.from_numpy(weights)
    save_file(state, out / WEIGHTS)
    (out / CONFIG).write_text(json.dumps(asdict(network.config), indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, out / TOKENIZER)

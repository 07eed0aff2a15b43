"""The judge's recipe: shortenings labelled by a grammar, a network that learns to tell.

What is learned from is made of sentences and what a rewriter made of them,
of people's own shortenings, and of both disturbed: an end or a joint moved, a
span cut out. `models.training.grammar` labels each from a dependency parse.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from models.acceptability import (
    CONFIG,
    WEIGHTS,
    Marked,
    MarkedBatch,
    Marker,
    collate,
    read_lower,
)
from models.networks.acceptability import AcceptabilityConfig, AcceptabilityNetwork
from models.networks.rewriter import RewriterNetwork
from models.shortening import Shortening
from models.training.config import TrainingConfig
from models.training.loop import Trainer
from models.training.warm_start import start_layers

_WORD_LOSS_WEIGHT: Final = 3.0
_BUCKETS: Final = 40  # batches that are sorted by length together


@dataclass(frozen=True, slots=True)
class Example:
    """A marked shortening; `faults` has 1 for each piece of a word where it is not sound."""

    marked: Marked
    sound: bool
    faults: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    source: MarkedBatch
    sound: Tensor  # [B]
    faults: Tensor  # [B, P]


def read_examples(path: Path, tokenizer: Tokenizer) -> list[Example]:
    """Examples of a file of JSON lines: sentence, task, keys, places, sound, faulty places."""
    items: list[Shortening] = []
    labels: list[tuple[bool, frozenset[int]]] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            sentence, task, keys, places, sound, faults = json.loads(line)
            items.append(Shortening(sentence, tuple(keys), tuple(places), task))
            labels.append((sound, frozenset(faults)))
    marked = Marker(tokenizer).mark(items)
    return [
        Example(one, sound, [int(word in faults) for word in one.words])
        for one, (sound, faults) in zip(marked, labels, strict=True)
    ]


def epoch(examples: Sequence[Example], batch_size: int, *, seed: int) -> Iterator[Batch]:
    """All examples in batches of alike lengths, in an order that the seed fixes."""
    order = random.Random(seed)
    shuffled = list(examples)
    order.shuffle(shuffled)
    span = batch_size * _BUCKETS
    for begin in range(0, len(shuffled), span):
        bucket = sorted(shuffled[begin : begin + span], key=lambda one: len(one.marked.pieces))
        batches = [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        order.shuffle(batches)
        yield from map(batch_of, batches)


def batch_of(examples: Sequence[Example]) -> Batch:
    source = collate([one.marked for one in examples])
    faults = torch.zeros(source.pieces.shape)
    for row, one in enumerate(examples):
        faults[row, : len(one.faults)] = torch.tensor(one.faults, dtype=torch.float32)
    return Batch(source, torch.tensor([float(one.sound) for one in examples]), faults)


def loss_of(network: AcceptabilityNetwork, rewriter: RewriterNetwork, batch: Batch) -> Tensor:
    """Binary cross-entropy of the sentences, and of the pieces, which say where it goes wrong."""
    source = batch.source
    with torch.no_grad():
        lower = read_lower(rewriter, source, network.config.lower_layers)
    sentences, pieces = network(lower, source.mask, source.marks, source.task)
    loss = F.binary_cross_entropy_with_logits(sentences.float(), batch.sound)
    words = F.binary_cross_entropy_with_logits(pieces.float(), batch.faults, reduction="none")
    mean = (words * source.mask).sum() / source.mask.sum()
    return loss + _WORD_LOSS_WEIGHT * mean


def train_acceptability(
    data: Path,
    rewriter: RewriterNetwork,
    tokenizer: Path,
    base: Path,
    out: Path,
    training: TrainingConfig,
    network: AcceptabilityConfig | None = None,
    *,
    resume: bool = False,
) -> None:
    """Train on `data/train.jsonl`, measure on `data/val.jsonl`, export to `out/best`.

    `rewriter` gives its lowest layers, `base` is the BERT checkpoint that they
    and the new ones start from.
    """
    config = network or AcceptabilityConfig()
    made = Tokenizer.from_file(str(tokenizer))
    train, val = (read_examples(data / f"{name}.jsonl", made) for name in ("train", "val"))
    torch.manual_seed(training.seed)
    judge = AcceptabilityNetwork(config)
    start_layers(judge, base, config.lower_layers)
    print(f"{len(train)} shortenings, {sum(p.numel() for p in judge.parameters())} parameters")
    trainer = Trainer[Batch](
        judge,
        training,
        loss=lambda batch: loss_of(judge, rewriter, batch),
        epochs=lambda number: epoch(train, training.batch_size, seed=training.seed + number),
        validate=lambda: figures(judge, rewriter, val),
        is_pretrained=lambda name: name.startswith("encoder."),
        out=out,
    )
    if resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    trainer.fit()
    export(judge, out / "best")


@torch.inference_mode()
def figures(
    network: AcceptabilityNetwork, rewriter: RewriterNetwork, examples: Sequence[Example]
) -> dict[str, float]:
    """Area under the ROC curve, and the share of sound ones kept where 1 and 2 % of others pass."""
    network.eval()
    scores: list[float] = []
    sound: list[bool] = []
    ordered = sorted(examples, key=lambda one: len(one.marked.pieces))
    for begin in range(0, len(ordered), 64):
        chosen = ordered[begin : begin + 64]
        source = batch_of(chosen).source
        lower = read_lower(rewriter, source, network.config.lower_layers)
        logits, _ = network(lower, source.mask, source.marks, source.task)
        scores += logits.float().tolist()
        sound += [one.sound for one in chosen]
    return separation(scores, sound)


def separation(scores: Sequence[float], sound: Iterable[bool]) -> dict[str, float]:
    """How well scores part the sound from the others: see `figures`."""
    pairs = sorted(zip(scores, sound, strict=True))
    good = sum(label for _, label in pairs)
    bad = len(pairs) - good
    below = area = 0
    for _, label in pairs:
        if label:
            area += below
        else:
            below += 1
    result = {"auc": area / max(1, good * bad)}
    others = [score for score, label in pairs if not label]
    for share in (0.01, 0.02):
        bound = others[min(len(others) - 1, int(len(others) * (1 - share)))] if others else 0.0
        kept = sum(label and score > bound for score, label in pairs)
        result[f"kept_at_{share:.0%}"] = kept / max(1, good)
    return result


def export(network: AcceptabilityNetwork, out: Path) -> None:
    """Write what `Judge.load` reads: fp16 weights and configuration."""
    out.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(state, out / WEIGHTS)
    text = json.dumps(asdict(network.config), indent=1) + "\n"
    (out / CONFIG).write_text(text, encoding="utf-8")

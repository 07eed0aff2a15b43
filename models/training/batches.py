"""Rewriter batches: pairs as features with their action classes, bucketed by length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from models.copying import find_words
from models.networks.rewriter import END, IGNORE, Source
from models.rewriter_input import (
    Features,
    Featuriser,
    RewriteInput,
    calls_for_context,
    collate,
    length_class,
)
from models.shortening import Task
from models.training.pairs import Pair

UNSPECIFIED_LENGTH_SHARE: Final = 0.15
# Context that the reference does not use and the sentence does not call for is mostly left out:
# shorter sources train faster, and the rewriter learns to do without.
UNUSED_CONTEXT_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Example:
    """A source and the action classes that write its reference, END last."""

    features: Features
    actions: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    source: Source
    actions: Tensor  # [B, T] int64, padded with IGNORE

    def __len__(self) -> int:
        return self.actions.shape[0]


def read_pairs(path: Path) -> list[Pair]:
    with path.open(encoding="utf-8") as lines:
        return [Pair.from_json(line) for line in lines]


def examples(
    pairs: Sequence[Pair], featuriser: Featuriser, written: Sequence[str], *, seed: int
) -> list[Example]:
    """Pairs as examples; a pair whose words do not fit the encoder's windows is left out.

    Some examples leave the length open, so that the rewriter can choose it too.
    """
    generator = random.Random(seed)
    class_of = {word: index + 1 for index, word in enumerate(written)}
    size = len(written) + 1
    result = []
    for begin in range(0, len(pairs), 512):
        chunk = pairs[begin : begin + 512]
        inputs = []
        for pair in chunk:
            task: Task = "headline" if pair.task == "headline" else "sentence"
            lead, previous = _context(pair, generator)
            inputs.append(RewriteInput(pair.sentence, previous, lead, task))
        for pair, found in zip(chunk, featuriser.features(inputs), strict=True):
            slots = _slots_of_places(pair, found)
            places = [step for step in pair.derivation if isinstance(step, int)]
            if any(place not in slots for place in places):
                continue
            actions = [
                size + slots[step] if isinstance(step, int) else class_of[step]
                for step in pair.derivation
            ]
            if generator.random() >= UNSPECIFIED_LENGTH_SHARE:
                found = replace(found, length=length_class(len(actions)))
            result.append(Example(found, [*actions, END]))
    return result


def _context(pair: Pair, generator: random.Random) -> tuple[str, str]:
    """Lead and previous sentence of a pair, or an empty string for what is left out."""
    places = [step for step in pair.derivation if isinstance(step, int)]
    lead_words, previous_words = len(find_words(pair.lead)), len(find_words(pair.previous))
    uses_lead = any(place < lead_words for place in places)
    uses_previous = any(lead_words <= place < lead_words + previous_words for place in places)
    share = 0.7 if calls_for_context(pair.sentence) else UNUSED_CONTEXT_SHARE
    keeps_lead = uses_lead or generator.random() < share
    keeps_previous = uses_previous or generator.random() < share
    return pair.lead if keeps_lead else "", pair.previous if keeps_previous else ""


def _slots_of_places(pair: Pair, found: Features) -> dict[int, int]:
    """The slot of each place in the words of lead + previous + sentence, where it has one."""
    slots: dict[int, int] = {}
    place = 0
    for part, text in enumerate((pair.lead, pair.previous, pair.sentence)):
        own = [
            slot
            for slot, word in enumerate(found.words)
            if word is not None and found.word_parts[slot] == part
        ]
        slots.update(zip(range(place, place + len(own)), own, strict=True))
        place += len(find_words(text))
    return slots


def make_batch(chosen: Sequence[Example]) -> Batch:
    steps = -(-max(len(example.actions) for example in chosen) // 4) * 4
    actions = torch.full((len(chosen), steps), IGNORE, dtype=torch.int64)
    for row, example in enumerate(chosen):
        actions[row, : len(example.actions)] = torch.tensor(example.actions)
    return Batch(collate([example.features for example in chosen], multiple=8), actions)


def epoch(items: Sequence[Example], batch_size: int, seed: int) -> Iterator[Batch]:
    """One pass in an order that `seed` fixes: shuffled, alike lengths together within pools."""
    generator = random.Random(seed)
    order = list(range(len(items)))
    generator.shuffle(order)
    pool_size = batch_size * 50
    for begin in range(0, len(order), pool_size):
        pool = sorted(order[begin : begin + pool_size], key=lambda i: len(items[i].features.pieces))
        starts = list(range(0, len(pool), batch_size))
        generator.shuffle(starts)
        for start in starts:
            yield make_batch([items[i] for i in pool[start : start + batch_size]])

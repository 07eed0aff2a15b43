"""Beginnings of articles with sentences taken from them: what copying is learned from.

First short passages with any run of their sentences, so that nothing but the
tokens written so far says what comes next; then whole beginnings with the
sentences that tell most of the reference (the greedy oracle, Nallapati et al.
2017).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Final, TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.pairs import article_sentences
from models.training.salience_labels import Overlap, oracle, tokens

IGNORE: Final = -100
# Of an article; more never fit a source.
_READ_CHARACTERS: Final = 2400
_PASSAGE_TOKENS: Final = 64
_POOL_BATCHES: Final = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Extract:
    """A source and what is to be written from it, special tokens included."""

    source: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded int64 (B, S) sources and (B, T) targets; `mask` is 1 where a source token stands."""

    sources: Tensor
    mask: Tensor
    targets: Tensor  # padded with IGNORE


class Extractor:
    """Makes extracts with a tokenizer's [CLS] before a source and [SEP] after all."""

    def __init__(self, tokenizer: Tokenizer, most_source: int, most_target: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        ids = tokenizer.get_vocab()
        self._first, self._last = ids["[CLS]"], ids["[SEP]"]
        self._most_source, self._most_target = most_source - 2, most_target - 1

    def passage(self, article: str, chance: random.Random) -> Extract | None:
        """A run of an article's sentences, and one or two of them; None where none is short."""
        pieces = self._pieces(_sentences(article))
        begin = chance.randrange(max(1, len(pieces) - 2))
        kept = _fitting(pieces[begin:], _PASSAGE_TOKENS)
        if not kept:
            return None
        at = chance.randrange(len(kept))
        return self._extract(kept, range(at, min(len(kept), at + chance.randint(1, 2))))

    def summary(self, article: str, reference: str) -> Extract | None:
        """An article's beginning, and up to two of its sentences that tell the reference best."""
        sentences = _sentences(article)
        kept = _fitting(self._pieces(sentences), self._most_source)
        overlaps = [Overlap.of(tokens(text)) for text in sentences[: len(kept)]]
        chosen = sorted(oracle(overlaps, Overlap.of(tokens(reference)))[:2])
        return self._extract(kept, chosen) if chosen else None

    def _pieces(self, sentences: Sequence[str]) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)
        return [one.ids for one in encoded]

    def _extract(self, pieces: Sequence[list[int]], chosen: Sequence[int]) -> Extract | None:
        target = [token for index in chosen for token in pieces[index]]
        if len(target) > self._most_target:
            return None
        source = (self._first, *chain.from_iterable(pieces), self._last)
        return Extract(source, (*target, self._last))


def _sentences(article: str) -> list[str]:
    return article_sentences(article[:_READ_CHARACTERS])


def _fitting(pieces: Sequence[list[int]], most: int) -> list[list[int]]:
    """The first sentences that have at most `most` tokens together."""
    ends = accumulate(len(one) for one in pieces)
    return [one for one, end in zip(pieces, ends, strict=True) if end <= most]


def epoch(
    articles: Sequence[T], extract: Callable[[T], Extract | None], size: int, seed: int
) -> Iterator[Batch]:
    """One pass in an order that `seed` fixes: shuffled, alike lengths together within pools."""
    chance = random.Random(seed)
    order = list(articles)
    chance.shuffle(order)
    for begin in range(0, len(order), size * _POOL_BATCHES):
        found = map(extract, order[begin : begin + size * _POOL_BATCHES])
        pool = sorted(
            (one for one in found if one),
            key=lambda one: (len(one.source) // 8, len(one.target)),
        )
        starts = list(range(0, len(pool), size))
        chance.shuffle(starts)
        for start in starts:
            yield collate(pool[start : start + size])


def collate(items: Sequence[Extract]) -> Batch:
    sources = _padded([item.source for item in items], -1)
    mask = (sources >= 0).long()
    return Batch(sources.clamp_min(0), mask, _padded([item.target for item in items], IGNORE))


def _padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    width = -(-max(map(len, rows)) // 8) * 8
    padded = torch.full((len(rows), width), filler, dtype=torch.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = torch.tensor(row)
    return padded

"""What salience is learned from: how well each sentence tells what the reference tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from nltk.stem.porter import PorterStemmer
from numpy.typing import NDArray

ORACLE_SENTENCES: Final = 3
MIN_ORACLE_WORDS: Final = 4
# Temperature of the soft labels, in mean F1 of ROUGE-1 and ROUGE-2.
TEMPERATURE: Final = 0.06

T = TypeVar("T")

_TOKEN: Final = re.compile(r"[a-z0-9]+")
_stemmer = cache(PorterStemmer)


@cache
def _stem(word: str) -> str:
    stem: str = _stemmer().stem(word) if len(word) > 3 else word
    return stem


def tokens(text: str) -> list[str]:
    """Stemmed words as ROUGE sees them."""
    return [_stem(word) for word in _TOKEN.findall(text.lower())]


@dataclass(frozen=True, slots=True)
class Overlap:
    """N-grams of a text, counted, to be compared with a reference's."""

    unigrams: Counter[str]
    bigrams: Counter[tuple[str, str]]

    @classmethod
    def of(cls, words: Sequence[str]) -> Overlap:
        return cls(Counter(words), Counter(pairwise(words)))

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.unigrams + other.unigrams, self.bigrams + other.bigrams)

    def rouge(self, reference: Overlap) -> tuple[float, float]:
        """ROUGE-1 and ROUGE-2 F1, 0 to 1."""
        return _f1(self.unigrams, reference.unigrams), _f1(self.bigrams, reference.bigrams)


def _f1(ours: Counter[T], theirs: Counter[T]) -> float:
    shared = sum(min(count, theirs[item]) for item, count in ours.items())
    total = ours.total() + theirs.total()
    return 2 * shared / total if total else 0.0


def oracle(sentences: Sequence[Overlap], reference: Overlap) -> list[int]:
    """The greedy oracle (Nallapati et al. 2017): sentences added while ROUGE-1 + ROUGE-2 rises."""
    chosen: list[int] = []
    current, best = Overlap.of(()), 0.0
    while len(chosen) < ORACLE_SENTENCES:
        gains = [
            (sum((current + sentence).rouge(reference)), -index)
            for index, sentence in enumerate(sentences)
            if index not in chosen and sentence.unigrams.total() >= MIN_ORACLE_WORDS
        ]
        if not gains or max(gains)[0] <= best:
            break
        best, index = max(gains)[0], -max(gains)[1]
        chosen.append(index)
        current = current + sentences[index]
    return chosen


def target(sentences: Sequence[Overlap], reference: Overlap) -> NDArray[np.float32] | None:
    """A distribution (N,) over the sentences: half the oracle's, half by each one's own ROUGE.

    None if no sentence shares anything with the reference.
    """
    chosen = oracle(sentences, reference)
    if not chosen:
        return None
    own = np.array([sum(sentence.rouge(reference)) / 2 for sentence in sentences], np.float32)
    soft = np.exp((own - own.max()) / TEMPERATURE)
    hard = np.zeros(len(sentences), np.float32)
    hard[chosen] = 1 / len(chosen)
    mixed: NDArray[np.float32] = (0.5 * hard + 0.5 * soft / soft.sum()).astype(np.float32)
    return mixed

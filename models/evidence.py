"""Where a summary sentence comes from: alignment to source sentences by content.

Each sentence of the article is scored by the share of the summary sentence's
weight that it covers: stems and neighbouring stems, weighted by their rarity in
the article, names and numbers more. Further sentences are added while they
cover what the first left open.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.documents import Document
from models.words import FUNCTION_WORDS, WORD, stem, tokens

MAX_EVIDENCE: Final = 3

# Neighbouring stems tell a sentence from one that shares its words only.
_PAIR_WEIGHT: Final = 0.6
_NAME_WEIGHT: Final = 1.5
# A further sentence must cover this share of the whole that nothing before it covered.
_MIN_GAIN: Final = 0.12
# Of two sentences that cover the same, the shorter one is the evidence.
_LENGTH_PENALTY: Final = 0.01

Term = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """The terms of a document's sentences: `places` maps a term to the sentences that hold it."""

    places: dict[Term, tuple[int, ...]]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, document: Document) -> EvidenceIndex:
        places: dict[Term, list[int]] = {}
        lengths = []
        for sentence in document.sentences:
            words = _content(sentence.text)
            lengths.append(len(words))
            for term in dict.fromkeys(_terms(words)):
                places.setdefault(term, []).append(sentence.index)
        return cls({term: tuple(found) for term, found in places.items()}, tuple(lengths))

    def rarity(self, term: Term) -> float:
        """Inverse sentence frequency, at least a little above zero."""
        return math.log(1 + len(self.lengths) / (1 + len(self.places.get(term, ()))))


def align(sentence: str, document: Document, index: EvidenceIndex | None = None) -> tuple[int, ...]:
    """One to three sentence indices that `sentence` comes from, best first.

    Pass the `index` of the document when several sentences are aligned to it. Where no word is
    shared, the first sentence is the answer: an article's first sentence is its summary.
    """
    index = index or EvidenceIndex.of(document)
    weights = _weights(sentence, index)
    total = sum(weights.values())
    chosen: list[int] = []
    while len(chosen) < min(MAX_EVIDENCE, len(index.lengths)):
        gains = _gains(weights, index)
        if not gains:
            break
        best = max(gains, key=lambda place: (_worth(gains[place], index.lengths[place]), -place))
        if chosen and gains[best] < _MIN_GAIN * total:
            break
        chosen.append(best)
        weights = {
            term: weight
            for term, weight in weights.items()
            if best not in index.places.get(term, ())
        }
    return tuple(chosen) or (0,)


def _weights(sentence: str, index: EvidenceIndex) -> dict[Term, float]:
    """The terms of `sentence` with their weights, known to the document or not."""
    named = {
        stem(part)
        for match in WORD.finditer(sentence)
        if match.start() and (match.group()[0].isupper() or match.group()[0].isdigit())
        for part in tokens(match.group())
    }
    counted = Counter(_terms(_content(sentence)))
    return {
        term: index.rarity(term)
        * (_PAIR_WEIGHT if isinstance(term, tuple) else _NAME_WEIGHT if term in named else 1.0)
        for term in counted
    }


def _gains(weights: dict[Term, float], index: EvidenceIndex) -> dict[int, float]:
    gains: dict[int, float] = {}
    for term, weight in weights.items():
        for place in index.places.get(term, ()):
            gains[place] = gains.get(place, 0.0) + weight
    return gains


def _worth(gain: float, length: int) -> float:
    return gain / (1 + _LENGTH_PENALTY * length)


def _content(text: str) -> list[str]:
    words = tokens(text)
    return [stem(word) for word in words if word not in FUNCTION_WORDS] or words


def _terms(words: list[str]) -> Iterable[Term]:
    yield from words
    yield from itertools.pairwise(words)

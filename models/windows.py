"""What an encoder reads of an article that is longer than its window.

Sentences are chosen by how central they are to the whole article, with no
model: cosine to the article's centroid of term weights (Radev et al. 2004,
"Centroid-based summarization of multiple documents") and the place, since
news puts first what matters. They are read in their own order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]{3,}|\d+(?:[.,]\d+)*")
# Weight of the place against the centroid; the first sentence is always read.
_PLACE: Final = 0.3
# A sentence this many times as long as the mean gains nothing from its length.
_SHORT_WORDS: Final = 4


def salience(sentences: Sequence[str]) -> list[float]:
    """A score for each sentence, higher for what the article is about; time linear in its length.

    Term weights are frequency in the article times inverse sentence frequency.
    """
    bags = [Counter(_WORD.findall(sentence.casefold())) for sentence in sentences]
    spread = Counter(term for bag in bags for term in bag)
    count = len(sentences)
    weights = {term: math.log((1 + count) / (0.5 + seen)) for term, seen in spread.items()}
    totals: Counter[str] = Counter()
    for bag in bags:
        totals.update(bag)
    centroid = {term: total * weights[term] for term, total in totals.items()}
    norm = math.sqrt(sum(value * value for value in centroid.values())) or 1.0
    scores = []
    for index, bag in enumerate(bags):
        dot = sum(seen * weights[term] * centroid[term] for term, seen in bag.items())
        length = math.sqrt(sum((seen * weights[term]) ** 2 for term, seen in bag.items())) or 1.0
        central = dot / (length * norm) * min(1.0, sum(bag.values()) / _SHORT_WORDS)
        scores.append(central + _PLACE / math.sqrt(1 + index))
    return scores


def rank(sentences: Sequence[str]) -> list[int]:
    """Indices by falling salience, the first sentence first, ties in reading order."""
    scores = salience(sentences)
    return sorted(range(len(sentences)), key=lambda index: (index != 0, -scores[index], index))


def fit(costs: Sequence[int], ranking: Sequence[int], budget: int) -> tuple[int, ...]:
    """The sentences to read, in reading order: by rank while their summed costs fit.

    `costs` are tokens a sentence. A sentence that does not fit is passed over
    for the next; the best one is always read, and then cut by the caller if
    it alone passes the budget.
    """
    if sum(costs) <= budget:
        return tuple(range(len(costs)))
    chosen, left = [ranking[0]], budget - costs[ranking[0]]
    for index in ranking[1:]:
        if costs[index] <= left:
            chosen.append(index)
            left -= costs[index]
    return tuple(sorted(chosen))

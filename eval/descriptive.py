"""What a summary is like, whatever it is worth: copied or new, long or short, early or late.

Coverage, density and compression are those of Grusky et al. 2018 ("Newsroom",
section 4) over case-folded words without punctuation; novel n-grams follow
See et al. 2017, figure 6. Nothing here reads a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eval.tokens import unicode_tokenize
from models import sentences as splitter
from models.documents import Document

_NOVELTY_ORDERS: Final = (1, 2, 3, 4)
_REPEATED_ORDER: Final = 3
LEAD_SENTENCES: Final = 3


@dataclass(frozen=True, slots=True)
class Source:
    """An article prepared once for all systems: words, their places, n-grams."""

    words: tuple[str, ...]
    places: dict[str, list[int]]
    grams: dict[int, frozenset[tuple[str, ...]]]


def source_of(text: str) -> Source:
    words = tuple(unicode_tokenize(text))
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word, []).append(place)
    grams = {order: frozenset(_grams(words, order)) for order in _NOVELTY_ORDERS}
    return Source(words, places, grams)


def sentences_of(text: str) -> list[str]:
    """Sentences of a text: its lines where it has several, else by our splitter; one line each."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    lines = [line for line in lines if line]
    if len(lines) > 1:
        return lines
    return [" ".join(text[start:end].split()) for start, end in splitter.split(text)]


def describe(source: Source, sentences: Sequence[str]) -> dict[str, float]:
    """Every descriptive metric of one summary; those that need words are absent without any."""
    words = [word for one in sentences for word in unicode_tokenize(one)]
    result = {
        "words": float(sum(len(one.split()) for one in sentences)),
        "sentences": float(len(sentences)),
        "empty": float(not words),
    }
    if not words:
        return result
    fragments = extractive_fragments(source, words)
    result |= {
        "coverage": sum(fragments) / len(words),
        "density": sum(length * length for length in fragments) / len(words),
        "compression": len(source.words) / len(words),
        "longest_copy": float(max(fragments, default=0)),
        "complete": sum(map(is_complete, sentences)) / len(sentences),
        "repetition": repetition(sentences),
    }
    for order in _NOVELTY_ORDERS:
        grams = set(_grams(words, order))
        if grams:
            new = sum(gram not in source.grams[order] for gram in grams)
            result[f"novel_{order}"] = new / len(grams)
    return result


def extractive_fragments(source: Source, summary: Sequence[str]) -> list[int]:
    """Lengths in words of the fragments shared with the article (Grusky et al., figure 3)."""
    article = source.words
    lengths = []
    at = 0
    while at < len(summary):
        longest = 0
        beyond = 0  # places before the end of the last match are not tried again
        for place in source.places.get(summary[at], ()):
            if place < beyond:
                continue
            length = 1
            while (
                at + length < len(summary)
                and place + length < len(article)
                and summary[at + length] == article[place + length]
            ):
                length += 1
            longest = max(longest, length)
            beyond = place + length
        if longest:
            lengths.append(longest)
        at += max(longest, 1)
    return lengths


def repetition(sentences: Sequence[str]) -> float:
    """Share of the trigrams that stood in the summary before; within sentences only."""
    seen: set[tuple[str, ...]] = set()
    total = repeated = 0
    for one in sentences:
        for gram in _grams(unicode_tokenize(one), _REPEATED_ORDER):
            total += 1
            repeated += gram in seen
            seen.add(gram)
    return repeated / total if total else 0.0


def is_complete(sentence: str) -> bool:
    """Whether a sentence begins like one and ends with a full stop or its kin."""
    first = next((character for character in sentence if character.isalnum()), "")
    return bool(first) and not first.islower() and bool(splitter.WHOLE.search(sentence.rstrip()))


def positions(document: Document, origins: Sequence[int]) -> list[float]:
    """Sentence indices as places from 0 (first sentence) to 1 (last)."""
    last = max(len(document.sentences) - 1, 1)
    return [round(index / last, 4) for index in origins]


def _grams(words: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(order)), strict=False))

"""What a summary is like, whatever it is worth: copied or new, long or short, early or late.

Coverage, density and compression are those of Grusky et al. 2018 ("Newsroom",
section 4) over case-folded words without punctuation; novel n-grams follow
See et al. 2017, figure 6. Nothing here reads a reference.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from eval.tokens import unicode_tokenize
from models import sentences as splitter
from models.contract import Span
from models.documents import Document

_NOVELTY_ORDERS: Final = (1, 2, 3, 4)
_REPEATED_ORDER: Final = 3
LEAD_SENTENCES: Final = 3
_COMPLETE: Final = re.compile(r"""[.!?…。！？।۔]["'”’»)\]]*$""")


@dataclass(frozen=True, slots=True)
class Source:
    """An article prepared once for all systems: words, their places, n-grams, sentences."""

    words: tuple[str, ...]
    places: dict[str, list[int]]
    grams: dict[int, frozenset[tuple[str, ...]]]
    document: Document | None
    sentence_words: tuple[Counter[str], ...] = field(default=())


def source_of(text: str, document: Document | None) -> Source:
    """Prepare an article; `document` is None where it could not be read into sentences."""
    words = tuple(unicode_tokenize(text))
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word, []).append(place)
    sentence_words = tuple(
        Counter(unicode_tokenize(one.text)) for one in (document.sentences if document else ())
    )
    return Source(
        words,
        places,
        {order: frozenset(_grams(words, order)) for order in _NOVELTY_ORDERS},
        document,
        sentence_words,
    )


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
    return bool(first) and not first.islower() and bool(_COMPLETE.search(sentence.rstrip()))


def origins(
    source: Source, sentences: Sequence[str], evidence: Sequence[Sequence[Span]]
) -> list[int | None]:
    """For each summary sentence the article sentence it stands on.

    That is the first evidence span where the system gave one, else the
    sentence that shares most words with it (the earliest of equals).
    """
    found: list[int | None] = []
    for index, sentence in enumerate(sentences):
        spans = evidence[index] if index < len(evidence) else ()
        found.append(_sentence_at(source, spans[0]) if spans else _closest(source, sentence))
    return found


def positions(source: Source, found: Sequence[int | None]) -> list[float]:
    """Origins as places from 0 (first sentence) to 1 (last); those without one are left out."""
    last = max(len(source.sentence_words) - 1, 1)
    return [round(index / last, 4) for index in found if index is not None]


def _sentence_at(source: Source, span: Span) -> int | None:
    if source.document is None or not source.document.sentences:
        return None
    starts = [one.span.start for one in source.document.sentences]
    return max(bisect_right(starts, span.start) - 1, 0)


def _closest(source: Source, sentence: str) -> int | None:
    words = Counter(unicode_tokenize(sentence))
    best, where = 0.0, None
    for index, candidate in enumerate(source.sentence_words):
        shared = sum(min(count, candidate[word]) for word, count in words.items())
        # Dice's coefficient, so that a long sentence is not close to everything.
        value = 2 * shared / (words.total() + candidate.total())
        if value > best:
            best, where = value, index
    return where


def _grams(words: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(order)), strict=False))

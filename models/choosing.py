"""Which sentences the summary is written from, and which of their rewrites are used.

Between the salience network and the rewriter: candidates are sentences with
the rewriter's hypotheses; choosing takes the most salient that fit the length
and settles for each the text that can be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.contract import MAX_HEADLINE_WORDS, Kind, Length, SummaryOptions
from models.documents import Document
from models.evidence import EvidenceIndex, align
from models.facts import SourceFacts
from models.fluency import has_verb, is_sound, is_unbalanced
from models.rewriter_input import TASKS
from models.rewriting import Hypothesis, RewriteInput
from models.selection import Floats, distinct, ranked
from models.summarising import is_complete, max_sentences, repeats
from models.verification import verify

# Words a summary aims at; the number of sentences and `max_words` bound it.
TARGET_WORDS: Final[dict[Kind, dict[Length, int]]] = {
    "key-points": {"short": 52, "medium": 92, "long": 130},
    "tldr": {"short": 30, "medium": 60, "long": 105},
    "teaser": {"short": 30, "medium": 50, "long": 75},
    "headline": {"short": 12, "medium": 17, "long": 22},
}
# A summary may pass its target by this share rather than drop a sentence.
_OVERSHOOT: Final = 0.155
# The most salient sentence gets this many shares of the words, each other one a share of what
# is left: validation articles score best when the first keeps its detail.
_FIRST_SHARES: Final = 1.6
# No rewrite is asked to be shorter than this, and a sentence no longer than its share is left.
_MIN_ALLOTTED_WORDS: Final = 10
# Sentences kept in reserve, as they stand, for those that turn out unusable.
_SPARE: Final = 2
_HEADLINE_CANDIDATES: Final = 2
_MIN_HEADLINE_WORDS: Final = 4
# Added to the mean log-probability of what was written as a headline, not as a short sentence,
# which copies more and is surer of itself; and taken off for each less salient sentence.
_HEADLINE_BONUS: Final = 0.1
_RANK_PENALTY: Final = 0.3
_MIN_SENTENCE_WORDS: Final = 5

# Taken off the salience (a logit) of sentences that do not stand alone.
_POINTING_PENALTY: Final = 1.0
_LEAD_BONUS: Final = 1.0
_OPEN_QUOTE_PENALTY: Final = 3.0
_QUESTION_PENALTY: Final = 2.0
_FRAGMENT_PENALTY: Final = 4.0
# What speaks to its reader, or to a machine that reads it, is not what the article reports.
_ADDRESS: Final = re.compile(
    r"(?:please )?(?:ignore|disregard|forget) (?:all|any|the|every|previous|prior|above|what)\b"
    r"|(?:system|assistant|user)\s*:|you are (?:now|an?) .{0,20}assistant"
    r"|(?:reply|respond|answer) (?:only )?with\b|write only\b"
    r"|(?:good (?:morning|afternoon|evening)|hello|hi)\b|(?:and )?welcome to our\b"
    r"|thanks? (?:you )?for (?:joining|reading|following)",
    re.IGNORECASE,
)

_POINTING: Final = re.compile(
    r"(?:he|she|it|its|they|his|her|their|this|these|those|that|but|and|so|i|we|you|my|our)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Choice:
    """How rewrites are trusted; fitted on validation articles.

    A rewrite is used when its log-probabilities, mean and least, reach these
    and it is not longer than its source.
    """

    beams: int = 1
    min_mean_log_probability: float = -0.3
    min_log_probability: float = -1.75
    min_copied_share: float = 1.0
    min_words: int = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """An article as read, with what every sentence of its summary is checked against."""

    document: Document
    facts: SourceFacts
    index: EvidenceIndex

    @classmethod
    def of(cls, document: Document) -> Reading:
        return cls(document, SourceFacts.of(document), EvidenceIndex.of(document))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be written from, with its rewrites, best first.

    Without `input` the sentence is not rewritten.
    """

    index: int
    input: RewriteInput | None
    hypotheses: tuple[Hypothesis, ...] = ()

    def written(self, hypotheses: Sequence[Hypothesis]) -> Candidate:
        return replace(self, hypotheses=tuple(hypotheses))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text for one place of the summary, the texts that may replace it, and its sources."""

    text: str
    alternatives: tuple[str, ...]
    evidence: tuple[int, ...]


def candidates_of(document: Document, salience: Floats, options: SummaryOptions) -> list[Candidate]:
    """The sentences worth rewriting for these options, best first."""
    texts = [sentence.text for sentence in document.sentences]
    penalties = _penalties(texts, options)
    ranking = _reporting(ranked(salience - penalties), texts)
    if options.kind == "headline":
        words = _headline_words(options) - 1
        return [
            Candidate(index, RewriteInput(texts[index], task=task, words=words))
            for index in distinct(ranking, texts, _HEADLINE_CANDIDATES)
            for task in TASKS
        ]
    most = max_sentences(options)
    chosen = distinct(ranking, texts, most + _SPARE)
    inputs = _inputs(texts, chosen[:most], options)
    return [
        Candidate(index, inputs[rank] if rank < most else None) for rank, index in enumerate(chosen)
    ]


def _inputs(
    texts: Sequence[str], chosen: Sequence[int], options: SummaryOptions
) -> list[RewriteInput | None]:
    """What the rewriter gets for the chosen sentences; None for one that is tight already."""
    left = options.max_words or TARGET_WORDS[options.kind][options.length]
    places = max_sentences(options)
    inputs: list[RewriteInput | None] = []
    for rank, index in enumerate(chosen):
        share = left / (places - rank) * (_FIRST_SHARES if rank == 0 and places > 1 else 1)
        allotted = max(_MIN_ALLOTTED_WORDS, round(share))
        length = len(texts[index].split())
        left -= min(length, allotted)
        previous, lead = texts[index - 1] if index > 1 else "", texts[0] if index else ""
        inputs.append(
            RewriteInput(texts[index], previous, lead, words=allotted)
            if length > allotted
            else None
        )
    return inputs


def _reporting(ranking: Sequence[int], texts: Sequence[str]) -> list[int]:
    """The ranking without sentences that address somebody, unless there are no others."""
    return [index for index in ranking if not _ADDRESS.match(texts[index])] or list(ranking)


def _penalties(texts: Sequence[str], options: SummaryOptions) -> Floats:
    """What each sentence loses for not standing by itself (N,); more if it will be the only one."""
    losses = np.zeros(len(texts), np.float32)
    # What is read as a text has to say what the article is about: leads are written to.
    losses[0] -= _LEAD_BONUS * (options.kind != "key-points")
    pointing = _POINTING_PENALTY * (3 if max_sentences(options) == 1 else 1)
    for index, text in enumerate(texts):
        losses[index] += pointing * bool(_POINTING.match(text))
        losses[index] += _OPEN_QUOTE_PENALTY * is_unbalanced(text)
        losses[index] += _QUESTION_PENALTY * text.rstrip("\"'”’").endswith("?")
        fragment = len(text.split()) < _MIN_SENTENCE_WORDS or not is_complete(text)
        fragment = fragment or not has_verb(text)  # most often a caption
        losses[index] += _FRAGMENT_PENALTY * fragment
    return losses


def choose(
    candidates: Sequence[Candidate],
    reading: Reading,
    options: SummaryOptions,
    choice: Choice,
) -> list[Chosen]:
    """What the summary says, in reading order."""
    if options.kind == "headline":
        return _headlines(candidates, reading, options)
    taken: list[tuple[int, Chosen]] = []
    most, words = max_sentences(options), 0
    target = options.max_words or TARGET_WORDS[options.kind][options.length]
    allowed = target if options.max_words else target * (1 + _OVERSHOOT)
    for candidate in candidates:
        if len(taken) == most or words >= target:
            break
        texts = _texts(candidate, reading, choice)
        fitting = [text for text in texts if words + len(text.split()) <= allowed]
        if not taken and not fitting and not options.max_words:
            fitting = texts
        if not fitting or repeats(fitting[0], (other.text for _, other in taken)):
            continue
        words += len(fitting[0].split())
        sources = _sources(fitting[0], candidate.index, reading)
        taken.append((candidate.index, Chosen(fitting[0], tuple(fitting[1:]), sources)))
    return [chosen for _, chosen in sorted(taken, key=lambda pair: pair[0])]


def _texts(candidate: Candidate, reading: Reading, choice: Choice) -> list[str]:
    """Texts for a sentence: trusted rewrites, best first, then the sentence itself."""
    document = reading.document
    source = document.sentences[candidate.index].text
    texts = [
        hypothesis.text
        for hypothesis in candidate.hypotheses
        if _is_trusted(hypothesis, source, choice)
        and verify(hypothesis.text, document, (candidate.index,), reading.facts).supported
    ]
    # Articles without punctuation have sentences all the same.
    whole = source if is_complete(source) else source.rstrip(" ,;:-–—") + "."
    return [*dict.fromkeys(texts), whole]


def _is_trusted(hypothesis: Hypothesis, source: str, choice: Choice) -> bool:
    words = len(hypothesis.text.split())
    return (
        is_complete(hypothesis.text)
        and hypothesis.is_sound
        and hypothesis.copied_share >= choice.min_copied_share
        and choice.min_words <= words <= len(source.split())
        and hypothesis.mean_log_probability >= choice.min_mean_log_probability
        and hypothesis.min_log_probability >= choice.min_log_probability
        and is_sound(hypothesis.text, source)
    )


def _sources(text: str, index: int, reading: Reading) -> tuple[int, ...]:
    """The sentence written from, then others that the text took words from."""
    others = [place for place in align(text, reading.document, reading.index) if place != index]
    return (index, *others[:2])


def _headline_words(options: SummaryOptions) -> int:
    return min(MAX_HEADLINE_WORDS[options.length], options.max_words or 10**6)


def _headlines(
    candidates: Sequence[Candidate], reading: Reading, options: SummaryOptions
) -> list[Chosen]:
    """One headline with the others as alternatives, best first; short sentences count too."""
    most, order = _headline_words(options), list(dict.fromkeys(one.index for one in candidates))
    found = []
    for candidate in candidates:
        source = reading.document.sentences[candidate.index].text
        task = candidate.input.task if candidate.input else "sentence"
        for hypothesis in candidate.hypotheses:
            if _MIN_HEADLINE_WORDS <= len(hypothesis.text.split()) <= most:
                score = hypothesis.mean_log_probability
                score += _HEADLINE_BONUS * (task == "headline")
                score -= _RANK_PENALTY * order.index(candidate.index)
                found.append(
                    (is_sound(hypothesis.text, source), score, hypothesis.text, candidate.index)
                )
    if not found:
        return []
    found.sort(key=lambda entry: (not entry[0], -entry[1]))
    _, _, text, index = found[0]
    others = tuple(entry[2] for entry in found[1:])
    return [Chosen(text, others, _sources(text, index, reading))]

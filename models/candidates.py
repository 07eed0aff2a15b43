"""Which sentences a summary is written from, and what the rewriter gets of them."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.contract import Kind, Length, SummaryOptions
from models.documents import Document
from models.fragments import has_main_clause, is_unbalanced
from models.proposing import Proposal
from models.rewriter_input import TASKS, RewriteInput
from models.rewriting import Hypothesis
from models.selection import Floats, distinct, ranked
from models.summarising import is_complete, max_headline_words, max_sentences

# Words a summary aims at; the number of sentences and `max_words` bound it.
TARGET_WORDS: Final[dict[Kind, dict[Length, int]]] = {
    "key-points": {"short": 58, "medium": 92, "long": 130},
    "tldr": {"short": 30, "medium": 60, "long": 105},
    "teaser": {"short": 30, "medium": 50, "long": 75},
    "headline": {"short": 12, "medium": 17, "long": 22},
}
# The most salient sentence gets this many shares of the words, each other one a share of what
# is left: validation articles score best when the first keeps its detail.
_FIRST_SHARES: Final = 1.6
# No rewrite is asked to be shorter than this, and a sentence no longer than its share is left.
_MIN_ALLOTTED_WORDS: Final = 10
# Sentences kept in reserve, as they stand, for those that turn out unusable.
_SPARE: Final = 2
_HEADLINE_CANDIDATES: Final = 3
_MIN_SENTENCE_WORDS: Final = 5

# Taken off the salience (a logit) of sentences that do not stand alone.
_POINTING_PENALTY: Final = 1.0
_LEAD_BONUS: Final = 1.0
# What the first two sentences gain, beyond what the network knows of places.
_FIRST_BONUSES: Final = (0.6, 0.4)
_OPEN_QUOTE_PENALTY: Final = 3.0
_QUESTION_PENALTY: Final = 2.0
_FRAGMENT_PENALTY: Final = 4.0
# What speaks to its reader, or to a machine that reads it, is not what the article reports.
_ADDRESS: Final = re.compile(
    r"(?:please )?(?:ignore|disregard|forget) (?:all|any|the|every|previous|prior|above|what)\b"
    r"|(?:system|assistant|user)\s*:|you are (?:now|an?) .{0,20}assistant"
    r"|(?:reply|respond|answer) (?:only )?with\b|write only\b"
    r"|(?:good (?:morning|afternoon|evening)|hello|hi)\b|(?:and )?welcome to our\b"
    r"|thanks? (?:you )?for (?:joining|reading|following)"
    r"|(?:read|watch|see|hear) .{0,80}\b(?:report|here|more|below|video)\b|click (?:here|on|to)\b"
    r"|read on\b|(?:below|here|above) (?:are|is) (?:the|some|our|a)\b"
    r"|scroll (?:down|through)\b|follow @|for (?:all )?the latest\b|sign up\b",
    re.IGNORECASE,
)

_POINTING: Final = re.compile(
    r"(?:he|she|it|its|they|his|her|their|this|these|those|that|but|and|so|i|we|you|my|our)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be written from, with what may stand for it, best first.

    Without `input` the sentence is tight already and not rewritten.
    """

    index: int
    input: RewriteInput | None
    proposals: tuple[Proposal, ...] = ()

    def written(self, hypotheses: Sequence[Hypothesis]) -> Candidate:
        """The candidate with what the rewriter made of its input."""
        if self.input is None:
            return self
        proposals = [Proposal.of(hypothesis, self.input) for hypothesis in hypotheses]
        return replace(self, proposals=tuple(proposals))


def candidates_of(
    document: Document, salience: Floats, options: SummaryOptions, skip: Container[int] = ()
) -> list[Candidate]:
    """The sentences worth rewriting for these options, best first, but for those to `skip`."""
    texts = [sentence.text for sentence in document.sentences]
    penalties = _penalties(texts, options)
    ranking = _reporting(ranked(salience - penalties), texts)
    ranking = [index for index in ranking if index not in skip]
    if options.kind == "headline":
        words = headline_words(options) - 1
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
    losses[: len(_FIRST_BONUSES)] -= _FIRST_BONUSES[: len(losses)]
    pointing = _POINTING_PENALTY * (3 if max_sentences(options) == 1 else 1)
    for index, text in enumerate(texts):
        losses[index] += pointing * bool(_POINTING.match(text))
        losses[index] += _OPEN_QUOTE_PENALTY * is_unbalanced(text)
        losses[index] += _QUESTION_PENALTY * text.rstrip("\"'”’").endswith("?")
        fragment = len(text.split()) < _MIN_SENTENCE_WORDS or not is_complete(text)
        fragment = fragment or not has_main_clause(text)  # often a caption
        losses[index] += _FRAGMENT_PENALTY * fragment
    return losses


def headline_words(options: SummaryOptions) -> int:
    """The most words that the headline may have; `max_words` overrides the length."""
    most = max_headline_words(options)
    return most if options.max_words is None else min(most, options.max_words)

"""Headlines: the article's own title, a sound rewrite, or a short cut of a sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.candidates import Candidate
from models.fragments import has_verb
from models.proposing import Choice, Proposal
from models.shortening import runs_on
from models.trimming import text_of, tidied, trims

MIN_WORDS: Final = 4
# Added to the mean log-probability of what was written as a headline, not as a short sentence,
# which copies more and is surer of itself; and taken off for each less salient sentence.
_HEADLINE_BONUS: Final = 0.1
_RANK_PENALTY: Final = 0.7
# How much the judge's log-probability counts beside the network's.
_JUDGE_WEIGHT: Final = 2.0
# What a cut by rule, which no network wrote, counts as.
_CUT_LOG_PROBABILITY: Final = -0.4
# A headline that opens with "He" or "Their", and one that names nobody and nothing.
_POINTING_PENALTY: Final = 1.0
_NAMELESS_PENALTY: Final = 0.25
_POINTING: Final = re.compile(
    r"(?:he|she|it|its|they|his|her|their|this|these|those|we|our|i|my|you|there)\b", re.IGNORECASE
)
_NAME: Final = re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z][\w’'-]+|\d")
# "… | Site", "… - The Paper"; and marks that part a title's two halves.
_SITE: Final = re.compile(
    r"\s+[|·»]\s+[^|·»]{2,40}$|\s+[-–—]\s+(?:The )?[A-Z][\w.]*(?: [A-Z]\w+){0,2}$"
)
_HALVES: Final = re.compile(r"\s+[-–—]+\s+|[;:]\s+|\s*\.{3}\s*|…")


@dataclass(frozen=True, slots=True)
class Headline:
    """A text with the index of the sentence it was made from (None: the title)."""

    text: str
    index: int | None


def fits(text: str, most_words: int) -> bool:
    """Whether the text has neither too few words for a headline nor too many."""
    return MIN_WORDS <= len(text.split()) <= most_words


def is_usable(proposal: Proposal, most_words: int, choice: Choice) -> bool:
    """Whether the proposal makes a headline: it fits, is sound and says of whom it speaks."""
    judged = proposal.acceptability
    return (
        fits(proposal.text.rstrip("."), most_words)
        and not _POINTING.match(proposal.text)
        and proposal.is_accepted(choice)
        and (judged is None or judged >= choice.min_headline_acceptability)
    )


def lacks_headline(
    candidates: Sequence[Candidate], title: str | None, most_words: int, choice: Choice
) -> bool:
    """Whether neither the title nor any proposal makes a headline."""
    return _fitting_title(title, most_words) is None and not any(
        is_usable(proposal, most_words, choice)
        for candidate in candidates
        for proposal in candidate.proposals
    )


def headlines(
    candidates: Sequence[Candidate], title: str | None, most_words: int, choice: Choice
) -> list[Headline]:
    """Headlines of at most `most_words` words, best first: the title, what is sound, the rest."""
    order = list(dict.fromkeys(one.index for one in candidates))
    found = []
    for candidate in candidates:
        for proposal in candidate.proposals:
            if _can_tell(candidate, proposal) and fits(proposal.text.rstrip("."), most_words):
                score = _score(proposal, order.index(candidate.index))
                fit = is_usable(proposal, most_words, choice), proposal.is_accepted(choice)
                found.append((fit, score, Headline(proposal.text, candidate.index)))
    found.sort(key=lambda entry: entry[:2], reverse=True)
    own = _fitting_title(title, most_words)
    return [*([Headline(own, None)] if own else []), *(entry[2] for entry in found)]


def _can_tell(candidate: Candidate, proposal: Proposal) -> bool:
    """Whether it can be known what the words say: without punctuation only the article's first."""
    if proposal.shortening.joins_sentences:
        return False
    return candidate.index == 0 or not runs_on(proposal.shortening.sentence)


def openings(first: str, most_words: int) -> list[Headline]:
    """The words that an article without punctuation begins with, up to the end of a phrase."""
    if not runs_on(first):
        return []
    found = trims(first, most_words, most_words, least_words=MIN_WORDS)
    return [Headline(tidied(text_of(one)), 0) for one in found if not one.joins_sentences]


def _score(proposal: Proposal, rank: int) -> float:
    written = proposal.hypothesis
    score = _CUT_LOG_PROBABILITY if written is None else written.mean_log_probability
    score += _HEADLINE_BONUS * (proposal.shortening.task == "headline")
    score -= _RANK_PENALTY * rank
    score -= _POINTING_PENALTY * bool(_POINTING.match(proposal.text))
    score -= _NAMELESS_PENALTY * (not _NAME.search(proposal.text))
    if proposal.acceptability is not None:
        score += _JUDGE_WEIGHT * math.log(max(proposal.acceptability, 1e-3))
    return score


def _fitting_title(title: str | None, most_words: int) -> str | None:
    """The title without its site, or its first half if only that fits; None if neither does."""
    if not title:
        return None
    own = _SITE.sub("", title).strip()
    for text in (own, _HALVES.split(own)[0]):
        if fits(text, most_words) and (text == own or has_verb(text)):
            return text
    return None

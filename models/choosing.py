"""Which of a sentence's rewrites are used, and which sentences make the summary.

Behind the rewriter: choosing takes the most salient candidates that fit the
length and settles for each the text that can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from models.candidates import TARGET_WORDS, Candidate, headline_words
from models.contract import SummaryOptions
from models.documents import Document
from models.evidence import EvidenceIndex, align
from models.facts import SourceFacts
from models.fragments import has_main_clause
from models.headlines import MIN_WORDS, headlines, is_usable, openings
from models.proposing import Choice, Judging, Proposal, cuts, judged
from models.summarising import is_complete, max_sentences, repeats
from models.trimming import tidied, without_attribution
from models.verification import verify

# A summary may pass its target by this share rather than drop a sentence.
_OVERSHOOT: Final = 0.12
# A cut may pass the words that its sentence was given by this share.
_CUT_OVERSHOOT: Final = 0.25
# What a cut has to save at least.
_MIN_GAIN_WORDS: Final = 4
# Sentences that stand untouched lose who said so from this many words on.
_LONG_WORDS: Final = 30


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
class Chosen:
    """A text for one place of the summary, the texts that may replace it, and its sources."""

    text: str
    alternatives: tuple[str, ...]
    evidence: tuple[int, ...]


def settled(
    plans: Sequence[Sequence[Candidate]],
    options: Sequence[SummaryOptions],
    judge: Judging,
    choice: Choice,
) -> list[list[Candidate]]:
    """The candidates of every article with judged proposals.

    Where no rewrite of a sentence can be trusted, cuts by rule are proposed and judged too.
    """
    flat = [one for plan in plans for one in plan]
    wanted = [one for one, plan in zip(options, plans, strict=True) for _ in plan]
    flat = _with(flat, judged([one.proposals for one in flat], judge))
    more = [_cuts(one, wish, choice) for one, wish in zip(flat, wanted, strict=True)]
    found = [sorted(extra, key=partial(_fullness, choice)) for extra in judged(more, judge)]
    added = [(*one.proposals, *extra) for one, extra in zip(flat, found, strict=True)]
    rest = iter(_with(flat, added))
    return [[next(rest) for _ in plan] for plan in plans]


def _fullness(choice: Choice, proposal: Proposal) -> tuple[bool, float, float]:
    """Accepted cuts first, of these the one that keeps most; the others as they were judged."""
    accepted = proposal.is_accepted(choice)
    words = len(proposal.text.split()) if accepted else 0
    return not accepted, -words, -(proposal.acceptability or 0.0)


def _with(
    candidates: Sequence[Candidate], proposals: Sequence[tuple[Proposal, ...]]
) -> list[Candidate]:
    return [replace(one, proposals=found) for one, found in zip(candidates, proposals, strict=True)]


def _cuts(candidate: Candidate, options: SummaryOptions, choice: Choice) -> list[Proposal]:
    """Cuts of a sentence whose rewrites cannot be used."""
    item = candidate.input
    if item is None or item.words is None or item.task == "headline":
        return []
    if options.kind == "headline":
        most = headline_words(options)
        usable = any(is_usable(one, most, choice) for one in candidate.proposals)
        return [] if usable else cuts(item.sentence, most, most, least_words=MIN_WORDS)
    if any(one.is_trusted(choice) for one in candidate.proposals):
        return []
    wanted, whole = round(item.words * (1 + _CUT_OVERSHOOT)), len(item.sentence.split())
    most = max(wanted, whole - _MIN_GAIN_WORDS)
    return cuts(item.sentence, wanted, most, least_words=max(choice.min_words, item.words))


def choose(
    candidates: Sequence[Candidate],
    reading: Reading,
    options: SummaryOptions,
    choice: Choice,
) -> list[Chosen]:
    """What the summary says, in reading order."""
    if options.kind == "headline":
        return _headline(candidates, reading, options, choice)
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
        if taken and not has_main_clause(fitting[0]):
            continue  # captions are better left out than read
        words += len(fitting[0].split())
        sources = _sources(fitting[0], candidate.index, reading)
        taken.append((candidate.index, Chosen(fitting[0], tuple(fitting[1:]), sources)))
    return [chosen for _, chosen in sorted(taken, key=lambda pair: pair[0])]


def _texts(candidate: Candidate, reading: Reading, choice: Choice) -> list[str]:
    """Texts for a sentence: trusted rewrites and cuts, best first, then the sentence itself."""
    document = reading.document
    source = document.sentences[candidate.index].text
    texts = [
        proposal.text
        for proposal in candidate.proposals
        if proposal.is_trusted(choice)
        and verify(proposal.text, document, (candidate.index,), reading.facts).supported
    ]
    whole = tidied(source)
    # Articles without punctuation have sentences all the same.
    whole = whole if is_complete(whole) else whole.rstrip(" ,;:-–—") + "."
    if len(whole.split()) >= _LONG_WORDS:
        texts.append(without_attribution(whole))
    return [*dict.fromkeys([*texts, whole])]


def _sources(text: str, index: int, reading: Reading) -> tuple[int, ...]:
    """The sentence written from, then others that the text took words from."""
    others = [place for place in align(text, reading.document, reading.index) if place != index]
    return (index, *others[:2])


def _headline(
    candidates: Sequence[Candidate], reading: Reading, options: SummaryOptions, choice: Choice
) -> list[Chosen]:
    """One headline with the others as alternatives, best first."""
    document = reading.document
    most_words = headline_words(options)
    found = headlines(candidates, document.title, most_words, choice)
    found = found or openings(document.sentences[0].text, most_words)
    for place, one in enumerate(found):
        if one.index is None:
            sources = align(one.text, document, reading.index)[:3]
            if not sources:
                continue
        else:
            sources = _sources(one.text, one.index, reading)
        return [Chosen(one.text, tuple(other.text for other in found[place + 1 :]), sources)]
    return []

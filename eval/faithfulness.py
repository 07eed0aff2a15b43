"""Whether a summary says only what its article says, by the verifier of `models`.

Every system is verified here, whatever it says about itself. What the
verdict is worth against human judgement is measured by `inbrief-eval meta`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.contract import Span
from models.documents import Document
from models.evidence import EvidenceIndex, align
from models.facts import SourceFacts
from models.names import unsupported_names
from models.numerals import numbers
from models.quotations import quotations
from models.verification import Verdict, verify


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """`metrics` of one summary; `origins` are the article sentences each sentence stands on."""

    metrics: dict[str, float]
    origins: tuple[int, ...]
    unsupported: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One sentence: where it comes from, its verdict, and how many facts of each kind it has."""

    sources: tuple[int, ...]
    verdict: Verdict
    figures: int
    figures_held: int
    names_missing: int
    quotations: int
    quotations_missing: int


class Checker:
    """One article, indexed once for the summaries of all systems.

    Systems that copy share sentences, so each different one is verified once.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._facts = SourceFacts.of(document)
        self._index = EvidenceIndex.of(document)
        self._judged: dict[str, _Judged] = {}

    def origin(self, sentence: str, spans: Sequence[Span] = ()) -> tuple[int, ...]:
        """Indices of the article sentences behind a summary sentence, best first.

        Those of the spans a system gave, else of our own alignment.
        """
        return self._given(spans) or align(sentence, self._document, self._index)

    def check(self, sentences: Sequence[str], evidence: Sequence[Sequence[Span]]) -> Faithfulness:
        """Verify every sentence of a summary that has at least one."""
        judged = [self._judge(one) for one in sentences]
        verdicts = [one.verdict for one in judged]
        metrics = {
            "supported": sum(one.supported for one in verdicts) / len(verdicts),
            "faithful": float(all(one.supported for one in verdicts)),
            "support": sum(one.support for one in verdicts) / len(verdicts),
            "unsupported_items": float(sum(len(one.unsupported) for one in verdicts)),
            "unsupported_names": float(sum(one.names_missing for one in judged)),
        }
        if figures := sum(one.figures for one in judged):
            metrics["numbers_supported"] = sum(one.figures_held for one in judged) / figures
        if spoken := sum(one.quotations for one in judged):
            missing = sum(one.quotations_missing for one in judged)
            metrics["quotations_supported"] = 1 - missing / spoken
        origins = tuple(
            ((self._given(evidence[index]) if index < len(evidence) else ()) or one.sources)[0]
            for index, one in enumerate(judged)
        )
        return Faithfulness(metrics, origins, tuple(one.unsupported for one in verdicts))

    def _judge(self, sentence: str) -> _Judged:
        if found := self._judged.get(sentence):
            return found
        # Verified against our own alignment: a system must not choose what it
        # is judged by.
        sources = align(sentence, self._document, self._index)
        verdict = verify(sentence, self._document, sources, self._facts)
        figures, days = numbers(sentence, self._document.language)
        spoken = quotations(sentence)
        judged = _Judged(
            sources=sources,
            verdict=verdict,
            figures=len(figures) + len(days),
            figures_held=sum(map(self._facts.hold_number, figures))
            + sum(map(self._facts.hold_day, days)),
            names_missing=len(unsupported_names(sentence, self._facts.names)),
            quotations=len(spoken),
            quotations_missing=sum(one.text in verdict.unsupported for one in spoken),
        )
        self._judged[sentence] = judged
        return judged

    def _given(self, spans: Sequence[Span]) -> tuple[int, ...]:
        places = [self._sentence_at(span) for span in spans]
        return tuple(dict.fromkeys(index for index in places if index is not None))

    def _sentence_at(self, span: Span) -> int | None:
        """The sentence that shares most with a span of the caller's text."""
        best, where = 0, None
        for one in self._document.sentences:
            shared = min(one.span.end, span.end) - max(one.span.start, span.start)
            if shared > best:
                best, where = shared, one.index
        return where

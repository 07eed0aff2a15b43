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
from models.verification import verify


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """`metrics` of one summary; `origins` are the article sentences each sentence stands on."""

    metrics: dict[str, float]
    origins: tuple[int, ...]
    unsupported: tuple[tuple[str, ...], ...]


class Checker:
    """One article, indexed once for the summaries of all systems."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._facts = SourceFacts.of(document)
        self._index = EvidenceIndex.of(document)

    def origin(self, sentence: str, spans: Sequence[Span] = ()) -> tuple[int, ...]:
        """Indices of the article sentences behind a summary sentence, best first.

        Those of the spans a system gave, else of our own alignment.
        """
        return self._given(spans) or align(sentence, self._document, self._index)

    def _given(self, spans: Sequence[Span]) -> tuple[int, ...]:
        places = [self._sentence_at(span) for span in spans]
        return tuple(dict.fromkeys(index for index in places if index is not None))

    def check(self, sentences: Sequence[str], evidence: Sequence[Sequence[Span]]) -> Faithfulness:
        """Verify every sentence of a summary that has at least one."""
        # Sentences are verified against our own alignment: a system must not
        # choose what it is judged by.
        aligned = [align(one, self._document, self._index) for one in sentences]
        verdicts = [
            verify(one, self._document, sources, self._facts)
            for one, sources in zip(sentences, aligned, strict=True)
        ]
        metrics = {
            "supported": sum(one.supported for one in verdicts) / len(verdicts),
            "faithful": float(all(one.supported for one in verdicts)),
            "support": sum(one.support for one in verdicts) / len(verdicts),
            "unsupported_items": float(sum(len(one.unsupported) for one in verdicts)),
        }
        metrics |= self._by_kind(sentences, [one.unsupported for one in verdicts])
        origins = tuple(
            (self._given(evidence[index]) if index < len(evidence) else ()) or sources
            for index, sources in enumerate(aligned)
        )
        first = tuple(sources[0] for sources in origins)
        return Faithfulness(metrics, first, tuple(one.unsupported for one in verdicts))

    def _by_kind(
        self, sentences: Sequence[str], unsupported: Sequence[Sequence[str]]
    ) -> dict[str, float]:
        stated = held = names = said = missing = 0
        for sentence, items in zip(sentences, unsupported, strict=True):
            figures, days = numbers(sentence, self._document.language)
            stated += len(figures) + len(days)
            held += sum(map(self._facts.hold_number, figures))
            held += sum(map(self._facts.hold_day, days))
            names += len(unsupported_names(sentence, self._facts.names))
            spoken = quotations(sentence)
            said += len(spoken)
            missing += sum(one.text in items for one in spoken)
        found = {"unsupported_names": float(names)}
        if stated:
            found["numbers_supported"] = held / stated
        if said:
            found["quotations_supported"] = 1 - missing / said
        return found

    def _sentence_at(self, span: Span) -> int | None:
        """The sentence that shares most with a span of the caller's text."""
        best, where = 0, None
        for one in self._document.sentences:
            shared = min(one.span.end, span.end) - max(one.span.start, span.start)
            if shared > best:
                best, where = shared, one.index
        return where

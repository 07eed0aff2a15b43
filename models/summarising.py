"""From what a model wrote to a summary one can trust: the steps after generation.

A model hands in drafts, in the order they are to be read. Each is verified
against the article, repaired where it fails, and given its evidence; whole
sentences are kept until the bounds of kind, length and `max_words` are full.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from models.contract import (
    MAX_HEADLINE_WORDS,
    MAX_POINTS,
    Coverage,
    Kind,
    Length,
    ModelInfo,
    Summary,
    SummaryOptions,
    SummarySentence,
)
from models.documents import UNSPACED_LANGUAGES, Document, count_words
from models.errors import (
    InferenceFailed,
    InputError,
    UnsupportedKind,
    UnsupportedLanguage,
    UnsupportedLength,
)
from models.evidence import EvidenceIndex, align
from models.facts import SourceFacts
from models.languages import UNDETERMINED
from models.sentences import WHOLE
from models.verification import verify

MAX_SENTENCES: Final[dict[Kind, dict[Length, int]]] = {
    "key-points": MAX_POINTS,
    "tldr": {"short": 1, "medium": 3, "long": 5},
    "teaser": {"short": 1, "medium": 2, "long": 3},
    "headline": {"short": 1, "medium": 1, "long": 1},
}
# Languages whose sentences follow each other without a space.
_JOINED: Final = frozenset({"ja", "zh"})
_WORD: Final = re.compile(r"\w+")
# Share of a sentence's words found in an earlier one from which it says nothing new.
_REPEATS: Final = 0.8


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence that a model wrote.

    `alternatives` are its next hypotheses for the same place, best first.
    `evidence` holds the indices of the sentences it was written from, best
    first, when the model knows them; None: they are found by content.
    """

    text: str
    alternatives: tuple[str, ...] = ()
    evidence: tuple[int, ...] | None = None


def require_supported(info: ModelInfo, options: SummaryOptions, language: str) -> None:
    """Raise the InputError that says what the model does not do and what it does instead."""
    if options.kind not in info.kinds:
        raise UnsupportedKind(
            f"{info.name} does not write {options.kind}; it writes {', '.join(info.kinds)}.",
            field="kind",
        )
    if options.length not in info.lengths:
        raise UnsupportedLength(
            f"{info.name} does not write {options.length} summaries; "
            f"it writes {', '.join(info.lengths)}.",
            field="length",
        )
    if info.languages and language not in (*info.languages, UNDETERMINED):
        raise UnsupportedLanguage(
            f"{info.name} does not cover the language {language!r}; "
            f"it covers {', '.join(info.languages)}.",
            field="language",
        )


def bounding_length(options: SummaryOptions) -> Length:
    """The length whose bound holds; `max_words` overrides the one that was asked for."""
    return "long" if options.max_words is not None else options.length


def max_sentences(options: SummaryOptions) -> int:
    """How many sentences the summary may have."""
    return MAX_SENTENCES[options.kind][bounding_length(options)]


def max_headline_words(options: SummaryOptions) -> int:
    """How many words a headline may have by its length; `max_words` bounds it besides."""
    return MAX_HEADLINE_WORDS[bounding_length(options)]


def number_of_words(text: str, language: str) -> int:
    """Words between spaces, or as `documents` counts them in languages that write none."""
    return count_words(text) if language in UNSPACED_LANGUAGES else len(text.split())


def is_complete(sentence: str) -> bool:
    """Whether the sentence ends like one."""
    return bool(WHOLE.search(sentence))


def repeats(sentence: str, earlier: Iterable[str]) -> bool:
    """Whether nearly all words of `sentence` stand in one earlier sentence, or the reverse."""
    words = _words(sentence)
    if not words:
        return True
    for other in map(_words, earlier):
        shared = len(words & other)
        if shared >= _REPEATS * min(len(words), len(other)):
            return True
    return False


def finish(
    drafts: Sequence[Draft],
    document: Document,
    options: SummaryOptions,
    info: ModelInfo,
    *,
    read_sentences: int,
    cut: bool = False,
    fallback: Sequence[int] = (),
    facts: SourceFacts | None = None,
    index: EvidenceIndex | None = None,
    emit: Callable[[SummarySentence], None] | None = None,
) -> Summary:
    """Verify, repair and align `drafts`, and bound them by whole sentences.

    `read_sentences` counts the sentences of the article that the model saw;
    `cut` says that it saw only the beginning of one.
    `fallback` names sentences, best first, that stand in when no draft can be
    used. `facts` and `index` are the document's, when they are known already.
    `emit` is called with each sentence as soon as it is settled.

    Raises:
        InputError: no whole sentence fits into `max_words`.
        InferenceFailed: the model wrote nothing usable and there is no fallback.
    """
    facts, index = facts or SourceFacts.of(document), index or EvidenceIndex.of(document)
    finisher = _Finisher(document, options, facts, index, emit)
    for draft in drafts:
        finisher.add(draft)
    if not finisher.sentences and options.kind != "headline":
        for place in fallback:
            finisher.add_source(place)
            if finisher.sentences:
                break
    if not finisher.sentences:
        if finisher.too_long:
            raise InputError(
                f"No whole sentence fits into {options.max_words} words.",
                field="max_words",
                limit=options.max_words,
            )
        raise InferenceFailed(f"{info.name} wrote nothing usable about this article.")
    return finisher.summary(info, read_sentences, cut=cut)


class _Finisher:
    """Sentences settled one by one, so that a reader can see the first before the last is done."""

    def __init__(
        self,
        document: Document,
        options: SummaryOptions,
        facts: SourceFacts,
        index: EvidenceIndex,
        emit: Callable[[SummarySentence], None] | None,
    ) -> None:
        self.sentences: list[SummarySentence] = []
        self.selected: list[int] = []
        self.too_long = False
        self._document = document
        self._options = options
        self._facts = facts
        self._index = index
        self._emit = emit
        self._most = max_sentences(options)
        self._most_headline_words = max_headline_words(options)
        self._words = 0

    def add(self, draft: Draft) -> None:
        """Settle the draft: the first supported candidate, else its source, else marked."""
        if len(self.sentences) >= self._most:
            return
        marked: tuple[SummarySentence, tuple[int, ...]] | None = None
        for text in (draft.text, *draft.alternatives):
            settled = self._check(text, draft.evidence)
            if settled is None:
                continue
            if settled[0].supported:
                self._keep(*settled)
                return
            marked = marked or settled
        if marked is None:
            return
        if self._options.kind != "headline":
            before = len(self.sentences)
            self.add_source(marked[1][0])
            if len(self.sentences) > before:
                return
        if not self._options.strict:
            self._keep(*marked)

    def add_source(self, index: int) -> None:
        """Take a sentence of the article as it stands, if it is one and fits."""
        sentence = self._document.sentences[index]
        if self._fits(sentence.text) and is_complete(sentence.text):
            self._keep(SummarySentence(sentence.text, (sentence.span,)), (index,))

    def summary(self, info: ModelInfo, read_sentences: int, *, cut: bool) -> Summary:
        document, options = self._document, self._options
        return Summary(
            text=join([sentence.text for sentence in self.sentences], options, document.language),
            sentences=tuple(self.sentences),
            kind=options.kind,
            length=options.length,
            language=document.language,
            words=self._words,
            source_words=document.source_words,
            truncated=cut or read_sentences < len(document.sentences),
            coverage=Coverage(
                source_sentences=len(document.sentences),
                read_sentences=read_sentences,
                selected=tuple(sorted(set(self.selected))),
            ),
            model=info,
        )

    def _check(
        self, text: str, known: tuple[int, ...] | None
    ) -> tuple[SummarySentence, tuple[int, ...]] | None:
        """The candidate with its verdict and evidence, or None if it cannot be used at all."""
        text = _tidy(text, self._options.kind)
        if not text or not self._fits(text):
            return None
        indices = align(text, self._document, self._index) if known is None else known
        if not indices:
            return None
        verdict = verify(text, self._document, indices, self._facts)
        spans = tuple(self._document.sentences[index].span for index in indices)
        return SummarySentence(text, spans, verdict.supported, verdict.unsupported), indices

    def _fits(self, text: str) -> bool:
        words = number_of_words(text, self._document.language)
        if self._options.kind == "headline" and words > self._most_headline_words:
            return False
        if repeats(text, (sentence.text for sentence in self.sentences)):
            return False
        most = self._options.max_words
        if most is not None and self._words + words > most:
            self.too_long = True
            return False
        return True

    def _keep(self, sentence: SummarySentence, indices: tuple[int, ...]) -> None:
        self.sentences.append(sentence)
        self.selected.extend(indices)
        self._words += number_of_words(sentence.text, self._document.language)
        if self._emit is not None:
            self._emit(sentence)


def join(sentences: Sequence[str], options: SummaryOptions, language: str) -> str:
    """The sentences in the asked format: a paragraph, or one point a line."""
    if options.kind == "key-points":
        bullet = "- " if options.format == "markdown" else ""
        return "\n".join(bullet + sentence for sentence in sentences)
    return ("" if language in _JOINED else " ").join(sentences)


def _tidy(text: str, kind: Kind) -> str:
    text = " ".join(text.split())
    if kind != "headline":
        return text if is_complete(text) else ""
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))

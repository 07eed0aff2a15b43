"""Baselines: summarisers that any model has to beat.

The first sentences of a news article are a strong summary of it (Nenkova
2005, "Automatic text summarization of newswire"), so `Lead` stands beside
every evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from models import documents
from models.contract import (
    LENGTHS,
    MAX_POINTS,
    Coverage,
    Kind,
    ModelInfo,
    OnSentence,
    Summary,
    SummaryOptions,
    SummaryRequest,
    SummarySentence,
)
from models.errors import InbriefError, InputError, UnsupportedKind
from models.summarising import join, max_sentences, number_of_words

# A sentence of an article is no headline.
KINDS: Final[tuple[Kind, ...]] = ("key-points", "tldr", "teaser")
MAX_LEAD: Final = max(MAX_POINTS.values())
_CHARACTERS_PER_TOKEN: Final = 4


class Lead:
    """The first `k` sentences, as they stand; at most as many as kind and length allow.

    It writes no headlines, since a sentence is none. As it never looks behind
    its sentences, its summaries say that the rest was not read.
    """

    def __init__(self, k: int) -> None:
        if not 1 <= k <= MAX_LEAD:
            raise InputError(
                f"lead-{k}: the number of sentences lies from 1 to {MAX_LEAD}.",
                field="model",
                limit=MAX_LEAD,
            )
        self.k = k
        self._info = ModelInfo(
            name=f"lead-{k}",
            revision=sha256(f"lead-{k}".encode()).hexdigest()[:12],
            engine="baseline",
            precision="none",
            device="cpu",
            kinds=KINDS,
            lengths=LENGTHS,
            languages=(),
            max_input_tokens=None,
            parameters=0,
            size_bytes=0,
            choice="Sentences are copied; there is nothing to choose.",
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def estimate_tokens(self, request: SummaryRequest) -> int:
        return len(request.article.text) // _CHARACTERS_PER_TOKEN + 1

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        results: list[Summary | InbriefError] = []
        for index, request in enumerate(requests):
            try:
                summary = self._summarise_one(request)
            except InbriefError as error:
                results.append(error)
                continue
            results.append(summary)
            if on_sentence is not None:
                for sentence in summary.sentences:
                    on_sentence(index, sentence)
        return results

    def _summarise_one(self, request: SummaryRequest) -> Summary:
        options = request.options
        if options.kind not in KINDS:
            raise UnsupportedKind(
                f"{self.info.name} does not write {options.kind}; it writes"
                f" {', '.join(self.info.kinds)}.",
                field="kind",
            )
        document = documents.read(request.article)
        count = min(self.k, max_sentences(options))
        chosen = within_words(document.sentences[:count], options.max_words, document.language)
        return extract(document, chosen, len(document.sentences[:count]), options, self.info)


def within_words(
    sentences: Sequence[documents.Sentence], max_words: int | None, language: str
) -> list[documents.Sentence]:
    """The leading run of whole sentences that fits; a sentence is never cut.

    Raises:
        InputError: not even the first sentence fits.
    """
    if max_words is None:
        return list(sentences)
    chosen: list[documents.Sentence] = []
    words = 0
    for sentence in sentences:
        words += number_of_words(sentence.text, language)
        if words > max_words:
            break
        chosen.append(sentence)
    if not chosen:
        raise InputError(
            f"No whole sentence fits into {max_words} words.", field="max_words", limit=max_words
        )
    return chosen


def extract(
    document: documents.Document,
    chosen: Sequence[documents.Sentence],
    read_sentences: int,
    options: SummaryOptions,
    info: ModelInfo,
) -> Summary:
    """A summary of sentences of the document, each its own evidence."""
    sentences = tuple(SummarySentence(one.text, (one.span,)) for one in chosen)
    texts = [one.text for one in chosen]
    return Summary(
        text=join(texts, options, document.language),
        sentences=sentences,
        kind=options.kind,
        length=options.length,
        language=document.language,
        words=sum(number_of_words(one, document.language) for one in texts),
        source_words=document.source_words,
        truncated=read_sentences < len(document.sentences),
        coverage=Coverage(
            source_sentences=len(document.sentences),
            read_sentences=read_sentences,
            selected=tuple(one.index for one in chosen),
        ),
        model=info,
    )

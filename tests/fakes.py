"""A summariser without a model: an equal of the real ones, for tests of what stands above them.

Its summary is the first sentences of the article, in the number that kind and
length allow. It is deterministic and can be made slow, blocked or broken.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from models.contract import (
    KINDS,
    LENGTHS,
    MAX_POINTS,
    Coverage,
    ModelInfo,
    OnSentence,
    Span,
    Summary,
    SummaryRequest,
    SummarySentence,
)
from models.errors import ArticleTooShort, EmptyArticle, InbriefError, UnsupportedKind

MIN_WORDS = 5
FAKE_INFO = ModelInfo(
    name="fake",
    revision="0" * 12,
    engine="fake",
    precision="none",
    device="cpu",
    kinds=KINDS,
    lengths=LENGTHS,
    languages=(),
    max_input_tokens=None,
    parameters=0,
    size_bytes=0,
    choice="There is nothing to choose.",
)
_SENTENCE = re.compile(r"[^\s.!?][^.!?]*[.!?]?")


class FakeSummariser:
    """Answers with the first sentences of the article.

    `errors` maps a marker to the error that an article which holds it gets as
    its result; `explosions` maps one to what the whole call raises. `gate`,
    when given, holds every call until it is set. `calls` keeps the batches.
    """

    def __init__(
        self,
        *,
        info: ModelInfo | None = None,
        seconds_a_call: float = 0.0,
        seconds_a_sentence: float = 0.0,
        errors: Mapping[str, InbriefError] | None = None,
        explosions: Mapping[str, Exception] | None = None,
        gate: threading.Event | None = None,
    ) -> None:
        self._info = info or FAKE_INFO
        self._seconds_a_call = seconds_a_call
        self._seconds_a_sentence = seconds_a_sentence
        self._errors = dict(errors or {})
        self._explosions = dict(explosions or {})
        self._gate = gate
        self.calls: list[list[SummaryRequest]] = []
        self.started = threading.Event()

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def articles(self) -> list[str]:
        """Every text that came to a call, in order."""
        return [request.article.text for call in self.calls for request in call]

    def estimate_tokens(self, request: SummaryRequest) -> int:
        return len(request.article.text.split()) + 1

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        self.calls.append(list(requests))
        self.started.set()
        if self._gate is not None:
            assert self._gate.wait(120), "the gate was never opened"
        if self._seconds_a_call:
            time.sleep(self._seconds_a_call)
        for request in requests:
            for marker, explosion in self._explosions.items():
                if marker in request.article.text:
                    raise explosion
        return [self._one(index, request, on_sentence) for index, request in enumerate(requests)]

    def _one(
        self, index: int, request: SummaryRequest, on_sentence: OnSentence | None
    ) -> Summary | InbriefError:
        article, options = request.article, request.options
        for marker, error in self._errors.items():
            if marker in article.text:
                return error
        words = article.text.split()
        if not words:
            return EmptyArticle("The article is empty.", field="text")
        if len(words) < MIN_WORDS:
            return ArticleTooShort(
                f"The article has {len(words)} words; the shortest that is summarised has "
                f"{MIN_WORDS}.",
                field="text",
                limit=MIN_WORDS,
            )
        if options.kind not in self._info.kinds:
            return UnsupportedKind(f"{self._info.name} does not write this.", field="kind")
        found = [match.span() for match in _SENTENCE.finditer(article.text)]
        chosen = self._within(article.text, found[: MAX_POINTS[options.length]], options.max_words)
        sentences = []
        for start, end in chosen:
            if self._seconds_a_sentence:
                time.sleep(self._seconds_a_sentence)
            sentence = SummarySentence(article.text[start:end], (Span(start, end),))
            sentences.append(sentence)
            if on_sentence is not None:
                on_sentence(index, sentence)
        bullet = "- " if options.format == "markdown" else ""
        text = "\n".join(bullet + sentence.text for sentence in sentences)
        return Summary(
            text=text,
            sentences=tuple(sentences),
            kind=options.kind,
            length=options.length,
            language=article.language or "en",
            words=sum(len(sentence.text.split()) for sentence in sentences),
            source_words=len(words),
            truncated=False,
            coverage=Coverage(len(found), len(found), tuple(range(len(sentences)))),
            model=self._info,
        )

    @staticmethod
    def _within(
        text: str, spans: Sequence[tuple[int, int]], max_words: int | None
    ) -> list[tuple[int, int]]:
        chosen: list[tuple[int, int]] = []
        words = 0
        for start, end in spans:
            words += len(text[start:end].split())
            if max_words is not None and words > max_words:
                break
            chosen.append((start, end))
        return chosen


def with_info(**changes: object) -> ModelInfo:
    """The fake's info with some fields changed."""
    return replace(FAKE_INFO, **changes)  # type: ignore[arg-type]

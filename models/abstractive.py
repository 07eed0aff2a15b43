"""A summariser over a checkpoint that reads whole articles: BART, PEGASUS, T5 and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

from models import documents, sentences, windows
from models.checkpoints import Checkpoint
from models.contract import (
    LENGTHS,
    Kind,
    ModelInfo,
    OnSentence,
    Summary,
    SummaryOptions,
    SummaryRequest,
)
from models.documents import Document
from models.engines.base import Engine
from models.errors import InbriefError, InferenceFailed
from models.generation import GenerationSettings, Hypothesis
from models.stages import stage
from models.summarising import Draft, finish, is_complete, max_sentences, require_supported
from models.texts import Tokeniser

KINDS: Final[tuple[Kind, ...]] = ("key-points", "tldr", "teaser")

# Room and floor for a sentence of news, in tokens; measured means lie near 25.
_MOST_TOKENS_A_SENTENCE: Final = 45
_LEAST_TOKENS_A_SENTENCE: Final = 12
_TOKENS_A_WORD: Final = 2
_MAX_HYPOTHESES: Final = 3
_CHARACTERS_A_TOKEN: Final = 4
# Share of words from which another hypothesis' sentence is about the same thing.
_SAME_PLACE: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Input:
    """What the encoder gets, which sentences that is, and how the decoder is to write.

    `cut`: the only sentence that is read does not fit, so its beginning is.
    """

    document: Document
    ids: list[int]
    read: tuple[int, ...]
    settings: GenerationSettings
    cut: bool = False


class _Fitted(NamedTuple):
    """Token ids within the window, and the sentences they come from."""

    ids: list[int]
    read: tuple[int, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared(SummaryRequest):
    """A request that has been read and tokenised by the summariser of `model`."""

    input: _Input | None = None
    model: ModelInfo | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """One article of a batch."""

    index: int
    request: SummaryRequest
    input: _Input


class AbstractiveSummariser:
    """Reads the whole article where it fits the encoder's window, else its most salient sentences.

    `summarise` is for one thread at a time, as the engine holds state; `prepare` may be
    called from others meanwhile.
    """

    def __init__(
        self, checkpoint: Checkpoint, tokeniser: Tokeniser, engine: Engine, name: str, choice: str
    ) -> None:
        self._checkpoint = checkpoint
        self._tokeniser = tokeniser
        self._engine = engine
        self._overhead = tokeniser.overhead()
        self._info = ModelInfo(
            name=name,
            revision=checkpoint.revision,
            engine=engine.name,
            precision=engine.precision,
            device=engine.device,
            kinds=KINDS,
            lengths=LENGTHS,
            languages=checkpoint.languages or tokeniser.languages,
            max_input_tokens=checkpoint.window,
            parameters=checkpoint.parameters,
            size_bytes=checkpoint.size_bytes,
            choice=choice,
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def default_settings(self) -> GenerationSettings:
        """What the checkpoint's own files ask for."""
        return self._checkpoint.settings

    def estimate_tokens(self, request: SummaryRequest) -> int:
        tokens = len(request.article.text) // _CHARACTERS_A_TOKEN + 1
        return min(tokens, self._checkpoint.window or tokens)

    def prepare(self, request: SummaryRequest) -> SummaryRequest:
        """Read and tokenise, so that the engine need not wait for it."""
        return _Prepared(request.article, request.options, self._input_of(request), self._info)

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        results: dict[int, Summary | InbriefError] = {}
        groups: dict[GenerationSettings, list[_Job]] = {}
        with stage("tokenise"):
            for index, request in enumerate(requests):
                try:
                    job = _Job(index, request, self._input_of(request))
                except InbriefError as error:
                    results[index] = error
                else:
                    groups.setdefault(job.input.settings, []).append(job)
        for settings, jobs in groups.items():
            with stage("decode"):  # the engine encodes as slots become free
                answers = self._generate(jobs, settings)
            with stage("verify"):
                for job, answer in zip(jobs, answers, strict=True):
                    results[job.index] = self._finish(job, answer, on_sentence)
        return [results[index] for index in range(len(requests))]

    def write(
        self, texts: Sequence[str], settings: GenerationSettings, *, truncate: bool
    ) -> list[list[tuple[str, tuple[int, ...]]]]:
        """What the network itself writes, unverified: (text, token ids) a hypothesis, best first.

        A text past the window is read by its most salient sentences, or with
        `truncate` by its beginning. Raises InferenceFailed.
        """
        inputs = [self._encode_text(text, truncate) for text in texts]
        if self._checkpoint.max_new_tokens is not None:
            settings = settings.within(self._checkpoint.max_new_tokens)
        return [
            [(self._tokeniser.decode(one.tokens), one.tokens) for one in found]
            for found in self._engine.generate(inputs, settings)
        ]

    def _encode_text(self, text: str, truncate: bool) -> list[int]:
        ids, window = self._tokeniser.encode(text), self._checkpoint.window
        if window is None or len(ids) <= window:
            return ids
        if truncate:
            return [*ids[: window - 1], ids[-1]]
        return self._fit([text[start:end] for start, end in sentences.split(text)], None).ids

    def _input_of(self, request: SummaryRequest) -> _Input:
        # Token ids of another model would be nonsense to this one.
        if isinstance(request, _Prepared) and request.model == self._info and request.input:
            return request.input
        document = documents.read(request.article)
        require_supported(self._info, request.options, document.language)
        start, forced = self._tokeniser.target(document.language)
        settings = replace(
            settings_for(self._checkpoint, request.options),
            decoder_start_id=start,
            forced_bos_id=forced,
        )
        texts = [sentence.text for sentence in document.sentences]
        fitted = self._fit(texts, document.language)
        return _Input(document, fitted.ids, fitted.read, settings, fitted.cut)

    def _fit(self, texts: Sequence[str], language: str | None) -> _Fitted:
        window = self._checkpoint.window
        everything = tuple(range(len(texts)))
        if window is None:
            return _Fitted(self._tokeniser.encode(" ".join(texts), language), everything)
        costs = self._tokeniser.count(texts)
        budget = window - self._overhead
        ranking = windows.rank(texts) if sum(costs) > budget else everything
        while True:
            read = windows.fit(costs, ranking, budget)
            ids = self._tokeniser.encode(" ".join(texts[index] for index in read), language)
            if len(ids) <= window:
                return _Fitted(ids, read)
            if len(read) == 1:  # one sentence longer than the window: its beginning is read
                return _Fitted([*ids[: window - 1], ids[-1]], read, cut=True)
            ranking = windows.rank(texts)
            budget -= len(ids) - window  # joined sentences took more tokens than their sum

    def _generate(
        self, jobs: Sequence[_Job], settings: GenerationSettings
    ) -> list[list[Hypothesis] | InbriefError]:
        try:
            return list(self._engine.generate([job.input.ids for job in jobs], settings))
        except Exception as error:  # networks of libraries raise what they like
            if len(jobs) == 1:
                return [error if isinstance(error, InferenceFailed) else self._failed(error)]
        return [answer for job in jobs for answer in self._generate([job], settings)]

    def _failed(self, error: Exception) -> InferenceFailed:
        failed = InferenceFailed(
            f"The network of {self._info.name} failed on this article ({type(error).__name__})."
        )
        failed.__cause__ = error
        return failed

    def _finish(
        self, job: _Job, answer: list[Hypothesis] | InbriefError, on_sentence: OnSentence | None
    ) -> Summary | InbriefError:
        if isinstance(answer, InbriefError):
            return answer
        texts = [sentence.text for sentence in job.input.document.sentences]
        emit = None if on_sentence is None else partial(on_sentence, job.index)
        try:
            return finish(
                drafts([self._sentences(one, job.input.document.language) for one in answer]),
                job.input.document,
                job.request.options,
                self._info,
                read_sentences=len(job.input.read),
                cut=job.input.cut,
                fallback=windows.rank(texts),
                emit=emit,
            )
        except InbriefError as error:
            return error

    def _sentences(self, hypothesis: Hypothesis, language: str) -> list[str]:
        """Whole sentences of a hypothesis; the last one is dropped where the limit cut it off."""
        text = self._tokeniser.decode(hypothesis.tokens)
        found = [text[start:end] for start, end in sentences.split(text)]
        if found and not is_complete(found[-1]):
            if hypothesis.finished:
                found[-1] += sentences.full_stop(
                    language
                )  # models trained on headlines and intros leave it out
            else:
                found.pop()
        return found


def drafts(hypotheses: Sequence[Sequence[str]]) -> list[Draft]:
    """The best hypothesis' sentences; those of the others that speak of the same stand by."""
    best, *others = hypotheses
    return [
        Draft(
            sentence,
            tuple(other for found in others for other in found if _is_alternative(other, sentence)),
        )
        for sentence in best
    ]


def settings_for(checkpoint: Checkpoint, options: SummaryOptions) -> GenerationSettings:
    """The checkpoint's own settings with token limits that fit the kind and length."""
    own = checkpoint.settings
    count = max_sentences(options)
    most = min(_MOST_TOKENS_A_SENTENCE * (count + 1), 2 * own.max_new_tokens)
    if options.max_words is not None:
        most = min(most, _TOKENS_A_WORD * options.max_words + _MOST_TOKENS_A_SENTENCE)
    least = min(_LEAST_TOKENS_A_SENTENCE * count, max(own.min_new_tokens, own.max_new_tokens // 2))
    if options.max_words is not None:
        least = min(least, options.max_words)
    settings = replace(
        own,
        max_new_tokens=most,
        min_new_tokens=min(least, most),
        hypotheses=min(own.beams, _MAX_HYPOTHESES),
    )
    if checkpoint.max_new_tokens is None:
        return settings
    return settings.within(checkpoint.max_new_tokens)


def _is_alternative(other: str, sentence: str) -> bool:
    theirs, ours = set(other.casefold().split()), set(sentence.casefold().split())
    return other != sentence and len(theirs & ours) >= _SAME_PLACE * max(len(theirs), len(ours))

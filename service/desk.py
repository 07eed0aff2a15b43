"""The way of one request below HTTP: input, checks, cache, queue, answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError

from models.contract import (
    Article,
    ModelInfo,
    Summariser,
    Summary,
    SummaryOptions,
    SummaryRequest,
    SummarySentence,
)
from models.errors import (
    Draining,
    InbriefError,
    ModelError,
    ModelNotFound,
    QueueFull,
    UnsupportedKind,
    UnsupportedLanguage,
    UnsupportedLength,
)
from models.stages import Stage
from service.answers import kept, kept_json, made, to_json
from service.cache import SummaryCache
from service.conversion import primary_tag, request_of, response_of, sentence_of
from service.identity import summary_id
from service.inputs import Given, Inputs
from service.microbatch import MicroBatcher
from service.pace import Pace
from service.places import Places
from service.problems import Problem, RequestProblem, make_problem, problem_of
from service.queue_events import DeskObserver, SilentDeskObserver
from service.schemas import SentenceResponse, SummariseRequest, SummaryResponse
from service.settings import Settings
from service.unforeseen import log_unforeseen
from service.validation import problem_of_validation
from service.waiting import Limits

OnStages = Callable[[Sequence[Stage]], None]
State = Literal["loading", "ready", "failed", "draining"]

# What the model reads before the first reader does, so that nobody waits for lazy work.
_WARM_UP: Final = (
    "The council met on Monday to discuss the plan for a new library in the old mill. Members "
    "voted nine to two in favour after a debate of three hours. Work begins in May and will take "
    "two years, the mayor said. The building will also hold a theatre and a café."
)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request that may be queued."""

    body: SummariseRequest
    given: Given
    request: SummaryRequest
    identity: str
    started: float


class Desk:
    """Takes validated requests and gives answers; one summariser, one queue, one cache.

    `admit` is asked once for a request, when it comes; what was admitted is
    finished even when a drain begins meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        inputs: Inputs,
        cache: SummaryCache,
        observer: DeskObserver | None = None,
        on_stages: OnStages = lambda stages: None,
    ) -> None:
        self._settings = settings
        self._inputs = inputs
        self._cache = cache
        self._observer: DeskObserver = observer or SilentDeskObserver()
        self._on_stages = on_stages
        self._summariser: Summariser | None = None
        self._batcher: MicroBatcher | None = None
        self._state: State = "loading"
        self.failure: InbriefError | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def info(self) -> ModelInfo | None:
        """The loaded model; None while there is none."""
        return None if self._summariser is None else self._summariser.info

    @property
    def queued_articles(self) -> int:
        return 0 if self._batcher is None else self._batcher.queued_articles

    @property
    def expected_seconds(self) -> float:
        """How long what runs and waits will take, at the speed of late."""
        return 0.0 if self._batcher is None else self._batcher.expected_seconds

    async def open(self, load: Callable[[], Summariser]) -> None:
        """Load and warm up in a thread, then take requests. A failed load stays in `failure`."""
        try:
            summariser, pace = await asyncio.to_thread(_load_and_warm, load)
        except InbriefError as error:
            self._fail(error)
            return
        except Exception as error:  # a library's own; its text may name anything
            log_unforeseen(error, "loading the model")
            self._fail(ModelError(f"The model cannot be loaded: {type(error).__name__}."))
            return
        settings = self._settings
        self._batcher = MicroBatcher(
            summariser,
            Limits(
                max_queued_articles=settings.queue_max_articles,
                max_queued_characters=settings.queue_max_characters,
                max_batch_articles=settings.inference_max_articles,
                max_batch_tokens=settings.inference_max_tokens,
                gather_seconds=settings.gather_seconds,
            ),
            self._observer,
            pace,
        )
        self._batcher.start()
        self._summariser = summariser
        self._observer.model_loaded(summariser.info)
        if self._state == "loading":
            self._state = "ready"

    def _fail(self, error: InbriefError) -> None:
        self.failure = error
        self._state = "failed"

    def drain(self) -> None:
        """Admit no new requests."""
        self._state = "draining"

    async def close(self) -> None:
        if self._batcher is not None:
            await self._batcher.stop()
        await self._cache.close()

    def admit(self) -> None:
        """Refuse unless requests are taken now.

        Raises:
            Draining: the service is stopping.
            RequestProblem: not-ready.
        """
        if self._state == "draining":
            raise Draining("The service is stopping and takes no new requests.")
        if self._state != "ready":
            raise RequestProblem(
                make_problem("not-ready", "The model is not loaded yet.", retry_after_seconds=1)
            )

    def require_room(self) -> None:
        """Refuse while the queue holds as much as it may, or as can be read in time.

        Raises:
            QueueFull: a request that came now would be refused unless it were cached.
        """
        if self._batcher is not None:
            self._batcher.require_room(self._settings.deadline_seconds)

    async def purge(self, identity: str) -> bool:
        """Forget the summary with this id; false when it was not kept.

        Raises whatever the cache's store raises: it may still be there then.
        """
        return await self._cache.purge(identity)

    async def find(self, identity: str) -> SummaryResponse | None:
        """The summary with this id, if it is still kept."""
        value = await self._cache.get(identity)
        return None if value is None else kept(value, 0.0)

    async def find_json(self, identity: str) -> bytes | None:
        """As `find`, as the JSON of the answer; nothing is parsed on the way."""
        value = await self._cache.get(identity)
        return None if value is None else kept_json(value, 0.0)

    async def summarise_json(self, body: SummariseRequest) -> bytes:
        """As `summarise`, as the JSON of the answer.

        What was there already is handed on as it lies in the cache: most
        readers ask for what others asked for.
        """
        prepared = await self._prepare(body)
        response: SummaryResponse | None = None

        async def compute() -> bytes:
            nonlocal response
            response = await self._infer(prepared, None)
            return to_json(response)

        cached = await self._cache.get_or_compute(prepared.identity, compute)
        seconds = time.monotonic() - prepared.started
        plain = prepared.given.source is None and not body.include_text
        if cached.from_cache and plain:
            return kept_json(cached.value, seconds)
        if response is None:
            response = (kept if cached.from_cache else made)(cached.value, seconds)
        response.source = prepared.given.source
        response.text = prepared.given.text if body.include_text else None
        return to_json(response)

    async def summarise(
        self,
        body: SummariseRequest,
        on_sentence: Callable[[SentenceResponse], None] | None = None,
    ) -> SummaryResponse:
        """The answer to one request. Cancelling it gives up its place in the queue.

        `on_sentence` gets every sentence in order before this returns: as they
        are verified, or all at once when they were there already.

        Raises:
            InbriefError, RequestProblem: why there is none.
        """
        return await self._answer(await self._prepare(body), on_sentence)

    async def _answer(
        self,
        prepared: _Prepared,
        on_sentence: Callable[[SentenceResponse], None] | None = None,
    ) -> SummaryResponse:
        sent = 0

        def hand_on(sentence: SummarySentence) -> None:
            nonlocal sent
            sent += 1
            if on_sentence is not None:
                on_sentence(sentence_of(sentence))

        async def compute() -> bytes:
            response = await self._infer(prepared, hand_on if on_sentence is not None else None)
            return to_json(response)

        cached = await self._cache.get_or_compute(prepared.identity, compute)
        seconds = time.monotonic() - prepared.started
        response = (kept if cached.from_cache else made)(cached.value, seconds)
        if on_sentence is not None:
            for sentence in response.sentences[sent:]:
                on_sentence(sentence)
        response.source = prepared.given.source
        response.text = prepared.given.text if prepared.body.include_text else None
        return response

    async def summarise_each(self, items: Sequence[Any]) -> list[SummaryResponse | Problem]:
        """A result for every item, in order: a bad one becomes a problem in its place.

        They do not all wait at once. One for which the queue has no room goes
        when another one of them has left it, and is refused if none is there.

        Raises:
            QueueFull: the queue had no room for any of them.
        """
        room = asyncio.Semaphore(self._settings.batch_concurrency)
        places = Places()

        async def one(item: Any) -> SummaryResponse | Problem:
            try:
                async with room:
                    prepared = await self._prepare(SummariseRequest.model_validate(item))
                    return await places.take(lambda: self._answer(prepared))
            except ValidationError as error:
                return problem_of_validation(error.errors())
            except InbriefError as error:
                return problem_of(error)
            except RequestProblem as error:
                return error.problem

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
        results = [task.result() for task in tasks]
        refusals = [one for one in results if isinstance(one, Problem) and one.slug == "queue-full"]
        if len(refusals) == len(results):
            raise QueueFull(
                "The queue had no room for any of these articles.",
                retry_after_seconds=max(one.retry_after_seconds or 1 for one in refusals),
            )
        return results

    async def _prepare(self, body: SummariseRequest) -> _Prepared:
        started = time.monotonic()
        info = self.info
        assert info is not None  # `admit` came first
        self._check_model(body, info)
        given = await self._inputs.read(body)
        request = request_of(body, given.text, given.title)
        return _Prepared(body, given, request, summary_id(request, info), started)

    def _check_model(self, body: SummariseRequest, info: ModelInfo) -> None:
        if body.model not in (None, info.name, self._settings.model):
            raise ModelNotFound(f"{info.name} is loaded here, and no other model.", field="model")
        if body.kind not in info.kinds:
            raise UnsupportedKind(f"{info.name} writes {', '.join(info.kinds)}.", field="kind")
        if body.length not in info.lengths:
            raise UnsupportedLength(
                f"{info.name} writes {', '.join(info.lengths)}.", field="length"
            )
        language = primary_tag(body.language)
        if language and info.languages and language not in info.languages:
            raise UnsupportedLanguage(
                f"{info.name} covers {', '.join(info.languages)}.", field="language"
            )

    async def _infer(
        self, prepared: _Prepared, on_sentence: Callable[[SummarySentence], None] | None
    ) -> SummaryResponse:
        assert self._batcher is not None  # `admit` came first
        finished = await self._batcher.submit(
            prepared.request,
            deadline_seconds=self._settings.deadline_seconds,
            on_sentence=on_sentence,
        )
        self._observer.summary_made(finished.summary)
        self._on_stages(finished.stages)
        return response_of(
            prepared.identity,
            finished.summary,
            prepared.request.options,
            queue_seconds=finished.queue_seconds,
            inference_seconds=finished.inference_seconds,
            total_seconds=time.monotonic() - prepared.started,
        )


def _load_and_warm(load: Callable[[], Summariser]) -> tuple[Summariser, Pace]:
    """The summariser, and how fast it reads once it is warm."""
    summariser, pace = load(), Pace()
    # Without its language, so that the detector is loaded too.
    request = SummaryRequest(Article(_WARM_UP), SummaryOptions(summariser.info.kinds[0]))
    for _ in range(2):  # only the second run has nothing left to set up
        begin = time.monotonic()
        result = summariser.summarise([request])[0]
        seconds = time.monotonic() - begin
    if isinstance(result, ModelError):
        raise result
    if isinstance(result, Summary):
        pace.note(summariser.estimate_tokens(request), seconds)
    return summariser, pace

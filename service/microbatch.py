"""Dynamic micro-batching: many callers, one bounded queue, one inference thread.

Callers await `submit`; a single task takes the oldest waiting article and the
waiting articles nearest to it in length, as many as the token budget holds
with padding, and runs them in one worker thread. While a batch runs the next
one gathers, so load makes batches large and an idle service answers at once.
(Batches by token budget, refusal at once when full and callers who left
dropped before they cost compute are as in Hugging Face's
text-embeddings-inference.) A deadline that passes is an error of the service
only while its model is stuck; behind a queue it is overload, and says when to
ask again. Where the model can, another thread reads and tokenises what waits.

Knows nothing of HTTP and nothing of networks.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from models.contract import Summariser, Summary, SummaryRequest, SummarySentence
from models.errors import DeadlineExceeded, Draining, InbriefError, InferenceFailed, QueueFull
from models.stages import Stage, listening
from service.ahead import MOST_AHEAD, Ahead
from service.jobs import Finished, Job, Run
from service.pace import Pace
from service.queue_events import Observer, Refusal, SilentObserver
from service.unforeseen import log_unforeseen
from service.waiting import Limits, WaitingRoom

THREAD_NAME: Final = "inference"
# How far the model stands behind the event loop when both want a core.
INFERENCE_NICE: Final = 5


class MicroBatcher:
    """The queue before one summariser. Use from one event loop; `start` first, `stop` last."""

    def __init__(
        self,
        summariser: Summariser,
        limits: Limits | None = None,
        observer: Observer | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`pace`: what is known of the model's speed already."""
        self._summariser = summariser
        self._gather_seconds = (limits or Limits()).gather_seconds
        self._observer: Observer = observer or SilentObserver()
        self._pace = pace or Pace()
        self._waiting: WaitingRoom[Job] = WaitingRoom(limits or Limits(), self._pace)
        self._running = Run()
        self._batch_ended = time.monotonic()
        self._stages: list[Stage] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._ahead = Ahead(summariser, _stand_back)
        self._executor = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix=THREAD_NAME, initializer=_stand_back
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def queued_articles(self) -> int:
        """How many articles wait; those that run are not counted."""
        return len(self._waiting)

    @property
    def expected_seconds(self) -> float:
        """How long what runs and waits will take, at the speed of late."""
        running = self._running.seconds_left(time.monotonic())
        return running + self._pace.seconds_for(self._waiting.tokens)

    @property
    def draining(self) -> bool:
        return self._draining

    def start(self) -> None:
        """Begin to take work; once, inside the event loop that callers will use."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="microbatch")

    async def submit(
        self,
        request: SummaryRequest,
        *,
        deadline_seconds: float,
        on_sentence: Callable[[SummarySentence], None] | None = None,
    ) -> Finished:
        """Wait for the summary of `request`; cancelling the wait gives up the place.

        `on_sentence` is called in the event loop's thread, in order, before
        this returns.

        Raises:
            QueueFull, Draining: at once; QueueFull also later, when the model has become
                too slow for what waits.
            DeadlineExceeded: after `deadline_seconds`, when the model is stuck.
            InbriefError: the summariser's own error for this article.
        """
        tokens = self._estimate(request)
        try:
            self._refuse_when_closed_or_full(tokens, len(request.article.text), deadline_seconds)
        except (QueueFull, Draining) as error:
            self._observer.refused("draining" if isinstance(error, Draining) else "queue-full")
            raise
        loop = asyncio.get_running_loop()
        job = Job(
            request, tokens, loop.create_future(), time.monotonic(), deadline_seconds, on_sentence
        )
        self._enqueue(job)
        try:
            async with asyncio.timeout(deadline_seconds):
                return await job.future
        except TimeoutError:
            passed = self._deadline_passed(job)
            self._leave(job, "queue-full" if isinstance(passed, QueueFull) else "deadline-exceeded")
            raise passed from None
        except asyncio.CancelledError:
            self._leave(job, "left")
            raise

    def require_room(self, deadline_seconds: float) -> None:
        """Refuse while an article, however short, would be refused.

        Raises:
            QueueFull, Draining: as `submit` would.
        """
        self._refuse_when_closed_or_full(0, 0, deadline_seconds)

    def drain(self) -> None:
        """Take nothing new; what was accepted is finished."""
        self._draining = True

    async def drained(self) -> None:
        """Wait until nothing waits and nothing runs."""
        await self._idle.wait()

    async def stop(self) -> None:
        """End the worker; whoever still waits gets Draining."""
        self.drain()
        abandoned = [*self._waiting.jobs, *self._running.jobs]
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for job in abandoned:
            _fail(job, Draining("The service stopped before this summary was made."))
        self._waiting.clear()
        # A batch that runs cannot be interrupted: it ends by itself, unheard.
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._ahead.close()

    def _refuse_when_closed_or_full(
        self, tokens: int, characters: int, deadline_seconds: float
    ) -> None:
        if self._draining:
            raise Draining("The service is stopping and takes no new requests.")
        self._waiting.require_room(
            tokens=tokens,
            characters=characters,
            deadline_seconds=deadline_seconds,
            running_seconds=self._running.seconds_left(time.monotonic()),
        )

    def _too_late(self, job: Job) -> QueueFull:
        return self._waiting.full(
            f"The model was too busy to make this summary within {job.deadline_seconds:g} seconds.",
            job.deadline_seconds,
            self._running.seconds_left(time.monotonic()),
        )

    def _deadline_passed(self, job: Job) -> QueueFull | DeadlineExceeded:
        """Overload, if others were served meanwhile; otherwise the model is stuck."""
        if self._batch_ended > job.submitted:
            return self._too_late(job)
        return DeadlineExceeded(
            f"The summary was not ready within {job.deadline_seconds:g} seconds.",
            limit=job.deadline_seconds,
        )

    def _estimate(self, request: SummaryRequest) -> int:
        try:
            return max(1, self._summariser.estimate_tokens(request))
        except Exception as error:  # the run will say what is wrong with this article
            log_unforeseen(error, "estimate_tokens")
            return len(request.article.text) + 1

    def _enqueue(self, job: Job) -> None:
        self._waiting.add(job)
        self._prepare_ahead()
        self._idle.clear()
        self._arrived.set()
        self._note_depth()

    def _prepare_ahead(self) -> None:
        """Those whose turn is near; what has been prepared takes room."""
        for job in self._waiting.jobs[:MOST_AHEAD]:
            if job.ready is None:
                job.ready = self._ahead.start(job.request)

    def _note_depth(self) -> None:
        self._observer.queue_changed(len(self._waiting), self._waiting.characters)

    def _leave(self, job: Job, reason: Refusal) -> None:
        job.future.cancel()
        if job.ready is not None:
            job.ready.drop()
        self._observer.refused(reason)
        if job in self._waiting:
            self._waiting.remove([job])
            self._note_depth()
            self._note_idle()

    def _note_idle(self) -> None:
        if not self._waiting:
            self._arrived.clear()
            if not self._running.jobs:
                self._idle.set()

    async def _work(self) -> None:
        was_idle = True
        while True:
            await self._arrived.wait()
            if was_idle:
                await asyncio.sleep(self._gather_seconds)
            batch: list[Job] = []
            try:
                batch = self._next_batch(let_late_go=not was_idle)
                if batch:
                    await self._run(batch)
            except Exception as error:  # no batch may end the worker
                log_unforeseen(error, "a batch")
                for job in batch:
                    _fail(job, InferenceFailed("The model failed on this article."))
            was_idle = not self._waiting
            self._note_idle()

    def _next_batch(self, *, let_late_go: bool) -> list[Job]:
        now = time.monotonic()
        # Not of those who found an idle model: were it thought too slow for everybody, nobody
        # could prove the contrary.
        for job in self._waiting.take_late(now) if let_late_go else ():
            _fail(job, self._too_late(job))
            self._observer.refused("queue-full")
        batch = self._waiting.take_batch(now)
        self._prepare_ahead()
        tokens = sum(job.tokens for job in batch)
        self._running = Run(batch, now, self._pace.seconds_for(tokens))
        self._note_depth()
        return batch

    async def _run(self, batch: list[Job]) -> None:
        started = time.monotonic()
        self._stages.clear()
        for job in batch:
            self._observer.waited(started - job.submitted)
        try:
            results = await self._infer(batch)
        finally:
            self._running = Run()
            self._batch_ended = time.monotonic()
        seconds = time.monotonic() - started
        stages_of_batch = (Stage("inference", started, seconds), *self._stages)
        for job, result in zip(batch, results, strict=True):
            if isinstance(result, InbriefError):
                _fail(job, result)
            elif not job.future.done():
                waited = started - job.submitted
                stages = (Stage("queue", job.submitted, waited), *stages_of_batch)
                job.future.set_result(Finished(result, waited, seconds, stages))
        tokens = [job.tokens for job in batch]
        self._learn(tokens, results, seconds)
        # Last: whatever an observer does, the callers have their answers.
        self._observer.batch_ran(len(batch), sum(tokens), max(tokens) * len(batch), seconds)

    def _learn(
        self, tokens: Sequence[int], results: Sequence[Summary | InbriefError], seconds: float
    ) -> None:
        """What is refused by its first look costs nothing and says nothing of the model's speed."""
        read = [n for n, one in zip(tokens, results, strict=True) if isinstance(one, Summary)]
        if read:
            self._pace.note(sum(read), seconds)

    async def _infer(self, batch: list[Job]) -> Sequence[Summary | InbriefError]:
        """Results in order. A batch that fails as a whole is run again one by one."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._summarise, batch, loop)
        except Exception as error:
            log_unforeseen(error, "summarise")
        if len(batch) == 1:
            return [InferenceFailed("The model failed on this article.")]
        results: list[Summary | InbriefError] = []
        for job in batch:
            if job.future.done():
                results.append(InferenceFailed("Nobody waits for this article any more."))
            else:
                results += await self._infer([job])
        return results

    def _summarise(
        self, batch: Sequence[Job], loop: asyncio.AbstractEventLoop
    ) -> Sequence[Summary | InbriefError]:
        """In the inference thread."""
        counts = [0] * len(batch)

        def hand_on(index: int, sentence: SummarySentence) -> None:
            job = batch[index]
            counts[index] += 1
            if job.on_sentence is not None and counts[index] > job.sentences_sent:
                job.sentences_sent = counts[index]
                loop.call_soon_threadsafe(_call, job, sentence)

        streamed = any(job.on_sentence is not None for job in batch)
        with listening(self._stages.append):
            results = self._summariser.summarise(
                [job.ready_request() for job in batch], hand_on if streamed else None
            )
        if len(results) != len(batch):
            raise InferenceFailed(f"{len(results)} results for {len(batch)} articles.")
        return results


def _stand_back() -> None:
    """Let the event loop's thread go first.

    An answer from the cache costs it half a millisecond, which must not queue
    for a core behind a batch. Threads that the model starts from this one
    inherit the priority. Only Linux has one for each thread.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(19, nice + INFERENCE_NICE))


def _call(job: Job, sentence: SummarySentence) -> None:
    if job.on_sentence is not None and not job.future.done():
        job.on_sentence(sentence)


def _fail(job: Job, error: InbriefError) -> None:
    if not job.future.done():
        job.future.set_exception(error)

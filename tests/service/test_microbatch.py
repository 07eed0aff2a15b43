"""The queue before a model: what waits, what runs together, who is refused, who is dropped."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Article, Summary, SummaryRequest, SummarySentence
from models.errors import (
    DeadlineExceeded,
    Draining,
    InferenceFailed,
    NotAnArticle,
    QueueFull,
)
from service.jobs import Finished
from service.microbatch import MicroBatcher
from service.pace import Pace
from service.queue_events import Refusal, SilentObserver
from service.waiting import Limits
from tests.fakes import FakeSummariser

LONG = 600.0


def request(words: int = 20, marker: str = "word") -> SummaryRequest:
    return SummaryRequest(Article(f"{marker} " + "word " * (words - 1)))


@asynccontextmanager
async def batcher(
    summariser: FakeSummariser,
    observer: SilentObserver | None = None,
    pace: Pace | None = None,
    **limits: Any,
) -> AsyncIterator[MicroBatcher]:
    found = MicroBatcher(summariser, Limits(**limits), observer, pace)
    found.start()
    try:
        yield found
    finally:
        await found.stop()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 120))


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not condition():
            await asyncio.sleep(0.002)


async def submit(queue: MicroBatcher, what: SummaryRequest, seconds: float = LONG) -> Finished:
    return await queue.submit(what, deadline_seconds=seconds)


class Turnstile(threading.Event):
    """A gate that can also let a single call through."""

    def __init__(self) -> None:
        super().__init__()
        self._one = threading.Semaphore(0)

    def let_one_through(self) -> None:
        self._one.release()

    def wait(self, timeout: float | None = None) -> bool:
        end = time.monotonic() + (timeout or 120)
        while time.monotonic() < end:
            if self.is_set() or self._one.acquire(timeout=0.01):
                return True
        return False


class Blocked:
    """A summariser that is busy with one article until it is let go."""

    def __init__(self, **arguments: Any) -> None:
        self.gate = Turnstile()
        self.summariser = FakeSummariser(gate=self.gate, **arguments)

    async def occupy(self, queue: MicroBatcher) -> asyncio.Task[Finished]:
        task = asyncio.create_task(submit(queue, request(marker="first")))
        await wait_for(self.summariser.started.is_set)
        return task


def test_each_item_of_a_batch_equals_the_single_answer() -> None:
    requests = [request(words) for words in (5, 30, 7, 200, 30)]

    async def test() -> None:
        async with batcher(FakeSummariser()) as queue:
            together = await asyncio.gather(*(submit(queue, one) for one in requests))
        async with batcher(FakeSummariser(), max_batch_articles=1) as queue:
            alone = await asyncio.gather(*(submit(queue, one) for one in requests))
        assert [one.summary for one in together] == [one.summary for one in alone]

    run(test)


def test_what_waits_while_a_batch_runs_is_the_next_batch() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            others = [asyncio.create_task(submit(queue, request())) for _ in range(5)]
            await wait_for(lambda: queue.queued_articles == 5)
            blocked.gate.set()
            await asyncio.gather(first, *others)
        assert [len(call) for call in blocked.summariser.calls] == [1, 5]

    run(test)


def test_batches_keep_the_token_budget_with_padding_and_the_oldest_goes_first() -> None:
    blocked = Blocked()
    sizes = [500, 20, 480, 30, 2000, 25, 490, 10]

    async def test() -> None:
        async with batcher(blocked.summariser, max_batch_tokens=1600) as queue:
            first = await blocked.occupy(queue)
            others = []
            for size in sizes:
                others.append(asyncio.create_task(submit(queue, request(size))))
                await asyncio.sleep(0)
            await wait_for(lambda: queue.queued_articles == len(sizes))
            blocked.gate.set()
            await asyncio.gather(first, *others)

    run(test)
    batches = [
        [len(one.article.text.split()) for one in call] for call in blocked.summariser.calls[1:]
    ]
    # The oldest (500) takes those near it; the oldest left (20) takes its own kind; a
    # text over the whole budget runs alone.
    assert batches == [[500, 490, 480], [20, 25, 30, 10], [2000]]


def test_a_full_queue_refuses_at_once() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser, max_queued_articles=2) as queue:
            first = await blocked.occupy(queue)
            others = [asyncio.create_task(submit(queue, request())) for _ in range(2)]
            await wait_for(lambda: queue.queued_articles == 2)
            with pytest.raises(QueueFull) as caught:
                await submit(queue, request())
            assert caught.value.limit == 2
            assert caught.value.retry_after_seconds >= 1
            blocked.gate.set()
            await asyncio.gather(first, *others)
            await submit(queue, request())

    run(test)


def test_the_queue_is_bounded_in_characters_too() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser, max_queued_characters=1000) as queue:
            first = await blocked.occupy(queue)
            second = asyncio.create_task(submit(queue, request(1000)))
            await wait_for(lambda: queue.queued_articles == 1)
            with pytest.raises(QueueFull):
                await submit(queue, request(5))
            blocked.gate.set()
            await asyncio.gather(first, second)

    run(test)


def test_a_refusal_says_when_the_queue_will_have_moved() -> None:
    blocked = Blocked(seconds_a_call=0.2)

    async def test() -> None:
        async with batcher(
            blocked.summariser, max_queued_articles=40, max_batch_articles=1
        ) as queue:
            blocked.gate.set()
            await submit(queue, request())  # from now on the speed is known
            blocked.gate.clear()
            blocked.summariser.started.clear()
            tasks = [await blocked.occupy(queue)]
            tasks += [asyncio.create_task(submit(queue, request())) for _ in range(40)]
            await wait_for(lambda: queue.queued_articles == 40)
            with pytest.raises(QueueFull) as caught:
                await submit(queue, request())
            # 40 articles at 0.3 of 0.2 s each, at least.
            assert 2 < caught.value.retry_after_seconds <= 60
            blocked.gate.set()
            for task in tasks:
                task.cancel()

    run(test)


def test_a_deadline_passes_while_waiting_and_costs_no_compute() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            with pytest.raises(DeadlineExceeded, match=r"0\.05 seconds") as caught:
                await submit(queue, request(marker="late"), seconds=0.05)
            assert caught.value.limit == 0.05
            assert queue.queued_articles == 0
            blocked.gate.set()
            await first
            await queue.drained()
        assert not any("late" in text for text in blocked.summariser.articles)

    run(test)


def test_a_deadline_passes_while_running() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            with pytest.raises(DeadlineExceeded):
                await submit(queue, request(), seconds=0.05)
            blocked.gate.set()
            assert (await submit(queue, request())).summary.words

    run(test)


def test_a_caller_who_left_is_dropped_before_it_costs_compute() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            gone = asyncio.create_task(submit(queue, request(marker="gone")))
            stays = asyncio.create_task(submit(queue, request(marker="stays")))
            await wait_for(lambda: queue.queued_articles == 2)
            gone.cancel()
            await wait_for(lambda: queue.queued_articles == 1)
            blocked.gate.set()
            await asyncio.gather(first, stays)
        articles = " ".join(blocked.summariser.articles)
        assert "stays" in articles
        assert "gone" not in articles

    run(test)


def test_a_caller_who_leaves_a_running_batch_harms_nobody() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            first.cancel()
            later = asyncio.create_task(submit(queue, request()))
            await asyncio.sleep(0)
            blocked.gate.set()
            assert (await later).summary.words
            with pytest.raises(asyncio.CancelledError):
                await first

    run(test)


def test_one_bad_article_gets_its_own_error() -> None:
    error = NotAnArticle("This is a menu.")

    async def test() -> None:
        async with batcher(FakeSummariser(errors={"MENU": error})) as queue:
            results = await asyncio.gather(
                *(submit(queue, request(marker=one)) for one in ("a", "MENU", "b")),
                return_exceptions=True,
            )
        assert results[1] is error
        assert all(isinstance(results[index], Finished) for index in (0, 2))

    run(test)


def test_a_batch_that_fails_as_a_whole_fails_only_its_culprit() -> None:
    summariser = FakeSummariser(explosions={"BOOM": RuntimeError("boom")})

    async def test() -> None:
        async with batcher(summariser) as queue:
            for _ in range(2):  # the worker is alive after it
                results = await asyncio.gather(
                    *(submit(queue, request(marker=one)) for one in ("a", "BOOM", "b")),
                    return_exceptions=True,
                )
                assert isinstance(results[1], InferenceFailed)
                assert all(isinstance(results[index], Finished) for index in (0, 2))

    run(test)


class Forgetful(FakeSummariser):
    """Breaks the promise of one result a request."""

    def summarise(self, requests: Any, on_sentence: Any = None) -> list[Any]:
        return super().summarise(requests, on_sentence)[1:]


def test_a_missing_result_is_an_error_and_not_a_hanging_caller() -> None:
    async def test() -> None:
        async with batcher(Forgetful()) as queue:
            with pytest.raises(InferenceFailed):
                await submit(queue, request())

    run(test)


class Miscounting(FakeSummariser):
    def estimate_tokens(self, request: SummaryRequest) -> int:
        raise ValueError("cannot count")


def test_an_estimate_that_fails_costs_no_answer() -> None:
    async def test() -> None:
        async with batcher(Miscounting()) as queue:
            assert (await submit(queue, request())).summary.words

    run(test)


class BrokenObserver(SilentObserver):
    def batch_ran(self, *numbers: float) -> None:
        raise ValueError("broken")


def test_a_broken_observer_does_not_end_the_worker() -> None:
    async def test() -> None:
        async with batcher(FakeSummariser(), BrokenObserver()) as queue:
            for _ in range(2):
                assert (await submit(queue, request())).summary.words

    run(test)


def test_sentences_arrive_in_order_before_the_summary() -> None:
    seen: list[SummarySentence] = []

    async def test() -> None:
        text = "One is the first sentence. Two is the second sentence. Three is the third."
        async with batcher(FakeSummariser()) as queue:
            finished = await queue.submit(
                SummaryRequest(Article(text)), deadline_seconds=LONG, on_sentence=seen.append
            )
        assert tuple(seen) == finished.summary.sentences
        assert len(seen) == 3

    run(test)


class FailsAfterSpeaking(FakeSummariser):
    """Streams the whole batch, then raises; alone it works."""

    def summarise(self, requests: Any, on_sentence: Any = None) -> list[Any]:
        results = super().summarise(requests, on_sentence)
        if len(requests) > 1:
            raise RuntimeError("out of memory")
        return results


def test_a_second_run_repeats_no_sentence() -> None:
    blocked = threading.Event()
    summariser = FailsAfterSpeaking(gate=blocked)
    seen: list[SummarySentence] = []

    async def test() -> None:
        async with batcher(summariser) as queue:
            streamed = asyncio.create_task(
                queue.submit(request(), deadline_seconds=LONG, on_sentence=seen.append)
            )
            other = asyncio.create_task(submit(queue, request()))
            blocked.set()
            finished, _ = await asyncio.gather(streamed, other)
        assert tuple(seen) == finished.summary.sentences

    run(test)


def test_a_drain_finishes_what_was_accepted_and_refuses_the_rest() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            second = asyncio.create_task(submit(queue, request()))
            await wait_for(lambda: queue.queued_articles == 1)
            queue.drain()
            with pytest.raises(Draining):
                await submit(queue, request())
            blocked.gate.set()
            await queue.drained()
            assert isinstance((await first).summary, Summary)
            assert isinstance((await second).summary, Summary)

    run(test)


def test_a_stop_answers_everybody_who_waits() -> None:
    blocked = Blocked()

    async def test() -> None:
        async with batcher(blocked.summariser) as queue:
            first = await blocked.occupy(queue)
            second = asyncio.create_task(submit(queue, request()))
            await wait_for(lambda: queue.queued_articles == 1)
            await queue.stop()
            for task in (first, second):
                with pytest.raises(Draining):
                    await task
            blocked.gate.set()

    run(test)


class Recorder(SilentObserver):
    def __init__(self) -> None:
        self.depths: list[int] = []
        self.batches: list[tuple[int, int, int]] = []
        self.refusals: list[Refusal] = []
        self.waits: list[float] = []

    def queue_changed(self, articles: int, characters: int) -> None:
        self.depths.append(articles)

    def batch_ran(
        self, articles: int, tokens: int, padded_tokens: int, inference_seconds: float
    ) -> None:
        self.batches.append((articles, tokens, padded_tokens))

    def waited(self, queue_seconds: float) -> None:
        self.waits.append(queue_seconds)

    def refused(self, reason: Refusal) -> None:
        self.refusals.append(reason)


def test_the_observer_is_told_what_happens() -> None:
    blocked, recorder = Blocked(), Recorder()

    async def test() -> None:
        async with batcher(blocked.summariser, recorder, max_queued_articles=2) as queue:
            first = await blocked.occupy(queue)
            others = [asyncio.create_task(submit(queue, request(n))) for n in (10, 20)]
            await wait_for(lambda: queue.queued_articles == 2)
            with pytest.raises(QueueFull):
                await submit(queue, request())
            blocked.gate.set()
            await asyncio.gather(first, *others)
            with pytest.raises(DeadlineExceeded):
                await submit(queue, request(), seconds=0)

    run(test)
    assert recorder.batches == [(1, 21, 21), (2, 11 + 21, 42)]
    assert recorder.refusals == ["queue-full", "deadline-exceeded"]
    assert max(recorder.depths) == 2
    assert recorder.depths[-1] == 0
    assert len(recorder.waits) == 3


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=25),
    budget=st.integers(1, 400),
    articles=st.integers(1, 8),
    leaving=st.sets(st.integers(0, 24)),
)
def test_everybody_gets_an_answer_and_every_batch_keeps_the_bounds(
    sizes: list[int], budget: int, articles: int, leaving: set[int]
) -> None:
    summariser = FakeSummariser()

    async def test() -> None:
        async with batcher(
            summariser, max_batch_tokens=budget, max_batch_articles=articles, gather_seconds=0
        ) as queue:
            tasks = [asyncio.create_task(submit(queue, request(n, f"m{n}"))) for n in sizes]
            await asyncio.sleep(0)
            for index, task in enumerate(tasks):
                if index in leaving:
                    task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await queue.drained()
        for index, (size, result) in enumerate(zip(sizes, results, strict=True)):
            if index in leaving:
                assert isinstance(result, asyncio.CancelledError)
            elif size < 5:
                assert isinstance(result, Exception)
            else:
                assert isinstance(result, Finished)
                assert result.summary.text.startswith(f"m{size} ")

    run(test)
    for call in summariser.calls:
        tokens = [summariser.estimate_tokens(one) for one in call]
        assert len(tokens) <= articles
        assert len(tokens) == 1 or max(tokens) * len(tokens) <= budget


def test_who_cannot_be_served_in_time_is_refused_at_once() -> None:
    """At 0.1 s an article, 30 that wait take longer than the second that a reader has."""

    async def test() -> None:
        slow = FakeSummariser(seconds_a_call=0.1)
        async with batcher(slow, max_batch_articles=1, gather_seconds=0) as queue:
            for _ in range(20):  # until the queue knows its own speed
                await submit(queue, request())
            patient = [asyncio.create_task(submit(queue, request())) for _ in range(30)]
            await asyncio.sleep(0)
            with pytest.raises(QueueFull, match=r"not be ready within 1\.") as refused:
                await submit(queue, request(), seconds=1.0)
            assert refused.value.retry_after_seconds >= 2
            assert len(await asyncio.gather(*patient)) == 30
            queue.require_room(1.0)
            await submit(queue, request())

    run(test)


def test_a_deadline_that_passes_behind_others_is_overload_and_not_an_error() -> None:
    """The first batch ends, the second hangs: whoever waits for the third asks again later."""

    async def test() -> None:
        blocked, recorder = Blocked(), Recorder()
        limits: dict[str, Any] = {"max_batch_articles": 1, "gather_seconds": 0}
        async with batcher(blocked.summariser, recorder, **limits) as queue:
            first = await blocked.occupy(queue)
            hanging = asyncio.create_task(submit(queue, request(marker="hanging")))
            waiting = asyncio.create_task(submit(queue, request(marker="late"), seconds=3.0))
            await wait_for(lambda: queue.queued_articles == 2)
            blocked.gate.let_one_through()
            await first
            with pytest.raises(QueueFull, match="too busy") as refused:
                await waiting
            assert refused.value.retry_after_seconds >= 1
            assert queue.queued_articles == 0
            blocked.gate.set()
            await hanging
        assert recorder.refusals == ["queue-full"]
        assert not any("late" in text for text in blocked.summariser.articles)

    run(test)


def test_a_deadline_that_passes_after_a_wait_behind_others_is_overload_too() -> None:
    async def test() -> None:
        blocked = Blocked()
        async with batcher(blocked.summariser, max_batch_articles=1, gather_seconds=0) as queue:
            first = await blocked.occupy(queue)
            hanging = asyncio.create_task(submit(queue, request(marker="hanging"), seconds=3.0))
            await wait_for(lambda: queue.queued_articles == 1)
            blocked.gate.let_one_through()
            await first
            with pytest.raises(QueueFull):
                await hanging
            blocked.gate.set()

    run(test)


def test_who_cannot_be_ready_any_more_is_told_before_the_deadline() -> None:
    """The model was fast, and is slow now: it is not for those who wait to find out."""

    async def test() -> None:
        pace = Pace()
        pace.note(210, 0.5)  # 0.05 s an article
        slow = FakeSummariser(seconds_a_call=0.5)
        recorder = Recorder()
        limits = {"max_batch_articles": 1, "gather_seconds": 0}
        async with batcher(slow, recorder, pace=pace, **limits) as queue:
            waiting = [
                asyncio.create_task(submit(queue, request(), seconds=12.0)) for _ in range(60)
            ]
            results = await asyncio.gather(*waiting, return_exceptions=True)
        served = sum(isinstance(result, Finished) for result in results)
        refused = [result for result in results if isinstance(result, QueueFull)]
        assert served >= 5
        assert len(refused) == 60 - served > 0  # and nobody waited until the deadline
        assert recorder.refusals == ["queue-full"] * len(refused)

    run(test)


def test_articles_that_are_refused_at_first_sight_make_no_model_fast() -> None:
    async def test() -> None:
        pace = Pace()
        pace.note(100, 1.0)
        menu = FakeSummariser(errors={"MENU": NotAnArticle("This is a menu.")})
        async with batcher(menu, pace=pace) as queue:
            for _ in range(20):
                with pytest.raises(NotAnArticle):
                    await submit(queue, request(marker="MENU"))
            assert pace.seconds_for(100) == pytest.approx(1.0)
            while pace.seconds_for(100) >= 0.5:
                await submit(queue, request())

    run(test)


def test_whether_there_is_room_can_be_asked_without_asking_for_anything() -> None:
    async def test() -> None:
        blocked, recorder = Blocked(), Recorder()
        pace = Pace()
        pace.note(21, 1.0)
        async with batcher(blocked.summariser, recorder, pace=pace) as queue:
            queue.require_room(10.0)
            first = await blocked.occupy(queue)
            others = [asyncio.create_task(submit(queue, request())) for _ in range(5)]
            await wait_for(lambda: queue.queued_articles == 5)
            queue.require_room(30.0)
            with pytest.raises(QueueFull):
                queue.require_room(5.0)
            assert recorder.refusals == []
            blocked.gate.set()
            await asyncio.gather(first, *others)
            queue.require_room(5.0)
            queue.drain()
            with pytest.raises(Draining):
                queue.require_room(5.0)

    run(test)


def test_a_model_that_was_slow_once_is_tried_again() -> None:
    async def test() -> None:
        pace = Pace()
        pace.note(21, 600.0)
        async with batcher(FakeSummariser(), pace=pace) as queue:
            while pace.seconds_for(21) >= 0.1:
                await submit(queue, request(), seconds=60.0)

    run(test)

"""Who may wait, what is taken from those who do, and that everybody is ready in time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import QueueFull
from service.pace import Pace
from service.waiting import MAX_RETRY_AFTER_SECONDS, Limits, WaitingRoom


@dataclass(eq=False)
class Job:
    tokens: int = 10
    characters: int = 20
    submitted: float = 0.0
    deadline_seconds: float = 30.0


def pace_of(seconds_a_token: float) -> Pace:
    pace = Pace()
    pace.note(1000, 1000 * seconds_a_token)
    return pace


def room(waiting: int = 0, seconds_a_token: float = 0.0, **limits: int) -> WaitingRoom[Job]:
    found: WaitingRoom[Job] = WaitingRoom(Limits(**limits), pace_of(seconds_a_token))
    for _ in range(waiting):
        found.add(Job())
    return found


def ask(
    waiting: WaitingRoom[Job],
    *,
    tokens: int = 10,
    characters: int = 20,
    deadline_seconds: float = 30.0,
    running_seconds: float = 0.0,
) -> None:
    waiting.require_room(
        tokens=tokens,
        characters=characters,
        deadline_seconds=deadline_seconds,
        running_seconds=running_seconds,
    )


def test_a_room_of_unknown_speed_takes_as_many_as_it_holds() -> None:
    with pytest.raises(QueueFull, match="256 articles are waiting") as refused:
        ask(room(256))
    assert refused.value.retry_after_seconds == 1
    ask(room(255), running_seconds=1.0)


def test_half_of_a_deadline_is_promised_and_no_more() -> None:
    """At 10 ms a token, ten tokens an article: a tenth of a second each."""
    ask(room(148, 0.01), running_seconds=0.09)
    with pytest.raises(QueueFull, match=r"would take 15 seconds.* within 30") as refused:
        ask(room(148, 0.01), running_seconds=0.2)
    assert refused.value.limit == 30.0
    assert refused.value.retry_after_seconds == 15


def test_tokens_count_and_not_articles() -> None:
    ask(room(10, 0.01), tokens=1390)
    with pytest.raises(QueueFull):
        ask(room(10, 0.01), tokens=1410)


def test_behind_a_batch_that_does_not_end_nobody_waits() -> None:
    with pytest.raises(QueueFull) as refused:
        ask(room(0, 0.001), running_seconds=15.1)
    assert refused.value.retry_after_seconds == 16


def test_an_idle_model_takes_whatever_comes_however_slow_it_was() -> None:
    ask(room(0, 60.0), tokens=5000, deadline_seconds=1.0)


def test_how_long_to_stay_away_is_bounded() -> None:
    with pytest.raises(QueueFull) as refused:
        ask(room(40, 60.0))
    assert refused.value.retry_after_seconds == MAX_RETRY_AFTER_SECONDS


def test_characters_are_counted_as_articles_come_and_go() -> None:
    waiting = room(max_queued_characters=1000)
    ask(waiting, characters=5000)  # alone, however long
    long, short = Job(300, 900), Job(20, 50)
    waiting.add(long)
    waiting.add(short)
    assert (waiting.characters, waiting.tokens) == (950, 320)
    ask(waiting, characters=50)
    with pytest.raises(QueueFull, match="1000 characters"):
        ask(waiting, characters=51)
    waiting.remove([long])
    assert (waiting.characters, len(waiting), short in waiting, long in waiting) == (
        50, 1, True, False,
    )  # fmt: skip
    assert waiting.take_batch(0.0) == [short]
    assert waiting.take_batch(0.0) == []
    assert (waiting.characters, waiting.tokens) == (0, 0)
    waiting.add(long)
    waiting.clear()
    assert (waiting.characters, waiting.tokens, len(waiting)) == (0, 0, 0)


def test_who_came_much_later_overtakes_nobody() -> None:
    waiting = room(max_batch_articles=2)
    oldest = Job(100, submitted=0.0)
    other = Job(900, submitted=1.0)
    alike = Job(110, submitted=2.9)
    late = Job(100, submitted=3.1)  # a tenth of 30 s is 3
    for job in (oldest, other, alike, late):
        waiting.add(job)
    assert waiting.take_batch(4.0) == [oldest, alike]
    assert waiting.take_batch(4.0) == [other, late]


def test_a_batch_is_no_longer_than_its_oldest_can_wait() -> None:
    """0.1 s an article: with 30 s left all twenty go, with 2 s left as many as take one."""
    fresh, hurried = room(20, 0.01), room(20, 0.01)
    assert len(fresh.take_batch(0.0)) == 20
    assert len(hurried.take_batch(28.0)) == 10


def test_who_cannot_be_ready_any_more_is_let_go_and_no_one_else() -> None:
    """0.08 s an article, a quarter more to be safe: of fifty with 2 s left twenty can be ready."""
    waiting = room(50, 0.008)
    fresh = Job(submitted=20.0)
    waiting.add(fresh)
    assert len(waiting.take_late(27.95)) == 30
    assert len(waiting) == 21
    assert fresh in waiting
    assert waiting.take_late(27.95) == []


def test_nobody_is_kept_who_would_wait_in_vain() -> None:
    waiting = room(3, 60.0)
    assert len(waiting.take_late(1.0)) == 3
    assert (len(waiting), waiting.tokens, waiting.characters) == (0, 0, 0)
    assert room().take_late(1.0) == []


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    overload=st.sampled_from([3.0, 10.0]),
    slower=st.sampled_from([1.0, 1.0, 1.6]),
    lengths=st.sampled_from([(300, 300), (60, 1000), (200, 400)]),
)
def test_under_overload_whoever_is_accepted_is_ready_in_time(
    seed: int, overload: float, slower: float, lengths: tuple[int, int]
) -> None:
    """Two minutes of a model that reads 5,000 tokens a second, then becomes slower.

    Its batches vary by a tenth; articles come all at once and then at random.
    """
    dice = random.Random(seed)
    pace = pace_of(1 / 5000)
    waiting: WaitingRoom[Job] = WaitingRoom(Limits(max_queued_articles=10_000), pace)
    mean = sum(lengths) / 2
    arrivals = [0.0] * 400
    while arrivals[-1] < 120:
        arrivals.append(arrivals[-1] + dice.expovariate(overload * 5000 / mean))
    heapq.heapify(arrivals)
    now, refused, ready, late = 0.0, 0, 0, 0
    began, expected = 0.0, 0.0

    def let_in(until: float, running: bool) -> int:
        refusals = 0
        while arrivals and arrivals[0] <= until:
            at = heapq.heappop(arrivals)
            tokens = dice.randint(*lengths)
            left = abs(began + expected - at) if running else 0.0
            try:
                ask(waiting, tokens=tokens, running_seconds=left)
            except QueueFull:
                refusals += 1
            else:
                waiting.add(Job(tokens, 20, at))
        return refusals

    while arrivals or len(waiting):
        if not len(waiting):
            now = max(now, arrivals[0])
            refused += let_in(now, running=False)
        late += len(waiting.take_late(now))
        batch = waiting.take_batch(now)
        tokens = sum(job.tokens for job in batch)
        speed = 5000 / (slower if now > 60 else 1.0)
        seconds = tokens / speed * dice.uniform(0.9, 1.1)
        began, expected = now, pace.seconds_for(tokens)
        refused += let_in(now + seconds, running=True)
        now += seconds
        pace.note(tokens, seconds)
        ready += len(batch)
        assert all(now <= job.submitted + job.deadline_seconds for job in batch)
    # Of a model that slows down a few are told so; nobody is while it keeps its speed.
    assert late <= (0 if slower == 1.0 else ready / 50)
    assert refused > ready  # at three times what can be read
    assert ready * mean > 0.8 * 120 * 5000 / slower  # the model was kept busy

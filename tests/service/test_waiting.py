"""Who may wait, and what is taken from those who do."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from models.contract import Article, SummaryRequest
from models.errors import QueueFull
from service.waiting import MAX_RETRY_AFTER_SECONDS, Limits, WaitingRoom


@dataclass
class Job:
    request: SummaryRequest
    tokens: int = 10


def request(characters: int = 20) -> SummaryRequest:
    return SummaryRequest(Article("x" * characters))


def room(waiting: int = 0, **limits: int) -> WaitingRoom[Job]:
    found: WaitingRoom[Job] = WaitingRoom(Limits(**limits))
    for _ in range(waiting):
        found.add(Job(request()))
    return found


def test_a_room_of_unknown_speed_takes_as_many_as_it_holds() -> None:
    full = room(256)
    with pytest.raises(QueueFull, match="256 articles are waiting") as refused:
        full.require_room(request(), 30.0, 0)
    assert refused.value.retry_after_seconds == 1
    room(255).require_room(request(), 30.0, 32)


def test_who_would_not_be_served_in_time_is_refused_with_what_runs_counted() -> None:
    """A quarter of a second an article and a deadline of 30 s: 89 may be before the 90th."""
    waiting = room(80)
    for _ in range(50):
        waiting.note_speed(8, 2.0)
    waiting.require_room(request(), 30.0, 9)
    with pytest.raises(QueueFull, match="90 articles are before this one") as refused:
        waiting.require_room(request(), 30.0, 10)
    assert refused.value.limit == 30.0
    assert refused.value.retry_after_seconds == 20


def test_a_short_queue_refuses_nobody_however_slow_the_start_was() -> None:
    waiting = room(31)
    waiting.note_speed(1, 600.0)
    waiting.require_room(request(), 1.0, 32)


def test_how_long_to_stay_away_is_bounded() -> None:
    waiting = room(40)
    waiting.note_speed(1, 600.0)
    with pytest.raises(QueueFull) as refused:
        waiting.require_room(request(), 1.0, 0)
    assert refused.value.retry_after_seconds == MAX_RETRY_AFTER_SECONDS


def test_characters_are_counted_as_articles_come_and_go() -> None:
    waiting = room(max_queued_characters=1000)
    waiting.require_room(request(5000), 30.0, 0)  # alone, however long
    long, short = Job(request(900), tokens=300), Job(request(50), tokens=20)
    waiting.add(long)
    waiting.add(short)
    assert waiting.characters == 950
    waiting.require_room(request(50), 30.0, 0)
    with pytest.raises(QueueFull, match="1000 characters"):
        waiting.require_room(request(51), 30.0, 0)
    waiting.remove([long])
    assert (waiting.characters, len(waiting), short in waiting, long in waiting) == (
        50, 1, True, False,
    )  # fmt: skip
    assert waiting.take_batch() == [short]
    assert waiting.take_batch() == []
    assert waiting.characters == 0

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

import pytest

from eval.connections import Answer
from eval.readers import Articles, Phase, quantiles, read_and_think, read_without_rest

TEXTS = ["The ferry was late on Monday. Nobody was hurt. The company said sorry for it."]


CLIENTS = 4


class Answers:
    """A service that answers an article it knows from its cache and refuses every third one.

    After `most` requests it answers nothing more, so that a test ends when all
    readers wait (`done`), however busy the machine is.
    """

    def __init__(self, most: int) -> None:
        self.known: set[str] = set()
        self.asked = 0
        self.done = asyncio.Event()
        self._most = most
        self._waiting = 0

    async def get(self, path: str) -> Answer:
        return Answer(200)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        if self.asked == self._most:
            self._waiting += 1
            if self._waiting == CLIENTS:
                self.done.set()
            await asyncio.Event().wait()
        self.asked += 1
        number = self.asked  # others ask while this one waits
        await asyncio.sleep(0.001)
        if number % 3 == 0:
            return Answer(503, retry_after_seconds=0.001)
        if number % 5 == 0:
            return Answer(failure="ServerDisconnectedError")
        cached = body["text"] in self.known
        self.known.add(body["text"])
        return Answer(200, json.dumps({"cached": cached}).encode())


def until_done(answers: Answers, reading: Coroutine[Any, Any, None]) -> None:
    async def read() -> None:
        task = asyncio.create_task(reading)
        await answers.done.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(read())


def test_what_readers_got_is_told_apart() -> None:
    phase, answers = Phase("steady"), Answers(300)
    until_done(
        answers,
        read_and_think(
            phase, answers, Articles(TEXTS, 0), clients=CLIENTS, seconds=3600,
            think_seconds=0.002, repeats=0.7,
        ),
    )  # fmt: skip
    summary = phase.summary()
    assert summary["requests"] == answers.asked == 300
    assert summary["refused"]["n"] == summary["statuses"]["503"] == answers.asked // 3
    assert summary["failures"] == summary["statuses"]["ServerDisconnectedError"]
    assert summary["cached"]["n"] + summary["computed"]["n"] == summary["statuses"]["200"]
    assert summary["computed"]["n"] == len(answers.known)
    assert summary["cached"]["n"] > summary["computed"]["n"]
    assert summary["client_lag"]["n"] > 0


def test_overload_asks_for_new_articles_only() -> None:
    phase, answers = Phase("overload"), Answers(60)
    reading = read_without_rest(phase, answers, Articles(TEXTS, 0), clients=CLIENTS, seconds=3600)
    until_done(answers, reading)
    assert phase.cached == []
    assert len(phase.computed) == len(answers.known) > 0


def test_readers_go_when_the_time_is_over() -> None:
    phase, answers = Phase("short"), Answers(1000)
    asyncio.run(
        read_without_rest(phase, answers, Articles(TEXTS, 0), clients=CLIENTS, seconds=0.05)
    )
    assert phase.seconds >= 0.05
    assert sum(phase.statuses.values()) == answers.asked


def test_repeats_are_of_what_was_answered() -> None:
    articles = Articles(TEXTS, 0)
    first = articles.next(1.0)
    articles.answered(first)
    assert {articles.next(1.0) for _ in range(5)} == {first}
    assert len({articles.next(0.0) for _ in range(5)}) == 5


@pytest.mark.parametrize(("values", "p50"), [([1.0, 2.0, 3.0], 2000.0), ([0.5], 500.0)])
def test_quantiles_are_in_milliseconds(values: list[float], p50: float) -> None:
    assert quantiles(values)["p50_ms"] == p50
    assert quantiles([]) == {"n": 0}

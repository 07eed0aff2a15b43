from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from eval.readers import AnswerLike
from eval.speed_http import ask_all, summarise_all, take_turns
from models.baselines import Lead
from models.errors import ArticleTooShort, EvaluationError


class Reply:
    def __init__(self, status: int) -> None:
        self.status = status
        self.body = b"{}"
        self.retry_after_seconds = 0.0
        self.failure: str | None = None


class Service:
    """Answers each article once, and counts how many it answers at the same time."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.texts: list[str] = []
        self.most = 0
        self._now = 0

    async def get(self, path: str) -> AnswerLike:
        return Reply(self.status)

    async def post(self, path: str, body: Mapping[str, Any]) -> AnswerLike:
        assert path == "/v1/summaries"
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        self.texts.append(body["text"])
        return Reply(self.status)


def test_every_article_is_asked_once_by_as_many_clients_as_wanted() -> None:
    service = Service()
    articles = [f"article {number}" for number in range(50)]
    assert asyncio.run(ask_all(service, articles, 8)) > 0
    assert sorted(service.texts) == sorted(articles)
    assert service.most == 8


def test_a_refusal_is_no_measurement() -> None:
    with pytest.raises(EvaluationError, match="503"):
        asyncio.run(ask_all(Service(503), ["article"], 2))


def test_an_article_that_fails_is_no_measurement_either() -> None:
    text = "The council voted to close the bridge on Tuesday after long repairs. " * 4
    assert summarise_all(Lead(1), [text, text, text], 2) > 0
    with pytest.raises(ArticleTooShort):
        summarise_all(Lead(1), [text, "Too short."], 2)


def test_a_short_round_before_is_not_counted_and_every_article_is_new() -> None:
    service = Service()
    rounds = asyncio.run(take_turns(service, Lead(1), clients=3, count=6, rounds=2))
    assert len(rounds) == 2
    assert len(set(service.texts)) == len(service.texts) == 3 + 2 * 6
    assert all(one.http > 0 and one.direct > 0 and one.clients_cpu >= 0 for one in rounds)

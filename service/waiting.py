"""What waits before a model: bounded in number, in characters and in time.

Whoever could not be served is refused at once, and the next batch is the
oldest article with those nearest to it in length, as many as the token budget
holds with padding. No threads, no event loop: `service.microbatch` has those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from models.contract import SummaryRequest
from models.errors import QueueFull

MAX_RETRY_AFTER_SECONDS: Final = 60
# Weight of the latest batch in the moving average of seconds an article.
_RATE_WEIGHT: Final = 0.3
# How much of a deadline may be promised away: articles differ and speed varies.
_PROMISED: Final = 0.75


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of queue and batches.

    `max_queued_*` bound what waits (not what runs). `max_batch_tokens` bounds
    articles times the longest of them, in encoder tokens; an article that
    passes it alone runs alone.
    """

    max_queued_articles: int = 256
    max_queued_characters: int = 20_000_000
    max_batch_articles: int = 32
    max_batch_tokens: int = 32_768
    gather_seconds: float = 0.002


class Waiting(Protocol):
    """One that waits: `tokens` is 0 until they are known."""

    @property
    def request(self) -> SummaryRequest: ...

    @property
    def tokens(self) -> int: ...


J = TypeVar("J", bound=Waiting)


class WaitingRoom(Generic[J]):
    """The articles that wait, oldest first, and who may still join them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._jobs: list[J] = []
        self._seconds_an_article = 0.0
        self.characters = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: J) -> bool:
        return job in self._jobs

    @property
    def jobs(self) -> Sequence[J]:
        return self._jobs

    def require_room(
        self, request: SummaryRequest, deadline_seconds: float, running_articles: int
    ) -> None:
        """Refuse what the room cannot hold, or what would not be ready in time.

        Raises:
            QueueFull: with the bound that was passed, and when to ask again.
        """
        limits, waiting = self._limits, len(self._jobs)
        if waiting >= limits.max_queued_articles:
            raise self._full(
                f"{limits.max_queued_articles} articles are waiting, which is the most.",
                limits.max_queued_articles,
            )
        # One article always fits into an empty queue: its own bound is elsewhere.
        if waiting and self.characters + len(request.article.text) > limits.max_queued_characters:
            raise self._full(
                f"{limits.max_queued_characters} characters are waiting, which is the most.",
                limits.max_queued_characters,
            )
        # Waiting for what cannot come in time costs a reader the whole deadline, and the
        # model an article that nobody reads. Behind a short queue the speed of late, which
        # may be that of a cold start, decides nothing.
        if waiting < limits.max_batch_articles:
            return
        ahead = waiting + running_articles
        if self._seconds_an_article * (ahead + 1) > _PROMISED * deadline_seconds:
            raise self._full(
                f"{ahead} articles are before this one; at the speed of late its summary might "
                f"not be ready within {deadline_seconds:g} seconds.",
                deadline_seconds,
            )

    def _full(self, message: str, limit: float) -> QueueFull:
        seconds = self._seconds_an_article * len(self._jobs)  # until what waits is done
        wait = min(MAX_RETRY_AFTER_SECONDS, max(1, math.ceil(seconds)))
        return QueueFull(message, limit=limit, retry_after_seconds=wait)

    def add(self, job: J) -> None:
        self._jobs.append(job)
        self.characters += len(job.request.article.text)

    def remove(self, jobs: Sequence[J]) -> None:
        gone = set(map(id, jobs))
        self._jobs = [job for job in self._jobs if id(job) not in gone]
        self.characters -= sum(len(job.request.article.text) for job in jobs)

    def clear(self) -> None:
        self._jobs.clear()
        self.characters = 0

    def take_batch(self) -> list[J]:
        """The oldest, and those nearest to it in length that fit beside it; empty if none waits.

        Everybody's `tokens` must be known.
        """
        if not self._jobs:
            return []
        oldest, *others = self._jobs
        others.sort(key=lambda job: abs(job.tokens - oldest.tokens))
        batch, longest = [oldest], oldest.tokens
        for job in others:
            longest = max(longest, job.tokens)
            if (
                len(batch) == self._limits.max_batch_articles
                or longest * (len(batch) + 1) > self._limits.max_batch_tokens
            ):
                break
            batch.append(job)
        self.remove(batch)
        return batch

    def note_speed(self, articles: int, seconds: float) -> None:
        """A batch of so many articles took so long."""
        self._seconds_an_article += _RATE_WEIGHT * (seconds / articles - self._seconds_an_article)

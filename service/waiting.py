"""What waits before a model: bounded in number, in characters and in time.

Whoever could not be served in time is refused at once, or as soon as it shows.
The next batch is the oldest article with those nearest to it in length, as
many as the token budget holds with padding. No threads, no event loop:
`service.microbatch` has those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from models.errors import QueueFull
from service.pace import Pace

MAX_RETRY_AFTER_SECONDS: Final = 60
# How much of a deadline may be promised away: articles differ, speed varies, and an
# article is ready only when its whole batch is.
PROMISED: Final = 0.5
# How much later, as a share of its deadline, an article may have come than one that it
# overtakes. Among all that wait the nearest in length would be served as by lot, and
# who draws badly waits several times as long as was expected.
_OVERTAKING: Final = 0.1
# How much longer than expected must be in reach for who waits already.
_SLACK: Final = 1.25


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
    """One that waits; `submitted` is a time of `time.monotonic`, as every time here."""

    @property
    def tokens(self) -> int: ...

    @property
    def characters(self) -> int: ...

    @property
    def submitted(self) -> float: ...

    @property
    def deadline_seconds(self) -> float: ...


J = TypeVar("J", bound=Waiting)


class WaitingRoom(Generic[J]):
    """The articles that wait, oldest first, and who may still join them."""

    def __init__(self, limits: Limits, pace: Pace | None = None) -> None:
        self._limits = limits
        self._pace = pace or Pace()
        self._jobs: list[J] = []
        self.characters = 0
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: J) -> bool:
        return job in self._jobs

    @property
    def jobs(self) -> Sequence[J]:
        return self._jobs

    def require_room(
        self, *, tokens: int, characters: int, deadline_seconds: float, running_seconds: float
    ) -> None:
        """Refuse what the room cannot hold, or what would not be ready in time.

        `running_seconds`: how long what runs will go on; 0 when nothing does.

        Raises:
            QueueFull: with the bound that was passed, and when to ask again.
        """
        limits, waiting = self._limits, len(self._jobs)
        if waiting >= limits.max_queued_articles:
            raise self.full(
                f"{limits.max_queued_articles} articles are waiting, which is the most.",
                limits.max_queued_articles,
                running_seconds,
            )
        # One article always fits into an empty queue: its own bound is elsewhere.
        if waiting and self.characters + characters > limits.max_queued_characters:
            raise self.full(
                f"{limits.max_queued_characters} characters are waiting, which is the most.",
                limits.max_queued_characters,
                running_seconds,
            )
        # An idle model takes whatever comes: from nothing else could it be learnt that it
        # is faster than it was.
        if not waiting and not running_seconds:
            return
        # Waiting for what cannot come in time costs a reader the whole deadline, and the
        # model an article that nobody reads.
        expected = running_seconds + self._pace.seconds_for(self.tokens + tokens)
        if expected > PROMISED * deadline_seconds:
            raise self.full(
                f"At the speed of late this would take {expected:.0f} seconds, and its summary "
                f"might not be ready within {deadline_seconds:g}.",
                deadline_seconds,
                running_seconds,
            )

    def full(self, message: str, limit: float, running_seconds: float) -> QueueFull:
        """A refusal that says when what waits and runs now will be done."""
        seconds = running_seconds + self._pace.seconds_for(self.tokens)
        wait = min(MAX_RETRY_AFTER_SECONDS, max(1, math.ceil(seconds)))
        return QueueFull(message, limit=limit, retry_after_seconds=wait)

    def add(self, job: J) -> None:
        self._jobs.append(job)
        self.characters += job.characters
        self.tokens += job.tokens

    def remove(self, jobs: Sequence[J]) -> None:
        gone = set(map(id, jobs))
        self._jobs = [job for job in self._jobs if id(job) not in gone]
        self.characters -= sum(job.characters for job in jobs)
        self.tokens -= sum(job.tokens for job in jobs)

    def clear(self) -> None:
        self.remove(self._jobs)

    def take_late(self, now: float) -> list[J]:
        """Those who, at the speed of late, would not be ready in time any more; they are gone."""
        late: list[J] = []
        tokens = 0
        for job in self._jobs:
            seconds = _SLACK * self._pace.seconds_for(tokens + job.tokens)
            if now + seconds > job.submitted + job.deadline_seconds:
                late.append(job)
            else:
                tokens += job.tokens
        self.remove(late)
        return late

    def take_batch(self, now: float) -> list[J]:
        """The oldest, and those nearest to it in length that fit beside it; empty if none waits.

        What fits is ready before half of the time is over that the oldest has left.
        """
        if not self._jobs:
            return []
        oldest, *others = self._jobs
        latest = oldest.submitted + _OVERTAKING * oldest.deadline_seconds
        others = [job for job in others if job.submitted <= latest]
        others.sort(key=lambda job: abs(job.tokens - oldest.tokens))
        seconds = PROMISED * (oldest.submitted + oldest.deadline_seconds - now)
        batch, longest, tokens = [oldest], oldest.tokens, oldest.tokens
        for job in others:
            longest, tokens = max(longest, job.tokens), tokens + job.tokens
            if (
                len(batch) == self._limits.max_batch_articles
                or longest * (len(batch) + 1) > self._limits.max_batch_tokens
                or self._pace.seconds_for(tokens) > seconds
            ):
                break
            batch.append(job)
        self.remove(batch)
        return batch

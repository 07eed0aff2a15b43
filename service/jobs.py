"""One article on its way through the queue, and the batch that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models.contract import Summary, SummaryRequest, SummarySentence
from models.stages import Stage
from service.ahead import Ready


@dataclass(frozen=True, slots=True)
class Finished:
    """A summary and the seconds it waited and ran (the run is its whole batch's)."""

    summary: Summary
    queue_seconds: float
    inference_seconds: float
    stages: tuple[Stage, ...] = ()


@dataclass(slots=True, eq=False)
class Job:
    request: SummaryRequest
    tokens: int
    future: asyncio.Future[Finished]
    submitted: float
    deadline_seconds: float
    on_sentence: Callable[[SummarySentence], None] | None
    # Sentences already handed on: a second run of the same article repeats none.
    sentences_sent: int = field(default=0)
    ready: Ready | None = field(default=None)

    @property
    def characters(self) -> int:
        return len(self.request.article.text)

    def ready_request(self) -> SummaryRequest:
        """What the model is given: as far prepared as it is."""
        return self.request if self.ready is None else self.ready.take()


@dataclass(frozen=True, slots=True)
class Run:
    """The batch that runs, since when, and how long it was expected to."""

    jobs: Sequence[Job] = ()
    started: float = 0.0
    expected_seconds: float = 0.0

    def seconds_left(self, now: float) -> float:
        """How long it will go on. One that is late by some time is expected to take as much
        again, so that behind one that is stuck nobody begins to wait."""
        return abs(self.started + self.expected_seconds - now) if self.jobs else 0.0

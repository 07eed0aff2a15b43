"""What a queue tells whoever watches it."""

from __future__ import annotations

from typing import Literal, Protocol

Refusal = Literal["queue-full", "deadline-exceeded", "draining", "left"]


class Observer(Protocol):
    """Told what happens in the queue, in the event loop's thread; must not raise or block."""

    def queue_changed(self, articles: int, characters: int) -> None: ...

    def batch_ran(
        self, articles: int, tokens: int, padded_tokens: int, inference_seconds: float
    ) -> None: ...

    def waited(self, queue_seconds: float) -> None: ...

    def refused(self, reason: Refusal) -> None: ...


class SilentObserver:
    """Counts nothing."""

    def queue_changed(self, articles: int, characters: int) -> None:
        return

    def batch_ran(
        self, articles: int, tokens: int, padded_tokens: int, inference_seconds: float
    ) -> None:
        return

    def waited(self, queue_seconds: float) -> None:
        return

    def refused(self, reason: Refusal) -> None:
        return

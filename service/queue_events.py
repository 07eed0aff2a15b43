"""What the queue, and the desk before it, tell whoever watches them."""

from __future__ import annotations

from typing import Literal, Protocol

from models.contract import ModelInfo, Summary

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


class DeskObserver(Observer, Protocol):
    """Told what happens at the desk and in the queue behind it; must not raise or block."""

    def model_loaded(self, info: ModelInfo) -> None: ...

    def summary_made(self, summary: Summary) -> None: ...


class SilentDeskObserver(SilentObserver):
    """Counts nothing."""

    def model_loaded(self, info: ModelInfo) -> None:
        return

    def summary_made(self, summary: Summary) -> None:
        return

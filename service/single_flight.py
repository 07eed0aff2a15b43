"""Many callers who want the same result at the same time share one computation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.errors import DeadlineExceeded

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class SingleFlight(Generic[T]):
    """One computation a key; whoever asks while it runs waits for its result.

    The computation belongs to nobody: it runs in a task of its own, goes on
    when the caller who began it leaves, and is cancelled when the last caller
    has left. An error reaches everybody who waits, with one exception: a
    deadline that passed is the deadline of whoever began, so those who joined
    begin a new computation together, once.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: str, compute: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The result for `key`, and whether this call joined a computation under way."""
        flight = self._flights.get(key)
        if flight is None:
            return await self._wait(key, self._begin(key, compute)), False
        try:
            return await self._wait(key, flight), True
        except DeadlineExceeded:
            again = self._flights.get(key) or self._begin(key, compute)
            return await self._wait(key, again), True

    def _begin(self, key: str, compute: Callable[[], Awaitable[T]]) -> _Flight[T]:
        async def land() -> T:
            return await compute()

        flight = _Flight(asyncio.create_task(land(), name="single-flight"))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        return flight

    async def _wait(self, key: str, flight: _Flight[T]) -> T:
        flight.waiters += 1
        try:
            # shield: a caller who leaves cancels its own waiting, not the work.
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._forget(key, flight)  # at once: the next caller must not join a dying task
                flight.task.cancel()

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

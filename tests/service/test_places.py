from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from models.errors import InferenceFailed, QueueFull
from service.places import Places


class Counter:
    """Has room for so many at once, of whom `taken` are somebody else."""

    def __init__(self, room: int, taken: int = 0) -> None:
        self.room = room
        self.inside = taken
        self.most = 0
        self.tries = 0

    async def serve(
        self, until: asyncio.Event | None = None, error: Exception | None = None
    ) -> str:
        self.tries += 1
        if self.inside >= self.room:
            raise QueueFull("There is no room.", retry_after_seconds=7)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await (asyncio.sleep(0.001) if until is None else until.wait())
        finally:
            self.inside -= 1
        if error is not None:
            raise error
        return "served"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 120))


@pytest.mark.parametrize("room", [1, 3, 40])
def test_everybody_is_served_with_as_much_room_as_there_is(room: int) -> None:
    async def test() -> None:
        counter, places = Counter(room), Places()
        results = await asyncio.gather(*(places.take(counter.serve) for _ in range(40)))
        assert results == ["served"] * 40
        assert counter.most == room
        assert counter.tries < 40 * 4

    run(test)


def test_when_others_hold_all_the_room_everybody_is_refused_at_once() -> None:
    async def test() -> None:
        counter, places = Counter(2, taken=2), Places()
        results = await asyncio.gather(
            *(places.take(counter.serve) for _ in range(10)), return_exceptions=True
        )
        assert all(isinstance(result, QueueFull) for result in results)
        counter.inside = 0
        assert await places.take(counter.serve) == "served"

    run(test)


def test_who_was_refused_is_refused_when_the_room_goes_to_others() -> None:
    async def test() -> None:
        counter, places = Counter(1), Places()
        leave = asyncio.Event()
        first = asyncio.create_task(places.take(lambda: counter.serve(until=leave)))
        await asyncio.sleep(0)
        others = [asyncio.create_task(places.take(counter.serve)) for _ in range(5)]
        await asyncio.sleep(0)
        counter.room = 0
        leave.set()
        assert await first == "served"
        results = await asyncio.gather(*others, return_exceptions=True)
        assert all(isinstance(result, QueueFull) for result in results)

    run(test)


def test_an_error_makes_room_too() -> None:
    async def test() -> None:
        counter, places = Counter(1), Places()
        broken = InferenceFailed("broken")
        results = await asyncio.gather(
            places.take(lambda: counter.serve(error=broken)),
            places.take(counter.serve),
            return_exceptions=True,
        )
        assert list(results) == [broken, "served"]

    run(test)

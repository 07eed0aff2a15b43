"""Articles of one request, which go into the queue as it has room for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from models.errors import QueueFull

T = TypeVar("T")

# How many try again when one has left: with two, all room that there is gets used soon.
_WOKEN: Final = 2


class Places:
    """Those of one request that are at work, and those that were refused meanwhile."""

    def __init__(self) -> None:
        self._working = 0
        self._refused: deque[asyncio.Future[None]] = deque()

    async def take(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns; refused, it is tried again when others of these have left.

        Raises:
            QueueFull: it was refused, and no other one of these is at work.
        """
        while True:
            self._working += 1
            try:
                result = await work()
            except QueueFull as refusal:
                self._working -= 1
                if not self._working:
                    self._refuse_all(refusal)
                    raise
            except BaseException:
                self._leave()
                raise
            else:
                self._leave()
                return result
            await self._wait()

    async def _wait(self) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refused.append(woken)
        await woken

    def _leave(self) -> None:
        self._working -= 1
        for _ in range(min(_WOKEN, len(self._refused))):
            woken = self._refused.popleft()
            if not woken.done():
                woken.set_result(None)

    def _refuse_all(self, refusal: QueueFull) -> None:
        """Nobody of these is left whose leaving could wake the others."""
        while self._refused:
            woken = self._refused.popleft()
            if not woken.done():
                woken.set_exception(refusal)

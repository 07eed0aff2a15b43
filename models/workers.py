"""Threads that work on parts of a batch side by side.

A small network does not keep several cores busy by itself, and reading and
verifying are Python: while one part does that, another can multiply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

import torch

# More would wait for each other: only one thread runs Python at a time.
MOST: Final = 2

Part = TypeVar("Part")
Result = TypeVar("Result")


class Workers:
    """At most `MOST` threads, the caller's among them; calls come from one thread at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MOST - 1, thread_name_prefix="inbrief-worker")

    def each(self, work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """What `work` makes of every part, in order; torch's threads are shared out.

        Raises what `work` raised, after all that had begun came to its end.
        """
        threads = torch.get_num_threads()
        count = min(MOST, threads, len(parts))
        waiting: SimpleQueue[int] = SimpleQueue()
        for place in range(len(parts)):
            waiting.put(place)
        results: dict[int, Result] = {}

        def work_off() -> None:
            torch.set_num_threads(threads // count)
            while True:
                try:
                    place = waiting.get_nowait()
                except Empty:
                    return
                results[place] = work(parts[place])

        if count < 2:
            return [work(part) for part in parts]
        others = [self._pool.submit(copy_context().run, work_off) for _ in range(count - 1)]
        try:
            work_off()
        finally:
            raised = [other.exception() for other in others]
            # In the caller's thread: what it sets holds for threads that are made later, too.
            torch.set_num_threads(threads)
        for error in filter(None, raised):
            raise error
        return [results[place] for place in range(len(parts))]

"""How far a batch run is: a bar on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Never, TextIO

from tqdm import tqdm

from service.batch import Counts, OnProgress

_LINE_SECONDS: Final = 10.0


@contextmanager
def shown(total: int, stream: TextIO) -> Iterator[OnProgress]:
    """What to call with the counts; `total` records in the input."""
    if stream.isatty():
        with tqdm(total=total, unit=" articles", file=stream, dynamic_ncols=True) as bar:
            yield _Bar(bar)
    else:
        yield _Lines(total, stream)


class _Bar:
    def __init__(self, bar: tqdm[Never]) -> None:
        self._bar = bar

    def __call__(self, counts: Counts) -> None:
        # What an earlier run did belongs to the bar and not to the rate.
        self._bar.initial = counts.resumed
        self._bar.set_postfix(errors=counts.failed, refresh=False)
        self._bar.update(counts.done - self._bar.n)


class _Lines:
    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._started = time.monotonic()
        self._next = self._started + _LINE_SECONDS

    def __call__(self, counts: Counts) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LINE_SECONDS
        rate = (counts.done - counts.resumed) / (now - self._started)
        left = (self._total - counts.done) / rate if rate else float("inf")
        text = f"{counts.done} of {self._total} articles, {rate:.1f} articles/s"
        if left != float("inf"):
            text += f", {tqdm.format_interval(left)} left"
        if counts.failed:
            text += f", {counts.failed} with errors"
        print(text, file=self._stream, flush=True)

"""Leaves alone for a while what keeps failing, so that its time-out is not paid each time."""

from __future__ import annotations

import time
from typing import Final

BREAKER_FAILURES: Final = 3
BREAKER_SECONDS: Final = 5.0


class Breaker:
    """Open after `BREAKER_FAILURES` failures in a row, for `BREAKER_SECONDS`; then one more try."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def open(self) -> bool:
        return time.monotonic() < self._until

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= BREAKER_FAILURES:
            self._until = time.monotonic() + BREAKER_SECONDS

    def worked(self) -> None:
        self._failures = 0

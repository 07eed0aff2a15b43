"""Reading and tokenising ahead: the model computes while the next articles are prepared.

Knows nothing of HTTP and nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Final

from models.contract import Preparing, Summariser, SummaryRequest

# How many articles of those that wait are prepared: a batch or two. What has been
# prepared is several times as large as the article.
MOST_AHEAD: Final = 64
THREAD_NAME: Final = "prepare"


class Ready:
    """A request that is being prepared, or stays as it is."""

    def __init__(
        self, request: SummaryRequest, coming: Future[SummaryRequest] | None = None
    ) -> None:
        self._request = request
        self._coming = coming

    def take(self) -> SummaryRequest:
        """Prepared if that has begun, else as it was given, and so where preparing it failed:
        `summarise` answers with the error."""
        if self._coming is None or self._coming.cancel():
            return self._request
        try:
            return self._coming.result()
        except (Exception, CancelledError):
            return self._request

    def drop(self) -> None:
        """Nobody needs it any more."""
        if self._coming is not None:
            self._coming.cancel()


class Ahead:
    """One thread that prepares requests, for a summariser that can."""

    def __init__(
        self, summariser: Summariser, initializer: Callable[[], None] | None = None
    ) -> None:
        self._prepare = summariser.prepare if isinstance(summariser, Preparing) else None
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix=THREAD_NAME, initializer=initializer
        )

    def start(self, request: SummaryRequest) -> Ready:
        if self._prepare is None:
            return Ready(request)
        return Ready(request, self._executor.submit(self._prepare, request))

    def close(self) -> None:
        """Begin nothing more; what has begun is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

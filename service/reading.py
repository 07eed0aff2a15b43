"""Pages as a way in: HTML through the isolated extractor, addresses through the fetcher.

Both block, so each has threads of its own: slow servers hold up neither the
reading of pages that have come nor anything else of the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from models.errors import DeadlineExceeded, InputError
from service.extraction import ExtractedArticle, from_plain_text
from service.fetching import Fetcher, FetchPolicy
from service.inputs import Given
from service.isolation import IsolatedExtractor
from service.schemas import SourceResponse
from service.settings import Settings

MAX_FETCHES: Final = 32

T = TypeVar("T")


class PageReader:
    """Reads pages as the settings allow; `close` ends its threads and processes."""

    def __init__(self, settings: Settings, fetcher: Fetcher | None = None) -> None:
        self._deadline_seconds = settings.deadline_seconds
        self._extractor = IsolatedExtractor(
            timeout_seconds=settings.html_timeout_seconds,
            max_html_characters=settings.max_html_characters,
        )
        self._extracting = ThreadPoolExecutor(2, thread_name_prefix="extract")
        self._fetcher = fetcher or _fetcher(settings)
        self._fetching = ThreadPoolExecutor(MAX_FETCHES, thread_name_prefix="fetch")

    @property
    def fetches(self) -> bool:
        """Whether addresses are read at all."""
        return self._fetcher is not None

    async def read_page(self, html: str) -> Given:
        """The article of a page that was sent.

        Raises:
            NotAnArticle, ArticleTooLong: no article, or a page that cannot be read.
            DeadlineExceeded: too many pages were waiting.
        """
        return await self._in_time(self._extract(html, None))

    async def read_address(self, url: str) -> Given:
        """The article at an address.

        Raises:
            FetchForbidden, FetchFailed: as `Fetcher.fetch`.
            NotAnArticle, ArticleTooLong, DeadlineExceeded: as `read_page`.
        """
        try:
            return await self._in_time(self._fetch(url))
        except InputError as error:
            error.field = "url"  # it was found on the page, but this is what was sent
            raise

    async def _fetch(self, url: str) -> Given:
        assert self._fetcher is not None  # `fetches` was asked
        loop = asyncio.get_running_loop()
        page = await loop.run_in_executor(self._fetching, self._fetcher.fetch, url)
        if page.content_type == "text/html":
            return await self._extract(page.text, page.url)
        return _given(from_plain_text(page.text), page.url)

    async def _extract(self, html: str, url: str | None) -> Given:
        def extract() -> ExtractedArticle:
            return self._extractor.extract(html, url=url)

        loop = asyncio.get_running_loop()
        return _given(await loop.run_in_executor(self._extracting, extract), url)

    async def _in_time(self, work: Awaitable[T]) -> T:
        seconds = self._deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            raise DeadlineExceeded(
                f"The page was not read within {seconds:g} seconds.", limit=seconds
            ) from None

    def close(self) -> None:
        """Blocks until the page under way is read."""
        self._fetching.shutdown(wait=False, cancel_futures=True)
        self._extracting.shutdown(cancel_futures=True)
        self._extractor.close()


def _fetcher(settings: Settings) -> Fetcher | None:
    if settings.url_fetching == "off":
        return None
    return Fetcher(
        FetchPolicy(
            hosts=settings.url_hosts if settings.url_fetching == "listed" else None,
            ports=settings.url_ports,
            max_bytes=settings.url_max_bytes,
            max_redirects=settings.url_max_redirects,
            timeout_seconds=settings.url_timeout_seconds,
        )
    )


def _given(page: ExtractedArticle, url: str | None) -> Given:
    source = SourceResponse(title=page.title, author=page.author, date=page.date, url=url)
    return Given(page.text, page.title, source)

"""From what a request brings (text, a page, an address) to the text of an article."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from models.errors import ArticleTooLong, EmptyArticle, QueueFull
from service.problems import RequestProblem, make_problem
from service.schemas import SourceResponse, SummariseRequest


@dataclass(frozen=True, slots=True)
class Given:
    """The text that is summarised and that offsets refer to, and what came with it."""

    text: str
    title: str | None = None
    source: SourceResponse | None = None


# HTML to an article.
ReadPage = Callable[[str], Awaitable[Given]]
# An address to an article.
ReadAddress = Callable[[str], Awaitable[Given]]


class Inputs:
    """The ways in. `read_address` None means that addresses are refused.

    No more pages than `max_waiting` are read or wait for it: a page may take
    seconds, and its HTML lies in memory meanwhile.
    """

    def __init__(
        self,
        *,
        max_article_characters: int,
        read_page: ReadPage,
        read_address: ReadAddress | None = None,
        max_waiting: int = 64,
    ) -> None:
        self._max_article_characters = max_article_characters
        self._read_page = read_page
        self._read_address = read_address
        self._max_waiting = max_waiting
        self._waiting = 0

    async def read(self, body: SummariseRequest) -> Given:
        """The article of a request; its own title wins over the page's.

        Cancelling this gives up a place among the pages that wait.

        Raises:
            RequestProblem: url-disabled.
            QueueFull: as many pages wait as may.
            EmptyArticle, ArticleTooLong: before any model sees the text.
            NotAnArticle, FetchError: no article on the page, or no page.
        """
        if body.text is not None:
            given, field = Given(body.text), "text"
        else:
            reading, field = self._page(body)
            given = await self._in_turn(reading)
        self._check(given.text, field)
        return Given(given.text, body.title or given.title, given.source)

    def _page(self, body: SummariseRequest) -> tuple[Callable[[], Awaitable[Given]], str]:
        """How to read what `body` names, and the field that names it."""
        if body.html is not None:
            return partial(self._read_page, body.html), "html"
        assert body.url is not None  # the schema takes exactly one
        if self._read_address is None:
            raise RequestProblem(
                make_problem(
                    "url-disabled",
                    "This service does not fetch pages; send text or html.",
                    field="url",
                )
            )
        return partial(self._read_address, body.url), "url"

    async def _in_turn(self, reading: Callable[[], Awaitable[Given]]) -> Given:
        if self._waiting >= self._max_waiting:
            raise QueueFull(
                f"{self._max_waiting} pages are waiting to be read, which is the most.",
                limit=self._max_waiting,
            )
        self._waiting += 1
        try:
            return await reading()
        finally:
            self._waiting -= 1

    def _check(self, text: str, field: str) -> None:
        if not text or text.isspace():
            raise EmptyArticle("The article is empty; send its text.", field=field)
        if len(text) > self._max_article_characters:
            raise ArticleTooLong(
                f"The article has {len(text)} characters; the most is "
                f"{self._max_article_characters}.",
                field=field,
                limit=self._max_article_characters,
            )

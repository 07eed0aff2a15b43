"""From what a request brings (text, a page, an address) to the text of an article."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from models.errors import ArticleTooLong, EmptyArticle
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
    """The ways in. `read_address` None means that addresses are refused."""

    def __init__(
        self,
        *,
        max_article_characters: int,
        read_page: ReadPage,
        read_address: ReadAddress | None = None,
    ) -> None:
        self._max_article_characters = max_article_characters
        self._read_page = read_page
        self._read_address = read_address

    async def read(self, body: SummariseRequest) -> Given:
        """The article of a request; its own title wins over the page's.

        Raises:
            RequestProblem: url-disabled.
            EmptyArticle, ArticleTooLong: before any model sees the text.
            NotAnArticle, FetchError: no article on the page, or no page.
        """
        if body.text is not None:
            given, field = Given(body.text), "text"
        elif body.html is not None:
            given, field = await self._read_page(body.html), "html"
        else:
            assert body.url is not None  # the schema takes exactly one
            if self._read_address is None:
                raise RequestProblem(
                    make_problem(
                        "url-disabled",
                        "This service does not fetch pages; send text or html.",
                        field="url",
                    )
                )
            given, field = await self._read_address(body.url), "url"
        self._check(given.text, field)
        return Given(given.text, body.title or given.title, given.source)

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

"""A client of the service: `Inbrief` and, for asyncio, `AsyncInbrief`.

from service.client import Inbrief

with Inbrief("http://127.0.0.1:8000") as inbrief:
    print(inbrief.summarise(text).summary)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack, cast

import httpx
from httpx_sse import EventSource

from models.errors import ServiceUnreachable
from service.client_steps import (
    Answer,
    Ask,
    Asking,
    Options,
    Steps,
    Wait,
    body_of,
    headers_of,
    item_of,
    reason_of,
    request_of,
)
from service.problems import Problem
from service.schemas import ModelDescription, ModelsResponse, SentenceResponse, SummaryResponse

T = TypeVar("T")

DEFAULT_URL: Final = "http://127.0.0.1:8000"


class Inbrief(Asking):
    """A client that blocks. Thread-safe; close it, or use it in a `with` statement.

    `timeout_seconds` bounds each try. A try that is answered 429 or 503, or whose
    connection breaks, is repeated up to `max_retries` times after the time that
    Retry-After names; one that names more than `max_wait_seconds` is not waited
    for. `transport` replaces the network, as in httpx.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        max_retries: int = 3,
        max_wait_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(max_retries, max_wait_seconds)
        self._http = httpx.Client(
            base_url=base_url,
            headers=headers_of(api_key),
            timeout=timeout_seconds,
            transport=transport,
        )

    def summarise(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        url: str | None = None,
        **options: Unpack[Options],
    ) -> SummaryResponse:
        """The summary of one article, given as exactly one of text, html and url.

        Raises:
            ServiceRefused: the service answered with a problem.
            ServiceUnreachable: it did not answer.
        """
        body = body_of(text, html, url, options)
        return self._run(self._post("/v1/summaries", body, SummaryResponse))

    def stream(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        url: str | None = None,
        **options: Unpack[Options],
    ) -> Iterator[SentenceResponse | SummaryResponse]:
        """The sentences as they are verified, and the whole answer as the last item.

        Raises:
            ServiceRefused, ServiceUnreachable: as `summarise`, also in the middle.
        """
        response = self._run(self._stream(body_of(text, html, url, options)))
        try:
            yield from map(item_of, EventSource(response).iter_sse())
        except httpx.TransportError as failure:
            raise ServiceUnreachable(reason_of(failure)) from failure
        finally:
            response.close()

    def summarise_batch(
        self, articles: Iterable[str | Mapping[str, Any]], **options: Unpack[Options]
    ) -> list[SummaryResponse | Problem]:
        """A summary or a problem for each article, in order.

        An article is its text, or a request of its own (`{"html": …, "kind": …}`)
        that wins over `options`. Sent in requests of 64 articles.
        """
        return self._run(self._batch(articles, options))

    def find(self, identity: str) -> SummaryResponse:
        """A summary made before, by its id; ServiceRefused `not-found` when it is gone."""
        return self._run(self._get(f"/v1/summaries/{identity}", SummaryResponse))

    def models(self) -> Sequence[ModelDescription]:
        """The models of the service."""
        return self._run(self._get("/v1/models", ModelsResponse)).models

    def _run(self, steps: Steps[T]) -> T:
        answer: Answer = None
        try:
            while True:
                step = steps.send(answer)
                answer = self._do(step)
        except StopIteration as end:
            return cast(T, end.value)

    def _do(self, step: Ask | Wait) -> Answer:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        try:
            response = self._http.send(request_of(self._http, step), stream=step.stream)
            if step.stream and response.status_code != 200:
                response.read()
            return response
        except httpx.TransportError as failure:
            return failure

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncInbrief(Asking):
    """`Inbrief` for asyncio: the same arguments, results and errors."""

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        max_retries: int = 3,
        max_wait_seconds: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(max_retries, max_wait_seconds)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=headers_of(api_key),
            timeout=timeout_seconds,
            transport=transport,
        )

    async def summarise(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        url: str | None = None,
        **options: Unpack[Options],
    ) -> SummaryResponse:
        """As `Inbrief.summarise`."""
        body = body_of(text, html, url, options)
        return await self._run(self._post("/v1/summaries", body, SummaryResponse))

    async def stream(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        url: str | None = None,
        **options: Unpack[Options],
    ) -> AsyncIterator[SentenceResponse | SummaryResponse]:
        """As `Inbrief.stream`."""
        response = await self._run(self._stream(body_of(text, html, url, options)))
        try:
            async for event in EventSource(response).aiter_sse():
                yield item_of(event)
        except httpx.TransportError as failure:
            raise ServiceUnreachable(reason_of(failure)) from failure
        finally:
            await response.aclose()

    async def summarise_batch(
        self, articles: Iterable[str | Mapping[str, Any]], **options: Unpack[Options]
    ) -> list[SummaryResponse | Problem]:
        """As `Inbrief.summarise_batch`."""
        return await self._run(self._batch(articles, options))

    async def find(self, identity: str) -> SummaryResponse:
        """As `Inbrief.find`."""
        return await self._run(self._get(f"/v1/summaries/{identity}", SummaryResponse))

    async def models(self) -> Sequence[ModelDescription]:
        """As `Inbrief.models`."""
        return (await self._run(self._get("/v1/models", ModelsResponse))).models

    async def _run(self, steps: Steps[T]) -> T:
        answer: Answer = None
        try:
            while True:
                step = steps.send(answer)
                answer = await self._do(step)
        except StopIteration as end:
            return cast(T, end.value)

    async def _do(self, step: Ask | Wait) -> Answer:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        try:
            response = await self._http.send(request_of(self._http, step), stream=step.stream)
            if step.stream and response.status_code != 200:
                await response.aread()
            return response
        except httpx.TransportError as failure:
            return failure

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

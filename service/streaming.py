"""A summary as server-sent events, and requests whose client may leave.

Events, in order: `sentence` (one a sentence, as it is verified), then `done`
with the whole answer or `error` with the problem. A comment is sent when
nothing else was for a while, so that proxies keep the connection. What fails
before the first event is an ordinary problem response with its own status.
(Event streams: WHATWG HTML, section 9.2.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, TypeVar

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from service.desk import Desk
from service.responding import problem_of_any
from service.schemas import SentenceResponse, SummariseRequest, SummaryResponse

T = TypeVar("T")

EVENT_STREAM: Final = "text/event-stream"
_UNWATCHED_SECONDS: Final = 0.02
_HEARTBEAT: Final = b": heartbeat\n\n"
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


def wants_events(headers: Headers) -> bool:
    """Whether Accept names event streams, and not JSON with a higher weight."""
    weights = dict(_weight(part) for part in headers.get("accept", "").split(","))
    events = weights.get(EVENT_STREAM, 0.0)
    return events > 0 and events >= weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return media, float(parameter[2:])
            except ValueError:
                return media, 0.0
    return media, 1.0


async def until_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled as soon as the client leaves.

    Nobody watches for that during the first moment: an answer from the cache
    is there before, and a watcher would cost it more than the cache does.

    Raises:
        ClientDisconnect: nobody waits for the result any more.
    """
    loop = asyncio.get_running_loop()
    waiting = asyncio.current_task()
    assert waiting is not None  # a coroutine runs in one
    watcher: asyncio.Task[None] | None = None
    gone = False

    async def watch() -> None:
        nonlocal gone
        await _disconnected(request)
        gone = True
        waiting.cancel()

    def begin() -> None:
        nonlocal watcher
        watcher = loop.create_task(watch(), name="watch-client")

    timer = loop.call_later(_UNWATCHED_SECONDS, begin)
    try:
        return await work
    except asyncio.CancelledError:
        if gone and waiting.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def respond_with_events(
    request: Request, desk: Desk, body: SummariseRequest, heartbeat_seconds: float
) -> Response:
    """The event stream for one request.

    Raises:
        InbriefError, RequestProblem: it failed before there was anything to send.
        ClientDisconnect: the client left before.
    """
    events: asyncio.Queue[SentenceResponse | None] = asyncio.Queue()
    work = asyncio.create_task(desk.summarise(body, events.put_nowait))
    # None ends the queue: the work is done, well or badly.
    work.add_done_callback(lambda _: events.put_nowait(None))
    try:
        first = await until_disconnect(request, _next(events, heartbeat_seconds))
        if first is None:
            return _stream(_last_event(work.result()))
        return _stream(_events(first, events, work, heartbeat_seconds))
    except BaseException:
        work.cancel()
        raise


def _stream(content: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(content, media_type=EVENT_STREAM, headers=_HEADERS)


async def _last_event(response: SummaryResponse) -> AsyncIterator[bytes]:
    yield _event("done", response.model_dump_json(exclude_none=True))


async def _events(
    first: bytes | SentenceResponse,
    events: asyncio.Queue[SentenceResponse | None],
    work: asyncio.Task[SummaryResponse],
    heartbeat_seconds: float,
) -> AsyncIterator[bytes]:
    item: bytes | SentenceResponse | None = first
    try:
        while item is not None:
            if isinstance(item, bytes):
                yield item
            else:
                yield _event("sentence", item.model_dump_json())
            item = await _next(events, heartbeat_seconds)
        error = work.exception()
        if error is None:
            yield _event("done", work.result().model_dump_json(exclude_none=True))
        else:
            yield _event("error", problem_of_any(error).model_dump_json(exclude_none=True))
    finally:
        work.cancel()  # frees the place in the queue when the client left


async def _next(
    events: asyncio.Queue[SentenceResponse | None], heartbeat_seconds: float
) -> SentenceResponse | bytes | None:
    try:
        async with asyncio.timeout(heartbeat_seconds):
            return await events.get()
    except TimeoutError:
        return _HEARTBEAT


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()

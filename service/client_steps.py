"""What a client of the service asks and when it asks again, apart from how it waits.

Written as generators that yield what to do next, so that the blocking client
and the one for asyncio share every decision and differ only in doing it.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, TypedDict, TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import BaseModel, ValidationError

from models.contract import Format, Kind, Length
from models.errors import ServiceRefused, ServiceUnreachable
from service.problems import Problem
from service.schemas import SentenceResponse, SummaryBatchResponse, SummaryResponse

# The service's own default bound on the articles of one request.
BATCH_ARTICLES: Final = 64
_FIRST_WAIT_SECONDS: Final = 0.5
_RETRIED_STATUSES: Final = frozenset({429, 503})
# Asking again is safe (the same request has the same answer) and sensible: the
# connection broke, which is no sign that the request takes too long.
_RETRIED_FAILURES: Final = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError,
    httpx.RemoteProtocolError, httpx.PoolTimeout,
)  # fmt: skip

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Options(TypedDict, total=False):
    """What `summarise` and `stream` take beside the article: the fields of the request."""

    title: str | None
    kind: Kind
    length: Length
    max_words: int | None
    format: Format
    strict: bool
    language: str | None
    model: str | None
    include_text: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this; the answer is a response, or the failure that came in its place.

    With `stream` the body of a 200 is left to be read; any other is read whole.
    """

    method: Literal["GET", "POST"]
    path: str
    body: Mapping[str, Any] | None = None
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this time pass; there is no answer."""

    seconds: float


Answer = httpx.Response | httpx.TransportError | None
Steps = Generator[Ask | Wait, Answer, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to ask again."""

    max_retries: int
    max_wait_seconds: float

    def send(self, ask: Ask) -> Steps[httpx.Response]:
        """The response of the first try that is worth handing on."""
        tries = 0
        while True:
            answer = yield ask
            assert answer is not None  # only a Wait is answered by nothing
            wait = self._wait(answer, tries)
            if wait is None:
                if isinstance(answer, httpx.TransportError):
                    raise ServiceUnreachable(reason_of(answer)) from answer
                return answer
            tries += 1
            yield Wait(wait)

    def _wait(self, answer: httpx.Response | httpx.TransportError, tries: int) -> float | None:
        """Seconds until the next try; None when there is none."""
        if tries >= self.max_retries:
            return None
        backoff: float = _FIRST_WAIT_SECONDS * 2**tries * random.uniform(0.5, 1.0)
        if isinstance(answer, httpx.TransportError):
            asked = 0.0 if isinstance(answer, _RETRIED_FAILURES) else None
        elif answer.status_code in _RETRIED_STATUSES:
            asked = _retry_after(answer)
        else:
            asked = None
        if asked is None or asked > self.max_wait_seconds:
            return None
        return min(max(backoff, asked), self.max_wait_seconds)


class Asking:
    """What both clients are able to ask."""

    def __init__(self, max_retries: int, max_wait_seconds: float) -> None:
        self._patience = Patience(max_retries, max_wait_seconds)

    def _get(self, path: str, model: type[M]) -> Steps[M]:
        return self._parsed(Ask("GET", path), model)

    def _post(self, path: str, body: Mapping[str, Any], model: type[M]) -> Steps[M]:
        return self._parsed(Ask("POST", path, body), model)

    def _parsed(self, ask: Ask, model: type[M]) -> Steps[M]:
        response = yield from self._patience.send(ask)
        if response.status_code != 200:
            refuse(response.status_code, response.content)
        return parse(model, response.content)

    def _stream(self, body: Mapping[str, Any]) -> Steps[httpx.Response]:
        ask = Ask("POST", "/v1/summaries", body, stream=True)
        response = yield from self._patience.send(ask)
        if response.status_code != 200:
            refuse(response.status_code, response.content)
        return response

    def _batch(
        self, articles: Iterable[str | Mapping[str, Any]], options: Options
    ) -> Steps[list[SummaryResponse | Problem]]:
        items = [
            {"text": article, **options} if isinstance(article, str) else {**options, **article}
            for article in articles
        ]
        results: list[SummaryResponse | Problem] = []
        for start in range(0, len(items), BATCH_ARTICLES):
            body = {"articles": items[start : start + BATCH_ARTICLES]}
            answer = yield from self._post("/v1/summaries:batch", body, SummaryBatchResponse)
            results += answer.results
        return results


def headers_of(api_key: str | None) -> dict[str, str]:
    headers = {"user-agent": "inbrief-client"}
    if api_key is not None:
        headers["authorization"] = f"Bearer {api_key}"
    return headers


def body_of(
    text: str | None, html: str | None, url: str | None, options: Options
) -> dict[str, Any]:
    inputs = {"text": text, "html": html, "url": url}
    return {name: value for name, value in {**inputs, **options}.items() if value is not None}


def request_of(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    accept = "text/event-stream" if ask.stream else "application/json"
    return http.build_request(ask.method, ask.path, json=ask.body, headers={"accept": accept})


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the service asks for (RFC 9110, 10.2.3; it never sends a date)."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0


def parse(model: type[M], content: bytes | str) -> M:
    try:  # a newer service may say more than this client knows
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        raise ServiceUnreachable("What answered is not an inbrief service.") from error


def refuse(status: int, content: bytes | str) -> NoReturn:
    try:
        problem = Problem.model_validate_json(content, extra="ignore")
    except ValidationError:
        raise ServiceUnreachable(
            f"What answered is not an inbrief service: status {status}, no problem details."
        ) from None
    raise ServiceRefused(
        problem.detail,
        slug=problem.slug,
        status=problem.status,
        field=problem.field,
        limit=problem.limit,
        retry_after_seconds=problem.retry_after_seconds,
    )


def item_of(event: ServerSentEvent) -> SentenceResponse | SummaryResponse:
    if event.event == "error":
        refuse(200, event.data)
    if event.event == "sentence":
        return parse(SentenceResponse, event.data)
    return parse(SummaryResponse, event.data)


def reason_of(failure: httpx.TransportError) -> str:
    if isinstance(failure, httpx.TimeoutException):
        return "The service did not answer in time."
    return f"The service cannot be reached: {failure or type(failure).__name__}."

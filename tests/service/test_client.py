"""The client against the real application over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.errors import InferenceFailed, ServiceRefused, ServiceUnreachable
from service.app import create_app
from service.client import AsyncInbrief, Inbrief
from service.keys import KeyFile
from service.problems import Problem, make_problem, to_json
from service.responding import ProblemResponse
from service.schemas import EXAMPLE_TEXT, SentenceResponse, SummaryResponse
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.live import live

PAGE = "<html><title>T</title><article><p>" + EXAMPLE_TEXT.replace(". ", ".</p><p>") + "</article>"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    summariser = FakeSummariser(
        errors={"POISON": InferenceFailed("The model failed on this article.")}
    )
    with live(create_app(Settings(), summariser)) as url:
        yield url


@pytest.fixture
def inbrief(url: str) -> Iterator[Inbrief]:
    with Inbrief(url) as inbrief:
        yield inbrief


class Flaky:
    """ASGI middleware: the first requests are answered by `answers`, what follows by `app`."""

    def __init__(self, app: Any, answers: list[Any]) -> None:
        self.app = app
        self.answers = list(answers)
        self.times: list[float] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.times.append(time.monotonic())
        if self.answers:
            await self.answers.pop(0)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def busy(seconds: int | None = 0, slug: str = "queue-full") -> ProblemResponse:
    return ProblemResponse(make_problem(slug, "Full.", retry_after_seconds=seconds))


def flaky(*answers: Any) -> Flaky:
    return Flaky(create_app(Settings(), FakeSummariser()), list(answers))


def test_a_summary(inbrief: Inbrief) -> None:
    summary = inbrief.summarise(EXAMPLE_TEXT, kind="tldr", length="medium", max_words=60)
    assert isinstance(summary, SummaryResponse)
    assert (summary.kind, summary.length) == ("tldr", "medium")
    span = summary.sentences[0].evidence[0]
    assert EXAMPLE_TEXT[span.start : span.end] == summary.sentences[0].text
    assert inbrief.find(summary.id).summary == summary.summary
    assert [model.name for model in inbrief.models()] == ["fake"]


def test_html_with_its_text(inbrief: Inbrief) -> None:
    summary = inbrief.summarise(html=PAGE, include_text=True)
    assert summary.text is not None
    assert "<p>" not in summary.text
    assert summary.source is not None
    assert summary.source.title == "T"


def test_a_stream(inbrief: Inbrief) -> None:
    *sentences, done = inbrief.stream(EXAMPLE_TEXT, length="long")
    assert isinstance(done, SummaryResponse)
    assert len(sentences) > 1
    assert sentences == done.sentences


def test_a_stream_that_is_left_early(inbrief: Inbrief) -> None:
    stream = inbrief.stream(EXAMPLE_TEXT)
    assert isinstance(next(stream), SentenceResponse)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert inbrief.summarise(EXAMPLE_TEXT).summary


def test_a_batch_over_the_bound_of_one_request(inbrief: Inbrief) -> None:
    articles: list[Any] = [f"Article number {i} says that all is well here." for i in range(150)]
    articles[70] = "Too short."
    articles[71] = {"text": EXAMPLE_TEXT, "kind": "headline"}
    articles[72] = {"html": PAGE}
    results = inbrief.summarise_batch(iter(articles), kind="tldr")
    assert len(results) == 150
    for index, result in enumerate(results):
        if index == 70:
            assert isinstance(result, Problem)
            assert result.slug == "article-too-short"
        else:
            assert isinstance(result, SummaryResponse)
            assert result.kind == ("headline" if index == 71 else "tldr")
            assert index in (71, 72) or f"number {index} " in result.summary
    assert inbrief.summarise_batch([]) == []


@pytest.mark.parametrize(
    ("ask", "slug", "status", "field"),
    [
        (lambda c: c.summarise(""), "empty-article", 422, "text"),
        (lambda c: c.summarise("Short."), "article-too-short", 422, "text"),
        (lambda c: c.summarise(html="<p>"), "not-an-article", 422, "html"),
        (lambda c: c.summarise(url="http://example.org"), "url-disabled", 422, "url"),
        (lambda c: c.summarise(), "one-input-required", 422, None),
        (lambda c: c.summarise("a", colour=1), "unknown-field", 422, "colour"),
        (lambda c: c.summarise(EXAMPLE_TEXT + "POISON"), "inference-failed", 500, None),
        (lambda c: list(c.stream("Short.")), "article-too-short", 422, "text"),
        (lambda c: c.find("0" * 64), "not-found", 404, None),
    ],
)
def test_a_problem_is_an_error_with_its_type(
    inbrief: Inbrief, ask: Callable[[Inbrief], Any], slug: str, status: int, field: str | None
) -> None:
    with pytest.raises(ServiceRefused) as caught:
        ask(inbrief)
    assert (caught.value.slug, caught.value.status, caught.value.field) == (slug, status, field)
    assert caught.value.message.endswith(".")


def test_the_limit_comes_along(inbrief: Inbrief) -> None:
    with pytest.raises(ServiceRefused) as caught:
        inbrief.summarise("Short.")
    assert caught.value.limit == 5
    assert caught.value.retry_after_seconds is None


@pytest.mark.parametrize("slug", ["queue-full", "not-ready", "draining", "rate-limited"])
def test_it_asks_again_while_the_service_is_busy(slug: str) -> None:
    app = flaky(busy(0, slug))
    with live(app) as url, Inbrief(url) as inbrief:
        assert inbrief.summarise(EXAMPLE_TEXT).summary
    assert len(app.times) == 2


def test_it_waits_as_long_as_the_service_says() -> None:
    app = flaky(busy(2))
    with live(app) as url, Inbrief(url) as inbrief:
        assert inbrief.summarise(EXAMPLE_TEXT).summary
    assert app.times[1] - app.times[0] >= 2


def test_the_key_is_sent(tmp_path: Path) -> None:
    _, key = KeyFile(tmp_path / "keys.json").create("test", ["summarise"])
    settings = Settings(keys_file=tmp_path / "keys.json")
    with live(create_app(settings, FakeSummariser())) as url:
        with Inbrief(url, api_key=key) as inbrief:
            assert inbrief.summarise(EXAMPLE_TEXT).summary
        with Inbrief(url) as inbrief, pytest.raises(ServiceRefused) as caught:
            inbrief.summarise(EXAMPLE_TEXT)
    assert (caught.value.slug, caught.value.status) == ("unauthenticated", 401)


def test_a_stream_asks_again_too() -> None:
    app = flaky(busy())
    with live(app) as url, Inbrief(url) as inbrief:
        assert len(list(inbrief.stream(EXAMPLE_TEXT))) > 1
    assert len(app.times) == 2


def test_it_gives_up_after_the_retries() -> None:
    app = flaky(*[busy()] * 9)
    with (
        live(app) as url,
        Inbrief(url, max_retries=1) as inbrief,
        pytest.raises(ServiceRefused) as caught,
    ):
        inbrief.summarise(EXAMPLE_TEXT)
    assert len(app.times) == 2
    assert (caught.value.slug, caught.value.retry_after_seconds) == ("queue-full", 0)


def test_it_does_not_wait_longer_than_it_may() -> None:
    app = flaky(busy(3600, "rate-limited"))
    with live(app) as url, Inbrief(url) as inbrief, pytest.raises(ServiceRefused) as caught:
        inbrief.summarise(EXAMPLE_TEXT)
    assert len(app.times) == 1
    assert caught.value.retry_after_seconds == 3600


@pytest.mark.parametrize("slug", ["internal", "deadline-exceeded", "article-too-long"])
def test_it_does_not_repeat_what_would_fail_again(slug: str) -> None:
    app = flaky(busy(None, slug), busy(None, slug))
    with live(app) as url, Inbrief(url) as inbrief, pytest.raises(ServiceRefused, match="Full"):
        inbrief.summarise(EXAMPLE_TEXT)
    assert len(app.times) == 1


def test_a_problem_in_the_middle_of_a_stream() -> None:
    problem = make_problem("deadline-exceeded", "Not ready in time.")

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        sentence = SentenceResponse(text="One.", evidence=[], supported=True, unsupported=[])
        body = f": heartbeat\n\nevent: sentence\ndata: {sentence.model_dump_json()}\n\n"
        body += f"event: error\ndata: {problem.model_dump_json()}\n\n"
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    with live(flaky(broken)) as url, Inbrief(url) as inbrief:
        stream = inbrief.stream(EXAMPLE_TEXT)
        first = next(stream)
        assert isinstance(first, SentenceResponse)
        assert first.text == "One."
        with pytest.raises(ServiceRefused) as caught:
            next(stream)
    assert (caught.value.slug, caught.value.status) == ("deadline-exceeded", 504)


def test_unknown_members_of_a_newer_service_are_left_aside(url: str) -> None:
    answer = httpx.post(f"{url}/v1/summaries", json={"text": EXAMPLE_TEXT}, timeout=60).json()
    answer["mood"] = "cheerful"
    answer["model"]["colour"] = "blue"

    def newer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answer)

    with Inbrief(url, transport=httpx.MockTransport(newer)) as inbrief:
        assert inbrief.summarise(EXAMPLE_TEXT).id == answer["id"]


@pytest.mark.parametrize(
    ("status", "body"), [(200, "<html>"), (200, "{}"), (404, "<html>"), (500, to_json)]
)
def test_something_else_answers(status: int, body: Any) -> None:
    def other(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=str(body))

    with (
        Inbrief(transport=httpx.MockTransport(other)) as inbrief,
        pytest.raises(ServiceUnreachable, match="not an inbrief service"),
    ):
        inbrief.summarise(EXAMPLE_TEXT)


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        Inbrief(f"http://127.0.0.1:{port}", max_retries=1) as inbrief,
        pytest.raises(ServiceUnreachable, match="cannot be reached"),
    ):
        inbrief.summarise(EXAMPLE_TEXT)


def test_a_service_that_is_too_slow_is_asked_once() -> None:
    gate = threading.Event()
    summariser = FakeSummariser(gate=gate)
    gate.set()  # for the warm-up
    with live(create_app(Settings(), summariser)) as url:
        gate.clear()
        asked = len(summariser.calls)
        with (
            Inbrief(url, timeout_seconds=0.3) as inbrief,
            pytest.raises(ServiceUnreachable, match="in time"),
        ):
            inbrief.summarise(EXAMPLE_TEXT)
        gate.set()
    assert len(summariser.calls) <= asked + 1


def test_asyncio_has_the_same_answers(url: str) -> None:
    async def talk() -> None:
        async with AsyncInbrief(url) as inbrief:
            summaries = await asyncio.gather(
                *(inbrief.summarise(EXAMPLE_TEXT, length=length) for length in ("short", "long"))
            )
            items = [item async for item in inbrief.stream(EXAMPLE_TEXT, length="long")]
            assert items[:-1] == summaries[1].sentences
            assert (await inbrief.find(summaries[0].id)).summary == summaries[0].summary
            assert [model.name for model in await inbrief.models()] == ["fake"]
            results = await inbrief.summarise_batch([EXAMPLE_TEXT, "Short."])
            assert isinstance(results[0], SummaryResponse)
            assert isinstance(results[1], Problem)
            with pytest.raises(ServiceRefused, match="words"):
                await inbrief.summarise("Short.")
            with pytest.raises(ServiceRefused, match="words"):
                _ = [item async for item in inbrief.stream("Short.")]

    asyncio.run(talk())


def test_asyncio_asks_again_too() -> None:
    app = flaky(busy())

    async def talk(url: str) -> None:
        async with AsyncInbrief(url) as inbrief:
            assert (await inbrief.summarise(EXAMPLE_TEXT)).summary

    with live(app) as url:
        asyncio.run(talk(url))
    assert len(app.times) == 2


def test_asyncio_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def talk() -> None:
        async with AsyncInbrief(f"http://127.0.0.1:{port}", max_retries=0) as inbrief:
            await inbrief.summarise(EXAMPLE_TEXT)

    with pytest.raises(ServiceUnreachable):
        asyncio.run(talk())

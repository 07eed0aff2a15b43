from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from models.contract import Article, SummaryRequest
from models.loading import load
from models.stages import Stage, listening, stage
from service.app import create_app
from service.desk import Desk
from service.observability import Metrics
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from service.tracing import NoTracing, open_tracing
from service.watching import Watched
from tests.fakes import FakeSummariser


class StagedSummariser(FakeSummariser):
    """A fake whose work has stages, as a model's has."""

    def summarise(self, requests: Any, on_sentence: Any = None) -> Any:
        with stage("encode"):
            pass
        with stage("decode"):
            pass
        return super().summarise(requests, on_sentence)


def test_a_request_is_a_trace_with_its_stages() -> None:
    exporter = InMemorySpanExporter()
    tracing = open_tracing(True, [SimpleSpanProcessor(exporter)])

    async def scenario() -> None:
        app = create_app(Settings(), StagedSummariser())
        desk: Desk = app.state.desk
        desk._on_stages = tracing.stages
        watched = Watched(app, metrics=Metrics(), tracing=tracing)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=watched)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                response = await client.post(
                    "/v1/summaries",
                    json={"text": EXAMPLE_TEXT},
                    headers={
                        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                        "authorization": "Bearer secret",
                    },
                )
                assert response.status_code == 200

    asyncio.run(scenario())
    tracing.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"POST /v1/summaries", "queue", "inference", "encode", "decode"}
    root = spans["POST /v1/summaries"]
    assert f"{root.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert root.attributes is not None
    assert root.attributes["http.response.status_code"] == 200
    for name in ("queue", "inference", "encode", "decode"):
        span = spans[name]
        assert span.parent is not None
        assert span.parent.span_id == root.context.span_id
        assert root.start_time is not None
        assert span.start_time is not None
        assert span.end_time is not None
        assert root.start_time - 5_000_000 <= span.start_time <= span.end_time
    everything = " ".join(span.to_json() for span in spans.values())
    assert "Harbour" not in everything
    assert "secret" not in everything


def test_the_shipped_model_tells_its_stages() -> None:
    summariser = load("news-small")
    heard: list[Stage] = []
    with listening(heard.append):
        summariser.summarise([SummaryRequest(Article(EXAMPLE_TEXT))])
    assert {one.name for one in heard} == {"read", "tokenise", "encode", "decode", "verify"}


def test_without_tracing_nothing_is_imported_or_sent() -> None:
    assert isinstance(open_tracing(False), NoTracing)


def test_a_stage_that_nobody_listens_to_is_silent_and_one_that_fails_is_told() -> None:
    with stage("encode"):
        pass
    heard: list[Stage] = []
    with listening(heard.append):
        with stage("verify"), stage("tokenise"):
            pass
        with pytest.raises(ValueError, match="x"), stage("decode"):
            raise ValueError("x")
    with stage("encode"):
        pass
    assert [one.name for one in heard] == ["tokenise", "verify", "decode"]
    assert all(one.seconds >= 0 for one in heard)

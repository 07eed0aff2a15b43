"""What an operator sees: metrics of one service instance, in a registry of its own.

Labels hold routes, states and reasons: never text, keys or addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.contract import ModelInfo, Summary
from service.cache import CacheEvent
from service.desk import Desk
from service.queue_events import Refusal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# From a cached answer to a deadline.
_SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)
_ARTICLES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


# Counted by article where they happen, in the queue, and not again by request.
QUEUE_REFUSALS: Final = frozenset({"queue-full", "deadline-exceeded"})


class Metrics:
    """All metrics; an `Observer` of the queue and a listener of the cache."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._info: ModelInfo | None = None
        self._requests = Counter(
            "inbrief_requests",
            "Requests answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "inbrief_request_seconds",
            "From the last header to the last byte of the answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._inferred = Counter(
            "inbrief_articles_inferred",
            "Articles that a model read.",
            ["engine"],
            registry=registry,
        )
        self._queued = Gauge(
            "inbrief_queue_articles", "Articles waiting for the model.", registry=registry
        )
        self._queued_characters = Gauge(
            "inbrief_queue_characters", "Characters waiting for the model.", registry=registry
        )
        self._waited = Histogram(
            "inbrief_queue_wait_seconds",
            "How long an article waited for the model.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._batch = Histogram(
            "inbrief_batch_articles", "Articles in a batch.", buckets=_ARTICLES, registry=registry
        )
        self._fill = Histogram(
            "inbrief_batch_fill_ratio",
            "Share of a batch's tokens that is not padding.",
            buckets=_SHARES,
            registry=registry,
        )
        self._inference = Histogram(
            "inbrief_inference_seconds",
            "Seconds a batch took.",
            ["engine"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._tokens = Counter(
            "inbrief_tokens", "Tokens that a model read.", ["engine"], registry=registry
        )
        self._cache = Counter(
            "inbrief_cache",
            "Look-ups by outcome, and errors of the store.",
            ["result"],
            registry=registry,
        )
        self._joins = Counter(
            "inbrief_single_flight_joins",
            "Requests that waited for another one's inference of the same article.",
            registry=registry,
        )
        self._sentences = Counter(
            "inbrief_sentences",
            "Sentences written, by whether the article supports them.",
            ["supported"],
            registry=registry,
        )
        self._refusals = Counter(
            "inbrief_refusals",
            "Requests refused or failed, by problem.",
            ["reason"],
            registry=registry,
        )

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)

    def watch(self, desk: Desk) -> None:
        """Report the desk's state at every scrape."""
        self.registry.register(_DeskCollector(desk))

    def model_loaded(self, info: ModelInfo) -> None:
        self._info = info

    @property
    def _engine(self) -> str:
        return "unknown" if self._info is None else self._info.engine

    def request_done(self, route: str, method: str, status: int, seconds: float) -> None:
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def problem_sent(self, slug: str) -> None:
        if slug not in QUEUE_REFUSALS:
            self._refusals.labels(slug).inc()

    def summary_made(self, summary: Summary) -> None:
        unsupported = sum(not sentence.supported for sentence in summary.sentences)
        self._sentences.labels("false").inc(unsupported)
        self._sentences.labels("true").inc(len(summary.sentences) - unsupported)

    def cache_event(self, event: CacheEvent) -> None:
        if event == "join":
            self._joins.inc()
        else:
            self._cache.labels(event).inc()

    # The queue's Observer.

    def queue_changed(self, articles: int, characters: int) -> None:
        self._queued.set(articles)
        self._queued_characters.set(characters)

    def batch_ran(
        self, articles: int, tokens: int, padded_tokens: int, inference_seconds: float
    ) -> None:
        self._inferred.labels(self._engine).inc(articles)
        self._tokens.labels(self._engine).inc(tokens)
        self._batch.observe(articles)
        self._fill.observe(tokens / max(1, padded_tokens))
        self._inference.labels(self._engine).observe(inference_seconds)

    def waited(self, queue_seconds: float) -> None:
        self._waited.observe(queue_seconds)

    def refused(self, reason: Refusal) -> None:
        if reason != "draining":  # that one leaves as a problem and is counted there
            self._refusals.labels(reason).inc()


class _DeskCollector(Collector):
    """State that is asked for rather than told."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily("inbrief_ready", "1 while requests are taken.")
        ready.add_metric([], float(self._desk.state == "ready"))
        yield ready
        yield GaugeMetricFamily(
            "inbrief_queue_expected_seconds",
            "How long what runs and waits will take, at the speed of late.",
            self._desk.expected_seconds,
        )
        info = self._desk.info
        if info is not None:
            model = GaugeMetricFamily(
                "inbrief_model_info",
                "The loaded model.",
                labels=["name", "revision", "engine", "precision", "device"],
            )
            labels = [info.name, info.revision, info.engine, info.precision, info.device]
            model.add_metric(labels, 1.0)
            yield model

"""OpenTelemetry spans when the `otel` extra is installed and tracing is on; otherwise nothing.

Where traces go is said by the standard OTEL_ variables
(OTEL_EXPORTER_OTLP_ENDPOINT and its kin). Spans carry counts and names, never
text, keys or addresses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from models.errors import MissingDependency
from models.stages import Stage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span


class RequestSpan(Protocol):
    def finish(self, route: str, status: int) -> None: ...


class Tracing(Protocol):
    """Where spans are begun; a tracer or nothing."""

    def request(self, scope: Scope, identity: str) -> Any: ...

    def stages(self, stages: Sequence[Stage]) -> None:
        """Spans inside the current one for stages that have ended."""
        ...

    def close(self) -> None: ...


class _NoSpan:
    def finish(self, route: str, status: int) -> None:
        return


class NoTracing:
    """Tracing that is off."""

    @contextmanager
    def request(self, scope: Scope, identity: str) -> Iterator[RequestSpan]:
        yield _NoSpan()

    def stages(self, stages: Sequence[Stage]) -> None:
        return

    def close(self) -> None:
        return


class _OpenSpan:
    def __init__(self, span: Span) -> None:
        self._span = span

    def finish(self, route: str, status: int) -> None:
        self._span.update_name(f"{self._span_method()} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)

    def _span_method(self) -> str:
        attributes: Mapping[str, Any] = getattr(self._span, "attributes", None) or {}
        return str(attributes.get("http.request.method", "HTTP"))


class OpenTelemetryTracing:
    """Spans of one service instance; continues the trace of the caller (W3C traceparent)."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("inbrief")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, scope: Scope, identity: str) -> Iterator[RequestSpan]:
        from opentelemetry.trace import SpanKind

        parent = self._propagator.extract(dict(Headers(scope=scope)))
        attributes = {"http.request.method": scope["method"], "inbrief.request_id": identity}
        with self._tracer.start_as_current_span(
            scope["method"],
            context=parent,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,  # an exception's text may quote an article
            set_status_on_exception=False,
        ) as span:
            yield _OpenSpan(span)

    def stages(self, stages: Sequence[Stage]) -> None:
        offset = time.time() - time.monotonic()  # stages carry monotonic times, spans the clock's
        for stage in stages:
            begin = stage.began + offset
            span = self._tracer.start_span(stage.name, start_time=int(begin * 1e9))
            span.end(end_time=int((begin + stage.seconds) * 1e9))

    def close(self) -> None:
        self._provider.shutdown()


def open_tracing(enabled: bool, processors: Sequence[Any] = ()) -> Tracing:
    """Tracing to the OTLP endpoint of the environment, or to the span `processors` given.

    Raises:
        MissingDependency: it is enabled and the extra is not installed.
    """
    if not enabled:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingDependency(
            "Tracing needs the otel extra: pip install 'inbrief[otel]'", field="tracing"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "inbrief"}))
    for processor in processors or (BatchSpanProcessor(OTLPSpanExporter()),):
        provider.add_span_processor(processor)
    return OpenTelemetryTracing(provider)

"""Around every request: its id, its time, its line in the log, its count in the metrics."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import FIELDS, request_id
from service.observability import Metrics
from service.responding import PROBLEM
from service.security import caller_of
from service.tracing import Tracing

logger = logging.getLogger("inbrief.access")

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked for every few seconds by machines; in the log they would hide everything else.
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class Watched:
    """ASGI middleware, outermost. A caller's own X-Request-ID is kept when it is a plain one."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        begin = time.perf_counter()
        status = 499  # the client left before there was an answer (nginx's number)

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity.encode())]
            await send(message)

        try:
            with self._tracing.request(scope, identity) as span:
                await self._app(scope, receive, note)
                span.finish(_route(scope), status)
        finally:
            seconds = time.perf_counter() - begin
            route = _route(scope)
            slug = scope.get("state", {}).get(PROBLEM)
            if slug is not None:
                self._metrics.problem_sent(slug)
            self._metrics.request_done(route, scope["method"], status, seconds)
            self._log(scope, route, status, seconds)
            request_id.reset(token)

    @staticmethod
    def _log(scope: Scope, route: str, status: int, seconds: float) -> None:
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        if not logger.isEnabledFor(level):
            return
        caller = caller_of(scope)
        fields = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "seconds": round(seconds, 6),
        }
        if caller is not None and caller.key_id is not None:
            fields["key_id"] = caller.key_id
        logger.log(level, "%s %s %d", scope["method"], route, status, extra={FIELDS: fields})


def _route(scope: Scope) -> str:
    """The route's template, so that ids and made-up paths make no labels."""
    route = scope.get("route") or _would_be(scope)
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return str(path) if path else "other"


def _would_be(scope: Scope) -> object:
    """The route of a request that was refused before it came to one."""
    partial: object = None
    for context in iter_route_contexts(scope["app"].routes):
        match, _ = context.original_route.matches(scope)
        if match is Match.FULL:
            return context
        if match is Match.PARTIAL:  # but for the method
            partial = partial or context
    return partial

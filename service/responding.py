"""Problems as responses: every error exit of the service has this one shape.

Texts of unforeseen errors are never logged or sent, since they may quote an
article: their type and the place they came from are.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import InbriefError, InferenceFailed
from service.problems import Problem, RequestProblem, make_problem, problem_of, to_json
from service.unforeseen import log_unforeseen
from service.validation import problem_of_validation

logger: Final = logging.getLogger(__name__)

# Where the scope's state says which problem was sent.
PROBLEM: Final = "inbrief_problem"
PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_STATUS_SLUGS: Final = {
    400: "invalid-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    429: "rate-limited",
}


class ProblemResponse(JSONResponse):
    """A problem with its status and, where asking again is sensible, Retry-After."""

    media_type = PROBLEM_MEDIA_TYPE

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        headers = dict(headers or {})
        if problem.retry_after_seconds is not None:
            headers["retry-after"] = str(problem.retry_after_seconds)
        headers.setdefault("cache-control", "no-store")
        super().__init__(to_json(problem), status_code=problem.status, headers=headers)
        self._slug = problem.slug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[PROBLEM] = self._slug  # for who counts refusals
        await super().__call__(scope, receive, send)


class Started:
    """`send` that knows whether a response has begun, and so whether another can still be sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = self.begun or message["type"] == "http.response.start"
        await self._send(message)


class CatchAll:
    """ASGI middleware, outermost: whatever nobody foresaw becomes the problem `internal`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = Started(send)
        try:
            await self._app(scope, receive, started)
        except ClientDisconnect:
            return  # nobody is there to answer
        except Exception as error:
            log_unforeseen(error, f"{scope['method']} {scope['path'][:200]!r}")
            if not started.begun:
                await ProblemResponse(internal_problem())(scope, receive, send)
            # A response that began cannot be mended: returning cuts the connection.


def install(app: FastAPI) -> None:
    """Give `app` the handlers for every error that a route may raise.

    They are coroutines, as are the routes' dependencies: what is not runs in a
    thread of a pool, which costs more than the whole rest of a cached answer.
    """
    app.add_exception_handler(InbriefError, _on_inbrief_error)
    app.add_exception_handler(RequestProblem, _on_request_problem)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def problem_of_any(error: BaseException) -> Problem:
    """The problem for any error; one that is not ours is logged and becomes `internal`."""
    if isinstance(error, RequestProblem):
        return error.problem
    if isinstance(error, InbriefError):
        return problem_of(error)
    log_unforeseen(error, "a stream")
    return internal_problem()


def internal_problem() -> Problem:
    return make_problem("internal", "Something went wrong in the service; it has been logged.")


async def _on_inbrief_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, InbriefError)
    if isinstance(error, InferenceFailed):
        logger.error("inference failed: %s", error.message)
    return ProblemResponse(problem_of(error))


async def _on_request_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestProblem)
    return ProblemResponse(error.problem, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return ProblemResponse(problem_of_validation(error.errors()))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug = _STATUS_SLUGS.get(error.status_code, "invalid-request")
    detail: Any = {
        "not-found": f"Nothing is at {request.url.path}.",
        "method-not-allowed": f"{request.url.path} does not take this method.",
    }.get(slug, str(error.detail))
    problem = make_problem(slug, detail)
    problem.status = error.status_code
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(_allowed_methods(request))
    return ProblemResponse(problem, headers)


def _allowed_methods(request: Request) -> list[str]:
    """Every method of the address: the framework names those of one route only."""
    allowed = {
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    }
    if "GET" in allowed:
        allowed.add("HEAD")
    return sorted(allowed)

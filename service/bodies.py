"""Request bodies: bounded while they arrive, then strict JSON.

`BodyLimit` is pure ASGI and refuses before anything is read when the length is
declared, and at the first byte too many when it is not. `JSONRoute` is a
FastAPI route that parses JSON strictly, so that what the schema says about a
body is all that a handler can get.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from email.message import Message as MediaType
from typing import Any, Final, NoReturn

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, RequestProblem, make_problem

# The connection cannot be used again: the rest of the body would be read as a request.
_CLOSE: Final = {"connection": "close"}


class BodyLimit:
    """ASGI middleware: bodies over `max_bytes` or slower than `timeout_seconds` are refused.

    `respond` sends a problem as a response; it is given so that this stays free of routing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        timeout_seconds: float,
        respond: Callable[[Problem, dict[str, str]], Response],
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length")
        if declared is not None and declared.isdecimal() and int(declared) > self._max_bytes:
            await self._respond(self._too_large(), _CLOSE)(scope, receive, send)
            return
        await self._app(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        received = 0
        complete = False
        deadline: float | None = None

        async def bounded() -> Message:
            nonlocal received, complete, deadline
            if complete:  # what comes now is the disconnect, whenever it comes
                return await receive()
            loop = asyncio.get_running_loop()
            deadline = deadline or loop.time() + self._timeout_seconds
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise RequestProblem(self._too_slow(), _CLOSE) from None
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise RequestProblem(self._too_large(), _CLOSE)
            complete = not message.get("more_body", False)
            return message

        return bounded

    def _too_large(self) -> Problem:
        return make_problem(
            "body-too-large",
            f"The body has more than {self._max_bytes} bytes, which is the most.",
            limit=self._max_bytes,
        )

    def _too_slow(self) -> Problem:
        return make_problem(
            "request-timeout",
            f"The body did not arrive within {self._timeout_seconds:g} seconds.",
            limit=self._timeout_seconds,
        )


class _ParsedRequest(Request):
    """A request whose JSON was parsed already."""

    def __init__(self, scope: Scope, receive: Receive, body: bytes, parsed: object) -> None:
        super().__init__(scope, receive)
        self._bytes = body
        self._parsed = parsed

    async def body(self) -> bytes:
        return self._bytes

    async def json(self) -> Any:
        return self._parsed


class JSONRoute(APIRoute):
    """A route that takes its body as strict JSON in UTF-8 and as nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def parse_first(request: Request) -> Response:
            require_json(request.headers)
            body = await request.body()
            parsed = parse_json(body)
            return await handler(_ParsedRequest(request.scope, request.receive, body, parsed))

        return parse_first


def require_json(headers: Headers) -> None:
    """Refuse what does not declare itself as plain UTF-8 JSON.

    Raises:
        RequestProblem: unsupported-media-type.
    """
    declared = headers.get("content-type", "")
    if declared != "application/json":  # what almost everybody sends needs no parsing
        _require_utf8_json(declared)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _unsupported("Send the body without compression.", field="content-encoding")


def _require_utf8_json(declared: str) -> None:
    media = MediaType()
    media["content-type"] = declared
    charset = str(media.get_param("charset", "utf-8")).lower()
    if not declared or media.get_content_type() != "application/json":
        said = f"not {declared.split(';')[0].strip()}" if declared else "and say so"
        raise _unsupported(f"Send application/json, {said}.", field="content-type")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported("JSON is sent as UTF-8, in no other charset.", field="content-type")


def parse_json(body: bytes) -> Any:
    """The value that `body` is in JSON as RFC 8259 has it, with each key once an object.

    Raises:
        RequestProblem: invalid-utf-8 or invalid-json, with the place.
    """
    if not body.strip():
        raise _invalid("The body is empty; send a JSON object.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestProblem(
            make_problem("invalid-utf-8", f"The body is not UTF-8 at byte {error.start}.")
        ) from None
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise _invalid("The JSON is nested too deeply.") from None
    except ValueError:  # more digits than Python turns into an integer
        raise _invalid("A number has too many digits.") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _invalid(f"The key {key[:100]!r} stands twice in one object.")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"{name} is not JSON.")


def _invalid(detail: str) -> RequestProblem:
    return RequestProblem(make_problem("invalid-json", detail))


def _unsupported(detail: str, field: str) -> RequestProblem:
    return RequestProblem(
        make_problem("unsupported-media-type", detail, field=field),
        {"accept": "application/json", "accept-encoding": "identity"},
    )


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_each_key_once, parse_constant=_refuse_constant
)

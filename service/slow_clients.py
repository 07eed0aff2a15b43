"""A deadline and a bound for what comes before the body: the request's line and headers.

uvicorn waits for them as long as the client likes. Ten thousand clients that
say nothing, or one header a minute, would hold ten thousand descriptors.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


def bounded_protocol(*, timeout_seconds: float, max_header_bytes: int) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which closes connections whose headers are late or too large."""

    class BoundedProtocol(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None
        _unparsed_bytes = 0
        _named_bytes = 0
        _in_request = False
        _refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._begin_deadline()

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            if not self._in_request:
                if self._deadline is None:
                    self._begin_deadline()  # the first byte after a keep-alive pause
                # What came before this read and is no complete header yet.
                if self._unparsed_bytes > max_header_bytes:
                    self._refuse()
                    return
                self._unparsed_bytes += len(data)
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._named_bytes = 0
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            self._named_bytes += len(name) + len(value)
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._in_request = True
            self._unparsed_bytes = 0
            self._end_deadline()
            if self._named_bytes + len(self.url) > max_header_bytes:
                self._refuse()
            else:
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if not self._refused:
                super().on_body(body)

        def on_message_complete(self) -> None:
            self._in_request = False
            if not self._refused:
                super().on_message_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_deadline()
            super().connection_lost(exc)

        def _begin_deadline(self) -> None:
            self._deadline = self.loop.call_later(timeout_seconds, self._expire)

        def _end_deadline(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _expire(self) -> None:
            self._deadline = None
            if not self.transport.is_closing():
                self.transport.close()

        def _refuse(self) -> None:
            self._refused = True
            self._end_deadline()
            if not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    return BoundedProtocol


def raise_descriptor_limit() -> int:
    """Let this process open as many files and sockets as it may; the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft

"""Deadlines and bounds for a connection wherever the application does not set its own.

uvicorn waits as long as the client likes for a request's headers, for the rest
of a body that was answered already and for room to write an answer into. Ten
thousand clients that say nothing, or one header a minute, would hold ten
thousand descriptors. And it keeps whatever comes as a trailer behind a body.
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


def bounded_protocol(
    *, timeout_seconds: float, write_timeout_seconds: float, max_header_bytes: int
) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which closes connections that hold more than their share.

    `timeout_seconds` is for headers, and for what is left of a body when the
    answer is out; `write_timeout_seconds` for a client that takes nothing in
    while there is something to send. `max_header_bytes` counts the request's
    line and headers, and again what stands between the parts of a body and
    behind it.
    """

    class BoundedProtocol(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None
        _write_deadline: asyncio.TimerHandle | None = None
        # Since something of use came: a complete head, a part of a body.
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
            if not self._in_request and self._deadline is None:
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
            self._unparsed_bytes = 0
            self._end_deadline()
            self._unset_keepalive_if_required()
            if self._named_bytes + len(self.url) > max_header_bytes:
                self._refuse()
                return
            self._in_request = True
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._unparsed_bytes = 0
            if not self._refused:
                super().on_body(body)

        def on_message_complete(self) -> None:
            self._in_request = False
            self._unparsed_bytes = 0
            if self._refused:
                return
            super().on_message_complete()
            if self.cycle.response_complete:  # the body's rest has come behind its answer
                self._end_deadline()
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._in_request and self.cycle.response_complete:
                self._begin_deadline()  # nobody reads the rest of this body

        def pause_writing(self) -> None:
            super().pause_writing()
            self._write_deadline = self.loop.call_later(write_timeout_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._end_write_deadline()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_deadline()
            self._end_write_deadline()
            super().connection_lost(exc)

        def _begin_deadline(self) -> None:
            self._end_deadline()
            self._deadline = self.loop.call_later(timeout_seconds, self._expire)

        def _end_deadline(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _end_write_deadline(self) -> None:
            if self._write_deadline is not None:
                self._write_deadline.cancel()
                self._write_deadline = None

        def _expire(self) -> None:
            self._deadline = None
            if not self.transport.is_closing():
                self.transport.close()

        def _refuse(self) -> None:
            self._refused = True
            self._end_deadline()
            if not self.transport.is_closing():
                if not self._in_request:  # or an answer may be under way already
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

"""The process that serves: uvicorn, with a stop that finishes what was accepted.

On the first SIGTERM or SIGINT the service drains: /readyz and new requests get
503 while those under way are finished; the listening socket stays open so that
nobody is refused a connection meanwhile. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import Draining, InbriefError, SettingsError
from service import logs
from service.desk import Desk
from service.microbatch import THREAD_NAME
from service.operation import require_guarded
from service.problems import problem_of
from service.responding import ProblemResponse, Started
from service.settings import Settings
from service.slow_clients import bounded_protocol, raise_descriptor_limit

logger: Final = logging.getLogger(__name__)

_BACKLOG: Final = 2048
_JOIN_SECONDS: Final = 0.5
# How long the model's thread may keep the interpreter while the event loop wants it. A
# cached answer passes from thread to thread several times and waits so long each time.
SWITCH_SECONDS: Final = 0.0005


class _Counted:
    """ASGI middleware: how many requests are under way; those that a stop cuts short get 503."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = Started(send)
        self.under_way += 1
        try:
            await self._app(scope, receive, started)
        except asyncio.CancelledError:
            # Only a stop that waits no longer cancels a request, and with it this task ends.
            if not started.begun:
                error = Draining("The service has stopped before the summary was ready.")
                await ProblemResponse(problem_of(error))(scope, receive, send)
        finally:
            self.under_way -= 1


class _DrainingServer(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, counted: _Counted, desk: Desk, settings: Settings
    ) -> None:
        super().__init__(config)
        self._counted = counted
        self._desk = desk
        self._settings = settings
        self._drain_began: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._drain_began is None:
            self._drain_began = time.monotonic()
            self._desk.drain()
        else:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._desk.failure is not None:
            return True
        if self._drain_began is not None:
            seconds = time.monotonic() - self._drain_began
            if seconds >= self._settings.drain_delay_seconds and (
                self._counted.under_way == 0 or seconds >= self._settings.drain_seconds
            ):
                return True
        return await super().on_tick(counter)


def run(app: FastAPI, settings: Settings) -> InbriefError | None:
    """Serve `app` until a signal ends it; the error when the model could not be loaded.

    Raises:
        SettingsError: it would stand open on the network by accident.
    """
    logs.configure(settings.log_level, settings.log_format)
    require_guarded(settings, app.state.keys)
    raise_descriptor_limit()
    sys.setswitchinterval(SWITCH_SECONDS)
    counted = _Counted(app)
    config = uvicorn.Config(
        counted,
        host=settings.host,
        port=settings.port,
        log_config=None,
        http=bounded_protocol(
            timeout_seconds=settings.header_timeout_seconds,
            write_timeout_seconds=settings.body_timeout_seconds,
            max_header_bytes=settings.max_header_bytes,
        ),
        ws="none",
        ssl_certfile=settings.tls_certfile,
        ssl_keyfile=settings.tls_keyfile,
        server_header=False,
        access_log=False,
        lifespan="on",
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=1,  # the drain has waited already
        # Addresses from proxy headers are trusted by our own list, or not at all.
        proxy_headers=False,
    )
    desk: Desk = app.state.desk
    listener = _listen(settings)
    logger.info("inbrief %s", _address(listener, settings))
    _DrainingServer(config, counted, desk, settings).run(sockets=[listener])
    _leave_running_batch()
    return desk.failure


def _listen(settings: Settings) -> socket.socket:
    """The socket to serve on, before anything is loaded.

    Raises:
        SettingsError: the address is taken or is not one of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        # asyncio and socket add the address to the text; the name service has its own numbers.
        known = not isinstance(error, socket.gaierror) and error.errno is not None
        reason = os.strerror(error.errno or 0) if known else error.strerror
        raise SettingsError(
            f"Cannot listen on {settings.host}, port {settings.port}: {reason}.",
            field="port",
        ) from None
    listener.setblocking(False)
    return listener


def _address(listener: socket.socket, settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certfile is None else "https"
    return f"serves on {scheme}://{host}:{listener.getsockname()[1]}{settings.root_path}"


def _leave_running_batch() -> None:
    """End the process now if a batch still runs, for which nobody waits any more.

    A thread cannot be interrupted, and the interpreter would wait for it.
    """
    for thread in threading.enumerate():
        if thread.name.startswith(THREAD_NAME):
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                logger.warning("stopped within a batch")
                logging.shutdown()
                os._exit(1)

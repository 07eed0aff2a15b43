"""The process that serves: uvicorn, with a stop that finishes what was accepted.

On the first SIGTERM or SIGINT the service drains: /readyz and new requests get
503 while those under way are finished; the listening socket stays open so that
nobody is refused a connection meanwhile. A second signal ends at once.
"""

from __future__ import annotations

import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import InbriefError
from service import logs
from service.desk import Desk
from service.operation import require_guarded
from service.settings import Settings
from service.slow_clients import bounded_protocol, raise_descriptor_limit


class _Counted:
    """ASGI middleware: how many requests are under way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.under_way += 1
        try:
            await self._app(scope, receive, send)
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
            super().handle_exit(sig, frame)

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
    counted = _Counted(app)
    config = uvicorn.Config(
        counted,
        host=settings.host,
        port=settings.port,
        log_config=None,
        http=bounded_protocol(
            timeout_seconds=settings.header_timeout_seconds,
            max_header_bytes=settings.max_header_bytes,
        ),
        ws="none",
        ssl_certfile=settings.tls_certfile,
        ssl_keyfile=settings.tls_keyfile,
        server_header=False,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
        # Addresses from proxy headers are trusted by our own list, or not at all.
        proxy_headers=False,
    )
    desk: Desk = app.state.desk
    _DrainingServer(config, counted, desk, settings).run()
    return desk.failure

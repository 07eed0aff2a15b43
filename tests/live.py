"""An ASGI application behind a real socket of loopback, for tests of what talks to it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from tests.processes import PATIENCE_SECONDS, wait_until


@contextlib.contextmanager
def live(app: Any) -> Iterator[str]:
    """Serve `app` in a thread; yields its base URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
    )
    thread = threading.Thread(target=server.run, name="live")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), PATIENCE_SECONDS, "a start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

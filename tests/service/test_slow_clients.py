"""Clients that hold a connection where the application has no say any more."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.slow_clients import bounded_protocol
from tests.processes import PATIENCE_SECONDS, wait_until

MAX_HEADER_BYTES = 16_384
LONG = 32 * 2**20  # more than the buffers of a socket hold


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without a look at the body: `/long` with more than a socket holds."""
    assert scope["type"] == "http"
    body = b"x" * LONG if scope["path"] == "/long" else b"answer"
    length = str(len(body)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def serving(
    *, timeout_seconds: float = 600.0, write_timeout_seconds: float = 600.0
) -> Iterator[int]:
    protocol = bounded_protocol(
        timeout_seconds=timeout_seconds,
        write_timeout_seconds=write_timeout_seconds,
        max_header_bytes=MAX_HEADER_BYTES,
    )
    config = uvicorn.Config(
        answer, host="127.0.0.1", port=0, http=protocol, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(
            lambda: server.started or not thread.is_alive(), PATIENCE_SECONDS, "the server's start"
        )
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(PATIENCE_SECONDS)


def connect(port: int, head: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.sendall(head.encode())
    return connection


def read_answer(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(b"answer"):
        part = connection.recv(1000)
        assert part, "closed before the answer"
        received += part


def bytes_taken(connection: socket.socket, piece: bytes, pause_seconds: float = 0.0) -> int:
    """How many bytes were sent, `piece` by `piece`, until the other side closed."""
    sent, end = 0, time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            connection.sendall(piece)
            sent += len(piece)
            time.sleep(pause_seconds)
        raise AssertionError("never closed")
    return sent


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("content-length: 1000000", b"x"),
        ("transfer-encoding: chunked", b"1\r\nx\r\n"),
    ],
)
def test_the_rest_of_a_body_that_was_answered_has_a_deadline(head: str, piece: bytes) -> None:
    with (
        serving(timeout_seconds=2.0) as port,
        connect(port, f"POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n") as connection,
    ):
        read_answer(connection)
        assert bytes_taken(connection, piece, pause_seconds=0.05) < 1_000_000


def test_a_connection_whose_body_came_behind_its_answer_goes_on() -> None:
    head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"
    with serving() as port, connect(port, head) as connection:
        read_answer(connection)
        for _ in range(3):
            connection.sendall(b"0123456789" + head.encode())
            read_answer(connection)


@pytest.mark.parametrize("before", [b"1\r\nx\r\n0\r\n", b"1;"])
@pytest.mark.parametrize("piece", [b"x-name: " + b"v" * 1000 + b"\r\n", b"v" * 1000])
def test_what_stands_between_and_behind_the_parts_of_a_body_is_bounded(
    before: bytes, piece: bytes
) -> None:
    head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with serving() as port, connect(port, head) as connection:
        connection.sendall(before)
        # What the system's own buffers hold counts as sent.
        assert bytes_taken(connection, piece * 100) < 64 * 2**20


def test_a_client_that_takes_nothing_in_is_let_go() -> None:
    with (
        serving(write_timeout_seconds=0.5) as port,
        connect(port, "GET /long HTTP/1.1\r\nhost: x\r\n\r\n") as connection,
    ):
        connection.settimeout(0.1)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:  # nothing is read, so only sending can show that the other side has gone
            try:
                connection.sendall(b"x")
            except TimeoutError:
                pass
            except OSError:
                break
            assert time.monotonic() < end, "still held"
            time.sleep(0.05)


def test_a_client_that_reads_at_its_own_pace_gets_all_of_it() -> None:
    with (
        serving(write_timeout_seconds=30.0) as port,
        connect(port, "GET /long HTTP/1.1\r\nhost: x\r\n\r\n") as connection,
    ):
        received = 0
        while received < LONG:
            part = connection.recv(2**20)
            assert part, "cut off"
            received += len(part)

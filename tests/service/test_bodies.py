"""Bodies over a real socket: refused before they are read whole, or when they never come."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.app import create_app
from service.bodies import parse_json
from service.problems import Problem, RequestProblem
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.live import live
from tests.processes import PATIENCE_SECONDS

LIMIT = 20_000


@contextmanager
def serving(body_timeout_seconds: float) -> Iterator[tuple[str, int]]:
    settings = Settings(max_body_bytes=LIMIT, body_timeout_seconds=body_timeout_seconds)
    with live(create_app(settings, FakeSummariser())) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        yield host, int(port)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with serving(PATIENCE_SECONDS) as found:
        yield found


@pytest.fixture(scope="module")
def hasty() -> Iterator[tuple[str, int]]:
    with serving(0.5) as found:
        yield found


@contextmanager
def connected(address: tuple[str, int], *headers: str) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as client:
        head = [
            "POST /v1/summaries HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            *headers,
        ]
        client.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        yield client


def answer(client: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one response, read until the server closes or the body is complete."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            fields = head.lower().split(b"\r\n")
            (length,) = (int(f.split(b":")[1]) for f in fields if f.startswith(b"content-length"))
            if len(body) >= length:
                return int(head.split()[1]), json.loads(body[:length])
        received = client.recv(65536)
        assert received, f"the connection closed after {data!r}"
        data += received


def test_a_body_declared_too_large_is_refused_before_a_byte_of_it(
    address: tuple[str, int],
) -> None:
    with connected(address, f"content-length: {LIMIT + 1}") as client:
        status, problem = answer(client)  # nothing of the body was sent
    assert status == 413
    assert problem["type"] == "/problems/body-too-large"
    assert problem["limit"] == LIMIT
    assert str(LIMIT) in problem["detail"]


def test_a_body_of_undeclared_size_is_refused_at_the_first_byte_too_many(
    address: tuple[str, int],
) -> None:
    chunk = b"x" * 1000
    with connected(address, "transfer-encoding: chunked") as client:
        for _ in range(LIMIT // len(chunk) + 1):
            client.sendall(b"3e8\r\n" + chunk + b"\r\n")
        status, problem = answer(client)  # the body has no end yet
    assert status == 413
    assert problem["type"] == "/problems/body-too-large"


def test_a_client_that_sends_everything_first_still_reads_the_refusal(
    address: tuple[str, int],
) -> None:
    size = 8 * 2**20
    with connected(address, f"content-length: {size}") as client:
        sent = 0
        try:
            while sent < size:
                sent += client.send(b"x" * min(65536, size - sent))
        except OSError:
            assert sent < size
        status, _ = answer(client)
    assert status == 413


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_body_up_to_the_limit_is_read(address: tuple[str, int], size: int) -> None:
    content = json.dumps({"text": EXAMPLE_TEXT}).encode()
    content += b" " * (size - len(content))
    with connected(address, f"content-length: {size}") as client:
        client.sendall(content)
        assert answer(client)[0] == 200
    with connected(address, "transfer-encoding: chunked") as client:
        client.sendall(f"{size:x}\r\n".encode() + content + b"\r\n0\r\n\r\n")
        assert answer(client)[0] == 200


def test_a_body_that_never_ends_is_given_up(hasty: tuple[str, int]) -> None:
    with connected(hasty, "content-length: 1000") as client:
        client.sendall(b'{"text": "')
        status, problem = answer(client)
    assert status == 408
    assert problem["type"] == "/problems/request-timeout"
    assert problem["limit"] == 0.5


def test_one_byte_a_moment_does_not_stretch_the_time(hasty: tuple[str, int]) -> None:
    with connected(hasty, "content-length: 10000") as client:
        begin = time.monotonic()
        client.settimeout(0.05)
        received = b""
        while not received:
            assert time.monotonic() - begin < PATIENCE_SECONDS
            try:
                client.sendall(b" ")
                received = client.recv(65536)
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_leaves_within_its_body_harms_nobody(address: tuple[str, int]) -> None:
    for _ in range(3):
        with connected(address, "content-length: 1000") as client:
            client.sendall(b'{"text": "')
    content = json.dumps({"text": EXAMPLE_TEXT}).encode()
    with connected(address, f"content-length: {len(content)}") as client:
        client.sendall(content)
        assert answer(client)[0] == 200


@pytest.mark.parametrize("length", ["-1", "nonsense", "1e3", "９"])
def test_a_length_that_is_none_is_refused(address: tuple[str, int], length: str) -> None:
    with connected(address, f"content-length: {length}") as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 4")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_every_json_value_is_parsed_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_json_or_a_problem(body: bytes) -> None:
    problem: Problem | None = None
    value: object = None
    try:
        value = parse_json(body)
    except RequestProblem as error:
        problem = error.problem
    if problem is None:
        assert parse_json(json.dumps(value).encode()) == value
    else:
        assert problem.status == 400

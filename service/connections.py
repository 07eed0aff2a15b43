"""Connections to checked addresses only, under one deadline for the whole exchange."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from models.errors import FetchFailed
from service.addresses import IPAddress, parse_address

# host, port, seconds left -> every address of the host
Resolver = Callable[[str, int, float], Sequence[IPAddress]]
# host, port, deadline -> addresses that may be connected to; raises FetchForbidden
AddressCheck = Callable[[str, int, float], Sequence[IPAddress]]


def resolve(host: str, port: int, timeout_seconds: float) -> Sequence[IPAddress]:
    """Every address the system's resolver knows for `host`.

    Raises:
        FetchFailed: no such name, or no answer within `timeout_seconds`.
    """
    answers: queue.Queue[list[Any] | OSError | UnicodeError] = queue.Queue(1)

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    # getaddrinfo knows no timeout: the thread is left to end by itself.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(timeout_seconds, 0))
    except queue.Empty:
        raise FetchFailed("The name server did not answer in time.", field="url") from None
    if not isinstance(answer, list):
        raise FetchFailed("The host's name could not be resolved.", field="url")
    return list(dict.fromkeys(parse_address(entry[4][0]) for entry in answer))


class CheckedBackend(httpcore.NetworkBackend):
    """Opens connections to the addresses that `check` returns, and to no others.

    `deadline` is a time of `time.monotonic`. It holds for every read and write,
    so a server that sends one byte a second gains nothing.
    """

    def __init__(self, check: AddressCheck, deadline: float) -> None:
        self._check = check
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Check first, then try the checked addresses in turn."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._check(host, port, self._deadline):
            try:
                stream = self._inner.connect_tcp(
                    str(address), port, timeout=_left(self._deadline), socket_options=socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refused: pages are not behind sockets of this machine."""
        raise httpcore.UnsupportedProtocol("unix sockets")


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("deadline")
    return left

"""Real programs for tests, on loopback, each stopped at the end."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parent.parent
# Longer than anything here takes on a machine that is busy with something else; what waits
# for a condition waits so long before it is a finding.
PATIENCE_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """The path of a program, or the test is skipped with what is missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        reason = f"{name} is not installed (.ci/tools installs it)"
        if os.environ.get("REQUIRE_REAL_PROGRAMS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class RedisServer:
    """A Redis that can be killed, paused and begun again on the same port."""

    def __init__(self, directory: Path, arguments: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._arguments = list(arguments)
        self._binary = program("redis-server")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._binary,
                *("--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
                *("--appendonly", "no", "--dir", str(self._directory)),
                *self._arguments,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: accepts(self.port), PATIENCE_SECONDS, "Redis accepting connections")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None


@contextlib.contextmanager
def redis_server(directory: Path, arguments: Sequence[str] = ()) -> Iterator[RedisServer]:
    server = RedisServer(directory, arguments)
    try:
        server.start()
        yield server
    finally:
        server.kill()


class Service:
    """A service in a process of its own; `environment` holds settings and what the fake needs."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        command: Sequence[str] = ("-m", "tests.fake_service"),
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "service.log"
        self._command = [sys.executable, *command]
        self._environment = {
            **os.environ,
            "INBRIEF_PORT": str(self.port),
            "INBRIEF_DATA_DIR": str(directory / "data"),
            "INBRIEF_CACHE_URL": "sqlite",
            # A service that shares a busy machine does not do without its cache.
            "INBRIEF_CACHE_TIMEOUT_SECONDS": "10",
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, cwd=ROOT
            )
        if ready:
            wait_until(self.ready, PATIENCE_SECONDS, "the service being ready")

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def accepted(self) -> int:
        """How many articles are at work or were, and how many wait."""
        metrics = ("inbrief_queue_wait_seconds_count", "inbrief_queue_articles")
        return round(sum(self.metric(name) for name in metrics))

    def wait_until_draining(self) -> None:
        wait_until(
            lambda: self.get("/readyz").status_code == 503, PATIENCE_SECONDS, "readyz saying so"
        )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=PATIENCE_SECONDS, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return httpx.post(self.url + path, timeout=PATIENCE_SECONDS, **arguments)

    def metric(self, name: str) -> float:
        """The sum of the samples with this name, or with this name and these labels."""
        samples = (line.rpartition(" ") for line in self.get("/metrics").text.splitlines())
        return sum(
            float(value) for key, _, value in samples if key == name or key.startswith(name + "{")
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    def resident_bytes(self) -> int:
        assert self.process is not None
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()


class Hold:
    """Keeps a fake service from ending a batch; for as long as it takes."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "hold"
        self.environment = {
            "FAKE_HOLD_FILE": str(self._file),
            "INBRIEF_DEADLINE_SECONDS": "600",
            "INBRIEF_DRAIN_SECONDS": "600",
            "INBRIEF_HEADER_TIMEOUT_SECONDS": "600",
        }

    def close(self) -> None:
        self._file.touch()

    def open(self) -> None:
        self._file.unlink()


@contextlib.contextmanager
def service(directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    running = Service(directory, environment)
    try:
        running.start()
        yield running
    finally:
        running.kill()

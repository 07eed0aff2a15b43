"""Extraction in a process of its own, which can be stopped.

libxml2 reads some pages in time quadratic in their size (one tag with 160,000
attributes takes it most of a minute) and no thread can be interrupted while it
does. So HTML from outside is read in a child process with a bound on computing
time and one on memory; a page that passes either is refused and the child replaced.
Computing time, not the clock: a page is not at fault for a busy machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Final

from models.errors import ArticleTooLong, InputError, NotAnArticle
from service.extraction import MAX_HTML_CHARACTERS, ExtractedArticle, extract

TIMEOUT_SECONDS: Final = 5.0
MAX_MEMORY_BYTES: Final = 2 * 1024**3
# The clock is only the last resort, for a child that hangs without computing.
CLOCK_FACTOR: Final = 20
# The child imports trafilatura before its first page; that is not the page's fault.
START_TIMEOUT_SECONDS: Final = 60.0

_REFUSALS: Final[dict[str, type[InputError]]] = {
    "ArticleTooLong": ArticleTooLong,
    "NotAnArticle": NotAnArticle,
}


class IsolatedExtractor:
    """`extract` within bounds. Thread-safe; at most `processes` pages at once.

    Children start with the first page that needs them and live until `close`.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_html_characters: int = MAX_HTML_CHARACTERS,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_html_characters = max_html_characters
        self._children: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(processes):
            self._children.put(None)
        self._processes = processes
        self._closing = threading.Lock()

    def extract(self, html: str, *, url: str | None = None) -> ExtractedArticle:
        """As `service.extraction.extract`.

        Raises:
            ArticleTooLong: more HTML than `max_html_characters`.
            NotAnArticle: no article, or `timeout_seconds` of computing did not find it.
        """
        if len(html) > self._max_html_characters:  # spares the child the transfer
            return extract(html, max_html_characters=self._max_html_characters)
        with self._child() as child:
            try:
                return child.extract(html, url, self._max_html_characters, self._timeout_seconds)
            except TimeoutError:
                raise NotAnArticle(
                    f"The page could not be read within {self._timeout_seconds:g} seconds of "
                    "computing.",
                    field="html",
                    limit=self._timeout_seconds,
                ) from None
            except (EOFError, OSError):
                raise NotAnArticle(
                    "The page could not be read: it needs too much memory.", field="html"
                ) from None

    @contextlib.contextmanager
    def _child(self) -> Iterator[_Child]:
        child = self._children.get()
        try:
            if child is None or child.ended:
                child = _Child()
            yield child
        finally:
            self._children.put(child if child is not None and child.alive else None)

    def close(self) -> None:
        """Stop the children; pages in work are finished first."""
        with self._closing:
            children = [self._children.get() for _ in range(self._processes)]
            for child in children:
                if child is not None:
                    child.stop()
                self._children.put(None)


class _Child:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.isolation", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
            )
        self._connection = Connection(ours.detach())
        self.alive = True
        try:
            if not self._connection.poll(START_TIMEOUT_SECONDS):
                raise TimeoutError("the extraction process did not start")
            self._connection.recv_bytes()
        except BaseException:
            self.stop()
            raise

    def extract(
        self, html: str, url: str | None, max_html_characters: int, timeout_seconds: float
    ) -> ExtractedArticle:
        try:
            request = {"html": html, "url": url, "max_html_characters": max_html_characters}
            self._connection.send_bytes(json.dumps([timeout_seconds, request]).encode())
            if not self._connection.poll(timeout_seconds * CLOCK_FACTOR):
                raise TimeoutError
            answer = json.loads(self._connection.recv_bytes())
        except EOFError:
            if self.stop() == -signal.SIGXCPU:
                raise TimeoutError from None
            raise
        except BaseException:
            self.stop()
            raise
        if "refusal" in answer:
            refusal = _REFUSALS[answer["refusal"]]
            raise refusal(answer["message"], field=answer["field"], limit=answer["limit"])
        return ExtractedArticle(**answer)

    @property
    def ended(self) -> bool:
        """Whether something else stopped it."""
        return self._process.poll() is not None

    def stop(self) -> int:
        """The exit status; of a child that ended by itself, its own."""
        self.alive = False
        self._connection.close()
        self._process.kill()
        return self._process.wait()


def _serve(connection: Connection) -> None:
    logging.disable(logging.CRITICAL)  # trafilatura's remarks on pages are not ours to log
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard_limit = resource.getrlimit(resource.RLIMIT_CPU)
    connection.send_bytes(b"ready")
    while True:
        try:
            timeout_seconds, request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        # Whole seconds, counted from the start of the process.
        limit = math.ceil(time.process_time() + timeout_seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard_limit))
        try:
            answer: dict[str, object] = asdict(extract(**request))
        except InputError as error:
            answer = {
                "refusal": type(error).__name__,
                "message": error.message,
                "field": error.field,
                "limit": error.limit,
            }
        connection.send_bytes(json.dumps(answer).encode())


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))

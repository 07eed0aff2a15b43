"""What the tests of the element act with: a puppet service, a real one, another site, a reader."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Page, Request, Route

from models.contract import ModelInfo, OnSentence, Summary, SummaryRequest, SummarySentence
from models.errors import InbriefError
from tests.fakes import FakeSummariser
from tests.processes import free_port, wait_until

ARTICLE = """
<h1>Swing bridge to close</h1>
<p>The Harbour Commission voted on Tuesday to close the old swing bridge for 14 months. Engineers
found cracks in two of the eight bearings in March.</p>
<p>Buses will use the northern tunnel from 3 June. A free ferry will cross every 20 minutes for
walkers and cyclists.</p>
<p>The work costs 23 million euros, of which the state pays half. The bridge carries 11,000
vehicles a day. It was built in 1931 as bridge number 0.</p>
"""


class Puppet:
    """A fake summariser whose doubts and pace a test decides.

    `doubts` maps a word to what is called unsupported in sentences that hold
    it. While `steps` is set, each sentence waits for one release of it.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.doubts: dict[str, tuple[str, ...]] = {}
        self.steps: threading.Semaphore | None = None
        self.inner = FakeSummariser()

    @property
    def info(self) -> ModelInfo:
        return self.inner.info

    def estimate_tokens(self, request: SummaryRequest) -> int:
        return self.inner.estimate_tokens(request)

    def _judged(self, sentence: SummarySentence) -> SummarySentence:
        for word, unsupported in self.doubts.items():
            if word in sentence.text:
                return replace(sentence, supported=False, unsupported=unsupported)
        return sentence

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        def tell(index: int, sentence: SummarySentence) -> None:
            if self.steps is not None:
                assert self.steps.acquire(timeout=60), "the next sentence was never released"
            if on_sentence is not None:
                on_sentence(index, self._judged(sentence))

        results = self.inner.summarise(requests, tell)
        return [
            result
            if isinstance(result, InbriefError)
            else replace(result, sentences=tuple(map(self._judged, result.sentences)))
            for result in results
        ]


@dataclass
class Stage:
    """A service around the puppet that also serves a test's own pages."""

    url: str
    puppet: Puppet
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    bridges: int = 0

    def put(self, body: str, *, name: str = "page", head: str = "", **headers: str) -> str:
        """The address of a page with `body` and the widget's script, deferred.

        The bridge gets a number of its own, so that no answer comes from the
        service's memory of another test.
        """
        self.bridges += 1
        body = body.replace("bridge number 0", f"bridge number {self.bridges}")
        script = f'<script src="{self.url}/widget/inbrief.js" defer></script>'
        return self.put_page(page_of(body, head=script + head), name=name, **headers)

    def put_page(self, html: str, *, name: str = "page", **headers: str) -> str:
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        self.pages[name] = (html, fields)
        return f"{self.url}/pages/{name}"


def page_of(body: str, *, head: str = "", html: str = 'lang="en"') -> str:
    return (
        f"<!doctype html><html {html}><head><meta charset=utf-8><title>Bridge</title>"
        f"{head}</head><body><main>{body}</main></body></html>"
    )


@contextlib.contextmanager
def serving(app: FastAPI, port: int) -> Iterator[None]:
    """`app` on loopback, from a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 60, "the service starting")
        yield
    finally:
        server.should_exit = True
        thread.join(120)
        assert not thread.is_alive()


class Service:
    """The service as a process of its own, which a test can stop and start again."""

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None:
            return
        flags = [
            part
            for name, value in self._settings.items()
            for part in (f"--{name.replace('_', '-')}", value)
        ]
        command = [sys.executable, "-m", "service", "serve", "--port", str(self.port), *flags]
        self._process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._ready, 120, "the service getting ready")

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the service ended"
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(120)
            self._process = None


@dataclass
class Publisher:
    """Another site: its own origin, its own pages."""

    url: str
    pages: dict[str, str]


@dataclass
class Reader:
    """A page with what went over the wire and what its console said."""

    page: Page
    asked: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    # Substrings of console messages that the test provokes on purpose.
    expected: list[str] = field(default_factory=list)

    def goto(self, url: str) -> Page:
        self.page.goto(url)
        return self.page

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(request.post_data) for request in self.asked if request.post_data]

    def unexpected(self) -> list[str]:
        return [c for c in self.complaints if not any(e in c for e in self.expected)]


OpenPage = Callable[..., Reader]


def until(page: Page, expression: str) -> None:
    """Wait for a script's value to be true; the page's policy may forbid it to evaluate any."""
    wait_until(lambda: bool(page.evaluate(expression)), 60, expression)


SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) =>
  list.getEntries().forEach((entry) => shifts.push([entry.startTime, entry.value]))
).observe({ type: 'layout-shift', buffered: true });
"""


def shifts(page: Page) -> list[float]:
    """Layout shifts so far, on a page opened with SHIFTS.

    They are reported late but in order: a last one, made here, says when all are in.
    """
    found: list[float] = page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          await frame();
          await frame();
          const now = performance.now();
          const last = document.createElement('div');
          last.style.height = '97px';
          document.body.prepend(last);
          while (!shifts.some(([at]) => at > now)) await frame();
          return shifts.filter(([at]) => at <= now).map(([, value]) => value);
        }"""
    )
    return found


def after_first_paint(reader: Reader, pattern: str) -> None:
    """Requests for `pattern` wait until the page has been painted."""

    def wait(route: Route) -> None:
        until(reader.page, "performance.getEntriesByName('first-contentful-paint').length")
        route.continue_()

    reader.page.route(pattern, wait)


def passages(page: Page, name: str = "inbrief-evidence") -> list[str]:
    """The texts that are marked in the article, white space collapsed."""
    found = page.evaluate(
        "name => [...(CSS.highlights.get(name) || [])].map(r => r.toString())", name
    )
    return [" ".join(text.split()) for text in found]


def press(page: Page, index: int = 0) -> None:
    """Press the button of the element number `index` and wait for the whole summary."""
    element = page.locator("inbrief-summary").nth(index)
    element.locator(".toggle").click()
    element.locator(".copy").wait_for()

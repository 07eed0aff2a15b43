"""A real Chromium before a real service: what every test of the element starts from."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, expect, sync_playwright
from starlette.requests import Request as PageRequest
from starlette.responses import HTMLResponse
from starlette.routing import Route

from service.app import create_app
from service.settings import Settings
from tests.processes import free_port
from tests.service.widget.harness import (
    OpenPage,
    Publisher,
    Puppet,
    Reader,
    Service,
    Stage,
    serving,
)

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        reason = "Chromium is not installed (.ci/tools installs it)"
        assert not os.environ.get("REQUIRE_REAL_PROGRAMS"), reason
        pytest.skip(reason)
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=40_000)  # a busy machine is no fault of the element's
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def running_stage(publisher: Publisher) -> Iterator[Stage]:
    puppet = Puppet()
    port = free_port()
    stage = Stage(f"http://127.0.0.1:{port}", puppet)
    app = create_app(Settings(cache_url="off", cors_origins=(publisher.url,)), puppet)

    async def page(request: PageRequest) -> HTMLResponse:
        html, headers = stage.pages[request.path_params["name"]]
        script = request.path_params["name"].endswith(".js")
        return HTMLResponse(
            html, headers=headers, media_type="text/javascript" if script else "text/html"
        )

    app.router.routes.insert(0, Route("/pages/{name}", page))
    with serving(app, port):
        yield stage


@pytest.fixture
def stage(running_stage: Stage) -> Iterator[Stage]:
    running_stage.puppet.reset()
    yield running_stage
    steps = running_stage.puppet.steps
    if steps is not None:
        steps.release(100)


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(
        model="lead-3", data_dir=str(tmp_path_factory.mktemp("data")), cache_timeout_seconds="10"
    )
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="package")
def publisher() -> Iterator[Publisher]:
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            json = self.path.endswith(".json")
            self.send_response(200 if body else 204 if "favicon" in self.path else 404)
            self.send_header("Content-Type", "application/json" if json else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Publisher(f"http://127.0.0.1:{server.server_address[1]}", pages)
        server.shutdown()
        thread.join(120)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages in fresh contexts; afterwards no console may have complained."""
    contexts: list[BrowserContext] = []
    readers: list[Reader] = []

    def open_one(*, init: str = "", permissions: Sequence[str] = (), **options: Any) -> Reader:
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(permissions=list(permissions), **options)
        contexts.append(context)
        if init:
            context.add_init_script(init)
        page = context.new_page()
        page.set_default_timeout(40_000)
        reader = Reader(page)
        page.on("console", lambda message: _note(reader, message.type, message.text))
        page.on("pageerror", lambda error: reader.complaints.append(str(error)))
        page.on("request", lambda request: _keep(reader, request))
        readers.append(reader)
        return reader

    yield open_one
    for context in contexts:
        context.close()
    for reader in readers:
        assert reader.unexpected() == []


def _note(reader: Reader, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        reader.complaints.append(text)


def _keep(reader: Reader, request: Request) -> None:
    if "/v1/summaries" in request.url and request.method != "OPTIONS":
        reader.asked.append(request)

"""`create_app`: wires the parts, starts and stops them; nothing happens at import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import FastAPI

from models import loading
from models.contract import Summariser
from service import documentation, huggingface, operating, responding, routes
from service.assets import widget_router
from service.desk import Desk
from service.fetching import Fetcher
from service.inputs import Inputs
from service.operation import Operation
from service.reading import PageReader
from service.settings import Settings

_DESCRIPTION: Final = (
    "Summaries of news articles: short, faithful, each sentence with its evidence."
)


def create_app(
    settings: Settings, summariser: Summariser | None = None, fetcher: Fetcher | None = None
) -> FastAPI:
    """The service as an ASGI application.

    Without a `summariser` the one that `settings` name is loaded in the
    background from start-up on; until then /readyz and requests get 503, and
    a failed load is in `app.state.desk.failure`. One that is handed over is
    warmed before start-up is complete. A `fetcher` takes the place of the one
    that `settings` describe.
    """
    reader = PageReader(settings, fetcher)
    operation = Operation.of(settings)
    desk = Desk(
        settings,
        _inputs(settings, reader),
        operation.cache,
        operation.metrics,
        operation.tracing.stages,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(desk.open(_loader(settings, summariser)), name="open")
        if summariser is not None:
            await opening
        try:
            yield
        finally:
            desk.drain()
            await opening
            await desk.close()
            await operation.close()
            await asyncio.to_thread(reader.close)

    app = FastAPI(
        title="inbrief",
        summary=_DESCRIPTION,
        version=installed_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        root_path=settings.root_path,
    )
    app.state.desk = desk
    app.state.settings = settings
    app.include_router(routes.summaries)
    app.include_router(routes.probes)
    app.include_router(operating.routes)
    app.include_router(huggingface.inference)
    app.include_router(documentation.pages)
    app.include_router(widget_router(settings.root_path))
    responding.install(app)
    documentation.describe_exactly(app)
    operation.surround(app, desk)
    return app


def installed_version() -> str:
    """The installed distribution's version; "0" in a source tree that is not installed."""
    try:
        return version("inbrief")
    except PackageNotFoundError:
        return "0"


def _loader(settings: Settings, summariser: Summariser | None) -> Callable[[], Summariser]:
    def load() -> Summariser:
        if summariser is not None:
            return summariser
        options: dict[str, Any] = {"cache_dir": settings.model_cache_dir}
        return loading.load(
            settings.model,
            device=settings.device,
            engine=settings.engine,
            precision=settings.precision,
            allow_download=settings.allow_download,
            **options,
        )

    return load


def _inputs(settings: Settings, reader: PageReader) -> Inputs:
    return Inputs(
        max_article_characters=settings.max_article_characters,
        max_waiting=settings.page_max_waiting,
        read_page=reader.read_page,
        read_address=reader.read_address if reader.fetches else None,
    )

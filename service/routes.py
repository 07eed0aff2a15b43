"""The addresses of the service; each handler says what it takes and hands it to the desk."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service import schemas
from service.bodies import JSONRoute
from service.conversion import description_of
from service.desk import Desk
from service.problem_types import PROBLEM_TYPES
from service.problems import RequestProblem, make_problem
from service.responding import PROBLEM_MEDIA_TYPE
from service.security import Guard, caller_of
from service.settings import Settings
from service.streaming import (
    EVENT_STREAM,
    respond_with_events,
    until_disconnect,
    wants_events,
)

_ID: Final = re.compile(r"[0-9a-f]{64}")


async def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


DeskHere = Annotated[Desk, Depends(desk_of)]
SettingsHere = Annotated[Settings, Depends(settings_of)]


def problem_responses(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems with these slugs, by status."""
    by_status: dict[int | str, list[str]] = {}
    for slug in slugs:
        by_status.setdefault(PROBLEM_TYPES[slug].status, []).append(slug)
    return {
        status: {
            "description": "Problem: " + ", ".join(f"`{slug}`" for slug in found) + ".",
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in by_status.items()
    }


BODY_PROBLEMS: Final = (
    "invalid-json",
    "invalid-utf-8",
    "request-timeout",
    "body-too-large",
    "unsupported-media-type",
    "missing-field",
    "unknown-field",
    "invalid-field",
)
ARTICLE_PROBLEMS: Final = (
    "one-input-required",
    "empty-article",
    "article-too-short",
    "article-too-long",
    "not-an-article",
    "unsupported-kind",
    "unsupported-length",
    "language-not-supported",
    "model-not-found",
    "url-disabled",
    "fetch-forbidden",
    "fetch-failed",
    "inference-failed",
    "deadline-exceeded",
)
ACCESS_PROBLEMS: Final = ("unauthenticated", "forbidden", "rate-limited")
SERVICE_PROBLEMS: Final = (*ACCESS_PROBLEMS, "internal", "not-ready", "queue-full", "draining")

summaries = APIRouter(prefix="/v1", route_class=JSONRoute, tags=["summaries"])
probes = APIRouter(tags=["operation"])


def json_response(value: BaseModel) -> Response:
    """`value` as JSON, without a second pass through the framework's own encoder."""
    return Response(value.model_dump_json(), media_type="application/json")


def json_bytes(value: bytes) -> Response:
    """What is JSON already."""
    return Response(value, media_type="application/json")


def summary_response(value: BaseModel) -> Response:
    """As `json_response`, without the members that have no value here (`text`, `source`)."""
    return Response(value.model_dump_json(exclude_none=True), media_type="application/json")


@summaries.post(
    "/summaries",
    response_model=schemas.SummaryResponse,
    responses={
        200: {
            "description": "The summary; or, for `Accept: text/event-stream`, `sentence` events, "
            "then `done` with the summary or `error` with the problem.",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
        },
        **problem_responses(*BODY_PROBLEMS, *ARTICLE_PROBLEMS, *SERVICE_PROBLEMS),
    },
)
async def summarise(
    body: schemas.SummariseRequest, request: Request, desk: DeskHere, settings: SettingsHere
) -> Response:
    """Summarise one article."""
    desk.admit()
    if wants_events(request.headers):
        return await respond_with_events(request, desk, body, settings.heartbeat_seconds)
    return json_bytes(await until_disconnect(request, desk.summarise_json(body)))


@summaries.post(
    "/summaries:batch",
    response_model=schemas.SummaryBatchResponse,
    responses=problem_responses(*BODY_PROBLEMS, *SERVICE_PROBLEMS),
)
async def summarise_batch(
    body: schemas.SummariseBatchRequest, request: Request, desk: DeskHere, settings: SettingsHere
) -> Response:
    """Summarise several articles, each with its own options; a bad one harms no other."""
    desk.admit()
    if len(body.articles) > settings.max_batch_articles:
        raise RequestProblem(
            make_problem(
                "invalid-field",
                f"articles has {len(body.articles)} items; the most is "
                f"{settings.max_batch_articles}.",
                field="articles",
                limit=settings.max_batch_articles,
            )
        )
    guard: Guard = request.app.state.guard
    caller = caller_of(request.scope)
    if caller is not None and len(body.articles) > 1:
        # The gate counted one request; every further article is another.
        await guard.count(caller, cost=len(body.articles) - 1)
    results = await until_disconnect(request, desk.summarise_each(body.articles))
    return summary_response(schemas.SummaryBatchResponse(results=results))


@summaries.get(
    "/summaries/{id}",
    response_model=schemas.SummaryResponse,
    responses={
        304: {"description": "The summary is the one that If-None-Match names."},
        **problem_responses("not-found", *ACCESS_PROBLEMS, "internal"),
    },
)
async def get_summary(
    request: Request,
    desk: DeskHere,
    settings: SettingsHere,
    identity: Annotated[str, Path(alias="id", description="The summary's id.")],
) -> Response:
    """A summary made before, while it is kept. The id names the content, so it is the ETag."""
    found = await desk.find_json(identity) if _ID.fullmatch(identity) else None
    if found is None:
        raise HTTPException(404)
    # Where keys are needed a shared cache must not hand the answer to who has none.
    audience = "private" if request.app.state.keys.guards else "public"
    etag = f'"{identity}"'
    headers = {
        "etag": etag,
        "cache-control": f"{audience}, max-age={settings.summary_max_age_seconds}",
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    response = json_bytes(found)
    response.headers.update(headers)
    return response


def matches(condition: str | None, etag: str) -> bool:
    """Whether If-None-Match names `etag`, compared weakly (RFC 9110, 13.1.2)."""
    named = {part.strip().removeprefix("W/") for part in (condition or "").split(",")}
    return etag in named or "*" in named


@summaries.get(
    "/models", response_model=schemas.ModelsResponse, responses=problem_responses("internal")
)
async def list_models(desk: DeskHere) -> Response:
    """The loaded model: its kinds, lengths, languages, engine and size."""
    loaded = [] if desk.info is None else [description_of(desk.info, loaded=True)]
    return json_response(schemas.ModelsResponse(models=loaded))


@probes.get("/healthz", response_model=schemas.HealthResponse)
async def healthz() -> Response:
    """The process is alive."""
    return json_response(schemas.HealthResponse())


@probes.get(
    "/readyz",
    response_model=schemas.ReadyResponse,
    responses=problem_responses("not-ready", "queue-full", "draining"),
)
async def readyz(desk: DeskHere) -> Response:
    """The model is loaded and warmed, requests are taken and the queue has room."""
    desk.admit()
    desk.require_room()
    assert desk.info is not None  # admitted
    return json_response(schemas.ReadyResponse(model=desk.info.name))

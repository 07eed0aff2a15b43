"""The operator's addresses: metrics, and the removal of a summary."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.desk import Desk
from service.observability import CONTENT_TYPE, Metrics
from service.problems import RequestProblem, make_problem
from service.routes import problem_responses

_ID: Final = re.compile(r"[0-9a-f]{64}")

routes = APIRouter(tags=["operation"])


@routes.get("/metrics", include_in_schema=False)
async def show_metrics(request: Request) -> Response:
    """Prometheus' text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), media_type=CONTENT_TYPE)


@routes.delete(
    "/v1/summaries/{id}",
    status_code=204,
    response_class=Response,
    responses=problem_responses(
        "not-found", "cache-unavailable", "unauthenticated", "forbidden", "internal"
    ),
)
async def purge_summary(
    request: Request, identity: Annotated[str, Path(alias="id", description="The summary's id.")]
) -> Response:
    """Forget a summary; needs a key with the scope admin where keys are needed."""
    desk: Desk = request.app.state.desk
    try:
        found = await desk.purge(identity) if _ID.fullmatch(identity) else False
    except Exception as error:  # whatever the store raises, the answer is that it was not done
        raise RequestProblem(
            make_problem(
                "cache-unavailable",
                "The cache did not answer; the summary may still be there.",
                retry_after_seconds=5,
            )
        ) from error
    if not found:
        raise HTTPException(404)
    return Response(status_code=204)

"""Ray Serve over the same summariser: batches by tokens, replicas by demand.

    pip install 'inbrief[ray]'
    serve run deploy/serve_config.yaml            # on a cluster: serve deploy

`POST /v1/summaries` takes and answers what the service does (text only), with
the same ids; GET /healthz is for balancers. A new model is a new
`user_config`-free deployment: change MODEL in serve_config.yaml and deploy
again, and Serve replaces the replicas one after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import ValidationError
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models import loading
from models.contract import Summariser, Summary, SummaryRequest
from models.errors import InbriefError, InferenceFailed
from service.bodies import parse_json, require_json
from service.conversion import request_of, response_of
from service.identity import summary_id
from service.inputs import Given, Inputs
from service.problems import Problem, RequestProblem, make_problem, problem_of, to_json
from service.schemas import SummariseRequest
from service.validation import problem_of_validation

MAX_BATCH_TOKENS: Final = 16_384
BATCH_WAIT_SECONDS: Final = 0.005
MAX_ARTICLE_CHARACTERS: Final = 500_000
MAX_BODY_BYTES: Final = 4 * 2**20


class _Waiting:
    """A request and what it costs; Serve asks for the cost of batches that it tries out."""

    def __init__(self, request: SummaryRequest, tokens: int) -> None:
        self.request = request
        self.tokens = min(tokens, MAX_BATCH_TOKENS)  # one that is larger runs alone


def padded_tokens(waiting: Sequence[_Waiting]) -> int:
    """What a batch costs: as many rows as requests, each as long as the longest."""
    return max(one.tokens for one in waiting) * len(waiting) if waiting else 0


class Summaries:
    """One replica: a summariser, its batches, its HTTP."""

    def __init__(self, load: Callable[[], Summariser]) -> None:
        self._summariser = load()
        self._inputs = Inputs(max_article_characters=MAX_ARTICLE_CHARACTERS, read_page=_no_pages)

    @serve.batch(
        max_batch_size=MAX_BATCH_TOKENS,
        batch_wait_timeout_s=BATCH_WAIT_SECONDS,
        batch_size_fn=padded_tokens,
    )
    async def _summarise(self, waiting: list[_Waiting]) -> list[Summary | InbriefError]:
        requests = [one.request for one in waiting]
        try:
            return await asyncio.to_thread(self._summariser.summarise, requests)
        except Exception:  # one article may break its batch; the others must not pay
            results: list[Summary | InbriefError] = []
            for request in requests:
                results += await asyncio.to_thread(self._alone, request)
            return results

    def _alone(self, request: SummaryRequest) -> list[Summary | InbriefError]:
        try:
            return self._summariser.summarise([request])
        except Exception:  # its text may quote the article: the type is in Ray's own log
            return [InferenceFailed("The model failed on this article.")]

    async def __call__(self, request: Request) -> Response:
        if request.url.path.endswith("/healthz"):
            return JSONResponse({"status": "alive"})
        try:
            return await self._answer(request)
        except RequestProblem as error:
            return _problem(error.problem)
        except ValidationError as error:
            return _problem(problem_of_validation(error.errors()))
        except InbriefError as error:
            return _problem(problem_of(error))

    async def _answer(self, request: Request) -> Response:
        if not request.url.path.endswith("/v1/summaries"):
            raise RequestProblem(make_problem("not-found", "Nothing is at this address."))
        if request.method != "POST":
            raise RequestProblem(make_problem("method-not-allowed", "Summaries are POSTed."))
        started = time.monotonic()
        require_json(request.headers)
        body = SummariseRequest.model_validate(parse_json(await _bounded_body(request)))
        given = await self._inputs.read(body)
        asked = request_of(body, given.text, given.title)
        tokens = self._summariser.estimate_tokens(asked)
        result = await self._summarise(_Waiting(asked, tokens))
        if isinstance(result, InbriefError):
            raise result
        seconds = time.monotonic() - started
        response = response_of(
            summary_id(asked, self._summariser.info),
            result,
            asked.options,
            queue_seconds=0.0,
            inference_seconds=seconds,
            total_seconds=seconds,
        )
        return Response(response.model_dump_json(exclude_none=True), media_type="application/json")


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            detail = f"The body has more than {MAX_BODY_BYTES} bytes, which is the most."
            raise RequestProblem(make_problem("body-too-large", detail, limit=MAX_BODY_BYTES))
    return bytes(body)


async def _no_pages(html: str) -> Given:
    raise RequestProblem(
        make_problem("invalid-field", "Send text: this service extracts no pages.", field="html")
    )


def _problem(problem: Problem) -> Response:
    return JSONResponse(
        to_json(problem), status_code=problem.status, media_type="application/problem+json"
    )


def build(arguments: dict[str, str]) -> Any:
    """The application for `serve_config.yaml`; `model`, `device`, `engine`, `precision`."""

    def load() -> Summariser:
        return loading.load(
            arguments.get("model", loading.DEFAULT_MODEL),
            device=arguments.get("device", "auto"),
            engine=arguments.get("engine", "auto"),
            precision=arguments.get("precision", "auto"),
        )

    return serve.deployment(name="Summaries")(Summaries).bind(load)

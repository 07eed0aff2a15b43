"""The Hugging Face inference shape, for clients that speak it already.

`POST /models/{name}`, and `POST /` for clients that take a base URL for one model,
accept `{"inputs": …, "parameters": {…}}` and answer `[{"summary_text": …}]`; errors
are `{"error": …, "error_type": …}`. Source: the summarization task of
huggingface.co/docs/inference-providers and of `huggingface_hub`'s specification.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models.contract import Format, Kind, Length
from models.errors import InbriefError
from service.bodies import JSONRoute
from service.desk import Desk
from service.problems import Problem, RequestProblem, make_problem, problem_of
from service.routes import DeskHere, SettingsHere
from service.schemas import EXAMPLE_TEXT, MAX_MAX_WORDS, MIN_MAX_WORDS, Strict, SummaryResponse
from service.streaming import until_disconnect
from service.validation import problem_of_validation

MAX_INPUTS: Final = 64
# English news has about four tokens to three words in the vocabularies of BART and T5.
_WORDS_A_TOKEN: Final = 0.75
# A summary of up to so many tokens is a sentence, or a short paragraph.
_SHORT_TOKENS: Final = 40
_MEDIUM_TOKENS: Final = 150

_Tokens = Annotated[int, Field(ge=0, le=100_000)]


class _Generation(Strict):
    """What may stand in `parameters` and in its `generate_parameters`.

    Lengths are in tokens, as transformers has them; the bound that is kept is one
    in words. Settings of a search (beams, penalties) are the model's own here and
    are accepted without effect; sampling is refused, since a summary is a function
    of its article.
    """

    min_length: _Tokens | None = None
    max_length: _Tokens | None = None
    min_new_tokens: _Tokens | None = None
    max_new_tokens: _Tokens | None = None
    do_sample: Literal[False] | None = Field(default=None, description="Nothing is sampled.")
    num_beams: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Accepted without effect."
    )
    num_return_sequences: Literal[1] | None = None
    length_penalty: float | None = Field(default=None, description="Accepted without effect.")
    repetition_penalty: float | None = Field(default=None, description="Accepted without effect.")
    no_repeat_ngram_size: _Tokens | None = Field(
        default=None, description="Accepted without effect."
    )
    early_stopping: bool | None = Field(default=None, description="Accepted without effect.")


class Parameters(_Generation):
    """The task's parameters, and inbrief's own options beside them."""

    truncation: (
        Literal["do_not_truncate", "longest_first", "only_first", "only_second"] | bool | None
    ) = Field(default=None, description="Accepted without effect: nothing is truncated.")
    clean_up_tokenization_spaces: bool | None = Field(
        default=None, description="Accepted without effect: there are none."
    )
    generate_parameters: _Generation | None = None
    kind: Kind | None = Field(default=None, description="Default: tldr.")
    length: Length | None = Field(default=None, description="Default: what the token bounds suit.")
    max_words: int | None = Field(default=None, ge=MIN_MAX_WORDS, le=MAX_MAX_WORDS)
    format: Format = "plain"
    strict: bool = False
    language: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$")


class InferenceOptions(Strict):
    """What the hosted API takes in `options`; both are accepted without effect."""

    use_cache: bool | None = None
    wait_for_model: bool | None = None


class InferenceRequest(Strict):
    """One article or several."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": EXAMPLE_TEXT},
                {"inputs": EXAMPLE_TEXT, "parameters": {"max_length": 80, "do_sample": False}},
            ]
        }
    )

    inputs: str | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
    parameters: Parameters | None = None
    options: InferenceOptions | None = None


class InferenceOutput(BaseModel):
    """The summary of one article."""

    summary_text: str


class InferenceError(BaseModel):
    """An error in the shape of the inference API; `error_type` is the problem's slug."""

    error: str
    error_type: str
    estimated_time: float | None = Field(
        default=None, description="Seconds until asking again is sensible."
    )


class InferenceRoute(JSONRoute):
    """A route whose errors have the shape of the inference API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def in_shape(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestProblem as error:
                return _error(error.problem, error.headers)
            except RequestValidationError as error:
                return _error(problem_of_validation(error.errors()))
            except InbriefError as error:
                return _error(problem_of(error))

        return in_shape


_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": InferenceError, "description": meaning}
    for status, meaning in (
        (400, "The body is not JSON in UTF-8."),
        (404, "No such model here."),
        (408, "The body came too slowly."),
        (413, "The body or an article is too large."),
        (415, "The body is not declared as JSON."),
        (422, "A field or an article is invalid."),
        (500, "Internal error."),
        (503, "Not ready, or too busy."),
        (504, "Not ready in time."),
    )
}  # fmt: skip
# A name with a line break in it reaches no route: such an address is answered as any unknown one.
_ERRORS[404]["content"] = {"application/problem+json": {"schema": {"type": "object"}}}

inference = APIRouter(route_class=InferenceRoute, tags=["huggingface"])


@inference.post("/models/{name:path}", response_model=list[InferenceOutput], responses=_ERRORS)
async def infer(
    name: Annotated[str, Path(description="The loaded model's name.")],
    body: InferenceRequest,
    request: Request,
    desk: DeskHere,
    settings: SettingsHere,
) -> Response:
    """Summarise in the shape of the Hugging Face inference API."""
    desk.admit()
    assert desk.info is not None  # admitted
    if name not in (desk.info.name, settings.model):
        problem = make_problem("model-not-found", f"{desk.info.name} is loaded here, not {name}.")
        problem.status = 404
        raise RequestProblem(problem)
    return await _answer(body, request, desk)


@inference.post("/", include_in_schema=False)  # the same operation as above
async def infer_at_root(body: InferenceRequest, request: Request, desk: DeskHere) -> Response:
    """The same for the one model that is loaded, as an inference endpoint has it."""
    desk.admit()
    return await _answer(body, request, desk)


async def _answer(body: InferenceRequest, request: Request, desk: Desk) -> Response:
    assert desk.info is not None  # admitted
    options = _options(body.parameters or Parameters(), desk.info.kinds)
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    items = [{"text": text, **options} for text in texts]
    results = await until_disconnect(request, desk.summarise_each(items))
    outputs = []
    for index, result in enumerate(results):
        if not isinstance(result, SummaryResponse):
            place = "inputs" if isinstance(body.inputs, str) else f"inputs.{index}"
            raise RequestProblem(result.model_copy(update={"detail": f"{place}: {result.detail}"}))
        outputs.append({"summary_text": result.summary})
    return JSONResponse(outputs)


def _options(parameters: Parameters, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """The request's fields for the parameters of the task.

    Raises:
        RequestProblem: a minimum over its maximum.
    """
    least, most = _bounds(parameters)
    if least is not None and most is not None and least > most:
        raise RequestProblem(
            make_problem(
                "invalid-field",
                f"parameters.min_length is {least} and passes parameters.max_length, {most}.",
                field="parameters.min_length",
                limit=most,
            )
        )
    max_words = parameters.max_words
    if max_words is None and most is not None:
        max_words = min(max(MIN_MAX_WORDS, round(most * _WORDS_A_TOKEN)), MAX_MAX_WORDS)
    return {
        "kind": parameters.kind or ("tldr" if "tldr" in kinds else kinds[0]),
        "length": parameters.length or _length(least, most),
        "max_words": max_words,
        "format": parameters.format,
        "strict": parameters.strict,
        "language": parameters.language,
    }


def _bounds(parameters: Parameters) -> tuple[int | None, int | None]:
    """The least and the most tokens; what stands in `generate_parameters` wins."""
    least = most = None
    for given in (parameters, parameters.generate_parameters or _Generation()):
        least = _first(given.min_new_tokens, given.min_length, least)
        most = _first(given.max_new_tokens, given.max_length, most)
    return least, most


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _length(least: int | None, most: int | None) -> Length:
    if most is None:
        return "medium" if least is None or least <= _MEDIUM_TOKENS else "long"
    if most <= _SHORT_TOKENS:
        return "short"
    return "medium" if ((least or 0) + most) / 2 <= _MEDIUM_TOKENS else "long"


def _error(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    headers = dict(headers or {})
    seconds = problem.retry_after_seconds
    if seconds is not None:
        headers["retry-after"] = str(seconds)
    error = InferenceError(
        error=problem.detail,
        error_type=problem.slug,
        estimated_time=None if seconds is None else float(seconds),
    )
    return JSONResponse(error.model_dump(exclude_none=True), problem.status, headers)

"""The wire: what a request may hold and what an answer holds, with examples.

Types are strict (no "5" for 5) and unknown fields are refused. Offsets are
Unicode code points of the text the caller sent; for HTML and URLs, of the
extracted text, which `include_text` returns.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from models.contract import Format, Kind, Length
from service.problems import Problem

MIN_MAX_WORDS: Final = 5
MAX_MAX_WORDS: Final = 2000
MAX_TITLE_CHARACTERS: Final = 1000
MAX_URL_CHARACTERS: Final = 2048
ONE_INPUT: Final = "one_input_required"

EXAMPLE_TEXT: Final = (
    "The Harbour Commission voted on Tuesday to close the old swing bridge for 14 months while its "
    "1931 bearings are replaced. Engineers found cracks in two of the eight bearings in March. "
    "Buses will use the northern tunnel from 3 June, and a free ferry will cross every 20 minutes "
    "for walkers and cyclists. The work costs 23 million euros, of which the state pays half."
)


def _whole_characters(value: str) -> str:
    """JSON can name half of a surrogate pair; no text holds one and UTF-8 cannot carry it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise PydanticCustomError("string_unicode", "half of a surrogate pair") from None
    return value


Text = Annotated[str, AfterValidator(_whole_characters)]


class Strict(BaseModel):
    """A value whose fields are all known and of exactly their types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SummariseRequest(Strict):
    """One article, given as exactly one of text, html and url, and what is wanted of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": EXAMPLE_TEXT},
                {
                    "text": EXAMPLE_TEXT,
                    "title": "Swing bridge to close for 14 months",
                    "kind": "tldr",
                    "length": "medium",
                    "language": "en",
                },
                {"html": "<article><h1>…</h1><p>…</p></article>", "include_text": True},
            ],
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("text", "html", "url")
            ],
        }
    )

    text: Text | None = Field(default=None, description="The article as plain text.")
    html: Text | None = Field(
        default=None, description="A whole HTML page; the article on it is found and extracted."
    )
    url: Text | None = Field(
        default=None,
        max_length=MAX_URL_CHARACTERS,
        description="Address of a page to fetch; off unless the operator allows it.",
    )
    title: Text | None = Field(
        default=None,
        max_length=MAX_TITLE_CHARACTERS,
        description="The article's title; it helps to choose what matters.",
    )
    kind: Kind = Field(
        default="key-points",
        description="What is written, as in Chrome's built-in Summarizer.",
    )
    length: Length = Field(
        default="short",
        description="key-points: at most 3, 5, 7 points; tldr: a sentence, a short paragraph, a "
        "paragraph; teaser: 1, 2, 3 sentences; headline: at most 12, 17, 22 words.",
    )
    max_words: int | None = Field(
        default=None,
        ge=MIN_MAX_WORDS,
        le=MAX_MAX_WORDS,
        description="Hard bound on the summary's words; overrides `length`.",
    )
    format: Format = Field(
        default="plain", description="`markdown` writes key points as `- point` lines."
    )
    strict: bool = Field(
        default=False, description="Keep only sentences that the article supports."
    )
    language: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$",
        description="BCP 47 tag of the article's language; detected when absent.",
    )
    model: Text | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Name of the loaded model, for callers who want to be sure of it.",
    )
    include_text: bool = Field(
        default=False, description="Return the text that the offsets refer to."
    )

    @model_validator(mode="after")
    def _exactly_one_input(self) -> SummariseRequest:
        given = [name for name in ("text", "html", "url") if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"this has {' and '.join(given)}" if given else "this has none of them"
            raise PydanticCustomError(
                ONE_INPUT,
                "Give the article as exactly one of text, html and url; {found}.",
                {"found": found},
            )
        return self


# What stands in `articles` is validated one by one, so that a bad article
# becomes a problem in its place; the schema says both.
_BatchItem = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"$ref": "#/components/schemas/SummariseRequest"},
                {"description": "Anything else is answered by a problem in its place."},
            ]
        }
    ),
]


class SummariseBatchRequest(Strict):
    """Several articles, each with its own options."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"articles": [{"text": EXAMPLE_TEXT}, {"text": EXAMPLE_TEXT, "kind": "headline"}]}
            ]
        }
    )

    articles: list[_BatchItem] = Field(
        min_length=1, description="The articles; the operator bounds their number (default 64)."
    )


class SpanResponse(Strict):
    """A range of code points, start inclusive, end exclusive."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class SentenceResponse(Strict):
    """One sentence of the summary and where it comes from."""

    text: str
    evidence: list[SpanResponse] = Field(description="One to three spans, best first.")
    supported: bool = Field(description="Whether the article holds what the sentence says.")
    unsupported: list[str] = Field(
        description="Names, numbers, dates and quotations that the article does not hold."
    )


class ModelResponse(Strict):
    """The model that wrote the summary."""

    name: str
    revision: str = Field(description="Digest of the weights, the configuration and the rules.")
    engine: str
    precision: str


class CoverageResponse(Strict):
    """How much of the article was read."""

    source_sentences: int = Field(ge=0)
    read_sentences: int = Field(ge=0)
    selected: list[int] = Field(description="Indices of the sentences that were written from.")


class TimingsResponse(Strict):
    """Where the time went, in seconds. An answer from the cache neither queued nor inferred."""

    queue_seconds: float = Field(ge=0)
    inference_seconds: float = Field(ge=0, description="The whole inference batch's.")
    total_seconds: float = Field(ge=0)


class SourceResponse(Strict):
    """What the page says of itself; for html and url."""

    title: str | None = None
    author: str | None = None
    date: str | None = Field(default=None, description="YYYY-MM-DD.")
    url: str | None = Field(default=None, description="The address that was read, redirects done.")


class SummaryResponse(Strict):
    """A summary with its evidence."""

    id: str = Field(
        description="Digest of text, options, model revision and engine: the same request gives "
        "the same id and the same summary."
    )
    summary: str
    sentences: list[SentenceResponse]
    kind: Kind
    length: Length
    format: Format
    words: int = Field(ge=0)
    source_words: int = Field(ge=0)
    language: str
    model: ModelResponse
    coverage: CoverageResponse
    truncated: bool = Field(description="Whether some sentence of the article was not read.")
    cached: bool = Field(description="Whether the summary was there before this request.")
    timings: TimingsResponse
    ai_generated: Literal[True] = Field(
        default=True, description="A machine wrote this. Whether an editor read it, only you know."
    )
    disclosure: str = Field(
        description="A sentence in the summary's language that says so (EU AI Act, Art. 50(4))."
    )
    text: str | None = Field(
        default=None, description="The text that the offsets refer to; with `include_text`."
    )
    source: SourceResponse | None = Field(default=None, description="For html and url.")


class SummaryBatchResponse(Strict):
    """One result an article, in order."""

    results: list[SummaryResponse | Problem]


class ModelDescription(ModelResponse):
    """A model and what it can do."""

    loaded: bool
    device: str
    kinds: list[Kind]
    lengths: list[Length]
    languages: list[str] = Field(description="BCP 47 tags; empty: the model does not say.")
    max_input_tokens: int | None = Field(description="The encoder's window; null: no bound.")
    parameters: int
    size_bytes: int
    choice: str = Field(description="Why this engine runs it.")


class ModelsResponse(Strict):
    """The models of this service."""

    models: list[ModelDescription]


class HealthResponse(Strict):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class ReadyResponse(Strict):
    """The model is loaded and warmed."""

    status: Literal["ready"] = "ready"
    model: str

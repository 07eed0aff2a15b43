"""The one table from an error to a problem (RFC 9457) and its HTTP status.

Nothing here speaks HTTP: the batch writer puts the same problems in its lines.
`type` is a relative reference below `/problems/`, where the service explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from models import errors

TYPE_PREFIX: Final = "/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: a stable slug, the status it is answered with, what it means."""

    slug: str
    status: int
    title: str
    explanation: str


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    row.slug: row
    for row in (
        ProblemType(
            "invalid-json",
            400,
            "The body is not valid JSON",
            "The body must be one JSON value (RFC 8259): no NaN or Infinity, no key twice in one "
            "object, no nesting beyond what the schema needs.",
        ),
        ProblemType(
            "invalid-utf-8", 400, "The body is not valid UTF-8", "JSON is sent as UTF-8 (RFC 8259)."
        ),
        ProblemType(
            "invalid-request",
            400,
            "The request cannot be understood",
            "The request is malformed below the level of the schema.",
        ),
        ProblemType(
            "unauthenticated",
            401,
            "A key is needed",
            "The service asks for a key and got none, or one that it does not know.",
        ),
        ProblemType(
            "forbidden",
            403,
            "Not allowed",
            "The key is known but does not allow this, or not from this origin.",
        ),
        ProblemType("not-found", 404, "Not found", "Nothing is at this address, or not any more."),
        ProblemType(
            "method-not-allowed",
            405,
            "Method not allowed",
            "The address exists; the Allow header names the methods it takes.",
        ),
        ProblemType(
            "request-timeout",
            408,
            "The body came too slowly",
            "The whole body must arrive within the service's bound.",
        ),
        ProblemType(
            "body-too-large",
            413,
            "The body is too large",
            "The body passes the bound in bytes; it was not read whole.",
        ),
        ProblemType(
            "article-too-long",
            413,
            "The article is too long",
            "The article passes the bound in characters; nothing was cut off.",
        ),
        ProblemType(
            "unsupported-media-type",
            415,
            "Unsupported media type",
            "Send application/json in UTF-8, not compressed.",
        ),
        ProblemType(
            "missing-field",
            422,
            "A field is missing",
            "The request lacks a field that it must have.",
        ),
        ProblemType(
            "unknown-field",
            422,
            "Unknown field",
            "The request has a field that the service does not know; nothing is ignored silently.",
        ),
        ProblemType(
            "invalid-field",
            422,
            "A field is invalid",
            "A field has the wrong type or passes its bounds.",
        ),
        ProblemType(
            "one-input-required",
            422,
            "Exactly one of text, html and url",
            "An article is given in exactly one way: text, html or url.",
        ),
        ProblemType(
            "empty-article", 422, "The article is empty", "The article holds no visible text."
        ),
        ProblemType(
            "article-too-short",
            422,
            "The article is too short",
            "A text this short is its own summary; the problem names the minimum in words.",
        ),
        ProblemType(
            "not-an-article",
            422,
            "No article found",
            "No article could be found in what was sent.",
        ),
        ProblemType(
            "unsupported-kind",
            422,
            "Unsupported kind",
            "The loaded model does not write this kind of summary; the problem names those it "
            "writes.",
        ),
        ProblemType(
            "unsupported-length",
            422,
            "Unsupported length",
            "The loaded model does not write this length; the problem names those it writes.",
        ),
        ProblemType(
            "language-not-supported",
            422,
            "Language not supported",
            "The loaded model does not cover the article's language; the problem names those it "
            "covers.",
        ),
        ProblemType(
            "model-not-found",
            422,
            "Model not found",
            "The named model is not loaded here; the problem names the one that is.",
        ),
        ProblemType(
            "url-disabled",
            422,
            "Fetching by URL is off",
            "This service does not fetch pages; send text or html.",
        ),
        ProblemType(
            "fetch-forbidden",
            422,
            "The page may not be fetched",
            "The URL, one of its redirects or its robots.txt does not allow the fetch.",
        ),
        ProblemType(
            "fetch-failed",
            422,
            "The page could not be fetched",
            "The host did not answer, answered with an error, or sent something unreadable.",
        ),
        ProblemType(
            "invalid-record",
            422,
            "Not an article record",
            "A line or row of a file is not an article record.",
        ),
        ProblemType(
            "rate-limited",
            429,
            "Too many requests",
            "The key or the address has used up its rate; Retry-After says when to ask again.",
        ),
        ProblemType(
            "internal",
            500,
            "Internal error",
            "Something went wrong in the service; the request may be repeated.",
        ),
        ProblemType(
            "inference-failed",
            500,
            "The model failed on this article",
            "The model raised, or returned nothing usable, for this article alone.",
        ),
        ProblemType(
            "model-unusable",
            500,
            "The model cannot be used",
            "The checkpoint is broken or is not one that inbrief can run.",
        ),
        ProblemType(
            "not-ready",
            503,
            "The model is not loaded yet",
            "The service is starting; Retry-After says when to ask again.",
        ),
        ProblemType(
            "queue-full",
            503,
            "The queue is full",
            "The service has as much work as it may hold; Retry-After says when to ask again.",
        ),
        ProblemType(
            "cache-unavailable",
            503,
            "The cache does not answer",
            "What was asked needs the cache, which is broken or slow now; summaries do without it.",
        ),
        ProblemType(
            "draining",
            503,
            "The service is stopping",
            "Requests that were accepted are finished; new ones go to another instance.",
        ),
        ProblemType(
            "deadline-exceeded",
            504,
            "Not ready in time",
            "The summary was not ready within the service's deadline.",
        ),
    )
}

# The first entry that an error is an instance of decides: leaves before their bases.
ERROR_SLUGS: Final[dict[type[errors.InbriefError], str]] = {
    errors.EmptyArticle: "empty-article",
    errors.ArticleTooShort: "article-too-short",
    errors.ArticleTooLong: "article-too-long",
    errors.NotAnArticle: "not-an-article",
    errors.UnsupportedKind: "unsupported-kind",
    errors.UnsupportedLength: "unsupported-length",
    errors.UnsupportedLanguage: "language-not-supported",
    errors.InvalidRecord: "invalid-record",
    errors.InputError: "invalid-field",
    errors.FetchForbidden: "fetch-forbidden",
    errors.FetchFailed: "fetch-failed",
    errors.FetchError: "fetch-failed",
    errors.ModelNotFound: "model-not-found",
    errors.InferenceFailed: "inference-failed",
    errors.ModelError: "model-unusable",
    errors.QueueFull: "queue-full",
    errors.DeadlineExceeded: "deadline-exceeded",
    errors.Draining: "draining",
    errors.OverloadError: "queue-full",
    errors.Unauthenticated: "unauthenticated",
    errors.Forbidden: "forbidden",
    errors.RateLimited: "rate-limited",
    errors.AccessError: "forbidden",
    errors.InbriefError: "internal",
}


class FieldError(BaseModel):
    """One field at fault."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="Path of the field, such as `kind` or `articles.3`.")
    detail: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """Problem details, RFC 9457, with the field and the limit that were passed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/article-too-short",
                    "title": "The article is too short",
                    "status": 422,
                    "detail": "The article has 9 words; the shortest that is summarised has 25.",
                    "field": "text",
                    "limit": 25,
                }
            ]
        },
    )

    type: str = Field(description="Stable identifier; an address below /problems/ explains it.")
    title: str = Field(description="What this type of problem is, the same each time.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request, in one sentence.")
    field: str | None = Field(default=None, description="The field at fault, where there is one.")
    limit: int | float | str | None = Field(
        default=None, description="The bound that was passed, in the unit that `detail` names."
    )
    errors: list[FieldError] | None = Field(
        default=None, description="Every field at fault, when there is more than one."
    )
    retry_after_seconds: int | None = Field(
        default=None, description="When asking again is sensible; also in the Retry-After header."
    )

    @property
    def slug(self) -> str:
        return self.type.removeprefix(TYPE_PREFIX)


class RequestProblem(Exception):
    """A problem of the request itself, which no model ever sees (bad JSON, too large a body)."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers or {}


def make_problem(
    slug: str,
    detail: str,
    *,
    field: str | None = None,
    limit: int | float | str | None = None,
    retry_after_seconds: int | None = None,
    field_errors: Sequence[FieldError] = (),
) -> Problem:
    """A problem of a type from the table; KeyError for a slug that is not in it."""
    row = PROBLEM_TYPES[slug]
    return Problem(
        type=TYPE_PREFIX + slug,
        title=row.title,
        status=row.status,
        detail=printable(detail),
        field=None if field is None else printable(field),
        limit=limit,
        errors=list(field_errors) or None,
        retry_after_seconds=retry_after_seconds,
    )


def slug_of(error: errors.InbriefError) -> str:
    """The slug that the table gives an error, by its nearest class."""
    for cls in type(error).__mro__:
        if cls in ERROR_SLUGS:
            return ERROR_SLUGS[cls]
    return "internal"


def problem_of(error: errors.InbriefError) -> Problem:
    """The problem that says what `error` says."""
    return make_problem(
        slug_of(error),
        error.message,
        field=error.field,
        limit=error.limit,
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
    )


def printable(text: str) -> str:
    """`text` without lone surrogates, which JSON can name and UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def to_json(problem: Problem) -> dict[str, Any]:
    """The members that have a value; RFC 9457 has no null members."""
    return problem.model_dump(exclude_none=True)

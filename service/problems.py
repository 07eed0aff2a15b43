"""The one table from an error to a problem (RFC 9457), whose type has the HTTP status.

Nothing here speaks HTTP: the batch writer puts the same problems in its lines.
`type` is a relative reference below `/problems/`, where the service explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from models import errors
from service.problem_types import PROBLEM_TYPES

TYPE_PREFIX: Final = "/problems/"


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

"""The table of problems: complete, stable, and the one place where errors get a status."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from models import errors
from service.problem_types import PROBLEM_TYPES
from service.problems import (
    ERROR_SLUGS,
    FieldError,
    Problem,
    make_problem,
    printable,
    problem_of,
    slug_of,
    to_json,
)


def error_classes() -> Iterator[type[errors.InbriefError]]:
    for _, value in inspect.getmembers(errors, inspect.isclass):
        # What our own client raises about a service never happens inside one.
        if issubclass(value, errors.InbriefError) and not issubclass(value, errors.ServiceError):
            yield value


# What clients may build on. A slug may be added; none may change or go.
STABLE = {
    "article-too-long": 413,
    "article-too-short": 422,
    "body-too-large": 413,
    "deadline-exceeded": 504,
    "draining": 503,
    "empty-article": 422,
    "fetch-failed": 422,
    "fetch-forbidden": 422,
    "forbidden": 403,
    "inference-failed": 500,
    "internal": 500,
    "invalid-field": 422,
    "invalid-json": 400,
    "invalid-request": 400,
    "invalid-utf-8": 400,
    "language-not-supported": 422,
    "method-not-allowed": 405,
    "missing-field": 422,
    "model-not-found": 422,
    "not-an-article": 422,
    "not-found": 404,
    "not-ready": 503,
    "one-input-required": 422,
    "queue-full": 503,
    "rate-limited": 429,
    "request-timeout": 408,
    "unauthenticated": 401,
    "unknown-field": 422,
    "unsupported-kind": 422,
    "unsupported-length": 422,
    "unsupported-media-type": 415,
    "url-disabled": 422,
}


def test_the_slugs_that_clients_build_on() -> None:
    assert {slug: PROBLEM_TYPES[slug].status for slug in STABLE} == STABLE


def test_the_table_is_well_formed() -> None:
    for slug, row in PROBLEM_TYPES.items():
        assert slug == row.slug
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        assert 400 <= row.status < 600
        assert row.title
        assert not row.title.endswith(".")
        assert row.explanation.endswith(".")


@pytest.mark.parametrize("error", list(error_classes()))
def test_every_error_has_a_problem(error: type[errors.InbriefError]) -> None:
    problem = problem_of(error("A sentence.", field="text", limit=3))
    assert problem.slug in PROBLEM_TYPES
    assert (problem.detail, problem.field, problem.limit) == ("A sentence.", "text", 3)


def test_every_leaf_has_its_own_entry() -> None:
    leaves = [error for error in error_classes() if not error.__subclasses__()]
    # Errors that no request can cause.
    inner = {errors.SettingsError, errors.MissingDependency, errors.EvaluationError}
    inner |= {errors.IncompatibleModel, errors.CorruptModel}
    assert {error for error in leaves if error not in ERROR_SLUGS} <= inner


def test_an_error_of_ours_that_is_new_falls_back_to_its_base() -> None:
    class NewKind(errors.QueueFull):
        """Not in the table."""

    assert slug_of(NewKind("Full.")) == "queue-full"


def test_overload_says_when_to_come_back() -> None:
    assert problem_of(errors.QueueFull("Full.", retry_after_seconds=7)).retry_after_seconds == 7
    assert problem_of(errors.EmptyArticle("Empty.")).retry_after_seconds is None


def test_members_without_a_value_are_not_sent() -> None:
    assert set(to_json(make_problem("not-found", "Nothing."))) == {
        "type",
        "title",
        "status",
        "detail",
    }


def test_half_characters_are_made_printable() -> None:
    problem = make_problem("unknown-field", "\ud800 is odd.", field="\udfff")
    Problem.model_validate_json(problem.model_dump_json())
    assert printable("a\ud800b") == "a?b"


def test_several_faults() -> None:
    faults = [FieldError(field="a", detail="x"), FieldError(field="b", detail="y")]
    assert make_problem("invalid-field", "x", field_errors=faults).errors == faults

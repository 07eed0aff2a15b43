"""The answer for a summary, its id and its disclosure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract import Article, Summary, SummaryOptions, SummaryRequest
from service.conversion import primary_tag, request_of, response_of
from service.disclosure import DISCLOSURES, disclosure
from service.identity import summary_id
from service.schemas import EXAMPLE_TEXT, SummariseRequest
from tests.fakes import FAKE_INFO, FakeSummariser

REQUEST = SummaryRequest(Article(EXAMPLE_TEXT, title="Bridge", language="en"), SummaryOptions())


def made(request: SummaryRequest) -> Summary:
    (result,) = FakeSummariser().summarise([request])
    assert isinstance(result, Summary)
    return result


def test_a_request_keeps_everything_that_was_asked() -> None:
    body = SummariseRequest(
        text="sent",
        kind="teaser",
        length="long",
        max_words=30,
        format="markdown",
        strict=True,
        language="pt-BR",
    )
    assert request_of(body, "text", "title") == SummaryRequest(
        Article("text", "title", "pt"), SummaryOptions("teaser", "long", 30, "markdown", True)
    )


def test_an_answer_keeps_everything_that_was_made() -> None:
    summary = made(REQUEST)
    marked = replace(
        summary.sentences[0], supported=False, unsupported=("Harbour", "14"), evidence=()
    )
    summary = replace(summary, sentences=(marked,), truncated=True)
    answer = response_of(
        "id", summary, REQUEST.options, queue_seconds=1, inference_seconds=2, total_seconds=3
    )
    assert answer.summary == summary.text
    (sentence,) = answer.sentences
    assert (sentence.supported, sentence.unsupported) == (False, ["Harbour", "14"])
    assert answer.truncated
    assert answer.timings.model_dump() == {
        "queue_seconds": 1,
        "inference_seconds": 2,
        "total_seconds": 3,
    }


CHANGES: list[dict[str, Any]] = [
    {"article": Article(EXAMPLE_TEXT + " ", title="Bridge", language="en")},
    {"article": Article(EXAMPLE_TEXT, title="Other", language="en")},
    {"article": Article(EXAMPLE_TEXT, title=None, language="en")},
    {"article": Article(EXAMPLE_TEXT, title="Bridge", language=None)},
    *(
        {"options": replace(SummaryOptions(), **change)}
        for change in (
            {"kind": "tldr"},
            {"length": "long"},
            {"max_words": 20},
            {"format": "markdown"},
            {"strict": True},
        )
    ),
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_request_has_another_id(change: dict[str, Any]) -> None:
    assert summary_id(replace(REQUEST, **change), FAKE_INFO) != summary_id(REQUEST, FAKE_INFO)


@pytest.mark.parametrize("name", ["name", "revision", "engine", "precision"])
def test_another_model_has_another_id(name: str) -> None:
    other = replace(FAKE_INFO, **{name: "other"})  # type: ignore[arg-type]
    assert summary_id(REQUEST, other) != summary_id(REQUEST, FAKE_INFO)


def test_the_id_is_the_same_everywhere_and_for_ever() -> None:
    # A cache on disk outlives this version: if this changes, every entry is lost.
    assert summary_id(REQUEST, FAKE_INFO) == (
        "ed98382ab8883bdff8fb06a9c4fa28ba1c898f370999fc608b74e67056b8b823"
    )


@given(st.text(), st.text())
def test_ids_of_different_texts_differ(first: str, second: str) -> None:
    ids = [summary_id(SummaryRequest(Article(text)), FAKE_INFO) for text in (first, second)]
    assert (ids[0] == ids[1]) is (first == second)


def test_parts_do_not_run_into_each_other() -> None:
    one = SummaryRequest(Article("ab", title="c"))
    other = SummaryRequest(Article("a", title="bc"))
    assert summary_id(one, FAKE_INFO) != summary_id(other, FAKE_INFO)


@pytest.mark.parametrize(
    ("tag", "primary"),
    [("en", "en"), ("en-GB", "en"), ("zh-Hant-TW", "zh"), ("DE", "de"), (None, None)],
)
def test_models_know_languages_and_not_regions(tag: str | None, primary: str | None) -> None:
    assert primary_tag(tag) == primary


@pytest.mark.parametrize("language", "en de fr es it pt nl pl ru uk tr ar zh ja hi".split())
def test_the_disclosure_is_in_the_language_of_the_summary(language: str) -> None:
    sentence = disclosure(language)
    assert sentence == DISCLOSURES[language]
    assert sentence[-1] in ".。।"
    assert language == "en" or sentence != DISCLOSURES["en"]


def test_the_disclosure_of_other_languages_is_in_english() -> None:
    assert disclosure("xx") == DISCLOSURES["en"]
    assert disclosure("pt-BR") == DISCLOSURES["pt"]


def test_no_two_languages_share_a_disclosure() -> None:
    assert len(set(DISCLOSURES.values())) == len(DISCLOSURES)

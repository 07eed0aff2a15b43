import datetime
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eval import tables
from eval.datasets import build as build_dataset
from eval.extractive import at_random, lead
from eval.intervals import bootstrap_means
from eval.predictions import Prediction, PredictionSet
from eval.results import build, signature_line
from eval.scoring import ScoreTable, score
from models.errors import EvaluationError
from tests.eval import corpus

DATA = corpus.dataset()


def table_of(*systems: PredictionSet) -> ScoreTable:
    return score(DATA, systems)


def of(k: int) -> PredictionSet:
    system = lead(k)
    return PredictionSet(system.name, system.signature, tuple(system.summarise(DATA.examples)))


@pytest.fixture(scope="module")
def table() -> ScoreTable:
    random = at_random(2)
    refused = of(2).predictions[1:]
    partly = (Prediction("a0", DATA.examples[0].digest, "", error="Refused: no"), *refused)
    return table_of(
        of(1),
        PredictionSet("random-2", random.signature, tuple(random.summarise(DATA.examples))),
        PredictionSet("partly", {"options": {"kind": "tldr"}}, partly),
    )


@pytest.fixture(scope="module")
def results(table: ScoreTable) -> dict[str, Any]:
    return build(table, resamples=500)


def system(results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    (found,) = (one for one in results["systems"] if one["name"] == name)
    return dict(found)


def test_means_and_intervals_are_those_of_the_scores(
    table: ScoreTable, results: dict[str, Any]
) -> None:
    row = system(results, "lead-1")["metrics"]["rouge2_fmeasure"]
    column = table.column("lead-1", "rouge2_fmeasure")
    (interval,) = bootstrap_means(column[:, None], resamples=500)
    assert row["mean"] == pytest.approx(float(np.mean(column)), abs=1e-6)
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), abs=1e-6)
    assert row["n"] == 10


def test_a_refused_article_lowers_n_and_shows_in_the_refused_share(
    results: dict[str, Any],
) -> None:
    metrics = system(results, "partly")["metrics"]
    assert metrics["rouge1_fmeasure"]["n"] == 9
    assert metrics["refused"]["mean"] == 0.1
    pairs = [one for one in results["comparisons"] if one["second"] == "partly"]
    assert {one["n"] for one in pairs} == {9}


def test_every_pair_is_compared_on_every_tested_metric(results: dict[str, Any]) -> None:
    keys = {(one["metric"], one["first"], one["second"]) for one in results["comparisons"]}
    assert len(keys) == len(results["comparisons"]) == 3 * 4


def test_results_are_the_same_twice_and_are_json(table: ScoreTable) -> None:
    first, second = (json.dumps(build(table, resamples=300), allow_nan=False) for _ in range(2))
    assert first == second


def test_the_signature_names_all_that_changes_a_score(results: dict[str, Any]) -> None:
    line = system(results, "partly")["signature_line"]
    for part in (
        "n:9",
        "articles:10",
        f"data:{DATA.digest}",
        "rouge:inbrief, equal to rouge-score 0.1.2",
        "stemmer:porter",
        "tokenizer:ascii",
        "case:lower",
        "bootstrap:500",
        "seed:20040725",
        "system:partly",
        "options.kind:tldr",
    ):
        assert part in line.split("|"), part


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_input_tokens": None}, "none"),
        ({"max_input_tokens": 1024}, "selection"),
        ({"max_input_tokens": 1024, "truncation": "tail"}, "tail"),
        ({"command": "x"}, None),
    ],
)
def test_the_signature_says_what_becomes_of_long_articles(
    settings: Mapping[str, object], expected: str | None
) -> None:
    line = signature_line(table_of(replace(of(1), signature=settings)), "lead-1")
    found = [part for part in line.split("|") if part.startswith("truncation:")]
    assert found == ([f"truncation:{expected}"] if expected else [])


def test_the_signature_is_one_line_whatever_the_settings_hold() -> None:
    prompted = replace(of(1), signature={"prompt": "Summarise.\n\n{text}"})
    line = signature_line(table_of(prompted), "lead-1")
    assert "\n" not in line
    assert r"prompt:Summarise.\n\n{text}" in line


def test_slices_by_the_year_of_dates_as_text_and_as_dates() -> None:
    dates = ["2024-05-01", datetime.date(2025, 1, 2), datetime.datetime(2025, 1, 2, 3, 4), None, 7]
    dated = [
        replace(one, fields={"date": dates[index % 5]})
        for index, one in enumerate(corpus.examples(30))
    ]
    data = build_dataset("dated", dated)
    system_ = PredictionSet("lead-1", {}, tuple(lead(1).summarise(data.examples)))
    found = build(score(data, [system_]), resamples=50)["slices"]
    years = {one["value"]: one["n"] for one in found if one["slice"] == "date"}
    assert years == {"2024": 6, "2025": 12}


def test_slices_by_field_length_and_origin(results: dict[str, Any]) -> None:
    cuts = {(one["slice"], one["value"]): one["n"] for one in results["slices"]}
    assert cuts[("section", "local")] == cuts[("section", "business")] == 5
    for one in results["slices"]:
        assert set(one["systems"]) == {"lead-1", "random-2", "partly"}
        for row in one["systems"].values():
            assert row["rouge2_fmeasure"]["n"] <= one["n"]


def test_a_system_that_answers_nothing_is_an_error() -> None:
    refused = tuple(Prediction(one.id, one.digest, "", error="E") for one in DATA.examples)
    with pytest.raises(EvaluationError, match="none answered none of the articles; the first: E"):
        build(table_of(PredictionSet("none", {}, refused)), resamples=10)


def test_markdown_shows_n_and_signature_with_every_score(results: dict[str, Any]) -> None:
    timings = {"systems": {"lead-1": {"articles_per_second": 12.5, "median_seconds": 0.08}}}
    text = tables.markdown(results, timings)
    assert "| lead-1 (10) |" in text
    assert "| partly (9) |" in text
    assert "| 12.50 | 0.080 |" in text
    for one in results["systems"]:
        assert f"`{one['signature_line']}`" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in rows if line.startswith("| lead-1 (")}
    assert len(widths) == 1


def test_empty_summaries_stand_in_the_headline(results: dict[str, Any]) -> None:
    assert "empty" not in [one.name for one in tables.headline(results)]
    silent = tuple(Prediction(one.id, one.digest, "") for one in DATA.examples)
    found = build(table_of(PredictionSet("silent", {}, silent)), resamples=10)
    assert "empty" in [one.name for one in tables.headline(found)]
    assert "100.0 [100.0, 100.0]" in tables.markdown(found)


def test_articles_that_were_cut_are_counted(results: dict[str, Any]) -> None:
    answers = lead(1).summarise(DATA.examples)
    cut = tuple(replace(one, truncated=number < 3) for number, one in enumerate(answers))
    found = build(table_of(PredictionSet("short", {}, cut)), resamples=10)
    sentence = "Articles that were longer than the system reads, and cut: short 3."
    assert sentence in tables.markdown(found)
    assert sentence in tables.summary(found)
    assert "longer than the system" not in tables.markdown(results)


def test_csv_has_a_row_a_system_and_metric(results: dict[str, Any]) -> None:
    lines = tables.csv_text(results).splitlines()
    assert lines[0] == "system,metric,mean,low,high,n,data_digest,signature"
    assert len(lines) == 1 + sum(len(one["metrics"]) for one in results["systems"])


def test_the_verdict_of_a_difference() -> None:
    row = {"metric": "rouge1_fmeasure", "first": "a", "second": "b"}
    assert tables.verdict({**row, "difference": 0.1, "significant": True}) == "a is better"
    assert tables.verdict({**row, "difference": -0.1, "significant": True}) == "b is better"
    assert tables.verdict({**row, "difference": 0.1, "significant": False}) == "no difference shown"


def test_slices_of_few_articles_are_left_out() -> None:
    few = build_dataset("few", corpus.examples(3))
    system_ = PredictionSet("lead-1", {}, tuple(lead(1).summarise(few.examples)))
    assert build(score(few, [system_]), resamples=50)["slices"] == []


@pytest.mark.parametrize(
    ("name", "dates"),
    [
        ("date", ("2011-05-01", "2009-12-31")),
        ("pub_date", ("Sun, 01 May 2011 10:00 GMT", "Thu, 31 Dec 2009")),
        ("publish_date", ("5/1/2011", "31.12.2009")),
        ("published", ("20110501", "20091231")),
    ],
)
def test_years_stand_in_their_order_however_dates_are_written(
    name: str, dates: tuple[str, str]
) -> None:
    # More articles of 2011 than of 2009, and a text without a date.
    given = [dates[0]] * 8 + [dates[1]] * 6 + ["Room 120111"]
    dated = [
        replace(corpus.example(number), id=f"d{number}", fields={name: one})
        for number, one in enumerate(given)
    ]
    data = build_dataset("dated", dated)
    system_ = PredictionSet("lead-1", {}, tuple(lead(1).summarise(data.examples)))
    slices = build(score(data, [system_]), resamples=50)["slices"]
    years = [(one["value"], one["n"]) for one in slices if one["slice"] == "date"]
    assert years == [("2009", 6), ("2011", 8)]

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from eval.datasets import Example, build
from eval.extractive import lead, oracle
from eval.predictions import Prediction, PredictionSet
from eval.scoring import ScoreTable, score, write_scores
from models.errors import EvaluationError
from tests.eval import corpus

DATA = corpus.dataset()


def predictions(*summaries: str | None) -> PredictionSet:
    """Summaries for the first articles (None: refused), empty ones for the rest."""
    padded = [*summaries, *[""] * (len(DATA.examples) - len(summaries))]
    return PredictionSet(
        "mine",
        {},
        tuple(
            Prediction(example.id, example.digest, text or "", error="E" if text is None else None)
            for example, text in zip(DATA.examples, padded, strict=True)
        ),
    )


def of(k: int) -> PredictionSet:
    return PredictionSet(f"lead-{k}", {}, tuple(lead(k).summarise(DATA.examples)))


def test_rouge_is_that_of_rouge_score_called_directly() -> None:
    table = score(DATA, [of(2)])
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    for example, one, scored in zip(
        DATA.examples, of(2).predictions, table.rows["lead-2"], strict=True
    ):
        for name, values in scorer.score_multi(list(example.references), one.summary).items():
            assert scored.metrics[f"{name}_precision"] == values.precision
            assert scored.metrics[f"{name}_recall"] == values.recall
            assert scored.metrics[f"{name}_fmeasure"] == values.fmeasure


def test_processes_do_not_change_scores() -> None:
    many = build("many", [replace(one, id=f"{n}") for n, one in enumerate(corpus.examples(120))])
    system = PredictionSet("lead-1", {}, tuple(lead(1).summarise(many.examples)))
    other = PredictionSet("lead-2", {}, tuple(lead(2).summarise(many.examples)))
    assert score(many, [system, other], processes=2).rows == score(many, [system, other]).rows


def test_refused_articles_are_counted_and_not_scored() -> None:
    table = score(DATA, [predictions(None, "Larne pays for the repair of its harbour wall.")])
    assert table.column("mine", "refused").tolist() == [1.0] + [0.0] * 9
    column = table.column("mine", "rouge1_fmeasure")
    assert math.isnan(column[0])
    assert column[2] == 0.0  # an empty summary is an answer, and worth nothing
    assert table.column("mine", "empty")[2] == 1.0
    assert math.isnan(table.column("mine", "supported")[2])


def test_the_verifier_judges_every_system() -> None:
    invented = "Larne pays 99 billion dollars to Bob Stone of Geneva."
    table = score(DATA, [predictions(invented), of(1)])
    assert table.column("mine", "supported")[0] == 0.0
    assert table.rows["mine"][0].unsupported[0]
    assert (table.column("lead-1", "supported") == 1.0).all()


def test_positions_of_summaries_and_references() -> None:
    table = score(DATA, [of(3)])
    assert table.rows["lead-3"][0].positions == (0.0, 0.2, 0.4)
    assert table.column("lead-3", "lead_share")[0] == 1.0
    assert table.reference_positions[0] == (0.0, 0.2)


def test_the_oracle_is_better_than_any_lead() -> None:
    best = PredictionSet("oracle-2", {}, tuple(oracle(2).summarise(DATA.examples)))
    table = score(DATA, [best, of(1), of(2), of(3)])
    means = {
        one.system: table.column(one.system, "rouge2_fmeasure").mean() for one in table.systems
    }
    assert max(means, key=lambda name: means[name]) == "oracle-2"


def test_an_article_too_short_to_be_read_is_judged_by_its_words() -> None:
    data = build("short", [Example("a", "Too short.", None, ("Too short.",))])
    table = score(data, [PredictionSet("x", {}, (Prediction("a", "", "Too short."),))])
    assert table.column("x", "rouge1_fmeasure").tolist() == [1.0]
    assert math.isnan(table.column("x", "supported")[0])


def test_another_script_is_refused_by_name() -> None:
    russian = "Совет города проголосовал за ремонт."
    data = build("ru", [Example("a", russian, None, (russian,))])
    system = PredictionSet("x", {}, (Prediction("a", "", russian),))
    with pytest.raises(EvaluationError, match="reference of a: the ascii tokenizer"):
        score(data, [system])
    table = score(data, [system], tokenizer="unicode")
    english = build("e", [Example("a", "A wall is built.", None, ("A wall is built.",))])
    with pytest.raises(EvaluationError, match="mine: the summary of a: the ascii tokenizer"):
        score(english, [replace(system, system="mine")])
    assert table.column("x", "rougeLsum_fmeasure").tolist() == [1.0]


def test_two_systems_of_one_name_are_refused() -> None:
    with pytest.raises(EvaluationError, match="same name"):
        score(DATA, [of(1), of(1)])


def test_scores_on_disk(tmp_path: Path) -> None:
    table: ScoreTable = score(DATA, [of(1), predictions(None)])
    write_scores(tmp_path / "scores.jsonl", table)
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert len(rows) == 20
    assert rows[10] == {"id": "a0", "system": "mine", "refused": 1.0}
    ours = table.column("lead-1", "rouge1_fmeasure")
    assert np.allclose([row["rouge1_fmeasure"] for row in rows[:10]], ours, atol=1e-6)

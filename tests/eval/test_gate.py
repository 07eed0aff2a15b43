import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import gate
from eval.datasets import BUNDLED, SEEDS, join, load
from eval.extractive import at_random, lead
from eval.predictions import PredictionSet
from eval.scoring import ScoreTable, score
from eval.systems import System
from models.errors import EvaluationError
from tests.eval import corpus


def table_of(
    system: System, name: str = "mine", count: int = 10, stemmer: bool = True
) -> ScoreTable:
    data = corpus.dataset(count)
    predictions = tuple(system.summarise(data.examples))
    return score(data, [PredictionSet(name, {}, predictions)], stemmer=stemmer)


@pytest.fixture(scope="module")
def good() -> ScoreTable:
    return table_of(lead(2))


@pytest.fixture(scope="module")
def poor() -> ScoreTable:
    return table_of(at_random(2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def test_what_set_the_floors_holds_them(path: Path, good: ScoreTable) -> None:
    baseline = gate.update(path, good)
    assert gate.check(good, gate.read(path)) == []
    mean = gate.means(good)["mine"]["rouge2_fmeasure"]
    assert mean - gate.SLACK - 1e-4 <= baseline["floors"]["mine"]["rouge2_fmeasure"] < mean
    assert baseline["floors"]["mine"]["refused"] == 0.0


def test_worse_scores_breach_the_floors(path: Path, good: ScoreTable, poor: ScoreTable) -> None:
    gate.update(path, good)
    breaches = {one.metric: one for one in gate.check(poor, gate.read(path))}
    assert {"rouge1_fmeasure", "rouge2_fmeasure", "rougeLsum_fmeasure"} <= set(breaches)
    assert "mine: ROUGE-2 F" in str(breaches["rouge2_fmeasure"])
    assert "below its floor" in str(breaches["rouge2_fmeasure"])
    assert str(breaches["rouge2_fmeasure"]).endswith("(n 10)")


def test_more_refusals_breach_the_ceiling(path: Path, good: ScoreTable) -> None:
    baseline = gate.update(path, good)
    baseline["floors"]["mine"] = {"refused": -0.1}
    (breach,) = gate.check(good, baseline)
    assert "refused 0.00 is above its ceiling" in str(breach)


def test_floors_rise_freely_and_fall_only_on_purpose(
    path: Path, good: ScoreTable, poor: ScoreTable
) -> None:
    gate.update(path, poor)
    low = gate.read(path)["floors"]["mine"]["rouge2_fmeasure"]
    gate.update(path, good)
    high = gate.read(path)["floors"]["mine"]["rouge2_fmeasure"]
    assert high > low
    with pytest.raises(EvaluationError, match=r"would lower \d floors .*--allow-regression"):
        gate.update(path, poor)
    assert gate.read(path)["floors"]["mine"]["rouge2_fmeasure"] == high
    gate.update(path, poor, allow_regression=True)
    assert gate.read(path)["floors"]["mine"]["rouge2_fmeasure"] == low


def test_a_floor_whose_metric_is_gone_is_a_lowered_floor(path: Path, good: ScoreTable) -> None:
    gate.update(path, good)
    rows = tuple(
        replace(one, metrics={name: v for name, v in one.metrics.items() if name != "complete"})
        for one in good.rows["mine"]
    )
    without = replace(good, rows={"mine": rows})
    with pytest.raises(EvaluationError, match=r"would lower 1 floors \(mine complete sentences"):
        gate.update(path, without)


def test_floors_of_other_systems_stay(path: Path, good: ScoreTable) -> None:
    gate.update(path, good)
    gate.update(path, table_of(lead(1), "other"))
    assert sorted(gate.read(path)["floors"]) == ["mine", "other"]
    with pytest.raises(EvaluationError, match="floors for other, which was not run"):
        gate.check(good, gate.read(path))


def test_other_data_or_another_ruler_is_no_comparison(path: Path, good: ScoreTable) -> None:
    gate.update(path, good)
    other = table_of(lead(2), count=9)
    with pytest.raises(EvaluationError, match="measured with other data"):
        gate.check(other, gate.read(path))
    with pytest.raises(EvaluationError, match="measured with another ruler"):
        gate.check(table_of(lead(2), stemmer=False), gate.read(path))
    with pytest.raises(EvaluationError, match="data or the ruler changed"):
        gate.update(path, other)
    gate.update(path, other, allow_regression=True)
    assert gate.check(other, gate.read(path)) == []


def test_a_baseline_that_cannot_be_read(path: Path) -> None:
    with pytest.raises(EvaluationError, match="does not exist"):
        gate.read(path)
    path.write_text(json.dumps({"schema": 99}))
    with pytest.raises(EvaluationError, match="another version"):
        gate.read(path)
    path.write_text("{")
    with pytest.raises(EvaluationError, match="damaged"):
        gate.read(path)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"floors": {}}, "it needs a digest, rouge and floors"),
        ({"digest": None}, ""),
        ({"floors": {"mine": 0.4}}, "mine has no floor in ''"),
        ({"floors": {"mine": {"rouge9": 0.4}}}, "mine has no floor in 'rouge9'"),
        ({"floors": {"mine": {"refused": "none"}}}, "mine has no floor in 'refused'"),
    ],
)
def test_a_damaged_baseline_holds_nothing(
    path: Path, good: ScoreTable, part: dict[str, object], message: str
) -> None:
    baseline = {**gate.update(path, good), **part}
    path.write_text(json.dumps({name: v for name, v in baseline.items() if v is not None}))
    with pytest.raises(EvaluationError, match=f"is damaged.*{message}"):
        gate.read(path)


def test_the_baseline_in_the_repository_is_of_its_own_data() -> None:
    bundled = load(str(BUNDLED), reference="key_points")
    data = join(bundled, load(str(SEEDS), reference="key_points"))
    baseline = gate.read()
    assert baseline["digest"] == data.digest, "run `inbrief-eval gate --update`"
    system = lead(3)
    predictions = PredictionSet("lead-3", {}, tuple(system.summarise(data.examples)))
    own = {**baseline, "floors": {"lead-3": baseline["floors"]["lead-3"]}}
    assert gate.check(score(data, [predictions]), own) == []

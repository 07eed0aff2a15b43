import json
from pathlib import Path

import pytest

from eval import results, runs
from eval.compare import compare, markdown
from eval.datasets import Dataset
from eval.extractive import at_random, lead
from eval.generate import generate
from eval.scoring import score
from eval.systems import System
from models.errors import EvaluationError
from tests.eval import corpus

DATA = corpus.dataset()


def finished(directory: Path, *systems: System, data: Dataset = DATA, stemmer: bool = True) -> Path:
    table = score(data, [generate(one, data, directory) for one in systems], stemmer=stemmer)
    runs.finish(directory, table, results.build(table, resamples=50))
    return directory


def labelled(system: System, name: str) -> System:
    system.name = name
    return system


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("good"), labelled(lead(2), "mine"))


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("poor")
    return finished(directory, labelled(at_random(2), "mine"), lead(1))


def copied(run: Path, to: Path) -> Path:
    for name in ("results.json", "scores.jsonl"):
        (to / name).write_bytes((run / name).read_bytes())
    return to


def test_a_run_is_no_different_from_itself(good: Path) -> None:
    rows = compare(good, good)["comparisons"]
    assert {one["difference"] for one in rows} == {0.0}
    assert {one["p_holm"] for one in rows} == {1.0}


def test_a_better_run_is_found_better(poor: Path, good: Path) -> None:
    found = compare(poor, good)
    (row,) = (one for one in found["comparisons"] if one["metric"] == "rouge2_fmeasure")
    assert row["difference"] > 0.1
    assert row["significant"]
    assert row["n"] == 10
    text = markdown(found)
    assert "| mine | ROUGE-2 F |" in text
    assert "| better |" in text
    assert "n:10|articles:10|data:" in text
    back = compare(good, poor)["comparisons"]
    assert back[0]["difference"] == -found["comparisons"][0]["difference"]


def test_systems_of_other_names_can_be_paired(poor: Path, good: Path) -> None:
    found = compare(good, poor, systems=[("mine", "lead-1")])
    assert {(one["first"], one["second"]) for one in found["comparisons"]} == {("lead-1", "mine")}
    with pytest.raises(EvaluationError, match="has no system 'other'"):
        compare(good, poor, systems=[("mine", "other")])


def test_other_data_is_refused(tmp_path: Path, good: Path) -> None:
    other = finished(tmp_path, labelled(lead(2), "mine"), data=corpus.dataset(9))
    with pytest.raises(EvaluationError, match="made on other data"):
        compare(good, other)


def test_another_ruler_is_refused(tmp_path: Path, good: Path) -> None:
    other = finished(tmp_path, labelled(lead(2), "mine"), stemmer=False)
    with pytest.raises(EvaluationError, match=r"scored differently \(rouge\)"):
        compare(good, other)


def test_no_system_in_common(tmp_path: Path, good: Path) -> None:
    other = finished(tmp_path, lead(1))
    with pytest.raises(EvaluationError, match="no system in common: mine and lead-1"):
        compare(good, other)


def test_damaged_scores_are_refused(tmp_path: Path, good: Path) -> None:
    run = copied(good, tmp_path)
    lines = (run / "scores.jsonl").read_text().splitlines(keepends=True)
    row = json.loads(lines[0])
    for content, message in (
        ("".join(lines[:-1]), "9 of the 10 articles of mine"),
        ("".join(lines) + lines[0], "'a0' of mine more than once"),
        ("".join(lines)[:-30], "damaged. Line 10"),
        (json.dumps({**row, "rouge1_fmeasure": float("nan")}) + "\n", "NaN is not JSON"),
        (json.dumps({**row, "rouge1_fmeasure": "high"}) + "\n", "is not a number"),
        (json.dumps({**row, "system": "other"}) + "\n", "results.json has not"),
    ):
        (run / "scores.jsonl").write_text(content)
        with pytest.raises(EvaluationError, match=message):
            compare(good, run)


def test_a_directory_that_is_no_run(tmp_path: Path, good: Path) -> None:
    with pytest.raises(EvaluationError, match="is this the directory of a run"):
        compare(good, tmp_path)
    (tmp_path / "results.json").write_text('{"schema": 0}')
    with pytest.raises(EvaluationError, match="of another version"):
        compare(good, tmp_path)

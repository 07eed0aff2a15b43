import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.datasets import Example
from eval.external import PredictionsFile
from eval.extractive import Extractive, lead
from eval.generate import generate, seconds_by_id
from eval.predictions import Prediction
from models.errors import EvaluationError
from tests.eval import corpus

DATA = corpus.dataset()


class Stopping(Extractive):
    """Lead-2 that is stopped, as by a kill, after some articles; counts what it was asked."""

    def __init__(self, after: int) -> None:
        whole = lead(2)
        super().__init__(whole.name, whole._choose, {})
        self.left = after
        self.asked: list[str] = []

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.asked += [one.id for one in examples]
        return super().summarise(examples)


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Stopping(after=4)
    with pytest.raises(KeyboardInterrupt):
        generate(first, DATA, tmp_path / "stopped")
    path = tmp_path / "stopped/predictions/lead-2.jsonl"
    path.write_bytes(path.read_bytes()[:-20])  # cut off in the middle of a row
    second = Stopping(after=100)
    continued = generate(second, DATA, tmp_path / "stopped")
    assert first.asked == [f"a{number}" for number in range(4)]
    assert second.asked == [f"a{number}" for number in range(3, 10)]
    whole = generate(lead(2), DATA, tmp_path / "whole")
    assert continued.predictions == whole.predictions
    assert path.read_bytes() == (tmp_path / "whole/predictions/lead-2.jsonl").read_bytes()


def test_a_finished_run_asks_nothing_again(tmp_path: Path) -> None:
    generate(lead(2), DATA, tmp_path)
    again = Stopping(after=0)
    assert len(generate(again, DATA, tmp_path).predictions) == 10


def test_predictions_of_other_data_or_settings_are_not_mixed(tmp_path: Path) -> None:
    generate(lead(2), DATA, tmp_path)
    with pytest.raises(EvaluationError, match="from other data"):
        generate(lead(2), corpus.dataset(9), tmp_path)
    other = lead(3)
    other.name = "lead-2"
    other.signature = {"documents": "another"}
    with pytest.raises(EvaluationError, match="from other settings"):
        generate(other, DATA, tmp_path)


def test_each_article_is_timed(tmp_path: Path) -> None:
    generate(lead(2), DATA, tmp_path)
    seconds = seconds_by_id(tmp_path, "lead-2")
    assert list(seconds) == [one.id for one in DATA.examples]
    assert all(value > 0 for value in seconds.values())
    assert "seconds" not in (tmp_path / "predictions/lead-2.jsonl").read_text()


def test_timings_cut_off_by_a_kill_are_no_obstacle(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate(Stopping(after=4), DATA, tmp_path)
    timings = tmp_path / "predictions/lead-2.timings.jsonl"
    timings.write_bytes(timings.read_bytes()[:-9])
    assert list(seconds_by_id(tmp_path, "lead-2")) == ["a0", "a1", "a2"]
    generate(Stopping(after=100), DATA, tmp_path)
    ids = [one.id for one in DATA.examples if one.id != "a3"]
    assert list(seconds_by_id(tmp_path, "lead-2")) == ids


def test_reading_a_file_of_summaries_is_not_timed(tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": one.id, "summary": one.summary}) + "\n"
            for one in lead(1).summarise(DATA.examples)
        )
    )
    generate(PredictionsFile("theirs", path), DATA, tmp_path)
    assert seconds_by_id(tmp_path, "theirs") == {}


def test_finished_predictions_that_were_changed_are_not_taken_for_the_systems(
    tmp_path: Path,
) -> None:
    generate(lead(2), DATA, tmp_path)
    path = tmp_path / "predictions/lead-2.jsonl"
    path.write_bytes(path.read_bytes().replace(b"council", b"parliament"))
    with pytest.raises(EvaluationError, match="was changed after it was written"):
        generate(lead(2), DATA, tmp_path)
    path.unlink()
    assert generate(lead(2), DATA, tmp_path).predictions == tuple(lead(2).summarise(DATA.examples))


def test_a_system_that_answers_for_others_is_refused(tmp_path: Path) -> None:
    class Confused(Extractive):
        def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
            return super().summarise(examples)[::-1]

    system = Confused("confused", lead(1)._choose, {})
    system.batch_size = None
    with pytest.raises(EvaluationError, match="not those of the articles asked"):
        generate(system, DATA, tmp_path)


def test_the_meta_file_says_what_was_run(tmp_path: Path) -> None:
    generate(lead(2), DATA, tmp_path)
    meta = json.loads((tmp_path / "predictions/lead-2.meta.json").read_text())
    assert meta["system"] == "lead-2"
    assert meta["data_digest"] == DATA.digest
    assert meta["articles"] == 10


class Patient(Extractive):
    """Lead-2 that says it was told to wait all day."""

    def __init__(self) -> None:
        super().__init__("lead-2", lead(2)._choose, {})
        self.waited_seconds = 0.0

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        self.waited_seconds += 86_400.0
        return super().summarise(examples)


def test_waiting_is_no_work(tmp_path: Path) -> None:
    generate(Patient(), DATA, tmp_path)
    assert set(seconds_by_id(tmp_path, "lead-2").values()) == {0.0}

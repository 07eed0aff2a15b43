import re
from pathlib import Path

import numpy as np
import pytest

from eval.extractive import lead
from eval.predictions import Prediction, PredictionSet
from eval.results import signature_line
from eval.scoring import score
from eval.similarity import PACKAGE, Encoder, default_directory, with_similarity
from models.errors import ModelNotFound
from tests.eval import corpus

pytest.importorskip(PACKAGE, reason="the sentence encoder comes with the train extra")


def test_loading_writes_nothing_where_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    Encoder(default_directory())
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(default_directory())


def test_meaning_counts_and_not_the_words(encoder: Encoder) -> None:
    first, near, far = encoder.encode(
        [
            "The town will repair its harbour.",
            "The port is to be rebuilt by the council.",
            "A singer released a new record.",
        ]
    )
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    assert first @ near > first @ far + 0.2


def test_a_text_alone_or_among_others_is_the_same(encoder: Encoder) -> None:
    texts = [one.text for one in corpus.examples(3)] + ["Short."]
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert np.allclose(encoder.encode([text])[0], vector, atol=1e-5)


def test_similarity_is_a_column_of_the_table(encoder: Encoder) -> None:
    data = corpus.dataset(4)
    first = data.examples[0]
    same = Prediction("a0", "", first.references[0])
    refused = Prediction("a1", "", "", error="E")
    rest = lead(2).summarise(data.examples[3:])
    answers = (same, refused, Prediction("a2", "", ""), *rest)
    table = with_similarity(score(data, [PredictionSet("mine", {}, answers)]), encoder)
    column = table.column("mine", "similarity")
    assert column[0] == pytest.approx(1.0, abs=1e-3)
    assert np.isnan(column[1])
    assert column[2] == 0.0
    assert 0.3 < column[3] < 1.0
    assert "similarity" in table.metrics
    line = signature_line(table, "mine")
    assert f"similarity:{encoder.signature}" in line.split("|")
    assert re.search(r"model [0-9a-f]{12}, 256 pieces$", encoder.signature)


def test_a_directory_without_an_encoder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="holds no sentence encoder"):
        Encoder(tmp_path)

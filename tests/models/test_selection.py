from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.errors import CorruptModel, ModelNotFound
from models.selection import FEATURES, Selector, describe, distinct, ranked
from tests.models.tiny_salience import MAX_SENTENCES, save_tiny_salience

ARTICLE = [
    "The council of Milton voted on Tuesday to close the old swimming pool in June.",
    "It said repairs would cost 2.4 million pounds, more than it spends on libraries.",
    '"We learned to swim there," said Ann Reed, who has swum in the pool for 40 years.',
    "Will the town miss it?",
    "A petition against the closure has 5,000 names.",
]


@pytest.fixture(scope="module")
def selector(tmp_path_factory: pytest.TempPathFactory) -> Selector:
    return Selector.load(save_tiny_salience(tmp_path_factory.mktemp("salience")))


def test_embeddings_have_unit_length_and_nothing_to_embed_is_zero(selector: Selector) -> None:
    embeddings = selector.embed([*ARTICLE, ""])

    np.testing.assert_allclose(np.linalg.norm(embeddings[:-1], axis=1), 1, rtol=1e-5)
    assert not embeddings[-1].any()


def test_an_article_scores_alike_alone_and_in_any_batch(selector: Selector) -> None:
    others = [ARTICLE[::-1], ARTICLE[:2] * 11, ARTICLE[1:]]

    alone = selector.score([ARTICLE])[0]
    together = selector.score([others[0], ARTICLE, *others[1:]])[1]

    np.testing.assert_array_equal(alone, together)


def test_every_sentence_of_a_long_article_gets_a_score(selector: Selector) -> None:
    article = [f"Sentence {index} speaks of {index * 7} ships." for index in range(51)]

    scores = selector.score([article])[0]

    assert scores.shape == (51,)
    assert np.isfinite(scores).all()
    assert len(set(scores[-(51 % MAX_SENTENCES) :].tolist())) > 1


def test_features_tell_place_and_wording(selector: Selector) -> None:
    table = describe(ARTICLE, selector.embed(ARTICLE))

    assert table.shape == (len(ARTICLE), FEATURES)
    assert table[:, 0].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert table[:, 16].tolist() == [0, 1, 1, 0, 0]  # begins with a pronoun
    assert table[:, 17].tolist() == [0, 0, 1, 0, 0]  # quotes
    assert table[:, 19].tolist() == [0, 0, 0, 1, 0]  # asks
    assert table[1, 14] > table[0, 14] == 0  # digits


def test_a_single_sentence_has_features(selector: Selector) -> None:
    assert np.isfinite(describe(ARTICLE[:1], selector.embed(ARTICLE[:1]))).all()


def test_ties_rank_in_reading_order() -> None:
    assert ranked(np.array([1, 3, 3, 2], np.float32)) == [1, 2, 3, 0]


def test_what_repeats_three_words_of_a_better_sentence_is_passed_over() -> None:
    sentences = ["The pool will close in June.", "In June the pool will shut.", "Rain is due."]

    assert distinct([0, 1, 2], sentences, 2) == [0, 2]
    assert distinct([1, 0, 2], sentences, 3) == [1, 2]


def test_a_missing_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    directory = save_tiny_salience(tmp_path / "model")
    (directory / "salience.safetensors").write_bytes(b"not tensors")
    with pytest.raises(CorruptModel, match="salience"):
        Selector.load(directory)
    (directory / "salience.json").unlink()
    with pytest.raises(ModelNotFound, match=r"salience\.json"):
        Selector.load(directory)

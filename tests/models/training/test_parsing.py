from __future__ import annotations

import pytest

from models.errors import MissingDependency
from models.training.parsing import SpacyParser, split_contractions


def test_contractions_are_two_tokens_of_one_word() -> None:
    texts, spaces, words = split_contractions("He didn't stay, they've said.")

    assert texts == ["He", "did", "n't", "stay", ",", "they", "'ve", "said", "."]
    assert words == [0, 1, 1, 2, 3, 4, 4, 5, None]
    assert spaces == [True, False, True, False, True, False, True, False, False]


def test_a_pipeline_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingDependency, match=r"spacy|pipeline"):
        SpacyParser("no_such_pipeline")

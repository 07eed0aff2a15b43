from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.words import content, fold, stem, tokens


@pytest.mark.parametrize(
    ("word", "folded"),
    [("U.S.", "us"), ("U.S", "us"), ("Café", "cafe"), ("Putin’s", "putin"), ("dogs'", "dogs"),
     ("O'Neill", "oneill"), ("1.5", "1.5"), ("ﬁre", "fire"), ("STRASSE", "strasse")],
)  # fmt: skip
def test_folding(word: str, folded: str) -> None:
    assert fold(word) == folded


@pytest.mark.parametrize(
    "group",
    ["kill kills killed killing", "agree agrees agreed", "stop stopped stopping", "party parties",
     "spoke spoken speak", "win won winning", "regard regarded", "plan plans planned planning",
     "child children", "die died dying"],
)  # fmt: skip
def test_inflections_share_a_stem(group: str) -> None:
    assert len({stem(fold(word)) for word in group.split()}) == 1


def test_different_words_keep_different_stems() -> None:
    assert len({stem(word) for word in "police policy party part news new wins wind".split()}) == 8


def test_tokens_part_compounds_and_unspaced_scripts() -> None:
    assert tokens("The Anglo-French al-Assad’s 2-1 win, 今日") == [
        "the", "anglo", "french", "al", "assad", "2", "1", "win", "今", "日",
    ]  # fmt: skip


def test_content_leaves_function_words_out() -> None:
    assert content(tokens("The mayor has spoken of it")) == ["mayor", "speak"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100))
def test_any_text_has_tokens_without_spaces(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not any(character.isspace() for character in token)
        assert stem(token)

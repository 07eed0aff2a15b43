"""Sources as features: every slot is a word of its text, and padding is marked."""

from __future__ import annotations

import pytest

from models.rewriter_input import (
    MAX_CONTEXT_PIECES,
    MAX_SENTENCE_PIECES,
    Featuriser,
    RewriteInput,
    calls_for_context,
    collate,
    length_class,
)
from tests.models.tiny_rewriter import tiny_tokenizer

ITEM = RewriteInput(
    "She paid $1.2m to O'Neill's firm.", "Ana Silva sold it.", "A firm in Oslo grew.", words=10
)


@pytest.fixture
def featuriser() -> Featuriser:
    return Featuriser(tiny_tokenizer())


def test_each_slot_is_the_first_piece_of_its_word(featuriser: Featuriser) -> None:
    (found,) = featuriser.features([ITEM])
    vocabulary = {i: piece for piece, i in featuriser.tokenizer.get_vocab().items()}
    for slot, word in enumerate(found.words):
        piece = vocabulary[found.pieces[found.slots[slot]]]
        if word is None:
            assert piece in {"[CLS]", "[SEP]"}
        else:
            assert word.text.lower().startswith(piece)
            text = found.texts[found.word_parts[slot]]
            assert text[word.start : word.end] == word.text


def test_the_target_starts_after_its_mark_and_loses_its_full_stop(featuriser: Featuriser) -> None:
    (found,) = featuriser.features([ITEM])
    words = [word.text for word in found.words[found.start :] if word]
    assert words == ["She", "paid", "$1.2m", "to", "O'Neill", "'s", "firm"]
    assert found.words[found.start] is None
    assert set(found.word_parts[found.start + 1 :]) == {2}


def test_long_texts_keep_whole_words_within_their_windows(featuriser: Featuriser) -> None:
    (found,) = featuriser.features([RewriteInput("abc " * 300, "de " * 99, "fgh " * 99)])
    assert len(found.pieces) <= MAX_SENTENCE_PIECES + 2 * MAX_CONTEXT_PIECES + 4
    assert max(found.slots) < len(found.pieces)
    assert [word.text for word in found.words if word][-1] == "abc"


def test_lengths_fall_into_classes() -> None:
    assert [length_class(words) for words in (None, 1, 8, 9, 12, 20, 25, 26, 90)] == [
        0, 1, 1, 2, 2, 4, 5, 6, 6,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "called_for"),
    [
        ("He was arrested on Monday.", True),
        ("On Monday, police arrested his brother.", True),
        ("Tom Becker runs a bakery near the bridge.", False),
        ("", False),
    ],
)
def test_pronouns_call_for_context(sentence: str, called_for: bool) -> None:
    assert calls_for_context(sentence) is called_for


def test_a_batch_is_padded_and_says_where(featuriser: Featuriser) -> None:
    short, long = featuriser.features([RewriteInput("It fell."), ITEM])
    source = collate([short, long], multiple=16)
    assert source.pieces.shape[1] % 16 == 0
    assert source.slots.shape[1] % 16 == 0
    assert source.piece_mask.sum(1).tolist() == [len(short.pieces), len(long.pieces)]
    assert source.slot_mask.sum(1).tolist() == [len(short.slots), len(long.slots)]
    assert source.copyable.sum(1).tolist() == [
        sum(word is not None for word in one.words) for one in (short, long)
    ]
    assert source.length.tolist() == [0, 2]

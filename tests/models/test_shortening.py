from __future__ import annotations

from models.shortening import Shortening, sentence_words
from tests.models.shortenings import shortening


def test_places_count_words_and_marks_without_the_full_stop() -> None:
    words = sentence_words("The Jones boys’ dog, 4, barked.")

    assert [word.text for word in words] == [
        "The", "Jones", "boys", "’", "dog", ",", "4", ",", "barked",
    ]  # fmt: skip


def test_order_and_wholeness() -> None:
    sentence = "A dog barked."

    whole = shortening(sentence, "A dog barked.")
    part = shortening(sentence, "dog barked.")

    assert whole.in_order
    assert whole.is_whole
    assert part.in_order
    assert not part.is_whole
    assert not Shortening(sentence, ("barked", "dog"), (2, 1)).in_order
    assert not Shortening(sentence, ("dog", "dog"), (1, 1)).in_order
    assert not Shortening(sentence, ("he",), (None,)).in_order
    assert not Shortening(sentence, ("cat",), (7,)).in_order

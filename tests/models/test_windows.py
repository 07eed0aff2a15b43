from __future__ import annotations

import time

from models import windows

SENTENCES = [
    "The council voted to close the bridge.",
    "Lunch was served.",
    "The bridge will stay closed while the council repairs the bridge.",
    "Rain is expected at the weekend in the north.",
    "The council said repairs of the bridge cost four million.",
]


def test_central_sentences_rank_above_others_and_the_first_leads() -> None:
    ranking = windows.rank(SENTENCES)
    assert ranking[0] == 0
    assert set(ranking[1:3]) == {2, 4}


def test_everything_is_read_when_it_fits() -> None:
    assert windows.fit([5, 5, 5], [0, 2, 1], 15) == (0, 1, 2)


def test_the_best_that_fit_are_read_in_their_own_order() -> None:
    assert windows.fit([5, 5, 9, 5], [0, 2, 3, 1], 15) == (0, 2)
    assert windows.fit([5, 5, 20, 5], [0, 2, 3, 1], 15) == (0, 1, 3)


def test_the_best_sentence_is_read_even_when_it_alone_is_too_long() -> None:
    assert windows.fit([50, 5], [0, 1], 15) == (0,)


def test_words_in_scripts_without_spaces_and_sentences_without_words_do_not_fail() -> None:
    assert windows.rank(["今天天气很好。", "...", "東京で会議。"])[0] == 0
    assert windows.rank([]) == []


def test_a_long_article_is_ranked_in_linear_time() -> None:
    def seconds(count: int) -> float:
        sentences = [f"Word{i % 997} council bridge number {i} closed today." for i in range(count)]
        began = time.process_time()
        windows.rank(sentences)
        return time.process_time() - began

    seconds(500)
    assert seconds(16_000) < 12 * max(seconds(4_000), 0.01)

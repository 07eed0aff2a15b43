from __future__ import annotations

import pytest

from models.fluency import breaks_off

SOURCE = (
    "Ben Youngs has challenged England to set the standard in their last two competitive "
    "Twickenham fixtures before hosting the showdown, which left a football fan critically ill."
)


@pytest.mark.parametrize(
    "whole",
    [
        SOURCE,
        "Ben Youngs has challenged England to set the standard.",
        "Ben Youngs has challenged England to set the standard in their last two fixtures.",
        "Youngs has challenged England before hosting the showdown.",
        "The showdown left a fan critically ill.",
        "He thinks that England can win.",
    ],
)
def test_a_sentence_may_end_where_a_phrase_ends(whole: str) -> None:
    assert not breaks_off(whole, SOURCE)


@pytest.mark.parametrize(
    "broken",
    [
        "Ben Youngs has challenged England to set the standard in their last two competitive.",
        "Youngs has challenged England in their last two competitive Twickenham.",
        "The showdown, which left a football fan.",
        "Ben Youngs has challenged England to set the.",
        "Ben Youngs has challenged England and.",
        "…",
    ],
)
def test_inside_a_phrase_it_breaks_off(broken: str) -> None:
    assert breaks_off(broken, SOURCE)


def test_what_no_sentence_ends_with_may_end_one_that_the_source_ends_so() -> None:
    assert not breaks_off("It is what she asked for.", "It is, he said, what she asked for.")

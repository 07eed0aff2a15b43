from __future__ import annotations

import pytest

from models.fluency import breaks_off, has_verb, in_order

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


def test_words_of_the_source_stand_in_its_order() -> None:
    source = "On Monday the leader of Russia, Vladimir Putin, spoke to the leader of Belarus."

    assert in_order("The leader of Russia spoke to the leader of Belarus.", source)
    assert in_order("Putin calls the leader of Belarus", source)
    assert not in_order("Russia, Vladimir Putin leader of Monday", source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rosberg to renew championship battle", True),
        ("Man charged with murder", True),
        ("Putin calls Lukashenko", True),
        ("Will it rain again?", True),
        ("Russia and Belarus, Vladimir Putin and Alexander Lukashenko", False),
        ("The Ed Sheeran album", False),
    ],
)
def test_a_list_of_names_has_no_verb(text: str, expected: bool) -> None:
    assert has_verb(text) is expected

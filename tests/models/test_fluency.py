from __future__ import annotations

import pytest

from models.fluency import (
    breaks_off,
    has_verb,
    in_order,
    is_sound,
    is_unbalanced,
    lacks_main_clause,
    stutters,
)

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


@pytest.mark.parametrize(
    ("rewrite", "source"),
    [
        (
            "In the midst of the shouting over the new law, which many fear.",
            "In the midst of the shouting over the new law, which many fear, churches stay silent.",
        ),
        (
            "Changes to the Housing Act in Wales, introduced in 2015.",
            "Changes to the Housing Act in Wales, introduced in 2015, have ended the practice.",
        ),
        (
            "The tournament tips off this month, leaders would be wise to wait.",
            "As the tournament tips off this month, leaders would be wise to wait.",
        ),
        (
            "The government is so anxious about the implosion.",
            "The government is so anxious about the implosion that it closed roads.",
        ),
    ],
    ids=["opening only", "subject only", "dropped as", "so without that"],
)
def test_without_its_main_clause_it_is_no_sentence(rewrite: str, source: str) -> None:
    assert lacks_main_clause(rewrite, source)
    assert not is_sound(rewrite, source)


@pytest.mark.parametrize(
    ("rewrite", "source"),
    [
        ("Two men were held on Friday.", "Two men were held on Friday, police said."),
        (
            "In June, the town will close the pool.",
            "In June, the town will close the pool, which leaks.",
        ),
        ("The pool will close.", "As it leaks, the pool will close, the mayor said."),
    ],
)
def test_with_it_a_sentence_may_be_short(rewrite: str, source: str) -> None:
    assert not lacks_main_clause(rewrite, source)
    assert is_sound(rewrite, source)


def test_quotations_and_brackets_close_and_words_do_not_repeat() -> None:
    assert is_unbalanced("“I'm truly excited, he said.")
    assert is_unbalanced('Another conservative "victory')
    assert is_unbalanced("The bank (BPA was closed.")
    assert is_unbalanced("The charge claims that players surrounded 'and/or became involved.")
    assert not is_unbalanced("“It leaks,” she said (twice).")
    assert not is_unbalanced("It's the players' “ball”, 'for now', he said.")
    assert not is_sound("He has set sights on' 1,2 and 3.", "He has set sights on '1,2 and 3'.")
    assert stutters("It sold 100 million albums, says says the label.")
    assert not stutters("He said that that day he had had enough.")
